"""What the command says where no host is concerned: usage, explanations, failures, and terminals that show little."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.lab.command_line import PROGRAM, CommandLine, result_of

TROUBLESHOOTER = """\
12:00:01 - info: ✭ Testing connectivity to Auth0...
12:00:01 - info: ✔ Connection to test endpoint succeeded.
12:00:01 - info: ✭ Testing hub connectivity (WS)...
12:00:02 - info: ✔ Connection to hub succeeded.
12:00:02 - info: ✭ Testing clock skew...
12:00:02 - info: ✔ Everything OK. No clock skew detected.
12:00:02 - info: ✭ Testing certificates...
12:00:02 - error: ✖ Local and server certificates don't match.
12:00:02 - info: ✭ Running NLTEST...
12:00:02 - error: ✖ NLTEST can only run on Windows.
12:00:02 - info: ✭ Testing SSL connectivity to LDAP...
12:00:02 - info: ✭ Testing LDAP connectivity...
12:00:03 - info:   > Found user: Ada
12:00:03 - info: end
12:00:03 - info: Done!
"""
LOG = """\
[2026-11-23 04:00:00] STARTING AD-LDAP CONNECTOR
[2026-11-23 04:00:01] Certificates already exist
[2026-11-23 04:00:02] Connected to websocket.
[2026-11-23 04:00:02] auth0: Agent accepted.
"""


@pytest.fixture
def command(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path / "home")


def error_of(
    command: CommandLine, *arguments: str, stdin: bytes = b"", env: dict[str, str] | None = None
) -> tuple[int, str, str]:
    """Exit code, the words, and the document's summary, which must be the words' first line."""
    result = command.run(*arguments, "--json", stdin=stdin, env=env)
    error = result.document["error"]
    assert set(error) == {"summary", "host", "step", "tried", "meaning", "remedy"}
    assert error["summary"] in result.err.splitlines()[0]
    return result.code, result.err, error["summary"]


def test_a_troubleshooter_output_is_explained_as_one_document(command: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "output.txt"
    file.write_text(TROUBLESHOOTER)
    result = command.run("explain", str(file), "--json")
    assert (result.code, result.err) == (0, "")
    document = result.document
    assert set(document) == {"kind", "complete", "passed", "tests"}
    assert (document["kind"], document["complete"], document["passed"]) == ("troubleshooter", True, False)
    assert [test["id"] for test in document["tests"]] == [
        "auth0",
        "hub",
        "clock",
        "certificates",
        "nltest",
        "ldaps",
        "ldap",
    ]
    assert all(set(test) == {"id", "outcome", "evidence", "remedy"} for test in document["tests"])
    outcomes = {test["id"]: test["outcome"] for test in document["tests"]}
    assert (outcomes["hub"], outcomes["certificates"], outcomes["ldaps"]) == ("passed", "failed", "not_applicable")
    assert command.run("explain", "-", "--json", stdin=TROUBLESHOOTER.encode()).document == document


def test_a_troubleshooter_output_is_explained_in_words_with_what_to_do(command: CommandLine) -> None:
    result = command.run("explain", "-", stdin=TROUBLESHOOTER.encode())
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[0] == "troubleshooter output: complete, NOT passed"
    at = next(number for number, line in enumerate(lines) if line.startswith("certificates"))
    assert lines[at].split() == ["certificates", "failed"]
    assert lines[at + 1].strip().startswith("seen: ")
    assert lines[at + 2].strip().startswith("do: ")


def test_a_log_is_explained_with_what_it_shows_of_the_instance(command: CommandLine) -> None:
    document = command.run("explain", "-", "--json", stdin=LOG.encode()).document
    assert (document["kind"], document["state"], document["starts"]) == ("log", "connected", 1)
    assert "connector log: connected, 1 start in it" in command.run("explain", "-", stdin=LOG.encode()).out


def test_a_log_that_repeats_itself_is_told_once_with_a_count(command: CommandLine) -> None:
    log = LOG + "".join(f"[2026-11-23 05:00:{n:02}] websocket deconnected. reconnecting...\n" for n in range(40))
    out = command.run("explain", "-", stdin=log.encode()).out
    assert out.count("websocket deconnected") == 1
    assert "(40 times)" in out


def test_utf16_and_latin_logs_are_read(command: CommandLine) -> None:
    for data in (LOG.encode("utf-16"), LOG.encode("cp1252") + b"[2026-11-23 04:00:09] caf\xe9\n"):
        assert command.run("explain", "-", "--json", stdin=data).document["state"] == "connected"


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("empty", b"", "is empty"),
        ("blank", b"\n \n", "is empty"),
        ("binary", bytes(range(256)) * 16, "neither a troubleshooter output nor a connector log"),
        ("prose", b"Dear Sir or Madam,\n", "neither a troubleshooter output nor a connector log"),
    ],
    ids=["empty", "blank", "binary", "prose"],
)
def test_what_cannot_be_explained_is_said(
    command: CommandLine, tmp_path: Path, name: str, data: bytes, told: str
) -> None:
    (tmp_path / name).write_bytes(data)
    code, err, summary = error_of(command, "explain", str(tmp_path / name))
    assert (code, told in summary, "Do: " in err) == (1, True, True)


def test_files_that_cannot_be_read_are_said(command: CommandLine, tmp_path: Path) -> None:
    assert "No such file" in error_of(command, "explain", str(tmp_path / "missing"))[2]
    assert "directory" in error_of(command, "explain", str(tmp_path))[2]
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(1 << 33)
        file.write(b"x")
    code, err, summary = error_of(command, "explain", str(tmp_path / "huge"))
    assert (code, "larger than 32 MiB" in summary, "tail -c 32M" in err) == (1, True, True)


def test_an_unknown_cluster_is_said_and_a_likely_one_offered(command: CommandLine) -> None:
    folder = command.home / "config" / "adldap-ha"
    folder.mkdir(parents=True)
    (folder / "berlin.toml").write_text("")
    for arguments in (["plan", "berlni"], ["apply", "berlni"], ["resume", "berlni"], ["report", "berlni"]):
        code, err, _ = error_of(command, *arguments)
        assert (code, "did you mean berlin?" in err) == (1, True)
    assert error_of(command, "status", "berlni")[0] == 2
    assert error_of(command, "backup", "list", "berlni")[0] == 1


def test_wrong_usage_is_exit_2_and_help_is_exit_0(command: CommandLine) -> None:
    assert command.run("status").code == 2
    assert command.run("status", "x", "--nonsense").code == 2
    helped = command.run("--help")
    assert helped.code == 0
    for word in ("status", "plan", "apply", "resume", "backup", "explain", "report", "lab", "demo", "Exit codes"):
        assert word in helped.out
    assert command.run("--version").out.startswith("adldap-ha ")


@pytest.mark.parametrize("arguments", [(), ("demo",)])
def test_the_wizard_is_refused_without_a_terminal_and_the_plain_commands_offered(
    command: CommandLine, arguments: tuple[str, ...]
) -> None:
    result = command.run(*arguments)
    assert result.code == 2
    assert "adldap-ha status CLUSTER" in result.err


def test_the_wizard_is_refused_on_a_dumb_terminal(command: CommandLine) -> None:
    with command.terminal(env={"TERM": "dumb"}) as terminal:
        terminal.expect("TERM is dumb")
        terminal.expect("adldap-ha apply CLUSTER")
        assert terminal.ended() == 2


@pytest.mark.parametrize("locale", [{"LANG": "C"}, {"LC_ALL": "C"}, {"LC_ALL": "en_US.ISO-8859-1"}, {"LANG": ""}])
def test_output_is_ascii_where_the_locale_is(command: CommandLine, locale: dict[str, str]) -> None:
    for arguments in (("explain", "-"), ("explain", "-", "--json")):
        log = LOG + "[2026-11-23 05:00:00] Ping success after failed 3 pings → «é»\n"
        result = command.run(*arguments, stdin=log.encode(), env=locale)
        assert result.code == 0
        assert result.out.isascii()
    assert command.run("--secrets", env=locale).err.isascii()


def test_control_characters_in_what_is_explained_do_not_reach_the_terminal(command: CommandLine) -> None:
    log = LOG + "[2026-11-23 05:00:00] unexpected error \x1b]0;owned\x07\x9b31m\x08\n"
    for arguments in (("explain", "-"), ("explain", "-", "--json")):
        out = command.run(*arguments, stdin=log.encode()).out
        assert not set(out) & {"\x1b", "\x07", "\x08", "\x9b"}


def test_a_reader_that_has_gone_is_no_matter(command: CommandLine) -> None:
    process = command.start("explain", "-", "--json")
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    result = process.communicate((LOG * 50).encode(), timeout=60)
    assert (process.returncode, result[1]) == (1, b"")


def test_output_that_cannot_be_written_is_said(command: CommandLine) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*PROGRAM, "explain", "-"],
            input=LOG.encode(),
            stdout=full,
            stderr=subprocess.PIPE,
            env=command.environment,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.decode().splitlines() == [
        "the result could not be written to standard output: No space left on device"
    ]


def test_closed_standard_streams_are_no_matter(command: CommandLine) -> None:
    for closing in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
        done = subprocess.run(
            ["/bin/sh", "-c", f'exec "$@" {closing}', "sh", *PROGRAM, "status", "nix"],
            env=command.environment,
            capture_output=True,
            check=False,
        )
        assert (done.returncode, b"Traceback" in done.stderr) == (2, False), closing


@pytest.mark.parametrize("variable", ["XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"])
def test_a_home_that_is_no_directory_is_said_in_words(command: CommandLine, tmp_path: Path, variable: str) -> None:
    (tmp_path / "file").write_text("")
    cluster = tmp_path / "lab.toml"
    cluster.write_text('[cluster]\nname = "lab"\nfirst = "fir"\n[[hosts]]\nname = "fir"\naddress = "127.0.0.1"\n')
    environment = {variable: str(tmp_path / "file")}
    command_of = {"XDG_CONFIG_HOME": ("plan", "lab"), "XDG_STATE_HOME": ("report", str(cluster))}
    arguments = command_of.get(variable, ("backup", "list", str(cluster)))
    code, err, summary = error_of(command, *arguments, env=environment)
    assert (code, str(tmp_path / "file") in summary, "Do: " in err) == (1, True, True)


def test_explaining_needs_no_home_at_all(command: CommandLine) -> None:
    homes = dict.fromkeys(("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"), "/dev/null")
    assert command.run("explain", "-", stdin=LOG.encode(), env=homes).code == 0


def test_a_fault_of_our_own_is_told_by_its_place_and_the_traceback_goes_to_the_log(
    command: CommandLine, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    (broken / "platformdirs").mkdir(parents=True)
    (broken / "platformdirs" / "__init__.py").write_text(
        "class PlatformDirs:\n    def __init__(self, *a, **k): pass\n"
        f"    user_state_dir = {str(tmp_path / 'state')!r}\n"
        f"    user_data_dir = {str(tmp_path / 'data')!r}\n"
        "    @property\n    def user_config_dir(self): raise RuntimeError('a word that must not be shown')\n"
    )
    path = f"{broken}:{command.environment['PYTHONPATH']}"
    code, err, summary = error_of(command, "plan", "lab", env={"PYTHONPATH": path})
    assert (code, summary) == (2, "adldap-ha met a fault of its own: RuntimeError at __init__.py, line 6")
    assert "must not be shown" not in err
    log = tmp_path / "state" / "adldap-ha.log"
    assert str(log) in err
    recorded = log.read_text()
    assert "Traceback" in recorded
    assert "RuntimeError" in recorded
    assert "must not be shown'" not in recorded.replace("raise RuntimeError('a word that must not be shown')", "")


def test_secrets_documents_that_cannot_be_used_are_refused_without_a_word_of_them(
    command: CommandLine, tmp_path: Path
) -> None:
    cases = {
        b"[hosts.oak]\npasword = 'CANARY'\n": "hosts.oak.pasword is not a known key",
        b"[vaults]\npassphrase = 'CANARY'\n": "vaults is not a known key",
        b"[hosts.oak]\npassword = 17\n": "hosts.oak.password must be a text in quotes",
        b"password: CANARY\n": "it is not TOML",
        b"\xff\xfeCANARY": "it is not UTF-8",
    }
    for document, told in cases.items():
        code, err, summary = error_of(command, "apply", "lab", "--secrets", "-", stdin=document)
        assert (code, told in summary, "CANARY" in err) == (1, True, False)
    (tmp_path / "secrets.toml").write_text("[vault]\npassphrase = 'CANARY'\n")
    code, err, summary = error_of(command, "apply", "lab", "--secrets", str(tmp_path / "secrets.toml"))
    assert (code, summary) == (1, "--secrets takes only '-'")


def test_a_secrets_document_is_not_read_from_a_keyboard(command: CommandLine) -> None:
    with command.terminal("status", "lab", "--secrets", "-") as terminal:
        terminal.expect("not typed by hand")
        assert terminal.ended() == 2


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    """A file whose reader waits for a writer: whoever gets it open for writing knows that the command is reading."""
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


def test_ctrl_c_ends_a_command_with_exit_130(command: CommandLine, pipe: Path) -> None:
    with command.terminal("explain", str(pipe)) as terminal, pipe.open("wb"):
        terminal.press(b"\x03")
        terminal.expect("interrupted")
        assert terminal.ended() == 130


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_command_that_a_signal_ends_still_prints_one_document(
    command: CommandLine, pipe: Path, number: signal.Signals
) -> None:
    process = command.start("explain", str(pipe), "--json")
    with pipe.open("wb"):
        process.send_signal(number)
        result = result_of(process)
    assert result.code == 128 + number
    assert result.document["error"]["summary"] in ("interrupted", f"ended by {number.name}")
