"""The runner: the process that performs one run, started by `tui.runbook.launch`, outliving the terminal.

It reads one RunOrder from standard input, says in one line on standard output whether it has begun, and from then on is
heard only through the journal and its control socket.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import logging
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from tui.errors import OperatorError
from tui.remote.redaction import RedactingFilter, Redactor
from tui.runbook.control import ControlServer, Reply, Request, error_parts, socket_places
from tui.runbook.control_desk import Attendance, ControlRefused, Desk
from tui.runbook.engine import Engine
from tui.runbook.engine_step import unexpected
from tui.runbook.journal import Journal, JournalError, RecordKind
from tui.runbook.journal_sqlite import SqliteJournal, open_journal
from tui.runbook.locks import RunLock, own_identity
from tui.runbook.model import HostVerdict, RunState
from tui.runbook.order import RunOrder
from tui.runbook.run_view import RunHistory
from tui.runbook.stages import Procedure

_LOG = logging.getLogger(__name__)

BuildProcedure = Callable[[RunOrder, Journal], Procedure]


class RunRefused(OperatorError):
    """A run that must not be begun as things are."""


@dataclass(frozen=True, slots=True)
class _Run:
    """What a run in progress holds."""

    order: RunOrder
    cluster: str
    journal: SqliteJournal
    desk: Desk


def main(arguments: Sequence[str]) -> int:
    """Perform the run that standard input orders; exit status 0 when it came to its end, 1 when not, 3 when it never began."""
    _harden()
    tell = _take_over_stdout()
    signals = _signal_pipe()
    try:
        build = _builder(arguments)
        order = _read_order()
        redactor = Redactor(order.access.secrets)
        _mask_errors(redactor)
        with _begin(order, redactor) as run:
            tell({"ok": True})
            threading.Thread(target=_leave_on, args=(signals, run.desk), name="signals", daemon=True).start()
            return _perform(run, build)
    except OperatorError as error:
        _LOG.error("the run was not begun: %s", error)
        tell({"ok": False, "error": error_parts(error)})
    except Exception as error:
        _LOG.exception("the run was not begun")
        tell({"ok": False, "error": error_parts(unexpected(error))})
    return 3


def _harden() -> None:
    """Private files, no core dump with secrets in it, and no end when the terminal goes."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _mask_errors(redactor: Redactor) -> None:
    """What is told before the log is open, or by a thread that dies, goes to standard error masked."""
    handler = logging.StreamHandler()
    handler.addFilter(RedactingFilter(redactor))
    logging.lastResort = handler
    threading.excepthook = lambda died: _LOG.error(
        "thread %s died", died.thread.name if died.thread else "", exc_info=died.exc_value
    )


def _take_over_stdout() -> Callable[[Reply], None]:
    """Keep standard output for the one line that the launcher waits for; whatever else is printed goes where errors go."""
    descriptor = os.dup(1)
    os.dup2(2, 1)
    told = threading.Event()

    def tell(reply: Reply) -> None:
        if told.is_set():
            return
        told.set()
        with contextlib.suppress(OSError):
            os.write(descriptor, json.dumps(reply).encode() + b"\n")
        os.close(descriptor)

    return tell


def _builder(arguments: Sequence[str]) -> BuildProcedure:
    if len(arguments) != 2 or arguments[0] != "--procedure":
        raise OperatorError("the runner is started by adldap-ha, not by hand", remedy="use adldap-ha apply")
    module, _, function = arguments[1].partition(":")
    return cast("BuildProcedure", getattr(importlib.import_module(module), function))


def _read_order() -> RunOrder:
    """The order from standard input, which is closed then. A bad one is never repeated: it holds secrets."""
    text = sys.stdin.buffer.read()
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    try:
        return RunOrder.model_validate_json(text)
    except ValueError:
        raise OperatorError(
            "the runner did not understand its order", remedy="start adldap-ha again: it was updated meanwhile"
        ) from None


@contextlib.contextmanager
def _begin(order: RunOrder, redactor: Redactor) -> Iterator[_Run]:
    """Log, lock, journal, control socket, and the run on record; all given back at the end."""
    from tui.cluster_file import load_cluster
    from tui.logs import RUNNER_LOG, log_dir, log_to, stop_logging

    cluster = load_cluster(order.cluster_file).name
    with contextlib.ExitStack() as stack:
        handler = log_to(log_dir(cluster) / RUNNER_LOG, redactor)
        stack.callback(stop_logging, handler)
        lock = RunLock.acquire(cluster, run=order.run, operator=order.operator)
        stack.callback(lock.release)
        journal = open_journal(cluster, redactor=redactor)
        stack.callback(journal.close)
        _admit(order, journal)
        attendance = Attendance(order.unattended, order.answers, order.answer_seconds)
        run = _Run(order, cluster, journal, Desk(journal, order.run, attendance))
        server = ControlServer(socket_places(cluster, order.run), lambda request: _answer(run, request))
        stack.callback(server.close)
        journal.begin_run(
            order.run,
            operator=order.operator,
            mode=order.mode,
            hosts=order.hosts,
            act=order.act,
            runner=own_identity(str(server.path)),
        )
        _LOG.info("run %s of %s: %s", order.run, cluster, order.mode)
        yield run


