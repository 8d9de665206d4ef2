"""The commands that change a cluster in service, by their own words and exit codes."""

from __future__ import annotations

import json
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.command_line import Operator
from tests.lab.conftest import leaks
from tests.lab.jump_box import tree_of
from tui.lab.lab import Lab

NAMES = ("fir", "oak")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Two instances in service."""
    with Lab(tmp_path_factory.mktemp("lab"), names=NAMES, configured=NAMES, speed=20) as made:
        yield made


@pytest.fixture
def operator(tmp_path: Path, lab: Lab) -> Operator:
    return Operator(tmp_path / "home", lab)


def mapper_of(lab: Lab, host: str) -> Path:
    return Path(lab.hosts[host].install_dir) / "lib" / "profileMapper.js"


def test_a_backup_is_restored_where_it_is_named_and_drift_is_converged(operator: Operator, tmp_path: Path) -> None:
    good = mapper_of(operator.lab, "fir").read_bytes()
    made = operator.ask("backup", "create", "lab", "--json")
    assert made.code == 0, made.err
    backup = made.document["id"]
    nowhere = operator.ask("restore", "lab", backup, "--yes")
    assert nowhere.code == 1
    assert "no host was named" in nowhere.err
    locked_out = operator.ask("restore", "lab", backup, "--all", "--publish", "--yes")
    assert locked_out.code == 1
    assert "fir would be locked out" in locked_out.err

    for arguments in (("restore", "lab", backup, "--host", "oak"), ("converge", "lab", "--host", "oak")):
        mapper_of(operator.lab, "oak").write_bytes(b"module.exports = function () {};\n")
        first = tree_of(operator.lab.hosts["fir"])
        done = operator.ask(*arguments, "--yes", "--json")
        assert done.code == 0, done.err
        assert (done.document["act"], done.document["state"]) == (arguments[0], "done")
        assert mapper_of(operator.lab, "oak").read_bytes() == good
        assert tree_of(operator.lab.hosts["fir"]) == first
    assert leaks(operator.lab.canaries(), tmp_path / "home") == []


def test_a_change_is_made_everywhere_and_undone_by_command(operator: Operator, tmp_path: Path) -> None:
    before = mapper_of(operator.lab, "fir").read_bytes()
    file = tmp_path / "mapper.js"
    file.write_bytes(
        b"\xef\xbb\xbf// by command\r\nmodule.exports = function (raw) { return { id: raw.objectGUID }; };\r\n"
    )
    done = operator.ask("change", "lab", "--profile-mapper", str(file), "--set", "SITE_NAME=North", "--yes", "--json")
    assert done.code == 0, done.err
    for name in NAMES:
        assert mapper_of(operator.lab, name).read_bytes() == file.read_bytes()
        config = json.loads((Path(operator.lab.hosts[name].install_dir) / "config.json").read_bytes())
        assert config["SITE_NAME"] == "North"
    undone = operator.ask("resume", "lab", "--undo", "--yes", "--json")
    assert undone.code == 0, undone.err
    assert mapper_of(operator.lab, "fir").read_bytes() == before
    assert leaks(operator.lab.canaries(), tmp_path / "home") == []


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("LDAP_BIND_CREDENTIALS=x", "it is a secret"),
        ("CONNECTION=x", "the tenant says what it is"),
        ("PORT=many", "whole number"),
        ("PORT", "has no value"),
        ("HTTP_PROXY=http://user:word@proxy:3128", "has a password in it"),
    ],
)
def test_what_may_not_be_changed_everywhere_is_refused(operator: Operator, setting: str, words: str) -> None:
    refused = operator.ask("change", "lab", "--set", setting, "--yes")
    assert refused.code == 1
    assert words in refused.err


def test_a_certificate_is_renewed_and_a_host_promoted(operator: Operator, tmp_path: Path) -> None:
    old = operator.lab.tenant.published
    done = operator.ask("renew", "lab", "--yes", "--json")
    assert done.code == 0, done.err
    assert "nobody can log in" in done.err
    assert operator.lab.tenant.published != old
    unasked = operator.ask("promote", "lab", "--host", "oak")
    assert unasked.code == 1
    assert "not confirmed" in unasked.err
    promoted = operator.ask("promote", "lab", "--host", "oak", "--yes", "--json")
    assert promoted.code == 0, promoted.err
    assert promoted.document == {"first": "oak", "before": "fir", "differing": [], "site_keys": [], "not_kept": []}
    assert 'first = "oak"' in operator.cluster_file.read_text()
    status = operator.ask("status", "lab", "--json")
    assert (status.code, status.document["verdict"]) == (0, "healthy")
    assert leaks(operator.lab.canaries(), tmp_path / "home") == []


def test_the_admin_console_answers_on_the_jump_box_until_the_command_ends(operator: Operator) -> None:
    process = operator.start("console", "lab", "--host", "oak", "--json", "--secrets", "-")
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(operator.secrets)
    process.stdin.close()
    document = json.loads(process.stdout.readline())
    assert document["host"] == "oak"
    assert document["address"].startswith("http://127.0.0.1:")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{document['address']}version", timeout=20) as answer:
        assert answer.read() == b"6.4.1"
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    process.stdout.close()
    assert process.stderr is not None
    process.stderr.close()
