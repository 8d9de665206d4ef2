"""Secrets come in without a trace and are masked wherever they would show."""

from __future__ import annotations

import base64
import io
import json
import logging
import sys
from collections.abc import Iterator
from urllib.parse import quote

import keyring
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keyring.backend import KeyringBackend

from tui.remote.errors import SecretKind
from tui.remote.redaction import MASK, RedactingFilter, Redactor, mask, quiet_libraries
from tui.remote.secrets import Secrets
from tui.remote.secrets_input import (
    KeyringLookup,
    SecretsInputError,
    dump_secrets,
    keyring_service,
    parse_secrets,
    read_secrets,
)

DOCUMENT = b"""
[hosts.fir]
password = "p1-s3cret"
sudo_password = "s-'q\\"uoted"
key_passphrase = "k\\u00fcy"
[vault]
passphrase = "vault-s3cret"
[tenant]
client_secret = "tenant-s3cret"
"""


def test_a_document_is_read_and_written_again() -> None:
    secrets = read_secrets(io.BytesIO(DOCUMENT))
    assert secrets.of_host("fir", SecretKind.SUDO_PASSWORD) == "s-'q\"uoted"
    assert secrets.of_host("oak", SecretKind.PASSWORD) is None
    assert parse_secrets(dump_secrets(secrets)) == secrets
    assert "s3cret" not in repr(secrets) + str(secrets)


@pytest.mark.parametrize(
    ("document", "named"),
    [
        (b'[hosts.fir]\npasword = "CANARY"\n', "hosts.fir.pasword is not a known key"),
        (b"[hosts.fir]\npassword = 4711\n", "hosts.fir.password must be a text"),
        (b'hosts = "CANARY"\n', "hosts must be a table"),
        (b'[vault]\npassphrase = "CANARY\n', "line 2"),
        (b'password = CANARY"\n', "line 1"),
        (b"\xff\xfeCANARY", "UTF-8"),
        (b"#" * (1 << 20) + b"CANARY", "1 MiB"),
    ],
)
def test_a_bad_document_names_the_key_and_never_the_value(document: bytes, named: str) -> None:
    with pytest.raises(SecretsInputError) as caught:
        parse_secrets(document)
    assert named in str(caught.value)
    assert "CANARY" not in str(caught.value)
    assert "4711" not in str(caught.value)
    assert caught.value.__cause__ is None


class _Ring(KeyringBackend):
    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        return {(keyring_service("north"), "fir/password"): "ringed"}.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError

    def delete_password(self, service: str, username: str) -> None:
        raise NotImplementedError


def test_a_refused_value_is_remembered_as_wrong() -> None:
    secrets = Secrets()
    secrets.remember("fir", SecretKind.SUDO_PASSWORD, "x")
    secrets.refuse("fir", SecretKind.SUDO_PASSWORD, "x")
    assert secrets.of_host("fir", SecretKind.SUDO_PASSWORD) is None
    assert secrets.was_refused("fir", SecretKind.SUDO_PASSWORD, "x")
    assert not secrets.was_refused("oak", SecretKind.SUDO_PASSWORD, "x")


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=4, max_size=40))
def test_every_spelling_of_a_secret_is_masked(value: str) -> None:
    secrets = Secrets()
    secrets.remember("fir", SecretKind.PASSWORD, value)
    data = value.encode()
    spellings = [
        value,
        quote(value, safe=""),
        base64.b64encode(data).decode(),
        base64.urlsafe_b64encode(data).decode(),
        json.dumps(value),
        json.dumps(value, ensure_ascii=False),
        data.hex(),
    ]
    for spelling in spellings:
        assert MASK in mask(f"<{spelling}>", secrets)
        assert mask(f"<{spelling}>", secrets).replace(MASK, "").strip('<>"=') == ""


def test_a_short_secret_is_masked_only_as_a_word() -> None:
    secrets = Secrets()
    secrets.remember("fir", SecretKind.PASSWORD, "ab")
    assert mask("cabin: ab", secrets) == f"cabin: {MASK}"


