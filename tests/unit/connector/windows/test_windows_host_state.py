"""The operator lock and the parking on a Windows host: what is asked of the host, and what its errors mean."""

from __future__ import annotations

import json

import pytest

from tests.unit.connector.windows.scripted import (
    DENIED,
    FULL,
    IN_USE,
    ROOT,
    Answer,
    ScriptedSession,
    failed,
    install,
)
from tui.connector.errors import HostLocked
from tui.connector.windows.instance import WindowsInstance
from tui.remote.errors import FileFailure, RemoteFileError

SWEPT = {"outcome": "done", "names": []}


def instance(lock: Answer | None = None, move: Answer = SWEPT) -> tuple[WindowsInstance, ScriptedSession]:
    session = ScriptedSession(Lock_Host=lock or {"outcome": "none", "text": ""}, Move_Aside=move)
    return WindowsInstance(session, install()), session


def held_by(run: str) -> dict[str, str]:
    return {"outcome": "held", "text": json.dumps({"run": run, "holder": "alice@jump", "since": "2026-11-20"})}


class TestLock:
    def test_a_free_host_is_taken_and_swept(self) -> None:
        work, session = instance({"outcome": "taken", "text": ""})
        work.lock(run="run-1", holder="bob@jump")
        given = session.given("Lock-Host.ps1")[0]
        assert (given["Path"], given["Action"], given["Run"]) == (f"{ROOT}\\.adldap-ha.lock", "lock", "run-1")
        assert json.loads(given["Text"])["holder"] == "bob@jump"
        assert session.given("Move-Aside.ps1")[0]["Action"] == "sweep"

    def test_another_s_lock_names_its_holder(self) -> None:
        work, session = instance(held_by("run-0"))
        with pytest.raises(HostLocked, match="alice@jump") as caught:
            work.lock(run="run-1", holder="bob@jump")
        assert caught.value.holder_run == "run-0"
        assert not any(given["Action"] == "sweep" for given in session.given("Move-Aside.ps1"))

    def test_its_own_run_may_take_it_again(self) -> None:
        work, _ = instance(held_by("run-1"))
        work.lock(run="run-1", holder="bob@jump")

    def test_an_empty_lock_belongs_to_the_run_that_has_files_parked(self) -> None:
        def lock(given: object) -> dict[str, str]:
            assert isinstance(given, dict)
            return {"outcome": "taken" if given["Action"] == "relock" else "held", "text": ""}

        work, session = instance(lock, {"outcome": "done", "names": ["config.json"]})
        work.lock(run="run-1", holder="bob@jump")
        assert [given["Action"] for given in session.given("Lock-Host.ps1")] == ["lock", "relock"]
        stranger, _ = instance(lock)
        with pytest.raises(HostLocked):
            stranger.lock(run="run-2", holder="bob@jump")

    @pytest.mark.parametrize(
        ("answer", "holder"),
        [({"outcome": "none", "text": ""}, None), (held_by("r"), "r"), ({"outcome": "held", "text": "{"}, "")],
    )
    def test_who_holds_it(self, answer: dict[str, str], holder: str | None) -> None:
        work, _ = instance(answer)
        assert work.locked_by() == holder

    def test_giving_back_names_the_run(self) -> None:
        work, session = instance({"outcome": "released", "text": ""})
        work.unlock(run="run-1")
        assert session.given("Lock-Host.ps1")[0] | {"Text": ""} == {
            "Path": f"{ROOT}\\.adldap-ha.lock",
            "Action": "unlock",
            "Run": "run-1",
            "Text": "",
        }

    def test_a_run_cannot_be_a_path(self) -> None:
        work, session = instance()
        for run in ("..\\x", "a/b", ""):
            with pytest.raises(ValueError, match="not a run id"):
                work.lock(run=run, holder="bob")
        assert session.calls == []


class TestParking:
    def test_a_file_is_known_there_by_a_name_without_slashes(self) -> None:
        work, session = instance(move={"outcome": "parked", "names": ["lib%2FprofileMapper.js"]})
        assert work.park("lib/profileMapper.js", run="run-1")
        given = session.given("Move-Aside.ps1")[0]
        assert (given["Directory"], given["Run"]) == (ROOT, "run-1")
        assert (given["Relative"], given["Name"]) == ("lib\\profileMapper.js", "lib%2FprofileMapper.js")
        assert work.parked(run="run-1") == ("lib/profileMapper.js",)

    def test_nothing_to_park(self) -> None:
        work, _ = instance(move={"outcome": "nothing", "names": []})
        assert not work.park("config.json", run="run-1")

    def test_all_places_are_swept_when_it_is_given_up(self) -> None:
        work, session = instance()
        work.discard_parked(run="run-1")
        assert session.given("Move-Aside.ps1")[0]["Places"] == [".", "certs", "lib"]

    @pytest.mark.parametrize(
        ("code", "kind", "message", "reason"),
        [
            (DENIED, "System.UnauthorizedAccessException", "Access is denied.", FileFailure.DENIED),
            (IN_USE, "System.IO.IOException", "in use by another process", FileFailure.LOCKED),
            (FULL, "System.IO.IOException", "not enough space", FileFailure.NO_SPACE),
            (0x800700CE, "System.IO.PathTooLongException", "too long", FileFailure.TOO_LONG),
            (0x80131509, "System.InvalidOperationException", f"[led-away] {ROOT}\\lib is a link", FileFailure.LED_AWAY),
        ],
    )
    def test_failures_are_told_apart(self, code: int, kind: str, message: str, reason: FileFailure) -> None:
        work, _ = instance(move=failed("Move-Aside.ps1", message, code, kind))
        with pytest.raises(RemoteFileError) as caught:
            work.park("lib/profileMapper.js", run="run-1")
        assert caught.value.reason is reason
        assert f"{ROOT}\\lib\\profileMapper.js" in caught.value.summary
        assert caught.value.remedy
