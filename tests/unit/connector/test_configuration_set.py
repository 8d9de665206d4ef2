"""A set is only fit to be copied when its parts belong together."""

from __future__ import annotations

import hashlib
import json
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.connector.material import PASSWORD, TICKET, config, configuration_set, other_pair, pair
from tui.connector.bind_password import decrypts, encrypt
from tui.connector.certificates import certificate_facts, certificate_findings
from tui.connector.configuration_set import (
    entries,
    password_decrypts,
    same_connection,
    set_differences,
    set_findings,
    target_set,
)
from tui.connector.errors import CertificateError
from tui.connector.model import ConfigurationSet, Layout, SetFile
from tui.findings import Severity, blockers
from tui.remote.session import FileAttributes


class TestThePassword:
    def test_it_opens_with_the_very_bytes_of_the_key(self) -> None:
        key = pair()[1]
        credentials = encrypt(PASSWORD, key)
        assert credentials.startswith("$2$.")
        assert decrypts(credentials, key)
        assert not decrypts(credentials, key.replace(b"\r\n", b"\n"))
        assert not decrypts(credentials, other_pair()[1])

    def test_the_old_form_is_openssls(self) -> None:
        key = b"legacy-key-on-one-line"
        command = ["openssl", "enc", "-aes-256-cbc", "-md", "md5", "-nosalt", "-k", key.decode()]
        made = subprocess.run(command, input=PASSWORD.encode(), capture_output=True, check=True).stdout
        assert decrypts(made.hex(), key)
        assert not decrypts(made.hex(), key + b"\n")

    @pytest.mark.parametrize("text", ["", "$2$.", "$2$.00.00.00", "$2$.zz.zz.zz", "xyz", "00", "$2$.00.00"])
    def test_what_is_no_ciphertext_does_not_open(self, text: str) -> None:
        assert not decrypts(text, b"key")

    @given(st.text(alphabet=st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=60))
    @settings(max_examples=5, deadline=None)
    def test_any_password_goes_there_and_back(self, password: str) -> None:
        assert decrypts(encrypt(password, b"key"), b"key")

    @given(st.binary(min_size=32, max_size=32))
    @settings(max_examples=100, deadline=None)
    def test_random_bytes_are_not_taken_for_a_password(self, data: bytes) -> None:
        assert not decrypts(data.hex(), b"key")