def test_log_records_are_masked_with_their_arguments_and_tracebacks() -> None:
    secrets = Secrets()
    redactor = Redactor(secrets)
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.addFilter(RedactingFilter(redactor))
    logger = logging.Logger("test")
    logger.addHandler(handler)
    secrets.remember("fir", SecretKind.PASSWORD, "late-s3cret")
    redactor.add("config-s3cret")
    try:
        raise ValueError("late-s3cret")
    except ValueError:
        logger.exception("said %s and %r", "config-s3cret", {"a": "late-s3cret"})
    secrets.forget("fir", SecretKind.PASSWORD)
    logger.warning("still late-s3cret")
    assert "s3cret" not in out.getvalue()
    assert "ValueError" in out.getvalue()
    assert out.getvalue().count(MASK) >= 4


def test_library_loggers_are_pinned_and_never_reach_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    quiet_libraries()
    logger = logging.getLogger("paramiko.transport")
    assert logger.getEffectiveLevel() == logging.WARNING
    root = logging.getLogger()
    handlers, root.handlers = root.handlers, []
    try:
        logger.error("would wreck the screen")
    finally:
        root.handlers = handlers
    assert capfd.readouterr() == ("", "")


@pytest.fixture
def ring() -> Iterator[_Ring]:
    """The process's keyring, given back afterwards."""
    before = keyring.get_keyring()
    made = _Ring()  # type: ignore[no-untyped-call]
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


@pytest.mark.usefixtures("ring")
def test_a_wrong_secret_is_not_fetched_from_the_keyring_a_second_time() -> None:
    secrets = Secrets()
    secrets.ask_elsewhere(KeyringLookup("north"))
    assert secrets.of_host("fir", SecretKind.PASSWORD) == "ringed"
    secrets.forget("fir", SecretKind.PASSWORD)
    assert secrets.of_host("fir", SecretKind.PASSWORD) is None


@pytest.mark.usefixtures("ring")
def test_the_keyring_fills_only_what_is_lacking() -> None:
    secrets = Secrets()
    secrets.remember("oak", SecretKind.PASSWORD, "given")
    secrets.ask_elsewhere(KeyringLookup("north"))
    assert secrets.of_host("fir", SecretKind.PASSWORD) == "ringed"
    assert secrets.of_host("oak", SecretKind.PASSWORD) == "given"


def test_without_the_keyring_extra_nothing_is_found_and_nothing_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert KeyringLookup("north")("fir/password") is None


@pytest.mark.usefixtures("ring")
def test_what_is_lacking_is_looked_up_and_a_refused_value_is_not_offered_again() -> None:
    secrets = Secrets()
    secrets.ask_elsewhere(KeyringLookup("north"))
    assert secrets.of_host("fir", SecretKind.PASSWORD) == "ringed"
    assert MASK in mask("ringed", secrets)
    assert parse_secrets(dump_secrets(secrets)).of_host("fir", SecretKind.PASSWORD) == "ringed"
    assert secrets.of_host("fir", SecretKind.CHALLENGE) is None
    assert (secrets.vault_passphrase(), secrets.client_secret()) == (None, None)
    secrets.refuse("fir", SecretKind.PASSWORD, "ringed")
    assert secrets.of_host("fir", SecretKind.PASSWORD) is None
    secrets.remember("fir", SecretKind.PASSWORD, "typed")
    assert secrets.of_host("fir", SecretKind.PASSWORD) == "typed"


def test_a_keyring_that_fails_in_any_way_is_asked_once_and_never_breaks_anything(
    ring: _Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def broken(_service: str, name: str) -> str | None:
        asked.append(name)
        raise RuntimeError("no D-Bus")

    monkeypatch.setattr(ring, "get_password", broken)
    lookup = KeyringLookup("north")
    assert [lookup("fir/password"), lookup("oak/password"), lookup("fir/password")] == [None] * 3
    assert asked == ["fir/password"]
