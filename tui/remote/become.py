"""Why another account could not be reached: what sudo's words mean."""

from __future__ import annotations

from tui.remote.errors import BecomeFailed, RemoteError, SecretKind, SecretNeeded
from tui.remote.remote_shell import Opening
from tui.remote.secrets import Secrets

_SHOWN = 300


def sudo_password(secrets: Secrets, host: str) -> str | None:
    """What to answer sudo with: the host's sudo password, or its login password, which sudo asks for by default; None when
    neither is known or the one that is known was refused before."""
    given = secrets.of_host(host, SecretKind.SUDO_PASSWORD)
    if given is not None:
        return given
    login = secrets.of_host(host, SecretKind.PASSWORD)
    return login if login is not None and not secrets.was_refused(host, SecretKind.SUDO_PASSWORD, login) else None


def become_failure(opening: Opening, secrets: Secrets, host: str, user: str, login_user: str) -> RemoteError:
    """The error for an opening that never got a shell as `user`; a wrong password is forgotten.

    Where sudo refused the login password, which was only a guess, it is SecretNeeded: sudo wants one of its own.
    """
    markers = opening.markers
    said = bytes(opening.wire.err).decode("utf-8", "replace")
    prompt = markers.prompt.decode()
    words = " ".join(said.replace(prompt, " ").split())
    tried = f"sudo as {login_user}" + (f"; it said: {words[:_SHOWN]}" if words else "")
    if markers.no_account in opening.wire.out:
        return _failed(
            host, f"there is no account {user}", f"to become {user}", f"create {user}, or name another account"
        )
    if markers.no_sudo in opening.wire.out:
        return _failed(
            host,
            f"sudo is not installed, and {login_user} is not {user}",
            "to find sudo on PATH",
            f'install sudo, log in as {user}, or set become = "none" if {login_user} owns the files',
        )
    if opening.password_sent and (
        said.count(prompt) > 1 or "try again" in said or "incorrect password" in said or "password was provided" in said
    ):
        return _wrong_password(secrets, host, login_user)
    if "a password is required" in words.lower() or "askpass" in words.lower():
        return _needed(secrets, host, login_user)
    return _refusal(words, tried, host, login_user)


def _needed(secrets: Secrets, host: str, login_user: str) -> SecretNeeded:
    login = secrets.of_host(host, SecretKind.PASSWORD)
    refused = login is not None and secrets.was_refused(host, SecretKind.SUDO_PASSWORD, login)
    return SecretNeeded(
        host,
        SecretKind.SUDO_PASSWORD,
        f"the sudo password of {login_user}",
        refused=f"sudo refuses the login password of {login_user}" if refused else None,
    )


def _wrong_password(secrets: Secrets, host: str, login_user: str) -> RemoteError:
    supplied = secrets.of_host(host, SecretKind.SUDO_PASSWORD) is not None
    password = sudo_password(secrets, host)
    if password is not None:
        secrets.refuse(host, SecretKind.SUDO_PASSWORD, password)
    if password is not None and not supplied:
        return _needed(secrets, host, login_user)
    return _failed(
        host,
        f"sudo refuses the password of {login_user}",
        "it once",
        "give the right sudo password; it is not tried again by itself, since accounts lock",
    )


def _refusal(words: str, tried: str, host: str, login_user: str) -> RemoteError:
    lower = words.lower()
    if "not in the sudoers" in lower or "not allowed to" in lower or "may not run sudo" in lower:
        return _failed(
            host, f"{login_user} may not use sudo for this", tried, f"let {login_user} run /bin/sh by sudo, in sudoers"
        )
    if "must have a tty" in lower or ("terminal is required" in lower and "askpass" not in lower):
        return _failed(
            host,
            "sudo demands a terminal",
            tried,
            f"remove requiretty for {login_user} in sudoers (Defaults:{login_user} !requiretty)",
        )
    if "expired" in lower or "locked" in lower or "account management" in lower:
        return _failed(
            host,
            f"the account {login_user} is locked or its password has expired",
            tried,
            "log in once with ssh and correct it",
        )
    return _failed(host, "sudo did not run the command", tried, f"try `sudo -v` on the host as {login_user}")


def _failed(host: str, summary: str, tried: str, remedy: str) -> BecomeFailed:
    return BecomeFailed(summary, host=host, tried=tried, meaning="nothing was done on the host", remedy=remedy)
