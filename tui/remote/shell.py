"""How a script travels to a host: through any login shell, with its output told apart from start-up noise.

sshd hands the command string to the account's login shell, which may be fish or tcsh and may run noisy start-up
files. The string is therefore one single-quoted word for /bin/sh, in which every character that any of those
shells or printf could touch is an octal escape. It starts a /bin/sh that takes requests, one a line, and marks where
the output of each begins and ends.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from secrets import token_hex
from shlex import quote
from typing import Literal

_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 ./_:,+@")
_ACCOUNT = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_.@\\-]{0,127}\$?$")

_PREPARE = """set +xv
unset CDPATH ENV BASH_ENV TMOUT
LC_ALL=C
PATH=${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
"""

Way = Literal["sudo", "sudo-no-prompt", "none"]
"""How another account is reached: sudo with a password at hand, sudo without one, or not at all."""


def printf_encoded(script: str) -> str:
    """`script` as a printf format that no shell changes inside single quotes. Raises ValueError on NUL bytes."""
    data = script.encode("utf-8", "surrogateescape")
    if 0 in data:
        raise ValueError("a script cannot hold a NUL byte")
    return "".join("%%" if byte == 0x25 else chr(byte) if byte in _PLAIN else f"\\{byte:03o}" for byte in data)


def command_line(script: str) -> str:
    """The command string that runs `script` by /bin/sh whatever the login shell is."""
    return f"""/bin/sh -c 'eval "$(printf "{printf_encoded(script)}")"'"""


def is_account(user: str) -> bool:
    """Whether `user` can be an account's name (or number), so that it may stand in a command."""
    return bool(_ACCOUNT.match(user))


@dataclass(frozen=True, slots=True)
class Markers:
    """What outputs are cut by. Random, so that no output can contain them by accident.

    No script may hold a marker as it is printed: a login shell that traces its commands would show it too early.
    """

    nonce: str

    @classmethod
    def fresh(cls) -> Markers:
        """Markers for one use."""
        return cls(token_hex(16))

    @property
    def begin(self) -> bytes:
        """Printed on both outputs before a script's own, or when a serving shell is ready."""
        return f"{self.nonce}:begin\n".encode()

    @property
    def end(self) -> bytes:
        """Printed after the script's last byte; on standard output followed by the exit status and a newline."""
        return f"{self.nonce}:end:".encode()

    @property
    def prompt(self) -> bytes:
        """sudo's password prompt, on standard error."""
        return f"{self.nonce}:sudo:".encode()

    @property
    def no_sudo(self) -> bytes:
        """Printed when sudo is needed and not installed."""
        return f"{self.nonce}:no-sudo\n".encode()

    @property
    def no_account(self) -> bytes:
        """Printed when the account to become does not exist."""
        return f"{self.nonce}:no-account\n".encode()


def serving(markers: Markers) -> str:
    """A script that says that it is ready, then runs one request a line until its input ends."""
    return (
        f"{_PREPARE}cd /\n"
        f"printf '%s:begin\\n' {markers.nonce}\n"
        f"printf '%s:begin\\n' {markers.nonce} >&2\n"
        'while IFS= read -r line; do eval "$(printf "$line")"; done\n'
    )


def request(script: str, arguments: Sequence[str], markers: Markers, payload_size: int) -> bytes:
    """The line that makes a serving shell run `script` with its positional `arguments`; `payload_size` bytes of input follow it.

    The script runs in a subshell, so that its `exit` cannot end the serving one; what it leaves unread is read away.
    """
    positional = " ".join(quote(argument) for argument in arguments)
    body = f"(\nset -- {positional}\n{script}\n)"
    if payload_size:
        body = f"head -c {payload_size} | (\n{body}\nstatus=$?; cat >/dev/null; exit $status\n)"
    else:
        body += " </dev/null"
    text = (
        f"printf '%s:begin\\n' {markers.nonce}\n"
        f"printf '%s:begin\\n' {markers.nonce} >&2\n"
        f"{body}\n"
        f"status=$?\n"
        f"printf '%s:end:' {markers.nonce} >&2\n"
        f"printf '%s:end:%s\\n' {markers.nonce} \"$status\"\n"
    )
    return printf_encoded(text).encode("ascii") + b"\n"


def becoming(user: str, way: Way, inner: str, markers: Markers) -> str:
    """A script that runs `inner` as `user`: directly when the login account already is that user, with root's own means when
    it is root, else by `way`. Raises ValueError when `user` cannot be an account name."""
    if not is_account(user):
        raise ValueError(f"{user!r} is not an account name")
    account, run = quote(user), f"/bin/sh -c {quote(inner)}"
    wanted = "0" if user == "root" else f"$(id -u {account} 2>/dev/null)"
    if way == "none":
        otherwise = f"exec {run}"
    else:
        ask = "-n" if way == "sudo-no-prompt" else '-S -p "$nonce:sudo:"'
        otherwise = (
            f"command -v sudo >/dev/null 2>&1 || {{ printf '%s:no-sudo\\n' {markers.nonce}; exit 127; }}\n"
            f"exec sudo -H {ask} -u {account} -- {run}"
        )
    return (
        f"{_PREPARE}nonce={markers.nonce}\nme=$(id -u)\n"
        f"wanted={wanted} || {{ printf '%s:no-account\\n' {markers.nonce}; exit 126; }}\n"
        f'if [ "$me" = "$wanted" ]; then exec {run}; fi\n'
        f'if [ "$me" = 0 ]; then\n'
        f"if command -v runuser >/dev/null 2>&1; then exec runuser -u {account} -- {run}; fi\n"
        f"exec su -s /bin/sh {account} -c {quote(inner)}\n"
        f"fi\n"
        f"{otherwise}\n"
    )


def unframed(stdout: bytes, stderr: bytes, markers: Markers) -> tuple[bytes, bytes, int]:
    """The script's own standard output and error, and its exit status. Raises ValueError when the end is not there."""
    body = stdout.partition(markers.begin)[2]
    body, _, rest = body.partition(markers.end)
    error = stderr.partition(markers.begin)[2].partition(markers.end)[0]
    return body, error, int(rest.partition(b"\n")[0])
