"""sudo for lab hosts: run as `python -I -S sudo.py SOCKET ARGUMENTS`. The lab knows the password and counts attempts.

Left out: sudoers rules beyond all or nothing, cached credentials, login shells (-i, -s), groups.
"""

from __future__ import annotations

import os
import sys

sys.path[:0] = [os.path.dirname(os.path.realpath(__file__))]
from ask import ask  # type: ignore[import-not-found]  # noqa: E402

_FLAGS_WITH_VALUE = "pugCrtTUh"
_TRIES = 3


class Request:
    """A parsed command line."""

    def __init__(self, arguments: list[str]) -> None:
        self.prompt = "[sudo] password for %p: "
        self.user = "root"
        self.from_stdin = self.never_ask = False
        self.variables: dict[str, str] = {}
        rest = list(arguments)
        while rest and rest[0].startswith("-"):
            word = rest.pop(0)
            if word == "--":
                break
            if word.startswith("--"):
                self._long(word)
            else:
                self._short(word[1:], rest)
        while rest and "=" in rest[0] and not rest[0].startswith(("/", "=")):
            name, _, value = rest.pop(0).partition("=")
            self.variables[name] = value
        self.command = rest

    def _short(self, letters: str, rest: list[str]) -> None:
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter in _FLAGS_WITH_VALUE:
                value = letters or (rest.pop(0) if rest else "")
                self._set(letter, value)
                return
            self._set(letter, "")

    def _long(self, word: str) -> None:
        name, _, value = word.partition("=")
        letter = {"--prompt": "p", "--user": "u", "--stdin": "S", "--non-interactive": "n"}.get(name)
        if letter:
            self._set(letter, value)

    def _set(self, letter: str, value: str) -> None:
        if letter == "p":
            self.prompt = value
        elif letter == "u":
            self.user = value
        elif letter == "S":
            self.from_stdin = True
        elif letter == "n":
            self.never_ask = True


def read_line() -> str | None:
    """One line of standard input, byte by byte so that what follows is left for the command; None at its end."""
    line = b""
    while byte := os.read(0, 1):
        if byte == b"\n":
            return line.decode("utf-8", "surrogateescape")
        line += byte
    return line.decode("utf-8", "surrogateescape") if line else None


def refuse(*lines: str) -> int:
    """Say why not; returns sudo's status for it."""
    for line in lines:
        os.write(2, f"sudo: {line}\n".encode())
    return 1


def authenticate(socket: str, account: str, request: Request) -> int:
    """Ask for the password as often as sudo would; 0 when it was right."""
    if request.never_ask:
        return refuse("a password is required")
    if not request.from_stdin:
        return refuse(
            "a terminal is required to read the password; either use the -S option to read from standard input or "
            "configure an askpass helper",
            "a password is required",
        )
    for attempt in range(1, _TRIES + 1):
        os.write(2, request.prompt.replace("%p", account).replace("%u", account).encode())
        password = read_line()
        if password is None:
            if attempt == 1:
                return refuse("no password was provided", "a password is required")
            return refuse("no password was provided", f"{attempt - 1} incorrect password attempt{'s' * (attempt > 2)}")
        if ask(socket, "sudo-password", account, password)[0] == 0:
            return 0
        if attempt < _TRIES:
            os.write(2, b"Sorry, try again.\n")
    return refuse(f"{_TRIES} incorrect password attempts")


def main() -> int:
    """Become another account and run the command; returns only on failure."""
    socket, account = sys.argv[1], os.environ.get("LAB_AS", "root")
    request = Request(sys.argv[2:])
    rule, _, _ = ask(socket, "sudo-rule", account)
    if rule == 2:
        return (
            refuse(f"{account} is not in the sudoers file.")
            if request.never_ask
            else _not_listed(socket, account, request)
        )
    if rule == 1:
        status = authenticate(socket, account, request)
        if status:
            return status
    if not request.command:
        return 0
    environment = {
        **{name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TERM", "TZ") if name in os.environ},
        **request.variables,
        "HOME": os.environ.get("HOME", "/"),
        "USER": request.user,
        "LOGNAME": request.user,
        "SUDO_USER": account,
        "LAB_AS": request.user,
    }
    try:
        os.execvpe(request.command[0], request.command, environment)
    except FileNotFoundError:
        return refuse(f"{request.command[0]}: command not found")
    except OSError as error:
        return refuse(f"unable to execute {request.command[0]}: {error.strerror}")


def _not_listed(socket: str, account: str, request: Request) -> int:
    status = authenticate(socket, account, request)
    if status:
        return status
    os.write(2, f"{account} is not in the sudoers file.\n".encode())
    return 1


if __name__ == "__main__":
    sys.exit(main())
