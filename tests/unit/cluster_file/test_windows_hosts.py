"""Windows hosts in a cluster file: which keys go together, what is told when they do not, and what is saved."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.unit.cluster_file.conftest import Written, error_of
from tui.cluster import SITE_KEYS, Cluster, ClusterSection, Host
from tui.cluster_file import load_cluster, save_cluster
from tui.connector import config_keys
from tui.connector.model import KeyClass

MIXED = r"""
[cluster]
name = "prod"
first = "fir"

[[hosts]]
name = "fir"
address = "fir.example.com"

[[hosts]]
name = "elm"
address = "elm.example.com"
transport = "winrm"
user = 'CORP\ops'
connector_unit = "Auth0 ADLDAP"
install_dir = 'C:\Program Files (x86)\Auth0\AD LDAP Connector'
#

[hosts.keys]
SSL_CA_PATH = 'D:\ca'  # the site's own
"""
LINE = MIXED[: MIXED.index("#\n")].count("\n") + 1


def with_keys(*lines: str) -> str:
    return MIXED.replace("#\n", "\n".join(lines) + "\n", 1)


def windows(**keys: object) -> Host:
    return Host.model_validate({"name": "elm", "address": "elm", "transport": "winrm", "user": "ops", **keys})


def test_a_mixed_cluster_says_what_it_says(written: Written) -> None:
    cluster = load_cluster(written(MIXED))
    fir, elm = cluster.hosts
    assert (fir.system, fir.transport, fir.port, fir.keys.chosen()) == ("linux", "ssh", 22, {})
    assert (elm.system, elm.transport, elm.port, elm.user) == ("windows", "winrm", 5986, r"CORP\ops")
    assert elm.install_dir == r"C:\Program Files (x86)\Auth0\AD LDAP Connector"
    assert elm.connector_unit == "Auth0 ADLDAP"
    assert elm.keys.chosen() == {"SSL_CA_PATH": r"D:\ca"}


@pytest.mark.parametrize("user", [r"CORP\ops", r"CORP\svc ad ldap", "ops@corp.example.com", r".\Administrator", "ops$"])
def test_windows_accounts_are_written_as_windows_writes_them(user: str) -> None:
    assert windows(user=user).user == user
    assert windows(user=user, transport="ssh", os="windows").user == user


@pytest.mark.parametrize(
    ("lines", "key", "told"),
    [
        (["os = 'linux'"], "os", "WinRM reaches Windows hosts only"),
        (["jump = 'bastion'"], "jump", 'transport = "ssh", os = "windows"'),
        (["become = 'sudo'"], "become", "no sudo"),
        (["identity = '~/.ssh/id'"], "identity", 'auth = "certificate" only'),
        (["client_certificate = '~/ops.pem'"], "client_certificate", 'auth = "certificate" only'),
        (["auth = 'certificate'"], "client_certificate", "needs the path of the certificate"),
        (["auth = 'certificate'", "client_certificate = '~/ops.pem'"], "identity", "private key"),
        (["tls = false", "auth = 'basic'"], "auth", "in the clear"),
        (["tls = false", "auth = 'certificate'", "client_certificate = '~/ops.pem'"], "auth", "in the clear"),
        (["tls = false", "ca_file = '~/ca.pem'"], "ca_file", "there is no certificate"),
        (["tls = 'no'"], "tls", "true or false"),
        (["auth = 'digest'"], "auth", '"negotiate"'),
        (["ca_file = 'ca.pem'"], "ca_file", "absolute or from ~"),
    ],
)
def test_keys_that_do_not_go_with_winrm_are_told_with_line_and_reason(
    written: Written, lines: list[str], key: str, told: str
) -> None:
    error = error_of(written(with_keys(*lines)))
    assert error.key == f"hosts[2].{key}"
    named = [LINE + place for place, line in enumerate(lines) if line.startswith(key)]
    assert error.line == (named[0] if named else MIXED[: MIXED.rindex("[[hosts]]")].count("\n") + 1)
    assert told in str(error)


@pytest.mark.parametrize(
    ("old", "new", "key", "told"),
    [
        (r"'CORP\ops'", r"'CORP\a\b'", "user", "DOMAIN"),
        (r"'CORP\ops'", "'ops:secret'", "user", "DOMAIN"),
        (r"user = 'CORP\ops'", "", "user", "must be told the account"),
        (r"'C:\Program Files (x86)\Auth0\AD LDAP Connector'", "'/opt/auth0'", "install_dir", "begins with a drive"),
        (r"'C:\Program Files (x86)\Auth0\AD LDAP Connector'", r"'C:\a|b'", "install_dir", "begins with a drive"),
        ('"Auth0 ADLDAP"', "'Auth0/ADLDAP'", "connector_unit", "no Windows service"),
        ("SSL_CA_PATH", "SSL_CA_PTH", "keys.SSL_CA_PTH", "did you mean `SSL_CA_PATH`?"),
        ("SSL_CA_PATH", "LDAP_BASE", "keys.LDAP_BASE", "one of LDAP_URL, HTTP_PROXY"),
        (r"'D:\ca'", "1", "keys.SSL_CA_PATH", "a folder of CA certificates"),
    ],
)  # fmt: skip
def test_values_that_a_windows_host_cannot_have_are_told(
    written: Written, old: str, new: str, key: str, told: str
) -> None:
    assert old in MIXED
    error = error_of(written(MIXED.replace(old, new)))
    assert error.key == f"hosts[2].{key}"
    assert told in str(error)


@pytest.mark.parametrize(
    ("line", "key", "told"),
    [
        ("tls = false", "tls", "this key is for WinRM"),
        ("auth = 'ntlm'", "auth", "this key is for WinRM"),
        ("ca_file = '/ca.pem'", "ca_file", "this key is for WinRM"),
        (r"install_dir = 'C:\Auth0'", "install_dir", "begins with /"),
        ("connector_unit = 'Auth0 ADLDAP'", "connector_unit", "no systemd unit"),
        ("user = 'a b'", "user", "no account of a Linux host"),
    ],
)
def test_what_belongs_to_windows_is_refused_for_a_linux_host(written: Written, line: str, key: str, told: str) -> None:
    error = error_of(written(MIXED.replace('address = "fir.example.com"', f'address = "fir.example.com"\n{line}')))
    assert error.key == f"hosts[1].{key}"
    assert told in str(error)


def test_a_windows_path_in_double_quotes_is_told_how_to_be_written(written: Written) -> None:
    error = error_of(written(with_keys(r'admin_unit = "C:\Program Files"')))
    assert error.line == LINE
    assert "single quotes" in str(error)


def test_openssh_on_windows_may_use_a_key_and_a_jump_host() -> None:
    host = windows(transport="ssh", os="windows", identity="~/.ssh/id", jump="bastion", install_dir="C:\\Auth0")
    assert (host.system, host.port, host.jump) == ("windows", 22, "bastion")


@pytest.mark.parametrize("auth", ["kerberos", "certificate"])
def test_a_ticket_or_a_certificate_says_who_logs_in(auth: str) -> None:
    certificate = {"client_certificate": "~/ops.pem", "identity": "~/ops.key"} if auth == "certificate" else {}
    assert windows(user=None, auth=auth, **certificate).user is None


def test_kerberos_takes_no_account_with_a_backslash(written: Written) -> None:
    error = error_of(written(MIXED.replace(r"user = 'CORP\ops'", "user = 'CORP\\ops'\nauth = 'kerberos'")))
    assert error.key == "hosts[2].user"
    assert "name@DOMAIN.EXAMPLE" in str(error)
    assert windows(user="ops@CORP.EXAMPLE", auth="kerberos").user == "ops@CORP.EXAMPLE"


def test_saving_a_mixed_cluster_changes_no_byte(written: Written) -> None:
    path = written(MIXED)
    save_cluster(load_cluster(path), path)
    assert path.read_text() == MIXED


@pytest.mark.parametrize(("tls", "usual"), [(True, 5986), (False, 5985)])
def test_a_port_is_saved_only_where_it_is_not_the_usual_one(tmp_path: Path, tls: bool, usual: int) -> None:
    path = tmp_path / "prod.toml"
    for port, written in ((usual, False), (22, True), (15986, True)):
        cluster = Cluster(cluster=ClusterSection(name="prod", first="elm"), hosts=(windows(tls=tls, port=port),))
        path.unlink(missing_ok=True)
        save_cluster(cluster, path)
        assert load_cluster(path) == cluster
        assert ("\nport" in path.read_text()) is written


def test_a_host_that_moves_to_winrm_is_saved_with_the_port_that_it_then_has(written: Written) -> None:
    path = written(MIXED.replace('address = "fir.example.com"', 'address = "fir.example.com"\nport = 22 # usual'))
    cluster = load_cluster(path)
    fir = Host.model_validate({"name": "fir", "address": "fir.example.com", "transport": "winrm", "user": "ops"})
    moved = cluster.model_copy(update={"hosts": (fir, cluster.hosts[1])})
    save_cluster(moved, path)
    assert load_cluster(path) == moved
    assert "port = 5986 # usual" in path.read_text()


INLINE = """hosts = [
  { name = "fir", address = "fir", keys = { LDAP_URL = "ldap://a" } },
  { name = "oak", address = "oak" },
]
cluster = { name = "prod", first = "fir" }
"""
TABLES = """[cluster]
name = "prod"
first = "fir"
[[hosts]]
name = "fir"
address = "fir"
[hosts.keys]
LDAP_URL = "ldap://a" # near
[[hosts]]
name = "oak"
address = "oak"
"""


@pytest.mark.parametrize("text", [INLINE, TABLES], ids=["inline", "tables"])
def test_keys_of_a_site_are_added_changed_and_removed(written: Written, text: str) -> None:
    path = written(text)
    cluster = load_cluster(path)
    for first, second in (({"SSL_CA_PATH": "/ca"}, {"LDAP_URL": "ldap://b"}), ({}, {}), ({"HTTP_PROXY": ""}, {})):
        hosts = [
            Host.model_validate({"name": host.name, "address": host.address, "user": "ops", "keys": keys})
            for host, keys in zip(cluster.hosts, (first, second), strict=True)
        ]
        wanted = cluster.model_copy(update={"hosts": tuple(hosts)})
        save_cluster(wanted, path)
        assert load_cluster(path) == wanted


def test_the_keys_of_a_site_are_those_that_may_differ_by_site() -> None:
    assert all(config_keys.classify(key, None) is KeyClass.SITE for key in SITE_KEYS)


@settings(max_examples=60, deadline=None)
@given(
    user=st.text(alphabet="ab \\@.$'\"#äß", min_size=1, max_size=12),
    install_dir=st.text(alphabet="C:\\ab '()\".x", min_size=1, max_size=16).map(lambda text: f"C:\\{text}"),
    service=st.text(alphabet="ab A'\"#=[]ä", min_size=1, max_size=12),
    value=st.text(alphabet="ab\\:/'\"#ä ", max_size=12),
)
def test_whatever_windows_allows_is_saved_as_it_is_and_the_rest_is_refused(
    user: str, install_dir: str, service: str, value: str
) -> None:
    try:
        host = windows(user=user, install_dir=install_dir, connector_unit=service, keys={"SSL_CA_PATH": value})
    except ValidationError:
        return
    cluster = Cluster(cluster=ClusterSection(name="prod", first="elm"), hosts=(host,))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "prod.toml"
        save_cluster(cluster, path)
        assert load_cluster(path) == cluster
