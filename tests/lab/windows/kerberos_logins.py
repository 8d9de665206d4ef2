"""Logins with Kerberos at a real key server: by password, by ticket, and once with a wrong password.

Collected by test_winrm_kerberos.py alone, in a process that can import the packages of the extra.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.windows.winrm_client import Serve, access_with, host_of, works
from tui.cluster import Host
from tui.lab.windows.wsman import WsmanServer
from tui.remote.connect import open_session
from tui.remote.errors import AuthenticationFailed, HostUnreachable, SecretNeeded

NAME, REALM, ADDRESS = "elm.lab.test", "LAB.TEST", "127.0.93.1"
USER, PASSWORD = f"ops@{REALM}", "canary-kerberos"
CLIENT = """[libdefaults]
 default_realm = {realm}
 dns_lookup_kdc = false
 dns_lookup_realm = false
 dns_canonicalize_hostname = false
 rdns = false
 udp_preference_limit = 1
[realms]
 {realm} = {{
  kdc = {address}:{port}
 }}
[domain_realm]
 .lab.test = {realm}
"""
SERVER = """[kdcdefaults]
 kdc_listen = {address}:{port}
 kdc_tcp_listen = {address}:{port}
[realms]
 {realm} = {{
  database_name = {folder}/principal
  key_stash_file = {folder}/stash
 }}
[logging]
 kdc = FILE:{folder}/kdc.log
"""


def admin(*queries: str) -> None:
    for query in queries:
        subprocess.run(["kadmin.local", "-q", query], check=True, capture_output=True)


@pytest.fixture
def realm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A key server that knows USER and the host."""
    with socket.create_server((ADDRESS, 0)) as free:
        values = {"realm": REALM, "address": ADDRESS, "port": free.getsockname()[1], "folder": tmp_path}
    (tmp_path / "krb5.conf").write_text(CLIENT.format(**values))
    (tmp_path / "kdc.conf").write_text(SERVER.format(**values))
    for name, value in {
        "KRB5_CONFIG": tmp_path / "krb5.conf",
        "KRB5_KDC_PROFILE": tmp_path / "kdc.conf",
        "KRB5_KTNAME": tmp_path / "elm.keytab",
        "KRB5CCNAME": f"FILE:{tmp_path}/tickets",
        "PATH": f"/usr/sbin:{os.environ['PATH']}",
    }.items():
        monkeypatch.setenv(name, str(value))
    subprocess.run(["kdb5_util", "create", "-s", "-P", "master", "-r", REALM], check=True, capture_output=True)
    admin(
        f"addprinc +requires_preauth -pw {PASSWORD} {USER}",
        f"addprinc -randkey host/{NAME}",
        f"ktadd -k {tmp_path}/elm.keytab host/{NAME}",
    )
    server = subprocess.Popen(["krb5kdc", "-n"])
    deadline = time.monotonic() + 10
    while socket.socket().connect_ex((ADDRESS, values["port"])) and time.monotonic() < deadline:
        time.sleep(0.05)
    look_up = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *rest, **more: look_up("127.0.92.1" if host == NAME else host, *rest, **more),
    )
    yield tmp_path
    server.terminate()
    server.wait(10)


def by_name(server: WsmanServer, **values: object) -> Host:
    return host_of(server, **{"address": NAME, "auth": "kerberos", "user": USER} | values)


def test_password(listen: Serve, realm: Path) -> None:
    server = listen(accounts={USER: PASSWORD}, kerberos=NAME)
    works(by_name(server), access_with(realm, PASSWORD))
    assert server.record.logins == {USER: 1}


def test_ticket_without_user_and_password(listen: Serve, realm: Path) -> None:
    subprocess.run(["kinit", USER], input=PASSWORD.encode(), check=True, capture_output=True)
    server = listen(accounts={USER: PASSWORD}, kerberos=NAME)
    works(by_name(server, user=None), access_with(realm, None))


def test_no_ticket_asks_for_the_password(listen: Serve, realm: Path) -> None:
    with pytest.raises(SecretNeeded):
        open_session(by_name(listen(accounts={USER: PASSWORD}, kerberos=NAME)), access_with(realm, None))


def test_wrong_password_is_tried_once(listen: Serve, realm: Path) -> None:
    access = access_with(realm, "wrong")
    with pytest.raises(AuthenticationFailed):
        open_session(by_name(listen(accounts={USER: PASSWORD}, kerberos=NAME)), access)
    assert access.secrets.hosts["elm"].password is None
    assert (realm / "kdc.log").read_text().count("PREAUTH_FAILED") == 1


def test_host_that_the_domain_does_not_know(listen: Serve, realm: Path) -> None:
    admin(f"delprinc -force host/{NAME}")
    with pytest.raises(HostUnreachable, match="no Kerberos login"):
        open_session(by_name(listen(accounts={USER: PASSWORD}, kerberos=NAME)), access_with(realm, PASSWORD))


def test_negotiate_offers_a_wrong_password_to_the_host_only(listen: Serve, realm: Path) -> None:
    server = listen(accounts={USER: PASSWORD}, kerberos=NAME)
    with pytest.raises(AuthenticationFailed):
        open_session(by_name(server, auth="negotiate"), access_with(realm, "wrong"))
    assert (realm / "kdc.log").read_text().count("PREAUTH_FAILED") == 0
