"""What a host asks, and what becomes of the answer."""

from __future__ import annotations

from tests.snapshots import fixture_data as data
from tests.snapshots import fixture_run as runs
from tests.snapshots.conftest import make_app, perform
from tests.snapshots.fixture_operations import FixtureOperations
from tests.snapshots.seen import SIZE, core, primary, screen_name, text_of
from tui.remote.errors import SecretKind, SecretNeeded
from tui.runbook.model import RunState
from tui.runbook.survey import Connected


async def test_an_unknown_host_key_is_trusted_only_when_it_is_confirmed() -> None:
    operations = core(unknown_keys={data.SECOND})
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, "enter", "enter")
        assert data.connected(data.SECOND).fingerprint in text_of(app)
        await perform(pilot, "enter")
        assert operations.unknown_keys == {data.SECOND}
        assert primary(app).disabled
        await perform(pilot, "r", "y")
        assert operations.unknown_keys == set()
        assert not primary(app).disabled


async def test_questions_of_several_hosts_are_asked_one_after_another() -> None:
    operations = core(unknown_keys={data.FIRST, data.SECOND, data.THIRD})
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, "enter", "enter")
        asked = set()
        for _ in range(3):
            asked.add(str(getattr(app.screen, "heading", "")))
            await perform(pilot, "y")
        assert len(asked) == 3
        assert screen_name(app) == "ConnectScreen"
        assert set(app.state.connected) == {data.FIRST, data.SECOND, data.THIRD}


async def test_a_secret_is_masked_handed_over_once_and_forgotten_by_the_screen() -> None:
    operations = core(missing_secrets={data.SECOND: SecretKind.SUDO_PASSWORD})
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, "enter", "enter", *"hunter2")
        assert "hunter2" not in text_of(app)
        await perform(pilot, "enter")
        assert operations.supplied == [(data.SECOND, SecretKind.SUDO_PASSWORD, "hunter2")]
        assert not primary(app).disabled


async def test_a_secret_that_is_not_given_leaves_the_host_unconnected() -> None:
    operations = core(missing_secrets={data.THIRD: SecretKind.PASSWORD})
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, "enter", "enter", "escape")
        assert "not answered" in text_of(app)
        assert primary(app).disabled


class OtherSudoPassword(FixtureOperations):
    """Hosts whose sudo does not take the login password."""

    def __init__(self) -> None:
        super().__init__()
        self._known: set[str] = set()

    def connect(self, host: str) -> Connected:
        if host in self._known:
            return super().connect(host)
        raise SecretNeeded(
            host, SecretKind.SUDO_PASSWORD, "the sudo password of deploy", refused="sudo refuses the login password"
        )

    def supply(self, host: str, kind: SecretKind, value: str) -> None:
        super().supply(host, kind, value)
        self._known.add(host)


async def test_another_sudo_password_is_asked_for_also_when_a_run_is_resumed() -> None:
    interrupted = runs.run_view(runs.TOTAL, state=RunState.INTERRUPTED)
    operations = OtherSudoPassword()
    operations.past = operations.views = [interrupted]
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, "enter", "enter", "f", *"this-one", "enter")
        for _ in (data.FIRST, data.SECOND, data.THIRD):
            assert "sudo takes another password here" in text_of(app)
            await perform(pilot, *"s3cret", "enter")
        assert operations.resumed == [False]
