"""The Textual app: screens by stage, key bindings, themes, and the services that screens use."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib import import_module
from typing import Any, ClassVar, Protocol

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.filter import LineFilter, NoColor
from textual.screen import ModalScreen, Screen
from textual.scrollbar import ScrollBar

from screens.state import WizardState
from tui.cluster import Cluster
from tui.remote.errors import SecretKind
from tui.runbook.model import RunState
from tui.runbook.operations import Operations
from tui.terminal import Colours, Glyphs, Terminal, detect, output_encoding
from tui.theme import THEMES, other_shade
from tui.widgets.plain_glyphs import PlainGlyphs
from tui.widgets.rail import WIDE
from tui.widgets.stage import Stage
from tui.widgets.thin_scrollbar import ThinScrollBar

UNDER_WAY = (RunState.RUNNING, RunState.WAITING, RunState.PAUSED)
_THREADS = 40


class DemoControls(Protocol):
    """What the demo adds to the wizard: faults to switch on, and what to type. Blocking."""

    @property
    def cluster(self) -> str:
        """The name of the demo's cluster file."""
        ...

    @property
    def passphrase(self) -> str:
        """A passphrase for the demo's backup identity, to fill in."""
        ...

    @property
    def client_secret(self) -> str | None:
        """What the demo's tenant takes as client secret, to fill in; None when it takes none."""
        ...

    def secret_hint(self, host: str, kind: SecretKind) -> str | None:
        """The secret that a demo host will take, to fill in; None when it has none of this kind."""
        ...

    def faults(self) -> Sequence[tuple[str, str]]:
        """Every fault's name, and one sentence of what it does."""
        ...

    def set(self, fault: str, host: str | None, on: bool) -> None:
        """Switch a fault on or off, on one host or (None) everywhere it applies."""
        ...


StartDemo = Callable[[], tuple[Operations, DemoControls]]


class _Threads(ThreadPoolExecutor):
    """Threads for calls to the core. Leaving does not wait for a host that does not answer."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Drop what has not begun, and return at once."""
        super().shutdown(wait=False, cancel_futures=True)


