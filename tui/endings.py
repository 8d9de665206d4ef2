"""How a command ends: every failure becomes words on standard error, a document where --json was asked for, and an exit code."""

from __future__ import annotations

import errno
import functools
import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from types import FrameType
from typing import ParamSpec, TypeVar

import typer

from tui.console import Exit, OutputLost, complain, discard_output, flush, leave, write_document
from tui.errors import OperatorError

_P = ParamSpec("_P")
_T = TypeVar("_T")

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)


class Ended(BaseException):
    """A signal told the program to go: everything that it holds is given back on the way out."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class _Interrupted(OperatorError):
    """The operator, or the system, told the command to end."""


class StoppedWatching(OperatorError):
    """The operator no longer watches a run, which goes on."""


_received: list[int] = []
"""The signals that told this process to go, in order. One that comes while compiled code runs may surface as anything."""


def end_on_signals() -> None:
    """From now on SIGTERM and SIGHUP raise Ended in the main thread, once; SIGINT raises KeyboardInterrupt as before."""

    def end(number: int, _frame: FrameType | None) -> None:
        _received.append(number)
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise Ended(number)

    for number in (signal.SIGINT, *_SIGNALS):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)


def error_document(error: OperatorError) -> dict[str, dict[str, str | None]]:
    """The document that takes the place of the result when a command with --json fails."""
    parts = ("summary", "host", "step", "tried", "meaning", "remedy")
    return {"error": {part: getattr(error, part) for part in parts}}


def ending(failed: Exit = Exit.FAILED, *, runs_go_on: bool = True) -> Callable[[Callable[_P, _T]], Callable[_P, _T]]:
    """Decorate a command: whatever it raises is told and becomes an exit code; `failed` for an OperatorError.

    `runs_go_on`: whether a run that the command has started goes on without it, which is said when it is interrupted.
    Its keyword argument `as_json`, where it has one, says whether the failure is also printed as a document.
    """

    def decorate(command: Callable[_P, _T]) -> Callable[_P, _T]:
        @functools.wraps(command)
        def ended(*args: _P.args, **kwargs: _P.kwargs) -> _T:
            return _guarded(lambda: command(*args, **kwargs), bool(kwargs.get("as_json")), failed, runs_go_on)

        return ended

    return decorate


def _guarded(command: Callable[[], _T], as_json: bool, failed: Exit, runs_go_on: bool) -> _T:
    try:
        try:
            result = command()
        except (typer.Exit, OutputLost):
            raise
        except BaseException as error:
            told, code = _told(error, failed)
            if isinstance(told, _Interrupted | StoppedWatching) and not runs_go_on:
                told = _Interrupted(told.summary)
            complain(told.lines())
            if as_json:
                write_document(error_document(told))
            leave(code)
        finally:
            flush()
    except OutputLost as lost:
        discard_output()
        if lost.errno != errno.EPIPE:
            complain([f"the result could not be written to standard output: {lost.reason}"])
        leave(Exit.FAILED)
    return result


def _told(error: BaseException, failed: Exit) -> tuple[OperatorError, int]:
    """What to say of an error, and the exit code."""
    match error:
        case StoppedWatching():
            return error, Exit.INTERRUPTED
        case OperatorError():
            return error, failed
        case KeyboardInterrupt():
            return _interrupted("interrupted"), Exit.INTERRUPTED
        case Ended():
            return _interrupted(f"ended by {signal.Signals(error.number).name}"), 128 + error.number
        case OSError() if error.filename is not None or error.errno in _NO_ROOM:
            _record(error)
            return _unusable(error), failed
        case SystemExit() | GeneratorExit():
            raise error
        case _ if _received and not isinstance(error, Exception):
            return _told(_received_as_exception(), failed)
        case _:
            return _fault(error), Exit.UNKNOWN


def _received_as_exception() -> BaseException:
    return KeyboardInterrupt() if _received[-1] == signal.SIGINT else Ended(_received[-1])


def _interrupted(how: str) -> OperatorError:
    return _Interrupted(how, remedy="a run that was started before goes on: adldap-ha resume CLUSTER returns to it")


def _unusable(error: OSError) -> OperatorError:
    place = "a file of the program" if error.filename is None else os.fsdecode(error.filename)
    if error.errno in _NO_ROOM:
        remedy = "make room there; adldap-ha resume CLUSTER then returns to a run that was under way"
    else:
        remedy = "make it a place that you may write to, or point XDG_CONFIG_HOME, XDG_STATE_HOME and XDG_DATA_HOME elsewhere"
    return OperatorError(
        f"{place} cannot be used: {error.strerror}",
        meaning="the program cannot keep its files on this machine",
        remedy=remedy,
    )


def _fault(error: BaseException) -> OperatorError:
    log = _record(error)
    return OperatorError(
        f"adldap-ha met a fault of its own: {type(error).__name__} at {_place(error)}",
        meaning="what a detached run does is not affected",
        remedy="try once more, then report it" + (f" with the traceback in {log}" if log else ", with this place"),
    )


def _place(error: BaseException) -> str:
    """Where it was raised, without a word of what: that may hold anything."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "an unknown place"
    code = trace.tb_frame.f_code
    return f"{os.path.basename(code.co_filename)}, line {trace.tb_lineno}"


def _record(error: BaseException) -> str | None:
    """Write where an error came from to the front's log, without its words: None when there can be no log."""
    from tui.logs import front_log, log_to, stop_logging
    from tui.remote.redaction import Redactor

    try:
        handler = log_to(front_log(), Redactor())
    except OSError:
        return None
    try:
        logging.getLogger(__name__).error("the command ended by an error\n%s", "\n".join(_frames(error)))
    finally:
        stop_logging(handler)
    return None if handler.dropped else str(front_log())


def _frames(error: BaseException | None) -> Iterator[str]:
    """The tracebacks of an error and of what led to it. Messages are left out: they may hold what was typed."""
    while error is not None:
        yield "Traceback (most recent call last):"
        yield "".join(traceback.format_tb(error.__traceback__)) + type(error).__name__
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def run_program(app: Callable[[], object]) -> None:
    """Run the whole program, once."""
    end_on_signals()
    try:
        app()
    except SystemExit as ended:
        if ended.code == Exit.INTERRUPTED:
            _leave_now(Exit.INTERRUPTED)
        raise
    except KeyboardInterrupt:
        _leave_now(Exit.INTERRUPTED)
    except Ended as ended:
        sys.exit(128 + ended.number)


def _leave_now(code: int) -> None:
    """Without waiting for threads that still wait for a host: all that must be given back has been."""
    try:
        flush()
    except OutputLost:
        discard_output()
    os._exit(code)
