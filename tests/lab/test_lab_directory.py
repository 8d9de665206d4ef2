"""The lab's LDAP directory, and the stand-in's client that speaks to it."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable, Iterator

import pytest

from tui.lab.directory import BASE, BIND_USER, Directory
from tui.lab.lab import Lab
from tui.lab.standin import ber
from tui.lab.standin.ldap import Directory as Client
from tui.lab.standin.ldap import LdapError, encode_filter


@pytest.fixture
def directory() -> Iterator[Directory]:
    """A directory of its own, on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    made = Directory("127.0.0.1", port, "right", users=8)
    yield made
    made.close()


@pytest.fixture
def client(directory: Directory) -> Iterator[Client]:
    """A connection to it, not bound yet."""
    made = Client(directory.url)
    yield made
    made.close()


def names(found: list[tuple[str, dict[str, list[str]]]]) -> list[str]:
    """The display names of what a search found."""
    return [attributes["displayName"][0] for _, attributes in found]


def test_a_wrong_password_is_result_49(client: Client, directory: Directory) -> None:
    with pytest.raises(LdapError) as refused:
        client.bind(BIND_USER, "wrong")
    assert refused.value.code == 49
    client.bind(BIND_USER, "right")
    assert directory.binds == [(BIND_USER, 49), (BIND_USER, 0)]


def test_an_anonymous_search_is_refused_until_it_is_allowed(client: Client, directory: Directory) -> None:
    with pytest.raises(LdapError):
        client.search(BASE, "(objectClass=*)")
    directory.anonymous = True
    assert len(client.search(BASE, "(objectClass=*)")) == 8


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ("(objectClass=person)", 8),
        ("(objectClass=printer)", 0),
        ("(cn=grace hopper)", 1),
        ("(cn=*a*)", 8),
        ("(cn=Al*ing)", 1),
        ("(&(objectClass=person)(!(cn=G*)))", 7),
        ("(|(cn=Ada*)(sAMAccountName=*turing*))", 2),
        ("(telephoneNumber=*)", 0),
    ],
)
def test_filters_select(client: Client, wanted: str, count: int) -> None:
    client.bind(BIND_USER, "right")
    assert len(client.search(BASE, wanted)) == count


def test_a_limit_and_another_base_hold(client: Client) -> None:
    client.bind(BIND_USER, "right")
    assert len(client.search(BASE, "(cn=*)", limit=3)) == 3
    assert client.search("dc=elsewhere", "(cn=*)") == []


def test_more_users_than_one_packet_holds(client: Client, directory: Directory) -> None:
    directory.entries = {f"cn=u{n},{BASE}": {"displayName": [f"u{n}" * 50], "cn": ["u"]} for n in range(500)}
    client.bind(BIND_USER, "right")
    assert len(names(client.search(BASE, "(cn=u)"))) == 500


def test_switching_it_off_ends_connections_and_refuses_new_ones(client: Client, directory: Directory) -> None:
    client.bind(BIND_USER, "right")
    directory.switch(False)
    client.wait_closed()
    with pytest.raises(ConnectionRefusedError):
        Client(directory.url)
    directory.switch(True)
    Client(directory.url).close()


@pytest.mark.parametrize("text", ["", "cn=x", "(cn=x", "(&(cn=x)", "(cn=x)(cn=y)"])
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        encode_filter(text)


@pytest.mark.parametrize("value", [0, 1, 127, 128, 255, 256, 65535, 1 << 31, -1, -129])
def test_integers_survive_encoding(value: int) -> None:
    element, rest = ber.take(ber.number(value))
    assert (element.number(), rest) == (value, b"")


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 70_000])
def test_lengths_survive_encoding(size: int) -> None:
    element, rest = ber.take(ber.octets(b"x" * size) + b"rest")
    assert (len(element.content), rest) == (size, b"rest")


def test_a_lab_may_speak_ldaps(make_lab: Callable[..., Lab]) -> None:
    lab = make_lab(names=("fir",), ldaps=True)
    assert lab.directory.url.startswith("ldaps://")
    assert lab.hosts["fir"].wait_log("latency test", timeout=20)
    host = lab.hosts["fir"]
    environment = {"PATH": host.tools.search_path, "NODE_EXTRA_CA_CERTS": str(lab.authority.certificate_file)}
    done = subprocess.run(
        [host.tools.node, "troubleshoot.js"], cwd=host.install_dir, env=environment, capture_output=True, check=True
    )
    assert done.stdout.decode().count("Connection to LDAP succeeded.") == 2
