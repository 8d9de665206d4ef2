"""One install that is reached by two names is one instance, not a cluster of two."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.lab.command_line import Operator
from tui.lab.lab import Lab


@pytest.fixture
def operator(tmp_path: Path, lab: Lab) -> Operator:
    return Operator(tmp_path, lab)


def other_spelling(address: str) -> str:
    """The same IPv4 address, written so that no comparison of texts tells it."""
    first, second, third, fourth = (int(part) for part in address.split("."))
    return f"{first}.{(second << 16) + (third << 8) + fourth}"


def point(operator: Operator, name: str, at: str) -> bytes:
    """Make the cluster file lead to the host `at` for `name` too; returns the secrets document that fits."""
    hosts = operator.lab.hosts
    alias = other_spelling(hosts[at].address)
    text = operator.cluster_file.read_text()
    operator.cluster_file.write_text(text.replace(f'"{hosts[name].address}"', f'"{alias}"'))
    known = operator.known_hosts.read_text()
    same = "".join(
        line.replace(hosts[at].address, alias) + "\n" for line in known.splitlines() if hosts[at].address in line
    )
    operator.known_hosts.write_text(known + same)
    document = operator.secrets.decode()
    secrets = tomllib.loads(document)["hosts"]
    for key, value in secrets[name].items():
        document = document.replace(value, secrets[at].get(key, value))
    return document.encode()


def test_the_first_host_under_another_name_is_not_added(operator: Operator) -> None:
    secrets = point(operator, "oak", "fir")
    result = operator.run("apply", "lab", "--yes", "--host", "oak", "--secrets", "-", stdin=secrets)
    assert result.code == 1
    assert "one and the same install" in result.err
    assert "correct the address" in result.err
    status = operator.run("status", "lab", "--secrets", "-", stdin=secrets)
    assert status.code == 1
    assert "fir and oak are one and the same install" in " ".join(status.out.split())


def test_two_additional_hosts_that_are_one_are_not_added(operator: Operator) -> None:
    secrets = point(operator, "elm", "oak")
    result = operator.run("plan", "lab", "--secrets", "-", stdin=secrets)
    assert result.code == 1
    assert "oak and elm are one and the same install" in result.err