class TestTheCertificate:
    def test_facts(self) -> None:
        cert, key = pair()
        facts = certificate_facts(cert, key)
        der = x509.load_pem_x509_certificate(cert).public_bytes(Encoding.DER)
        assert facts.thumbprint == hashlib.sha1(der).hexdigest()
        assert facts.key_matches
        assert facts.not_after.tzinfo is not None
        assert not certificate_facts(cert, other_pair()[1]).key_matches
        assert not certificate_facts(cert, None).key_matches

    @pytest.mark.parametrize(
        "data", [b"", b"CANARY", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
    )
    def test_what_cannot_be_read_is_told_without_its_content(self, data: bytes) -> None:
        with pytest.raises(CertificateError) as caught:
            certificate_facts(data, None)
        assert "CANARY" not in str(caught.value)
        with pytest.raises(CertificateError):
            certificate_facts(pair()[0], data)

    def test_expiry(self) -> None:
        cert, key = pair()
        facts = certificate_facts(cert, key)

        def ids(now: datetime) -> list[str]:
            return [finding.id for finding in certificate_findings(facts, now)]

        assert ids(datetime.now(UTC)) == []
        assert ids(facts.not_after - timedelta(days=29)) == ["certificate-expires-soon"]
        assert ids(facts.not_after) == ["certificate-expired"]
        assert ids(facts.not_before - timedelta(days=1)) == ["certificate-not-yet-valid"]


def _ids(files: ConfigurationSet) -> set[str]:
    return {finding.id for finding in set_findings(files)}


class TestTheSet:
    def test_a_healthy_one_has_nothing_wrong(self) -> None:
        assert set_findings(configuration_set()) == []
        assert password_decrypts(configuration_set()) is True

    @pytest.mark.parametrize(
        ("files", "expected"),
        [
            (lambda: configuration_set(key=None), {"certificate-files-missing"}),
            (lambda: configuration_set(cert=None), {"certificate-files-missing"}),
            (lambda: configuration_set(cert=b""), {"certificate-files-missing"}),
            (lambda: configuration_set(mapper=None), {"profile-mapper-missing"}),
            (lambda: configuration_set(cert=other_pair()[0]), {"key-mismatch"}),
            (lambda: configuration_set(key=pair()[1].replace(b"\r\n", b"\n")), {"password-not-decryptable"}),
            (lambda: configuration_set(cert=b"nonsense"), {"certificate-unreadable"}),
            (lambda: configuration_set(b'{"PROVISIONING_TICKET": "http'), {"config-unreadable"}),
        ],
    )
    def test_each_fault_is_a_blocker(self, files: object, expected: set[str]) -> None:
        assert callable(files)
        found = set_findings(files())
        assert {finding.id for finding in found} == expected
        assert blockers(found) == found

    def test_without_config_it_is_not_configured(self) -> None:
        files = configuration_set()
        bare = ConfigurationSet(files.layout, files.version, {}, {})
        assert {"config-missing", "certificate-files-missing"} <= _ids(bare)
        assert password_decrypts(bare) is None

    def test_a_missing_certs_folder_is_named_as_a_disaster(self) -> None:
        files = configuration_set(cert=None, key=None)
        bare = ConfigurationSet(files.layout, files.version, files.files, {})
        finding = next(each for each in set_findings(bare) if each.id == "certificate-files-missing")
        assert "certs" in finding.summary
        assert "publishes" in finding.evidence[0]

    def test_extra_files_are_noted(self) -> None:
        files = configuration_set()
        files.files["certs/extra/ca.pem"] = SetFile("certs/extra/ca.pem", b"x", FileAttributes("svc", "svc", 0o644))
        found = set_findings(files)
        assert [(each.id, each.severity, each.evidence) for each in found] == [
            ("extra-files", Severity.NOTE, ("certs/extra/ca.pem",))
        ]

    def test_nothing_shown_holds_a_secret(self) -> None:
        values = config(LDAP_BIND_PASSWORD="CANARY", SESSION_SECRET="a1b2c3d4567")
        files = configuration_set(json.dumps(values).encode())
        assert "CANARY" not in repr(set_findings(files))
        assert "PRIVATE KEY" not in repr(files)

    def test_small_files_are_listed_without_a_hash(self) -> None:
        listed = {entry.path: entry for entry in entries(configuration_set())}
        assert listed["lib/profileMapper.js"].sha256 is None
        assert listed["certs/cert.key"].sha256 == hashlib.sha256(pair()[1]).hexdigest()
        assert listed["certs/cert.key"].mode == 0o644


class TestTwoSets:
    def test_the_ticket_tells_whether_it_is_the_same_connection(self) -> None:
        def with_ticket(ticket: str | None) -> ConfigurationSet:
            return configuration_set(json.dumps(config(PROVISIONING_TICKET=ticket)).encode())

        assert same_connection(with_ticket(TICKET), with_ticket(f"{TICKET}/"))
        assert not same_connection(with_ticket(TICKET), with_ticket(f"{TICKET}x"))
        assert not same_connection(with_ticket(None), with_ticket(None))

    def test_the_target_has_the_first_ones_bytes_and_the_hosts_attributes(self) -> None:
        first = configuration_set(json.dumps(config(FIREWALL_RULE_CREATED=True)).encode())
        first.files["certs/extra/ca.pem"] = SetFile("certs/extra/ca.pem", b"x", FileAttributes("a", "a", 0o600))
        first.directories["certs/extra"] = FileAttributes("a", "a", 0o700)
        kept = FileAttributes("app", "app", 0o640, acl="user::rw-", label="system_u:object_r:usr_t:s0")
        present = ConfigurationSet(
            Layout.V6, "6.4.1", {"lib/profileMapper.js": SetFile("lib/profileMapper.js", b"old", kept)}, {}
        )
        target = target_set(first, present, owner="app", group="ldap")
        assert target.files["lib/profileMapper.js"].attributes == kept
        assert target.data("lib/profileMapper.js") == first.data("lib/profileMapper.js")
        assert target.files["certs/extra/ca.pem"].attributes == FileAttributes("app", "ldap", 0o600)
        assert target.directories["certs/extra"] == FileAttributes("app", "ldap", 0o700)
        assert b"FIREWALL_RULE_CREATED" not in (target.data("config.json") or b"")
        assert set_differences(first, target) == ()

    def test_a_plain_set_is_copied_to_the_byte(self) -> None:
        first = configuration_set()
        empty = ConfigurationSet(Layout.V6, "6.4.1", {}, {})
        target = target_set(first, empty, owner="a", group="a")
        assert {path: file.data for path, file in target.files.items()} == {
            path: file.data for path, file in first.files.items()
        }