def _admit(order: RunOrder, journal: Journal) -> None:
    """Refuse a run that is not what the order takes it for, or that would bury an interrupted one.

    The socket that a killed runner has left is removed; the lock says that it is nobody's.
    """
    known = journal.runs()
    if order.mode != "run":
        before = RunHistory.read(journal, order.run)
        if before.runner is not None:
            with contextlib.suppress(OSError):
                os.unlink(before.runner.socket)
        return
    if order.run in known:
        raise RunRefused(f"run {order.run} was begun before", remedy="resume it, or start a new one")
    if not known:
        return
    last = RunHistory.read(journal, known[0])
    if last.interrupted and last.applied:
        hosts = sorted({host for host in last.applied.values() if host})
        raise RunRefused(
            f"run {known[0]} was interrupted and is not finished",
            host=", ".join(hosts) or None,
            meaning="its hosts may be half changed",
            remedy="resume that run, or undo it, before a new one",
        )


def _signal_pipe() -> int:
    """A descriptor that yields a byte when SIGTERM comes, however the main thread is waiting at that moment."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.signal(signal.SIGTERM, lambda _number, _frame: None)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    return reading


def _leave_on(signals: int, desk: Desk) -> None:
    os.read(signals, 1)
    _LOG.info("told to leave: every host stops at its next step boundary")
    desk.leave()


def _answer(run: _Run, request: Request) -> Reply:
    """What the control socket's requests do."""
    match request.get("op"):
        case "ping":
            return {"pid": os.getpid(), "run": run.order.run}
        case "status":
            question = run.desk.question
            return {
                "pid": os.getpid(),
                "run": run.order.run,
                "paused": run.desk.paused,
                "directive": run.desk.directive.value,
                "question": question.id if question else None,
            }
        case "answer":
            run.desk.answer(str(request.get("question")), str(request.get("choice")))
        case "supply":
            _supply(run.order, str(request.get("host")), str(request.get("kind")), str(request.get("value")))
        case word:
            run.desk.word(str(word))
    return {}


def _supply(order: RunOrder, host: str, kind: str, value: str) -> None:
    from tui.remote.errors import SecretKind

    try:
        order.access.secrets.remember(host, SecretKind(kind), value)
    except ValueError:
        raise ControlRefused(f"{kind!r} is no kind of secret") from None


def _perform(run: _Run, build: BuildProcedure) -> int:
    """Build and perform the procedure; whatever goes wrong leaves a run that can be looked at and resumed."""
    name = run.order.run
    try:
        procedure = build(run.order, run.journal)
    except JournalError:
        _LOG.exception("the journal failed")
        return 1
    except Exception as error:
        _LOG.exception("the procedure could not be built")
        _stop(run, error, resumable=bool(RunHistory.read(run.journal, name).applied))
        return 1
    try:
        run.journal.record_plan(name, procedure.plan)
        engine = Engine(run.journal, name, procedure, run.desk)
        state = engine.undo() if run.order.mode == "undo" else engine.perform()
        if state is None:
            run.journal.leave_run(name)
            return 1
        _conclude(run, procedure, state)
        return 0
    except JournalError:
        _LOG.exception("the journal failed: nothing further is done")
    except Exception as error:
        _LOG.exception("the engine failed")
        _stop(run, error, resumable=True)
    finally:
        with contextlib.suppress(Exception):
            procedure.close()
    return 1


def _stop(run: _Run, error: Exception, *, resumable: bool) -> None:
    told = error if isinstance(error, OperatorError) else unexpected(error)
    try:
        run.journal.stopped(run.order.run, told.lines())
        if resumable:
            run.journal.leave_run(run.order.run)
        else:
            run.journal.end_run(run.order.run, RunState.FAILED, None)
    except JournalError:
        _LOG.exception("the journal failed too")


def _conclude(run: _Run, procedure: Procedure, state: RunState) -> None:
    """Verdicts, the end on record, the report."""
    name = run.order.run
    begun = run.journal.records(name, kind=RecordKind.RUN)[-1].seq
    recorded = {record.entry.host for record in run.journal.records(name, kind=RecordKind.VERDICT, after=begun)}
    try:
        judged = procedure.verdicts() if procedure.verdicts else ()
    except JournalError:
        raise
    except Exception:
        _LOG.exception("the hosts could not be judged")
        judged = ()
    for verdict in judged:
        if verdict.name not in recorded:
            run.journal.record_verdict(name, verdict)
    run.journal.end_run(name, state, cluster_verdict(RunHistory.read(run.journal, name).view().hosts))
    try:
        from tui.runbook.report import write_report

        write_report(run.journal, run.cluster, name)
    except JournalError:
        raise
    except Exception:
        _LOG.exception("the report could not be written")


def cluster_verdict(hosts: Sequence[HostVerdict]) -> str | None:
    """The cluster's word from its hosts' words; None when no host was judged."""
    words = {host.verdict for host in hosts}
    if not words:
        return None
    if len(words) == 1:
        return words.pop()
    return "degraded" if words & {"degraded", "down"} else "unknown"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
