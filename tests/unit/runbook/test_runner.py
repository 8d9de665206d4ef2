"""The detached runner: outlives its front, is alone, is steered over a private socket, and keeps its secrets."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.runbook.bench import eventually, release
from tests.unit.runbook.jump_box import CANARY, CLUSTER, JumpBox
from tests.unit.runbook.scripted import PROCEDURE, StageSpec
from tui.errors import OperatorError
from tui.runbook.attach import RunClient
from tui.runbook.control import ControlServer, RunnerGone, socket_places
from tui.runbook.journal import JournalDamaged
from tui.runbook.journal_sqlite import journal_path, open_journal
from tui.runbook.launch import RunnerNotStarted, new_run_id, order_document, start_run
from tui.runbook.locks import RunBusy
from tui.runbook.model import RunState
from tui.runbook.run_view import NoSuchRun, RunHistory


def waiting_run(jump_box: JumpBox) -> Path:
    """Start a run whose first step waits; returns the FIFO that lets it go on."""
    jump_box.script(StageSpec({"oak": ("stop", "place")}))
    gate = jump_box.ground.lay_wait("oak.stop.apply.before")
    jump_box.start()
    jump_box.until(lambda view: bool(view.steps) and view.steps[0].state.value == "running")
    eventually(lambda: jump_box.ground.calls("apply"))
    return gate


def socket_of(jump_box: JumpBox) -> Path:
    journal = open_journal(CLUSTER, read_only=True)
    runner = RunHistory.read(journal, "r1").runner
    journal.close()
    assert runner is not None
    return Path(runner.socket)


def test_a_run_is_performed_judged_and_reported(jump_box: JumpBox) -> None:
    jump_box.script(StageSpec({"oak": ("read",)}), StageSpec({"elm": ("place",)}))
    jump_box.start(operator="mara")
    view = jump_box.until_over()
    assert view.state is RunState.DONE
    assert (view.cluster, view.operator, view.verdict) == ("lab", "mara", "healthy")
    assert [(host.name, host.verdict) for host in view.hosts] == [("oak", "healthy"), ("elm", "healthy")]
    assert jump_box.ground.calls()[-1] == "None.session.close"
    report = journal_path(CLUSTER).parent / "reports" / "r1.md"
    assert report.stat().st_mode & 0o777 == 0o600
    assert "mara" in report.read_text()


def test_the_run_goes_on_when_its_front_is_gone(jump_box: JumpBox) -> None:
    """A front that starts the run and is killed with its whole session, as when an SSH connection drops."""
    jump_box.script(StageSpec({"oak": ("stop", "place")}))
    gate = jump_box.ground.lay_wait("oak.stop.apply.before")
    order = jump_box.root / "order.json"
    order.write_bytes(order_document(jump_box.order()))
    front = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time\n"
            "from tui.runbook.launch import start_run\nfrom tui.runbook.order import RunOrder\n"
            f"start_run(RunOrder.model_validate_json(open({str(order)!r}).read()), procedure={PROCEDURE!r})\n"
            "print('started', flush=True)\ntime.sleep(600)\n",
        ],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert front.stdout is not None
    assert front.stdout.readline() == b"started\n"
    os.killpg(front.pid, signal.SIGHUP)
    os.killpg(front.pid, signal.SIGKILL)
    front.wait()
    front.stdout.close()
    os.kill(jump_box.runner_pid(), signal.SIGHUP)
    assert jump_box.client.alive("r1")

    release(gate)

    assert jump_box.until_over().state is RunState.DONE


def test_one_run_per_cluster_at_a_time(jump_box: JumpBox) -> None:
    gate = waiting_run(jump_box)
    with pytest.raises(RunBusy, match=r"another run of lab is under way") as caught:
        jump_box.start("r2")
    assert "mara (run r1" in str(caught.value)
    release(gate)
    jump_box.until_over()
    assert [view.id for view in jump_box.client.runs()] == ["r1"]


def test_sigterm_leaves_cleanly_and_the_run_is_resumed(jump_box: JumpBox) -> None:
    gate = waiting_run(jump_box)
    os.kill(jump_box.runner_pid(), signal.SIGTERM)
    eventually(lambda: jump_box.client.status("r1")["directive"] == "leave")
    release(gate)
    assert jump_box.until_over().state is RunState.INTERRUPTED
    assert jump_box.states() == {"oak/stop": "done", "oak/place": "pending"}
    assert jump_box.ground.calls()[-1] == "None.session.close"
    jump_box.start(mode="resume")
    assert jump_box.until_over().state is RunState.DONE


def test_a_new_run_does_not_bury_an_interrupted_one(jump_box: JumpBox) -> None:
    jump_box.script(StageSpec({"oak": ("place",)}))
    jump_box.ground.lay("oak.place.apply.after", "kill")
    jump_box.start()
    jump_box.until_over()
    with pytest.raises(OperatorError, match="interrupted") as caught:
        jump_box.start("r2")
    assert caught.value.host == "oak"
    assert "undo" in str(caught.value.remedy)


def test_two_fronts_watch_and_the_first_answer_counts(jump_box: JumpBox) -> None:
    jump_box.script(StageSpec({None: ("light?",)}))
    jump_box.start(unattended=False)
    view = jump_box.until(lambda seen: seen.question is not None)
    assert view.state is RunState.WAITING
    assert view.question is not None
    second = RunClient(CLUSTER)
    assert second.view("r1").question == view.question
    second.answer("r1", view.question.id, "green")
    with pytest.raises(OperatorError):
        jump_box.client.answer("r1", view.question.id, "not_green")
    second.close()
    assert jump_box.until_over().state is RunState.DONE


def test_the_words_reach_the_run(jump_box: JumpBox) -> None:
    gate = waiting_run(jump_box)
    jump_box.client.control("r1", "pause")
    assert jump_box.client.view("r1").state is RunState.PAUSED
    assert jump_box.client.status("r1")["paused"] is True
    with pytest.raises(OperatorError, match="hurry"):
        jump_box.client.control("r1", "hurry")
    jump_box.client.control("r1", "abort")
    release(gate)
    assert jump_box.until_over().state is RunState.ROLLED_BACK
    assert jump_box.ground.tree() == {}
    with pytest.raises(RunnerGone):
        jump_box.client.control("r1", "pause")


def test_the_socket_is_private_and_goes_with_the_runner(jump_box: JumpBox) -> None:
    gate = waiting_run(jump_box)
    path = socket_of(jump_box)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    release(gate)
    jump_box.until_over()
    assert not path.exists()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another account")
def test_another_account_is_not_served(jump_box: JumpBox) -> None:
    gate = waiting_run(jump_box)
    path = socket_of(jump_box)
    path.parent.chmod(0o711)
    path.chmod(0o666)
    script = (
        "import os, socket, sys\nos.chdir(sys.argv[1])\nos.setuid(65534)\n"
        "s = socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[2])\n"
        "try:\n s.sendall(b'{\"op\": \"ping\"}\\n')\n print(s.recv(100))\nexcept OSError:\n print(b'')\n"
    )
    told = subprocess.run(
        [sys.executable, "-I", "-c", script, str(path.parent), path.name], capture_output=True, check=True
    )
    assert told.stdout == b"b''\n"
    release(gate)
    jump_box.until_over()


def test_a_killed_runners_socket_is_removed_by_the_next_one(jump_box: JumpBox) -> None:
    jump_box.script(StageSpec({"oak": ("place",)}))
    jump_box.ground.lay("oak.place.apply.after", "kill")
    jump_box.start()
    jump_box.until_over()
    path = socket_of(jump_box)
    assert path.exists()
    jump_box.start(mode="resume")
    jump_box.until_over()
    assert not path.exists()


def test_nonsense_on_the_socket_does_no_harm(jump_box: JumpBox, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = waiting_run(jump_box)
    with socket.socket(socket.AF_UNIX) as connection:
        path = socket_of(jump_box)
        monkeypatch.chdir(path.parent)
        connection.connect(path.name)
        with connection.makefile("rwb") as lines:
            for text in (b"\xff\xfe\n", b"[]\n", b"{}\n", b'{"op": "answer"}\n', b'{"op": "supply", "kind": "x"}\n'):
                lines.write(text)
                lines.flush()
                assert json.loads(lines.readline())["ok"] is False
            lines.write(b'{"op": "ping"}\n')
            lines.flush()
            assert json.loads(lines.readline())["pid"] == jump_box.runner_pid()
    release(gate)
    assert jump_box.until_over().state is RunState.DONE


def test_a_secret_is_supplied_over_the_socket_and_leaves_no_trace(jump_box: JumpBox) -> None:
    jump_box.script(StageSpec({"oak": ("place",)}))
    jump_box.ground.lay("oak.place.check.before", "secret")
    jump_box.start(unattended=False)
    view = jump_box.until(lambda seen: seen.question is not None)
    assert view.question is not None
    assert view.question.kind == "secret"
    jump_box.client.supply("r1", "oak", "sudo_password", CANARY)
    jump_box.client.answer("r1", view.question.id, "retry")
    assert jump_box.until_over().state is RunState.DONE
    assert CANARY.encode() not in everything_below(jump_box.root)


def test_the_secrets_of_the_order_are_nowhere_but_in_the_pipe(jump_box: JumpBox) -> None:
    gate = waiting_run(jump_box)
    process = Path("/proc") / str(jump_box.runner_pid())
    assert CANARY.encode() not in (process / "cmdline").read_bytes()
    assert CANARY.encode() not in (process / "environ").read_bytes()
    release(gate)
    jump_box.until_over()
    assert CANARY.encode() not in everything_below(jump_box.root)


def test_everything_the_runner_writes_is_private(jump_box: JumpBox) -> None:
    jump_box.script(StageSpec({"oak": ("place",)}))
    jump_box.start()
    jump_box.until_over()
    files = [path for path in (jump_box.root / "state" / "adldap-ha" / CLUSTER).rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"runner.log", "journal.sqlite3", "r1.md", "r1.json", "run.lock"}
    assert [path for path in files if path.stat().st_mode & 0o077] == []


def test_a_procedure_that_cannot_be_built_is_told_in_the_run(jump_box: JumpBox) -> None:
    jump_box.script(fail_to_build="the first host is not configured")
    jump_box.start()
    view = jump_box.until_over()
    assert view.state is RunState.FAILED
    assert view.error[0] == "the first host is not configured"
    assert view.verdict is None


def test_a_resume_that_cannot_be_built_stays_resumable(jump_box: JumpBox) -> None:
    jump_box.script(StageSpec({"oak": ("place",)}))
    jump_box.ground.lay("oak.place.apply.after", "kill")
    jump_box.start()
    jump_box.until_over()
    jump_box.script(fail_to_build="the first host cannot be reached")
    jump_box.start(mode="resume")
    view = jump_box.until_over()
    assert view.state is RunState.INTERRUPTED
    assert view.error[0] == "the first host cannot be reached"
    jump_box.script(StageSpec({"oak": ("place",)}))
    jump_box.start(mode="resume")
    assert jump_box.until_over().state is RunState.DONE


def test_a_damaged_journal_stops_a_run_before_it_begins(jump_box: JumpBox) -> None:
    journal = open_journal(CLUSTER)
    journal.event(None, "something that matters")
    journal.close()
    file = journal_path(CLUSTER)
    data = bytearray(file.read_bytes())
    data[data.find(b"something that")] ^= 1
    file.write_bytes(data)
    jump_box.script(StageSpec({"oak": ("place",)}))
    with pytest.raises(JournalDamaged) as caught:
        jump_box.start()
    assert "set aside" in str(caught.value.remedy)
    assert jump_box.ground.calls() == []


def test_only_a_known_run_is_resumed_and_only_a_new_one_begun(jump_box: JumpBox) -> None:
    jump_box.script(StageSpec({"oak": ("place",)}))
    with pytest.raises(OperatorError, match="no run r1"):
        jump_box.start(mode="resume")
    jump_box.start()
    jump_box.until_over()
    with pytest.raises(OperatorError, match="begun before"):
        jump_box.start()


def test_a_runner_that_cannot_begin_says_so_without_repeating_its_order(jump_box: JumpBox) -> None:
    with pytest.raises(OperatorError, match="nobody foresaw"):
        start_run(jump_box.order(), procedure="tests.unit.runbook.scripted:no_such_function")
    errors = journal_path(CLUSTER).parent / "logs" / "runner.err"
    assert errors.stat().st_mode & 0o777 == 0o600
    bad = subprocess.run(
        [sys.executable, "-m", "tui.runbook.runner", "--procedure", PROCEDURE],
        input=json.dumps({"operator": CANARY, "answer_seconds": CANARY}).encode(),
        capture_output=True,
        timeout=60,
    )
    assert bad.returncode == 3
    assert b"did not understand its order" in bad.stdout
    assert CANARY.encode() not in bad.stdout + bad.stderr


def test_a_runner_that_dies_at_once_is_noticed(jump_box: JumpBox, monkeypatch: pytest.MonkeyPatch) -> None:
    (jump_box.root / "stillborn.py").write_text("import os\nos._exit(7)\n")
    monkeypatch.setenv("PYTHONPATH", str(jump_box.root))
    with pytest.raises(RunnerNotStarted):
        start_run(jump_box.order(), procedure="stillborn:build")


def test_clients_name_what_is_not_there(jump_box: JumpBox) -> None:
    assert jump_box.client.runs() == []
    assert jump_box.client.unfinished() is None
    with pytest.raises(NoSuchRun):
        jump_box.client.view("r1")


def test_a_client_notices_that_the_journal_was_set_aside(jump_box: JumpBox) -> None:
    from tui.runbook.journal_sqlite import set_aside

    jump_box.script(StageSpec({"oak": ("place",)}))
    jump_box.start()
    jump_box.until_over()
    set_aside(CLUSTER)
    assert jump_box.client.runs() == []


def test_the_socket_lies_where_a_logout_does_not_remove_it(jump_box: JumpBox) -> None:
    state = journal_path(CLUSTER).parent
    places = socket_places(CLUSTER, "r1")
    assert places[0].parent == state
    state.chmod(0o755)
    assert state not in {place.parent for place in socket_places(CLUSTER, "r1")}


def test_a_long_state_directory_is_no_obstacle(jump_box: JumpBox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(jump_box.root / ("long" * 30)))
    gate = waiting_run(jump_box)
    assert socket_of(jump_box).parent == journal_path(CLUSTER).parent
    assert jump_box.client.status("r1")["pid"] == jump_box.runner_pid()
    release(gate)
    assert jump_box.until_over().state is RunState.DONE


def test_without_a_private_place_for_the_socket_nothing_listens(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="no place for the control socket"):
        ControlServer([], lambda request: request)
    taken = tmp_path / "taken"
    taken.mkdir()
    with pytest.raises(OperatorError, match="no place for the control socket"):
        ControlServer([taken], lambda request: request)


def test_run_ids_sort_by_time() -> None:
    assert new_run_id() != new_run_id()
    assert len(new_run_id()) == len("20261123-045027-1f3a")


def everything_below(root: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file())
