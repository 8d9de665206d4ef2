"""`status --watch`: what the dashboard shows, round by round, without the full-screen program."""

from __future__ import annotations

import contextlib
import errno
import select
import sys
import threading
import time
from collections.abc import Generator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NoReturn

from tui.console import Exit, OutputLost, flush, leave, width, write_document, write_lines
from tui.endings import Ended

if TYPE_CHECKING:
    from tui.health.events import HealthEvent
    from tui.rendering_watch import Round
    from tui.runbook.cluster_operations import ClusterOperations
    from tui.runbook.watching import Watching

_FIRST_ROUND_S = 30.0
"""How long the first round waits for hosts that have not answered; one that hangs is given up before."""

_TENANT_S = 3.0


def watch_status(operations: ClusterOperations, *, interval: float, rounds: int | None, as_json: bool) -> NoReturn:
    """Print a round every `interval` seconds, for ever or so many times; what was known before comes first, to people alone.

    Ends with the last round's verdict; without a word on Ctrl-C and SIGTERM, which are how one ends it, and when nobody reads.
    Raises OutputLost.
    """
    from tui.health.model import Verdict

    last = Verdict.UNKNOWN
    try:
        with contextlib.closing(_rounds(operations, interval, rounds, remembered=not as_json)) as every:
            for seen in every:
                last = seen.status.verdict
                _print(seen, as_json=as_json)
    except KeyboardInterrupt:
        leave(Exit.INTERRUPTED)
    except Ended as ended:
        leave(128 + ended.number)
    leave({Verdict.HEALTHY: Exit.OK, Verdict.UNKNOWN: Exit.UNKNOWN}.get(last, Exit.FAILED))


def _print(seen: Round, *, as_json: bool) -> None:
    from tui.rendering_watch import round_document, round_lines

    if as_json:
        write_document(round_document(seen), compact=True)
    else:
        write_lines(round_lines(seen, width()))
    flush()


def _rounds(
    operations: ClusterOperations, interval: float, rounds: int | None, *, remembered: bool
) -> Generator[Round]:
    told = threading.Semaphore(0)
    watched = operations.watch(interval=interval, on_change=lambda _name: told.release(), on_tenant=told.release)
    try:
        number, known = 0, 0
        if remembered and rounds is None and any(view.remembered for view in watched.views()):
            yield _seen(watched, [])
        _await_first(watched, told)
        while rounds is None or number < rounds:
            if number:
                _wait_while_read(watched.interval)
            happened = watched.monitor.happened
            yield _seen(watched, watched.events()[-(happened - known) :] if happened > known else [])
            known, number = happened, number + 1
    finally:
        watched.close()


def _seen(watched: Watching, events: list[HealthEvent]) -> Round:
    from tui.rendering_watch import Round

    return Round(
        at=datetime.now(UTC),
        status=watched.status(),
        views=watched.views(),
        tenant=watched.tenant(),
        events=events,
        tested=watched.troubleshot(),
    )


def _await_first(watched: Watching, told: threading.Semaphore) -> None:
    """Until every instance was looked at once and the tenant was asked, or they have had their time."""

    def unseen() -> bool:
        return any(view.status is None or (view.remembered and view.failure is None) for view in watched.views())

    def unasked() -> bool:
        tenant = watched.tenant()
        return tenant.domain is not None and tenant.asked is None and not tenant.why

    for missing, limit in ((unseen, _FIRST_ROUND_S), (unasked, _TENANT_S)):
        deadline = time.monotonic() + limit
        while missing() and told.acquire(timeout=max(0.0, deadline - time.monotonic())):
            pass


def _wait_while_read(seconds: float) -> None:
    """Wait; raises OutputLost as soon as nobody reads any more, as `| head` does, so that no round is looked at in vain."""
    if sys.stdout is None:
        time.sleep(seconds)
        return
    waiting = select.poll()
    waiting.register(sys.stdout.fileno(), 0)
    if waiting.poll(seconds * 1000):
        raise OutputLost(BrokenPipeError(errno.EPIPE, "nobody reads it"))
