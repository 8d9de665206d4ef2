"""Keys that may differ by site: what another host may need, and how its config.json then differs from the first's."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.connector.material import config, configuration_set
from tui.connector.config_keys import compare, drift, not_left_alone, read_config, with_values
from tui.connector.configuration_set import config_values, target_set
from tui.connector.model import ConfigurationSet, Install, Layout
from tui.connector.names import name_findings
from tui.connector.site_keys import SiteProposal, site_findings, site_proposals
from tui.findings import Severity
from tui.remote.session import FileAttributes

PROGRAMS = r"C:\Program Files (x86)\Auth0\AD LDAP Connector"


def install(directory: str, os: str) -> Install:
    return Install(
        directory=directory,
        found_at=directory,
        layout=Layout.V6,
        version="6.4.1",
        owner="auth0",
        group="auth0",
        node="node",
        connector_unit="x",
        admin_unit=None,
        account="auth0",
        os=os,
    )


LINUX, WINDOWS = install("/opt/auth0-adldap", "linux"), install(PROGRAMS, "windows")
ELSEWHERE = install("/opt/ad-ldap-connector", "linux")


def proposed(values: Mapping[str, object], source: Install, target: Install, **chosen: str) -> dict[str, SiteProposal]:
    return {each.key: each for each in site_proposals(values, source=source, target=target, chosen=chosen)}


@pytest.mark.parametrize(
    ("source", "target", "key", "value", "proposal"),
    [
        (LINUX, WINDOWS, "SSL_CA_PATH", "/etc/ssl/certs", ""),
        (WINDOWS, LINUX, "SSL_CA_PATH", r"D:\ca", ""),
        (WINDOWS, LINUX, "SSL_CA_PATH", r"\\files\ca", ""),
        (LINUX, WINDOWS, "SSL_CA_PATH", "/opt/auth0-adldap/certs/ca", PROGRAMS + r"\certs\ca"),
        (WINDOWS, LINUX, "SSL_CA_PATH", PROGRAMS.lower() + r"\certs\ca", "/opt/auth0-adldap/certs/ca"),
        (LINUX, ELSEWHERE, "SSL_CA_PATH", "/opt/auth0-adldap/certs/ca", "/opt/ad-ldap-connector/certs/ca"),
        (LINUX, WINDOWS, "PROFILE_MAPPER_FILE", "/opt/auth0-adldap/lib/mine.js", PROGRAMS + r"\lib\mine.js"),
        (LINUX, WINDOWS, "PROFILE_MAPPER_FILE", "/srv/mine.js", PROGRAMS + r"\mine.js"),
        (WINDOWS, LINUX, "PROFILE_MAPPER_FILE", r"D:\mine.js", "/opt/auth0-adldap/mine.js"),
        (WINDOWS, LINUX, "PROFILE_MAPPER_FILE", r".\mine.js", "./mine.js"),
    ],
)
def test_a_place_that_is_elsewhere_on_the_other_host_is_proposed(
    source: Install, target: Install, key: str, value: str, proposal: str
) -> None:
    assert proposed({key: value}, source, target)[key].proposal == proposal


@pytest.mark.parametrize(
    ("source", "target", "values"),
    [
        (LINUX, LINUX, {"SSL_CA_PATH": "/opt/auth0-adldap/certs"}),
        (LINUX, ELSEWHERE, {"SSL_CA_PATH": "/etc/ssl/certs", "PROFILE_MAPPER_FILE": "/srv/mine.js"}),
        (LINUX, WINDOWS, {"PROFILE_MAPPER_FILE": "./mine.js", "LDAP_URL": "ldap://dc1", "SSL_CA_PATH": False}),
        (WINDOWS, LINUX, {"SSL_CA_FILE": r".+\.pem$", "SSL_OPENSSLDIR_PATTERN": r"OPENSSLDIR\s*"}),
        (WINDOWS, WINDOWS, {"SSL_CA_PATH": r"D:\ca"}),
    ],
)
def test_what_means_the_same_on_both_hosts_is_left_alone(
    source: Install, target: Install, values: dict[str, object]
) -> None:
    assert proposed(values, source, target) == {}


def test_a_proposal_is_a_warning_until_the_cluster_file_says_something() -> None:
    values = {"SSL_CA_PATH": "/etc/ssl/certs"}
    open_question = tuple(proposed(values, LINUX, WINDOWS).values())
    (finding,) = site_findings(open_question)
    assert (finding.id, finding.severity) == ("site-path", Severity.WARNING)
    assert "[hosts.keys]" in (finding.remedy or "")
    assert "certificate store" in " ".join(finding.evidence)
    for word in ("", "/etc/ssl/certs", r"D:\ca"):
        decided = proposed(values, LINUX, WINDOWS, SSL_CA_PATH=word)
        assert decided["SSL_CA_PATH"].chosen == word
        assert site_findings(tuple(decided.values())) == []


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_only_the_value_of_the_key_is_replaced(newline: str, bom: bytes) -> None:
    lines = ("{", '  "A" : [1, {"SSL_CA_PATH": "/x"}],', '  "SSL_CA_PATH": "/etc/ssl" ,', '  "Z": "/etc/ssl"', "}")
    data = bom + newline.join(lines).encode()
    changed = with_values(data, {"SSL_CA_PATH": 'D:\\c"a'})
    assert changed == data.replace(b'"SSL_CA_PATH": "/etc/ssl"', rb'"SSL_CA_PATH": "D:\\c\"a"')


def test_a_key_that_is_lacking_comes_last_in_the_files_own_layout() -> None:
    data = b'{\r\n  "A": 1,\r\n  "B": 2\r\n}\r\n'
    assert with_values(data, {"HTTP_PROXY": "http://p"}) == (
        b'{\r\n  "A": 1,\r\n  "B": 2,\r\n  "HTTP_PROXY": "http://p"\r\n}\r\n'
    )
    assert with_values(b"{}", {"HTTP_PROXY": "http://p"}) == b'{"HTTP_PROXY": "http://p"}'


def test_nothing_is_written_for_a_key_that_says_so_already_or_would_say_nothing() -> None:
    data = b'{"SSL_CA_PATH":"/a"}'
    assert with_values(data, {"SSL_CA_PATH": "/a", "HTTP_PROXY": ""}) is not None
    assert with_values(data, {"SSL_CA_PATH": "/a", "HTTP_PROXY": ""}) == data


@given(
    st.dictionaries(st.sampled_from(["LDAP_URL", "SSL_CA_PATH", "A", "\u00e4"]), st.text() | st.integers() | st.none()),
    st.dictionaries(st.sampled_from(["LDAP_URL", "SSL_CA_PATH", "HTTP_PROXY"]), st.text(min_size=1), min_size=1),
    st.sampled_from([None, 2]),
)
def test_the_edited_file_says_what_was_meant_and_the_rest_as_before(
    values: dict[str, object], chosen: dict[str, str], indent: int | None
) -> None:
    data = json.dumps(values, indent=indent, ensure_ascii=False).encode()
    assert read_config(with_values(data, chosen)).values == {**values, **chosen}


def test_a_set_for_another_system_keeps_its_bytes_but_for_what_the_site_chose() -> None:
    first = configuration_set(json.dumps(config(SSL_CA_PATH="/etc/ssl", FIREWALL_RULE_CREATED=True)).encode())
    empty = ConfigurationSet(Layout.V6, "6.4.1", {}, {}, os="windows")
    target = target_set(first, empty, owner="x", group="", account="LocalSystem", keys={"SSL_CA_PATH": ""})
    assert (config_values(target) or {})["SSL_CA_PATH"] == ""
    assert "FIREWALL_RULE_CREATED" not in (config_values(target) or {})
    assert target.os == "windows"
    assert {file.attributes.owner for file in target.files.values()} == {""}
    for path in set(first.files) - {"config.json"}:
        assert target.data(path) == first.data(path)
    back = target_set(
        target, ConfigurationSet(Layout.V6, "6.4.1", {}, {}), owner="root", group="auth0", account="auth0"
    )
    assert {file.attributes for file in back.files.values()} == {FileAttributes("auth0", "auth0", 0o600)}
    assert set(back.directories.values()) == {FileAttributes("auth0", "auth0", 0o700)}


def test_a_key_that_was_decided_on_is_drift_when_the_host_has_something_else() -> None:
    differences = compare(config(LDAP_URL="ldap://a"), config(LDAP_URL="ldap://b"))
    for judged in (drift, not_left_alone):
        assert judged(differences) == ()
        assert [each.key for each in judged(differences, decided={"LDAP_URL"})] == ["LDAP_URL"]


@pytest.mark.parametrize(
    ("names", "id"),
    [
        (("certs/aux.pem",), "name-refused"),
        (("certs/a:b",), "name-refused"),
        (("certs/ca ",), "name-refused"),
        (("certs/CA.pem", "certs/ca.pem"), "name-case"),
        (("certs/" + "x" * 190,), "path-too-long"),
    ],
)
def test_names_that_windows_cannot_have_stop_a_copy_to_it_only(names: tuple[str, ...], id: str) -> None:
    files = configuration_set()
    for name in names:
        files.files[name] = files.files["certs/cert.pem"]
    (finding,) = name_findings(files, WINDOWS)
    assert (finding.id, finding.severity) == (id, Severity.BLOCKER)
    assert names[0] in finding.summary
    assert name_findings(files, LINUX) == []


def test_a_usual_set_fits_windows() -> None:
    assert name_findings(configuration_set(), WINDOWS) == []