class AdldapHaApp(App[int]):
    """The wizard over one Operations. Ends with an exit code."""

    TITLE = "adldap-ha"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012  Textual declares it so
    VERTICAL_BREAKPOINTS = [(0, "-tiny"), (14, "-short"), (30, "-tall")]  # noqa: RUF012  Textual declares it so
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "explain", "Help"),
        Binding("f1", "explain", "Help", show=False, priority=True),
        Binding("q", "leave", "Leave"),
        Binding("ctrl+c", "leave", "Leave", show=False, priority=True),
        Binding("ctrl+q", "leave", "Leave", show=False, priority=True),
        Binding("f", "faults", "Faults"),
    ]

    def __init__(
        self,
        operations: Operations,
        *,
        demo: DemoControls | None = None,
        start_demo: StartDemo | None = None,
        terminal: Terminal | None = None,
        theme: str | None = None,
        open_cluster: str | None = None,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        self.terminal = terminal or Terminal()
        super().__init__(ansi_color=None if self.terminal.colours is Colours.FULL else True)
        self.operations = operations
        self.demo = demo
        self.start_demo = start_demo
        self.open_cluster = open_cluster
        self.faults_on: set[tuple[str, str | None]] = set()
        self.state = WizardState()
        self.now = now or (lambda: datetime.now(UTC))
        self._own_filters: list[LineFilter] = []
        if self.terminal.glyphs is not Glyphs.UNICODE:
            self._own_filters.append(PlainGlyphs(self.terminal.glyphs))
        if self.terminal.colours is Colours.NONE and not self.no_color:
            self.no_color = True
            self._own_filters.append(NoColor())
        ScrollBar.renderer = ThinScrollBar
        self._dialogs: deque[tuple[ModalScreen[Any], Callable[[Any], None]]] = deque()
        self._put: ModalScreen[Any] | None = None
        for each in THEMES:
            self.register_theme(each)
        self.theme = theme or self.terminal.theme

    def get_driver_class(self) -> type[Driver]:
        """The driver that no byte from the terminal ends; another one where the environment names it."""
        chosen = super().get_driver_class()
        if chosen.__name__ != "LinuxDriver":
            return chosen
        from tui.terminal_driver import TerminalDriver

        return TerminalDriver

    def panic(self, *renderables: object) -> None:
        """End by a fault, without showing what Textual would: `run_app` raises the fault, and the command tells it."""
        self._close_messages_no_wait()

    def _fatal_error(self) -> None:
        self._close_messages_no_wait()

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's own, and those for terminals without colour or without every character."""
        return [*super().get_line_filters(), *self._own_filters]

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """None: every command has its key on the footer."""
        return ()

    def on_mount(self) -> None:
        """Leave cleanly when the terminal goes; show home."""
        loop = asyncio.get_running_loop()
        loop.set_default_executor(_Threads(max_workers=_THREADS, thread_name_prefix="core"))
        if not self.is_headless:
            loop.add_signal_handler(signal.SIGHUP, self.exit)
        self.go(Stage.HOME)

    def begin(self, cluster: Cluster | None) -> None:
        """Start the way through the wizard anew, with a cluster or without."""
        self.state = WizardState(cluster=cluster)

    def use_demo(self, operations: Operations, demo: DemoControls) -> None:
        """Go on with the demo's hosts instead."""
        self.operations.close()
        self.operations, self.demo = operations, demo
        self.begin(None)
        while len(self.screen_stack) > 1:
            self.pop_screen()
        self.go(Stage.HOME)

    def go(self, stage: Stage) -> None:
        """Show a stage. Its module is imported only now, so that the first paint waits for none of them."""
        name = stage.value.lower().replace(" ", "_")
        screen_class = getattr(import_module(f"screens.{name}"), f"{stage.value.title().replace(' ', '')}Screen")
        self.push_screen(screen_class())

    def open_dashboard(self) -> None:
        """Watch the cluster that is open: return to its dashboard, or open one from home."""
        from screens.dashboard import DashboardScreen

        while len(self.screen_stack) > 2 and not isinstance(self.screen, DashboardScreen):
            self.pop_screen()
        if not isinstance(self.screen, DashboardScreen):
            self.push_screen(DashboardScreen())

    def go_home(self, then: Stage | None = None) -> None:
        """Return to home, and from there to `then`, so that going back from it leads home."""
        while len(self.screen_stack) > 2:
            self.pop_screen()
        if then is not None:
            self.go(then)

    def back(self) -> None:
        """Go back one screen; on home there is nothing to go back to."""
        if len(self.screen_stack) > 2:
            self.pop_screen()

    def put(self, dialog: ModalScreen[Any], answered: Callable[[Any], None]) -> None:
        """Ask with a dialog. Dialogs that come together are shown one after another."""
        self._dialogs.append((dialog, answered))
        if self._put is None:
            self._put_next()

    def _put_next(self) -> None:
        if not self._dialogs:
            self._put = None
            return
        self._put, answered = self._dialogs.popleft()

        def closed(result: Any) -> None:
            answered(result)
            self._put_next()

        self.push_screen(self._put, closed)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Faults exist in the demo only; nothing but leaving and help reaches past a dialog."""
        if action == "faults":
            return self.demo is not None and not isinstance(self.screen, ModalScreen)
        return True

    def action_explain(self) -> None:
        """Explain what has the focus."""
        from screens.explain import ExplainDialog, explanation

        if not isinstance(self.screen, ExplainDialog):
            self.push_screen(ExplainDialog(*explanation(self.screen)))

    def action_faults(self) -> None:
        """Open the demo's faults."""
        from screens.faults import FaultsDialog

        if self.demo is not None:
            hosts = tuple(host.name for host in self.state.cluster.hosts) if self.state.cluster else ()
            self.push_screen(FaultsDialog(self.demo, hosts, self.faults_on))

    def action_shade(self) -> None:
        """Change between light and dark."""
        self.theme = other_shade(self.theme)

    def action_leave(self) -> None:
        """Leave. A run that is under way goes on without this terminal, and that is said."""
        view = self.state.view
        if view is not None and view.state in UNDER_WAY:
            self.exit(0, message=f"The run of {view.cluster} goes on without you. To return to it: adldap-ha")
        else:
            self.exit(0)


def run_app(
    operations: Operations,
    *,
    demo: DemoControls | None = None,
    start_demo: StartDemo | None = None,
    theme: str | None = None,
    open_cluster: str | None = None,
) -> int:
    """Show the wizard until the operator leaves; returns the exit code, and raises what ended it otherwise. Ends the sessions of `operations`, not a detached run.

    `theme`: `light` or `dark`, by default what the terminal tells. `open_cluster`: a cluster to begin with. Ask
    `tui.terminal.refusal` first whether this terminal can show it.
    """
    if not os.environ.get("NO_COLOR"):
        os.environ.pop("NO_COLOR", None)
    terminal = detect(os.environ, output_encoding())
    if theme is not None:
        terminal = Terminal(terminal.glyphs, terminal.colours, light=theme == "light")
    app = AdldapHaApp(operations, demo=demo, start_demo=start_demo, terminal=terminal, open_cluster=open_cluster)
    try:
        code = app.run()
        if app._exception is not None:
            raise app._exception
        return code or app.return_code or 0
    finally:
        app.operations.close()
