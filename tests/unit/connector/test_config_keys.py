"""config.json is read whatever tool saved it, compared by key, and never shown with its secrets."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.connector.material import TICKET, config
from tui.connector.config_findings import config_findings
from tui.connector.config_keys import (
    classify,
    compare,
    drift,
    is_configured,
    mask_url,
    read_config,
    secret_values,
    without_not_cloned,
)
from tui.connector.errors import ConfigError
from tui.connector.model import KeyClass
from tui.findings import Severity


class TestReading:
    def test_a_byte_order_mark_and_crlf_are_accepted(self) -> None:
        document = read_config(b'\xef\xbb\xbf{\r\n  "A": 1\r\n}\r\n')
        assert (document.values, document.bom, document.newline) == ({"A": 1}, True, "\r\n")
        assert read_config(b'{\n"A": 1}').newline == "\n"

    @pytest.mark.parametrize(
        ("data", "words", "place"),
        [
            (b"", "empty", (1, 1)),
            (b"\0\0\0\0", "empty", (1, 1)),
            (b'{\n  "A": "CANARY', "truncated", (2, 8)),
            (b'{\n  "A": 1,\n', "truncated", (3, 1)),
            (b'{"A": 1\n', "truncated", (2, 1)),
            (b'{\n  "A": CANARY\n}', "not valid JSON", (2, 8)),
            (b"[1]", "no JSON object", (1, 1)),
            (b'{"A": "\xff"}', "not UTF-8", (1, None)),
            (b'{"A": NaN}', "not valid JSON", (None, None)),
        ],
    )
    def test_damage_is_placed_and_never_repeated(
        self, data: bytes, words: str, place: tuple[int | None, int | None]
    ) -> None:
        with pytest.raises(ConfigError, match=words) as caught:
            read_config(data)
        assert (caught.value.line, caught.value.column) == place
        assert "CANARY" not in str(caught.value)
        assert caught.value.remedy

    @given(st.binary())
    def test_any_bytes_are_read_or_refused(self, data: bytes) -> None:
        with suppress(ConfigError):
            assert isinstance(read_config(data).values, dict)

    @pytest.mark.parametrize("cut", range(1, 40, 3))
    def test_every_truncation_is_noticed(self, cut: int) -> None:
        data = json.dumps({"A": {"B": [1, 2]}, "C": "text"}, indent=2).encode()
        with pytest.raises(ConfigError):
            read_config(data[:cut])

    def test_the_document_hides_its_values(self) -> None:
        assert "CANARY" not in repr(read_config(b'{"SESSION_SECRET": "CANARY"}'))

    @pytest.mark.parametrize("values", [{}, {"PROVISIONING_TICKET": ""}, {"PROVISIONING_TICKET": None}, {"PORT": 1}])
    def test_without_a_ticket_nothing_is_configured(self, values: dict[str, object]) -> None:
        assert not is_configured(values)
        assert is_configured({"PROVISIONING_TICKET": TICKET})


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("PROVISIONING_TICKET", KeyClass.SECRET),
        ("LDAP_BIND_CREDENTIALS", KeyClass.SECRET),
        ("LDAP_BIND_PASSWORD", KeyClass.SECRET),
        ("SESSION_SECRET", KeyClass.SECRET),
        ("SSL_KEY_PASSWORD", KeyClass.SECRET),
        ("CONNECTIONS_API_V2_KEY", KeyClass.SECRET),
        ("SOME_FUTURE_TOKEN", KeyClass.SECRET),
        ("ALLOW_PASSWORD_RESET", KeyClass.EQUAL),
        ("LDAP_SEARCH_QUERY", KeyClass.EQUAL),
        ("LDAP_USER_BY_NAME", KeyClass.EQUAL),
        ("GROUPS_CACHE_SECONDS", KeyClass.EQUAL),
        ("urn:auth0:acme", KeyClass.EQUAL),
        ("AD_HUB", KeyClass.EQUAL),
        ("LDAP_URL", KeyClass.SITE),
        ("HTTP_PROXY", KeyClass.SITE),
        ("LAST_SENT_THUMBPRINT", KeyClass.REWRITTEN),
        ("FIREWALL_RULE_CREATED", KeyClass.NOT_CLONED),
        ("SOMETHING_ELSE", KeyClass.OTHER),
    ],
)
def test_keys_are_classified(key: str, expected: KeyClass) -> None:
    assert classify(key, "urn:auth0:acme") is expected


class TestComparing:
    def test_secrets_are_only_equal_or_different(self) -> None:
        there = config(HTTP_PROXY="http://user:CANARYproxy@proxy:3128", SOME_TOKEN="CANARYtoken")
        here = {**there, "SESSION_SECRET": "CANARYother", "HTTP_PROXY": "http://user:CANARYtwo@proxy:3128"}
        del here["SOME_TOKEN"]
        rows = {row.key: row for row in compare(here, there)}
        assert "CANARY" not in repr(rows)
        assert (rows["SESSION_SECRET"].here, rows["SESSION_SECRET"].there) == ("set", "different")
        assert (rows["PROVISIONING_TICKET"].there, rows["PROVISIONING_TICKET"].equal) == ("equal", True)
        assert (rows["SOME_TOKEN"].here, rows["SOME_TOKEN"].there) == ("not set", "set")
        assert not rows["HTTP_PROXY"].equal

    def test_an_unconfigured_host_has_nothing_here(self) -> None:
        rows = compare(None, config(), only_changes=True)
        assert all(row.here in (None, "not set") for row in rows)

    def test_defaults_and_spelling_of_numbers_are_no_difference(self) -> None:
        rows = {row.key: row for row in compare(config(PORT="4000"), config(PORT=None))}
        assert rows["PORT"].equal
        assert compare(config(PORT="4000"), config(PORT=4000), only_changes=True) == ()

    def test_only_what_matters_counts_as_drift(self) -> None:
        here = config(LDAP_BASE="dc=other", LDAP_URL="ldaps://site-b", LAST_SENT_THUMBPRINT="00")
        assert [row.key for row in drift(compare(here, config()))] == ["LDAP_BASE"]


def test_secret_values_are_complete() -> None:
    values = config(
        HTTP_PROXY="http://user:p%40ss@proxy:3128",
        TENANT_SIGNING_KEY={"public": "CANARYnested"},
        AUTH_CERT_KEY="CANARYpem",
    )
    found = secret_values(values)
    for secret in (TICKET, "CANARYticket", "CANARY-session-secret", "p%40ss", "p@ss", "CANARYnested", "CANARYpem"):
        assert secret in found
    assert str(values["LDAP_BIND_CREDENTIALS"]) in found
    assert "corp" not in found


@pytest.mark.parametrize("text", ["http://proxy:3128", "not a url", "http://[broken", ""])
def test_a_url_without_a_password_is_left_as_it_is(text: str) -> None:
    assert mask_url(text) == text


class TestNotCloned:
    @pytest.mark.parametrize(
        ("data", "expected"),
        [
            (b'{"A": 1}', b'{"A": 1}'),
            (b'{\r\n  "A": 1,\r\n  "FIREWALL_RULE_CREATED": true\r\n}', b'{\r\n  "A": 1\r\n}'),
            (b'{"FIREWALL_RULE_CREATED": true,\n "A": [1, {"x": ","}]}', b'{"A": [1, {"x": ","}]}'),
            (b'{ "A": "}", "FIREWALL_RULE_CREATED" : true , "B":2}', b'{ "A": "}", "B":2}'),
            (b'\xef\xbb\xbf{"FIREWALL_RULE_CREATED": true}', b"\xef\xbb\xbf{}"),
            (b'{"N": {"FIREWALL_RULE_CREATED": 1}}', b'{"N": {"FIREWALL_RULE_CREATED": 1}}'),
        ],
    )
    def test_only_that_key_goes(self, data: bytes, expected: bytes) -> None:
        assert without_not_cloned(data) == expected

    @given(
        st.dictionaries(st.text(), st.integers() | st.text() | st.lists(st.none() | st.text()), max_size=5),
        st.booleans(),
    )
    @settings(max_examples=40, deadline=None)
    def test_everything_else_stays(self, values: dict[str, object], spread: bool) -> None:
        values["FIREWALL_RULE_CREATED"] = True
        values["LAST"] = "x"
        data = json.dumps(values, indent=2 if spread else None).encode()
        del values["FIREWALL_RULE_CREATED"]
        assert read_config(without_not_cloned(data)).values == values


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, set()),
        ({"PROVISIONING_TICKET": None}, {"not-configured"}),
        ({"PROVISIONING_TICKET": "http://acme.example.com/p/ad/CANARY"}, {"ticket-malformed"}),
        ({"PROVISIONING_TICKET": "CANARY"}, {"ticket-malformed"}),
        ({"PROVISIONING_TICKET": "https://acme.example.com"}, {"ticket-malformed"}),
        ({"LDAP_URL": None}, {"ldap-url-missing"}),
        ({"LDAP_URL": "ldap://dc:636"}, {"ldap-url-port"}),
        ({"LDAP_URL": "dc.corp"}, {"ldap-url-malformed"}),
        ({"LDAP_URL": "ldap://dc"}, set()),
        ({"LDAP_BIND_PASSWORD": "CANARY"}, {"plaintext-password"}),
        ({"LDAP_BIND_CREDENTIALS": None}, {"no-bind-password"}),
        ({"ANONYMOUS_SEARCH_ENABLED": True}, {"anonymous-search"}),
        ({"SESSION_SECRET": None}, {"session-secret-public"}),
        ({"SESSION_SECRET": "a1b2c3d4567"}, {"session-secret-public"}),
        ({"KERBEROS_DEBUG_USER": "jane"}, {"kerberos-debug-user"}),
        ({"PROFILE_MAPPER": "function () { CANARY }"}, {"profile-mapper-in-config"}),
        ({"NODE_TLS_REJECT_UNAUTHORIZED": "0"}, {"tls-verification-off"}),
        ({"NODE_TLS_REJECT_UNAUTHORIZED": 1}, set()),
        ({"KERBEROS_AUTH": "true"}, {"server-url-shared"}),
        ({"SSL_CA_FILE": "/etc/ca.pem"}, {"files-outside-the-set"}),
        ({"AUTH_CERT_KEY": "CANARY"}, {"certificate-in-config"}),
        ({"FIREWALL_RULE_CREATED": True}, {"firewall-rule-created"}),
    ],
)
def test_findings(more: dict[str, object], expected: set[str]) -> None:
    found = config_findings(config(**more))
    assert {finding.id for finding in found} == expected
    assert all(finding.remedy for finding in found if finding.severity is not Severity.NOTE)
    assert "CANARY" not in repr(found)
