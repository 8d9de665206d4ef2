"""Windows hosts on the screens: pictures of what is special about them, and what their questions lead to."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from screens.host_form import HostForm
from tests.snapshots import fixture_data as data
from tests.snapshots import fixture_windows as windows
from tests.snapshots.conftest import Act, fill, make_app, perform
from tests.snapshots.fixture_windows import MixedOperations, at
from tests.snapshots.test_screens import SIZES, Compare, Scene
from tui.app import AdldapHaApp
from tui.cluster import Host
from tui.terminal import Terminal
from tui.widgets.pick import Pick
from tui.widgets.stage import Stage


def pick(selector: str, value: str) -> Callable[[AdldapHaApp], None]:
    """Turn a choice to a word."""

    def put(app: AdldapHaApp) -> None:
        app.screen.query_one(selector, Pick).value = value

    return put


CONNECT = at(Stage.CONNECT, connected={})
SCENES = (
    Scene("hosts_mixed", (at(Stage.HOSTS), "end")),
    Scene("host_form_winrm", (at(Stage.HOSTS), "end", "e")),
    Scene("host_form_certificate", (at(Stage.HOSTS), "end", "e", pick("#host-auth", "certificate"))),
    Scene("host_form_windows_ssh", (at(Stage.HOSTS), "end", "e", pick("#host-way", "windows-ssh"))),
    Scene("connect_mixed", (CONNECT, "end")),
    Scene("connect_certificate", (CONNECT,), {"asks_certificate": True}),
    Scene("connect_certificate_expired", (CONNECT, "end"), {"errors": {f"connect {data.THIRD}": windows.EXPIRED}}),
    Scene("connect_rights", (CONNECT, "end"), {"errors": {f"connect {data.THIRD}": windows.RIGHTS}}),
    Scene("first_host_windows", (at(Stage.FIRST_HOST),), {"first": windows.first_survey()}),
    Scene("additional_hosts_site_key", (at(Stage.ADDITIONAL_HOSTS), "end")),
    Scene("site_key", (at(Stage.ADDITIONAL_HOSTS), "end", "p")),
)


def operations_of(scene: Scene) -> MixedOperations:
    operations = MixedOperations()
    for name, value in scene.core.items():
        setattr(operations, name, copy.copy(value))
    return operations


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_screen(snap_compare: Compare, scene: Scene, size: tuple[int, int]) -> None:
    async def play(pilot: Pilot[int]) -> None:
        await perform(pilot, *scene.acts)

    app = make_app(operations_of(scene), terminal=Terminal())
    assert snap_compare(app, terminal_size=size, run_before=play)


def played(operations: MixedOperations, *acts: Act, then: Callable[[AdldapHaApp], Any]) -> Any:
    """What `then` sees after these acts."""

    async def play() -> Any:
        app = make_app(operations)
        async with app.run_test(size=(80, 24)) as pilot:
            await perform(pilot, *acts)
            return then(app)

    return asyncio.run(play())


def form(*acts: Act) -> Host | str:
    """The host that the form gives for these acts, or what it complains about."""
    kept: list[Host] = []

    def open_form(app: AdldapHaApp) -> None:
        def filled(host: Host | None) -> None:
            kept.extend([host] if host else [])

        app.put(HostForm(None, (), (), lambda _name: {}), filled)

    def look(app: AdldapHaApp) -> str:
        return str(app.screen.query_one("#problem").render()) if not kept else ""

    told: str = played(MixedOperations(), open_form, *acts, "enter", then=look)
    return kept[0] if kept else told


NAMED: tuple[Act, ...] = (fill("#host-name", "elm"), fill("#host-address", "elm.example.com"))


def test_a_host_reached_by_winrm_is_kept_with_what_belongs_to_it() -> None:
    host = form(*NAMED, pick("#host-way", "winrm"), pick("#host-tls", "false"), fill("#host-user", r"CORP\ops"))
    assert isinstance(host, Host)
    assert (host.transport, host.system, host.tls, host.port, host.user) == (
        "winrm",
        "windows",
        False,
        5985,
        r"CORP\ops",
    )


def test_what_was_typed_for_another_way_is_left_out() -> None:
    acts = (fill("#host-jump", "bastion"), pick("#host-way", "winrm"), fill("#host-user", "ops"))
    host = form(*NAMED, *acts)
    assert isinstance(host, Host)
    assert host.jump is None


def test_openssh_on_windows_keeps_jump_and_key() -> None:
    acts = (pick("#host-way", "windows-ssh"), fill("#host-jump", "bastion"), fill("#host-install_dir", "D:\\Auth0"))
    host = form(*NAMED, *acts)
    assert isinstance(host, Host)
    assert (host.transport, host.system, host.jump, host.install_dir) == ("ssh", "windows", "bastion", "D:\\Auth0")


@pytest.mark.parametrize(
    ("acts", "told"),
    [
        ((pick("#host-way", "winrm"),), "Login: this key is missing"),
        (
            (pick("#host-way", "winrm"), fill("#host-user", "ops"), pick("#host-auth", "certificate")),
            "Certificate: auth",
        ),
        (
            (
                pick("#host-way", "winrm"),
                fill("#host-user", "ops"),
                pick("#host-auth", "basic"),
                pick("#host-tls", "false"),
            ),
            "Logs in with: basic is refused",
        ),
        ((fill("#host-install_dir", "C:\\Auth0"),), "Install folder: a Linux host"),
        ((fill("#host-port", "none"),), "Port: give a number"),
        ((fill("#host-identity", "id_rsa"),), "Key file: expected is the path"),
    ],
)
def test_what_does_not_go_together_is_told_at_its_field(acts: tuple[Act, ...], told: str) -> None:
    assert str(form(*NAMED, *acts)).startswith(told)


def test_editing_a_host_keeps_what_the_form_does_not_show() -> None:
    kept: list[Host] = []
    before = windows.windows_host(keys={"SSL_CA_PATH": "D:\\ca"}, auth="ntlm", ca_file="~/ca.pem", port=15986)

    def open_form(app: AdldapHaApp) -> None:
        app.put(HostForm(before, (), (), lambda _name: {}), lambda host: kept.extend([host] if host else []))

    played(MixedOperations(), open_form, "enter", then=lambda app: None)
    assert kept == [before]


def test_a_certificate_is_trusted_only_when_the_operator_says_so() -> None:
    for key, state in (("n", "not answered"), ("y", "connected")):
        operations = MixedOperations()
        operations.asks_certificate = True
        connected = played(operations, CONNECT, key, then=lambda app: set(app.state.connected))
        assert (data.THIRD in connected) is (state == "connected")
        assert operations.asks_certificate is (key == "n")


@pytest.mark.parametrize(("key", "chosen"), [("p", ""), ("f", "/etc/ssl/corp")])
def test_a_site_key_is_saved_as_the_operator_decides(key: str, chosen: str) -> None:
    operations = MixedOperations()
    played(operations, at(Stage.ADDITIONAL_HOSTS), "end", "p", key, then=lambda app: None)
    assert operations.site_keys == {data.THIRD: {"SSL_CA_PATH": chosen}}


@pytest.mark.parametrize("key", ["n", "escape"])
def test_nothing_is_decided_by_putting_it_off(key: str) -> None:
    operations = MixedOperations()
    played(operations, at(Stage.ADDITIONAL_HOSTS), "end", "p", key, then=lambda app: None)
    assert operations.site_keys == {}
