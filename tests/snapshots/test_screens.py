"""What every screen looks like at both sizes, in its usual state and in those that matter when something is wrong."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.snapshots import fixture_data as data
from tests.snapshots import fixture_run as runs
from tests.snapshots.conftest import Act, at, fill, make_app, perform
from tests.snapshots.fixture_demo import Demo
from tests.snapshots.fixture_operations import FixtureOperations
from tui.cluster import Tenant
from tui.remote.errors import HostUnreachable, SecretKind
from tui.runbook.model import RunState
from tui.terminal import Colours, Glyphs, Terminal
from tui.widgets.stage import Stage

SIZES = ((80, 24), (120, 36))
Compare = Callable[..., bool]


@dataclass(frozen=True)
class Scene:
    """A way to a picture: what the core answers, what the operator does, and what the app is made with."""

    name: str
    acts: tuple[Act, ...] = ()
    core: dict[str, Any] = field(default_factory=dict)
    demo: bool = False


PASSPHRASE = (fill("#passphrase", "correct horse"), fill("#again", "correct horse"))
UNREACHABLE = HostUnreachable(
    "nothing answers on port 22",
    host=data.THIRD,
    tried="connected to 10.40.3.17 port 2222 through bastion.ams.example.com for 10 s",
    meaning="the host is down, or a firewall stands between",
    remedy="try `ssh` by hand from this jump box, then press r",
)
WAITING = runs.run_view(runs.STARTING, state=RunState.WAITING, question=runs.failure(), failed=True)
SECRET = runs.run_view(runs.STARTING, state=RunState.WAITING, question=runs.secret_question(), failed=True)
WITH_TENANT = data.cluster().model_copy(
    update={"tenant": Tenant(domain="example.eu.auth0.com", client_id="kT4mPq7vXb2nRs9w")}
)
TENANT = runs.run_view(runs.TOTAL - 1, state=RunState.WAITING, question=runs.tenant_question())
OTHER = {data.SECOND: data.additional_survey(data.SECOND), data.THIRD: data.configured_elsewhere(data.THIRD)}

SCENES = (
    Scene("home"),
    Scene("home_run_under_way", core={"past": [runs.run_view(9)]}),
    Scene("home_run_interrupted", core={"past": [runs.run_view(9, state=RunState.INTERRUPTED)]}),
    Scene("hosts", ("enter",)),
    Scene("hosts_new", ("down", "enter")),
    Scene("host_form", ("enter", "e")),
    Scene("tenant_form", ("enter", "t")),
    Scene("help", ("enter", "question_mark")),
    Scene("connect", (at(Stage.CONNECT, connected={}),)),
    Scene("connect_host_key", (at(Stage.CONNECT, connected={}),), {"unknown_keys": {data.SECOND}}),
    Scene(
        "connect_secret",
        (at(Stage.CONNECT, connected={}),),
        {"missing_secrets": {data.SECOND: SecretKind.SUDO_PASSWORD}},
    ),
    Scene("client_secret", (at(Stage.CONNECT, connected={}, cluster=WITH_TENANT),)),
    Scene(
        "connect_failed", (at(Stage.CONNECT, connected={}), "end"), {"errors": {f"connect {data.THIRD}": UNREACHABLE}}
    ),
    Scene("first_host", (at(Stage.FIRST_HOST),)),
    Scene("first_host_broken", (at(Stage.FIRST_HOST),), {"first": data.broken_survey()}),
    Scene("log", (at(Stage.FIRST_HOST), "l")),
    Scene("log_to_file", (at(Stage.FIRST_HOST), "l", "w")),
    Scene("backup", (at(Stage.BACKUP),)),
    Scene("backup_damaged", (at(Stage.BACKUP),), {"damaged": [data.damaged_backup()]}),
    Scene("backup_recipient", (at(Stage.BACKUP), *PASSPHRASE, "tab", "tab", "a")),
    Scene("backup_done", (at(Stage.BACKUP), *PASSPHRASE, "enter")),
    Scene("additional_hosts", (at(Stage.ADDITIONAL_HOSTS),)),
    Scene("additional_hosts_other", (at(Stage.ADDITIONAL_HOSTS), "down"), {"additional": OTHER}),
    Scene("key_by_key", (at(Stage.ADDITIONAL_HOSTS), "v")),
    Scene("confirmation", (at(Stage.CONFIRMATION),)),
    Scene("confirmation_typed", (at(Stage.CONFIRMATION), fill("#typed", "corp-ldap"))),
    Scene("progress", (at(Stage.PROGRESS, run=runs.RUN),)),
    Scene("progress_log", (at(Stage.PROGRESS, run=runs.RUN), "l")),
    Scene("progress_failure", (at(Stage.PROGRESS, run=runs.RUN),), {"views": [WAITING]}),
    Scene("progress_secret", (at(Stage.PROGRESS, run=runs.RUN),), {"views": [SECRET]}),
    Scene("progress_put_off", (at(Stage.PROGRESS, run=runs.RUN), "escape"), {"views": [WAITING]}),
    Scene("faults", (at(Stage.PROGRESS, run=runs.RUN), "f", "enter"), demo=True),
    Scene("progress_stop", (at(Stage.PROGRESS, run=runs.RUN), "s")),
    Scene(
        "progress_resume",
        (at(Stage.PROGRESS, run=runs.RUN), "enter"),
        {"views": [runs.run_view(runs.STARTING, state=RunState.INTERRUPTED)]},
    ),
    Scene(
        "passphrase",
        (at(Stage.PROGRESS, run=runs.RUN), "enter", "f"),
        {"views": [runs.run_view(runs.STARTING, state=RunState.INTERRUPTED)]},
    ),
    Scene("services_put_off", (at(Stage.SERVICES, run=runs.RUN, view=WAITING), "escape"), {"views": [WAITING]}),
    Scene("services", (at(Stage.SERVICES),)),
    Scene("services_degraded", (at(Stage.SERVICES),), {"down": data.SECOND}),
    Scene("troubleshooter", (at(Stage.TROUBLESHOOTER),)),
    Scene("troubleshooter_failed", (at(Stage.TROUBLESHOOTER),), {"failed_test": "clock"}),
    Scene("troubleshooter_text", (at(Stage.TROUBLESHOOTER), "v")),
    Scene("tenant", (at(Stage.TENANT, run=runs.RUN),), {"views": [TENANT]}),
    Scene(
        "summary",
        (at(Stage.SUMMARY, run=runs.RUN, backup=data.backup()),),
        {"views": [runs.run_view(runs.TOTAL, state=RunState.DONE)]},
    ),
    Scene(
        "summary_rolled_back",
        (at(Stage.SUMMARY, run=runs.RUN),),
        {"views": [runs.run_view(runs.STARTING, state=RunState.ROLLED_BACK)]},
    ),
)
BY_NAME = {scene.name: scene for scene in SCENES}
TERMINALS = {
    "light": Terminal(light=True),
    "sixteen": Terminal(Glyphs.CONSOLE, Colours.SIXTEEN),
    "ascii": Terminal(Glyphs.ASCII, Colours.NONE),
}


@pytest.fixture(autouse=True)
def asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A screen that follows a run looks at it once."""
    for name in ("screens.progress._EVERY_S", "screens.progress._LOG_EVERY_S", "screens.decisions._EVERY_S"):
        monkeypatch.setattr(name, 3600.0)
    for name in ("screens.tenant._EVERY_S", "screens.summary._EVERY_S"):
        monkeypatch.setattr(name, 3600.0)


def shows(compare: Compare, scene: Scene, size: tuple[int, int], terminal: Terminal | None = None) -> bool:
    """Whether a scene looks as it was accepted."""
    operations = FixtureOperations()
    for name, value in scene.core.items():
        setattr(operations, name, copy.copy(value))

    async def play(pilot: Pilot[int]) -> None:
        await perform(pilot, *scene.acts)

    app = make_app(operations, terminal=terminal or Terminal(), demo=Demo() if scene.demo else None)
    return compare(app, terminal_size=size, run_before=play)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_screen(snap_compare: Compare, scene: Scene, size: tuple[int, int]) -> None:
    assert shows(snap_compare, scene, size)


@pytest.mark.parametrize("kind", TERMINALS)
@pytest.mark.parametrize("name", ["hosts", "first_host_broken", "progress", "progress_failure"])
def test_form_for_other_terminals(snap_compare: Compare, name: str, kind: str) -> None:
    assert shows(snap_compare, BY_NAME[name], SIZES[0], TERMINALS[kind])
