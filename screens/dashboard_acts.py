"""What can be done from the dashboard: the choice, what it needs, the plan, and the start."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from screens import dashboard_offers as offered
from screens.dashboard_confirm import refuse, still_unlocked
from screens.dashboard_plan import ActDialog, Intent
from screens.dashboard_vault import with_vault
from tui.connector.errors import ConfigError
from tui.connector.model import KeyDifference
from tui.errors import OperatorError
from tui.health.cluster import serving_besides
from tui.health.monitor import InstanceView
from tui.runbook.model import Plan
from tui.runbook.order import WITHOUT_VAULT
from tui.widgets import words
from tui.widgets.stage import Stage

if TYPE_CHECKING:
    from screens.dashboard import DashboardScreen


def choose_act(screen: DashboardScreen) -> None:
    """Offer what can be done with the chosen instance and with the cluster."""
    chosen = screen.chosen
    if chosen is None:
        return

    def decided(word: str | None) -> None:
        if word is not None:
            _begin(screen, word, chosen)

    found = offered.offers(len(screen.views), chosen.name, screen.first)
    screen.wizard.put(offered.OffersDialog(chosen.name, found), decided)


def _begin(screen: DashboardScreen, word: str, chosen: InstanceView) -> None:
    """What the chosen act asks for first."""
    from screens.dashboard_change import ask_change
    from screens.dashboard_promote import promote
    from screens.dashboard_restore import choose_backup

    if word == offered.TEST:
        screen.troubleshoot([chosen.name])
    elif word == offered.TEST_ALL:
        screen.troubleshoot([view.name for view in screen.views])
    elif word == offered.CONSOLE:
        _open_console(screen, chosen.name)
    elif word == offered.PROMOTE:
        promote(screen, chosen.name)
    elif word == offered.CONVERGE and chosen.first:
        refuse(screen, f"Bring {chosen.name} back to the first host's set?", _is_first(chosen.name))
    elif word == offered.CHANGE:
        ask_change(screen)
    elif word == offered.RESTORE:
        choose_backup(screen, chosen.name)
    else:
        perform(screen, intents(screen.state.name, screen.views, chosen)[word])


def _is_first(host: str) -> OperatorError:
    return OperatorError(
        f"{host} is the first host itself: the others are compared with it and get its set",
        remedy="choose an instance that has drifted; or promote another host, and bring this one back to its set then",
    )


def meanwhile(views: Sequence[InstanceView], host: str) -> tuple[str, bool]:
    """What becomes of logins while an instance restarts, and whether nobody can log in."""
    statuses = [view.status for view in views if view.status is not None and view.failure is None]
    left = serving_besides(statuses, [host])
    if left:
        return f"Logins go on: {words.listed(left)} {'serves' if len(left) == 1 else 'serve'} meanwhile.", False
    if any(status.name == host and status.hub == "connected" for status in statuses):
        return f"Nobody can log in while {host} restarts: no other instance is connected.", True
    return f"{host} serves nobody now, so nothing is lost by restarting it.", False


def intents(cluster: str, views: Sequence[InstanceView], chosen: InstanceView) -> dict[str, Intent]:
    """What each act that asks for nothing more means now, on the chosen instance or on the cluster."""
    host = chosen.name
    told, alone = meanwhile(views, host)
    word = host if alone else ""
    drift = [each.key for each in chosen.status.drift if not each.equal] if chosen.status is not None else []
    differs = f"It differs in {words.listed(drift)}." if drift else "No difference was seen."
    one_by_one = "One instance at a time; the next only after the last is verified. Logins go on on the others."
    drill = "Each instance leaves service in turn, while the others must stay accepted and the connection online."
    back = f"Bring {host} back to the first host's set?"
    return {
        offered.RESTART: Intent("restart", f"Restart {host}?", told, (host,), word),
        offered.CONVERGE: Intent("converge", back, f"{differs} {told}", (host,), word),
        offered.ROLLING: Intent("restart", f"Restart every instance of {cluster}?", one_by_one),
        offered.DRILL: Intent("drill", f"Drill the loss of each instance of {cluster}?", drill),
        offered.RENEW: Intent("renew", f"Renew the certificate of {cluster}?", "", (), cluster),
    }


def perform(screen: DashboardScreen, intent: Intent) -> None:
    """Unlock what the act needs, look at what it would do, have it confirmed, start it."""
    try:
        screen.operations.acts.hosts(intent.act, intent.hosts)
    except OperatorError as error:
        refuse(screen, intent.heading, error)
        return
    if intent.act in WITHOUT_VAULT:
        _preview(screen, intent)
    else:
        with_vault(screen, intent.heading, partial(_preview, screen, intent))


def _preview(screen: DashboardScreen, intent: Intent) -> None:
    def looked(seen: tuple[Plan, tuple[KeyDifference, ...]]) -> None:
        screen.doing("")
        screen.wizard.put(ActDialog(intent, seen[0], screen.first, seen[1]), decided)

    def decided(yes: bool | None) -> None:
        if yes and still_unlocked(screen, intent.heading):
            _start(screen, intent)

    screen.doing("Looking at what it would do; nothing is changed")
    screen.ask("preview", partial(_look, screen, intent), looked, partial(refuse, screen, intent.heading))


def _look(screen: DashboardScreen, intent: Intent) -> tuple[Plan, tuple[KeyDifference, ...]]:
    """The plan and, for an instance that has drifted, what differs: nothing where its configuration cannot be read."""
    acts, watched = screen.operations.acts, screen.watched
    plan = acts.preview(intent.act, intent.hosts, interrupts=bool(intent.typed), wanted=intent.wanted)
    try:
        compared = watched.compared(intent.hosts[0]) if watched is not None and intent.act == "converge" else None
    except ConfigError:
        compared = None
    return plan, compared or ()


def _start(screen: DashboardScreen, intent: Intent) -> None:
    def started(run: str) -> None:
        screen.doing("")
        screen.lock_again()
        screen.state.run, screen.state.view = run, None
        screen.wizard.go(Stage.PROGRESS)

    screen.doing("Starting it in a process of its own")
    work: Callable[[], str] = partial(
        screen.operations.acts.start,
        intent.act,
        intent.hosts,
        interrupts=bool(intent.typed),
        wanted=intent.wanted,
    )
    screen.ask("start", work, started, partial(refuse, screen, intent.heading))


def _open_console(screen: DashboardScreen, host: str) -> None:
    from screens.raw_text import RawTextDialog

    watched = screen.watched
    if watched is None:
        return

    def opened(address: str) -> None:
        port = address.rstrip("/").rpartition(":")[2]
        text = (
            f"{address}\n\nIt answers on this jump box, to your own account only, until the dashboard is closed.\n\n"
            f"From your own machine:\n  ssh -L 8357:127.0.0.1:{port} {socket.gethostname()}\n"
            "then open http://127.0.0.1:8357/ in its browser."
        )
        screen.doing("")
        screen.wizard.push_screen(RawTextDialog(f"Admin console of {host}", text, suggested=f"~/{host}-console.txt"))

    screen.doing(f"Opening a tunnel to the admin console of {host}")
    heading = f"Open the admin console of {host}"
    screen.ask("console", partial(watched.open_console, host), opened, partial(refuse, screen, heading))
