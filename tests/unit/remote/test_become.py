"""What sudo says is told as what to do about it."""

from __future__ import annotations

import pytest
from paramiko import Channel

from tui.remote.become import become_failure, sudo_password
from tui.remote.errors import BecomeFailed, SecretKind, SecretNeeded
from tui.remote.remote_shell import Opening, Wire
from tui.remote.secrets import Secrets
from tui.remote.shell import Markers

MARKERS = Markers("nonce")
PROMPT = MARKERS.prompt.decode()


def _failure(said: str, out: bytes = b"", *, sent: bool = False, secrets: Secrets | None = None) -> Exception:
    wire = Wire(Channel(0), bytearray(out), bytearray(said.encode()))
    opening = Opening(wire, MARKERS, "x" if sent else None, password_sent=sent)
    return become_failure(opening, secrets or Secrets(), "fir", "root", "op")


@pytest.mark.parametrize(
    ("said", "sent", "told"),
    [
        (f"{PROMPT}\nSorry, try again.\n{PROMPT}", True, "refuses the password"),
        (f"{PROMPT}\nsudo: 1 incorrect password attempt", True, "refuses the password"),
        (f"{PROMPT}op is not in the sudoers file.\nThis incident has been reported.", True, "may not use sudo"),
        (f"{PROMPT}Sorry, user op is not allowed to execute '/bin/sh' as root on fir.", True, "may not use sudo"),
        ("Sorry, user op may not run sudo on fir.", False, "may not use sudo"),
        ("sudo: sorry, you must have a tty to run sudo", False, "demands a terminal"),
        ("sudo: account validation failure, is your account locked?", True, "locked"),
        ("sudo: Account or password is expired, reset your password and try again", False, "expired"),
        ("sudo: /etc/sudoers is world writable", False, "did not run"),
        ("", False, "did not run"),
    ],
)
def test_refusals(said: str, sent: bool, told: str) -> None:
    error = _failure(said, sent=sent)
    assert isinstance(error, BecomeFailed)
    assert told in error.summary
    assert error.remedy
    assert PROMPT not in str(error)


def test_a_missing_password_is_a_question() -> None:
    error = _failure("sudo: a password is required")
    assert isinstance(error, SecretNeeded)
    assert error.kind is SecretKind.SUDO_PASSWORD


def test_a_host_without_sudo_or_without_the_account() -> None:
    assert "not installed" in str(_failure("", MARKERS.no_sudo))
    assert "no account root" in str(_failure("", MARKERS.no_account))


def test_a_refused_login_password_is_never_offered_to_sudo_again() -> None:
    secrets = Secrets()
    secrets.remember("fir", SecretKind.PASSWORD, "login")
    assert sudo_password(secrets, "fir") == "login"
    question = _failure("Sorry, try again.", sent=True, secrets=secrets)
    assert isinstance(question, SecretNeeded)
    assert "login password" in (question.refused or "")
    assert sudo_password(secrets, "fir") is None
    assert secrets.of_host("fir", SecretKind.PASSWORD) == "login"
    secrets.remember("fir", SecretKind.SUDO_PASSWORD, "other")
    assert sudo_password(secrets, "fir") == "other"
    assert isinstance(_failure("Sorry, try again.", sent=True, secrets=secrets), BecomeFailed)
