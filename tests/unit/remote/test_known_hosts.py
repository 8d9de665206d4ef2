"""Known hosts files are read as OpenSSH reads them, and only ever appended to."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.errors import OperatorError
from tui.remote.known_hosts import (
    Trust,
    authorities,
    fingerprint,
    known_types,
    lookup_name,
    parse_known_hosts,
    read_known_hosts,
    remember,
    trust,
)

SUPPORTED = ("ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256")
KEY, OTHER = b"\0\0\0\x0bssh-ed25519key", b"\0\0\0\x0bssh-ed25519other"


def _line(name: str, key: bytes = KEY, key_type: str = "ssh-ed25519", marker: str = "") -> str:
    return f"{marker} {name} {key_type} {base64.b64encode(key).decode()}".strip() + "\n"


def _hashed(name: str) -> str:
    salt = b"0123456789abcdefghij"
    digest = hmac.new(salt, name.encode(), hashlib.sha1).digest()
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


@pytest.mark.parametrize(
    ("patterns", "name", "matches"),
    [
        ("fir.example", "fir.example", True),
        ("FIR.example", "fir.example", True),
        ("fir.example,10.0.0.1", "10.0.0.1", True),
        ("*.example", "fir.example", True),
        ("*.example,!fir.example", "fir.example", False),
        ("!fir.example,*.example", "oak.example", True),
        ("fi?.example", "fir.example", True),
        ("[fir.example]:2222", "[fir.example]:2222", True),
        ("[*.example]:2222", "[fir.example]:2222", True),
        ("fir.example", "[fir.example]:2222", False),
        ("[fir]", "f", False),
        (_hashed("fir.example"), "fir.example", True),
        (_hashed("fir.example"), "oak.example", False),
        (_hashed("[fir.example]:2222"), "[fir.example]:2222", True),
        ("|1|broken", "fir.example", False),
    ],
)
def test_which_hosts_a_line_is_about(patterns: str, name: str, matches: bool) -> None:
    (line,) = parse_known_hosts(_line(patterns))
    assert line.matches(name) is matches


def test_the_port_is_part_of_the_name_unless_it_is_22() -> None:
    assert lookup_name("Fir.Example", 22) == "fir.example"
    assert lookup_name("fir.example", 2222) == "[fir.example]:2222"


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        (_line("fir"), Trust.KNOWN),
        (_line("oak"), Trust.UNKNOWN),
        (_line("fir", OTHER), Trust.CHANGED),
        (_line("fir", OTHER) + _line("fir"), Trust.KNOWN),
        (_line("fir", OTHER, "ssh-rsa"), Trust.CHANGED),
        (_line("fir", OTHER, "ssh-dss"), Trust.UNKNOWN),
        (_line("fir") + _line("*", marker="@revoked"), Trust.REVOKED),
        (_line("fir") + _line("oak", marker="@revoked"), Trust.KNOWN),
        (_line("fir", marker="@cert-authority"), Trust.UNKNOWN),
        ("@cert-authority fir\n@revoked\n# fir\nfir ssh-ed25519 %%%\n" + _line("fir"), Trust.KNOWN),
    ],
)
def test_what_the_lines_say_of_a_key(text: str, verdict: Trust) -> None:
    assert trust(parse_known_hosts(text), "fir", KEY, SUPPORTED) is verdict


def test_a_revoked_authority_vouches_for_nobody() -> None:
    vouched = parse_known_hosts(_line("*.example", marker="@cert-authority"))
    assert authorities(vouched, "fir.example") == [KEY]
    assert authorities(vouched, "fir.test") == []
    revoked = parse_known_hosts(_line("*", marker="@revoked"))
    assert authorities([*vouched, *revoked], "fir.example") == []


def test_known_types_come_in_the_order_of_the_file() -> None:
    lines = parse_known_hosts(_line("fir", OTHER, "ssh-rsa") + _line("fir") + _line("fir", KEY, "ssh-rsa"))
    assert known_types(lines, "fir") == ["ssh-rsa", "ssh-ed25519"]


@given(st.text())
def test_no_text_breaks_the_reading(text: str) -> None:
    for line in parse_known_hosts(text):
        line.matches("fir")


def test_a_confirmed_key_is_appended_to_a_private_file(tmp_path: Path) -> None:
    file = tmp_path / "ssh" / "known_hosts"
    old = os.umask(0)
    try:
        remember(file, "fir", 2222, "ssh-ed25519", KEY)
    finally:
        os.umask(old)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text() == _line("[fir]:2222")


def test_comments_and_damaged_lines_survive_and_nothing_is_added_twice(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    before = "# mine\n@cert-authority *.x broken\n" + _line("oak").rstrip("\n")
    file.write_text(before)
    remember(file, "fir", 22, "ssh-ed25519", KEY)
    remember(file, "fir", 22, "ssh-ed25519", KEY)
    assert file.read_text() == before + "\n" + _line("fir")


def test_names_are_hashed_where_the_file_hashes_them(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(_line(_hashed("oak")))
    remember(file, "fir", 22, "ssh-ed25519", KEY)
    assert "fir" not in file.read_text()
    assert trust(read_known_hosts([file]), "fir", KEY, SUPPORTED) is Trust.KNOWN


def test_an_absent_file_is_empty_and_an_unusable_one_is_told(tmp_path: Path) -> None:
    assert read_known_hosts([tmp_path / "none"]) == []
    with pytest.raises(OperatorError, match="cannot be read"):
        read_known_hosts([tmp_path])
    with pytest.raises(OperatorError, match="cannot be kept"):
        remember(tmp_path, "fir", 22, "ssh-ed25519", KEY)


def test_fingerprints_are_those_of_ssh_keygen(tmp_path: Path) -> None:
    if not shutil.which("ssh-keygen"):
        pytest.fail("the OpenSSH client is needed: apt-get install openssh-client")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "k")], check=True)
    shown = subprocess.run(["ssh-keygen", "-l", "-f", str(tmp_path / "k.pub")], capture_output=True, check=True)
    blob = base64.b64decode((tmp_path / "k.pub").read_text().split()[1])
    assert fingerprint(blob) == shown.stdout.decode().split()[1]
