"""The Session interface: the few things that are done on a host, whatever the transport."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

ROOT = "root"
"""The account to become for what the login account may not do."""


@dataclass(frozen=True, slots=True)
class Completed:
    """A command that ended. `seconds` is wall time. Shell start-up noise is already removed from `stdout`."""

    exit_status: int
    stdout: bytes
    stderr: bytes
    seconds: float

    @property
    def text(self) -> str:
        """Standard output as text; undecodable bytes become U+FFFD, so never for file contents."""
        return self.stdout.decode("utf-8", "replace")

    @property
    def error_text(self) -> str:
        """Standard error as text; undecodable bytes become U+FFFD."""
        return self.stderr.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class FileAttributes:
    """Everything of a file but its bytes that a replacement must keep.

    `mode` is the permission bits including set-id and sticky (0o7777). `acl` is `getfacl -c -E` text, None when
    there is no extended ACL or the host has no ACL tools. `label` is the SELinux context, None without SELinux.
    """

    owner: str
    group: str
    mode: int
    acl: str | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class FileStat:
    """One directory entry. `path` is as asked for; `target` the link text of a symlink; `size` in bytes."""

    path: str
    kind: Literal["file", "directory", "symlink", "other"]
    size: int
    modified: float
    attributes: FileAttributes
    target: str | None = None


class Stream(Protocol):
    """A connected byte stream through a tunnel; the shape of a socket that http.client needs."""

    def sendall(self, data: bytes, /) -> None:
        """Send everything or raise OSError."""
        ...

    def recv(self, size: int, /) -> bytes:
        """Up to `size` bytes, b"" at the end; raises TimeoutError."""
        ...

    def settimeout(self, seconds: float | None, /) -> None:
        """Limit each later call."""
        ...

    def close(self) -> None:
        """Close both directions."""
        ...


class HostSession(Protocol):
    """An open connection to one host, whatever its operating system. Blocking; belongs to one thread at a time.

    Paths are absolute and in the host's own form. `user=None` means the login account; another account (`ROOT`, the
    service account) is reached through the host's `become` setting, and on Windows, where the login account must be an
    administrator, `user` changes nothing. Every method may raise ConnectionLost, and BecomeFailed or SecretNeeded when
    an account has to be changed.
    """

    @property
    def host(self) -> str:
        """The host's name in the cluster file."""
        ...

    @property
    def login_user(self) -> str:
        """The account that was logged in to."""
        ...

    @property
    def round_trips(self) -> int:
        """How many requests this session has sent so far and waited for (handshake excluded)."""
        ...

    def acting_account(self) -> str:
        """The account that changes are made as, asked of the host.

        Raises BecomeFailed, SecretNeeded or RightsLacking when the host does not let this session make them.
        """
        ...

    def read_files(self, paths: Sequence[str], *, user: str | None = None, limit: int = 4 << 20) -> dict[str, bytes]:
        """The bytes of every file in `paths`, in one round trip.

        A missing file is absent from the result. Raises RemoteFileError for any other failure, or when one
        file is larger than `limit` bytes.
        """
        ...

    def stat_files(self, paths: Sequence[str], *, user: str | None = None) -> dict[str, FileStat]:
        """What each of `paths` is, links not followed, in one round trip; missing ones are absent."""
        ...

    def list_tree(self, directory: str, *, depth: int = 1, user: str | None = None) -> list[FileStat]:
        """The entries below `directory`, to `depth` levels, sorted by path; empty when it is missing."""
        ...

    def write_file(
        self, path: str, data: bytes, attributes: FileAttributes, *, user: str | None = None, within: str | None = None
    ) -> None:
        """Replace `path` with `data`, atomically.

        A temporary file in the same directory gets the final owner, mode, ACL and label before its first
        byte, is filled, flushed to disk, compared with the SHA-256 of `data`, and renamed over `path`. A
        symlink is resolved first, so its target is replaced and the link stays; with `within` a target outside
        that directory is refused (LED_AWAY). What earlier writes of `path` that were cut off left beside it is
        removed, so that none of them can end later. On any failure `path` is as it was and the temporary file is gone.
        Raises RemoteFileError.
        """
        ...

    def make_directory(
        self, path: str, attributes: FileAttributes, *, user: str | None = None, within: str | None = None
    ) -> None:
        """Create a directory (not its parents) with `attributes`; an existing one is left as it is. `within` as above."""
        ...

    def rename(self, source: str, target: str, *, user: str | None = None) -> None:
        """Move within one file system; the directory is flushed. An existing target file is replaced."""
        ...

    def remove(self, path: str, *, tree: bool = False, user: str | None = None, within: str | None = None) -> None:
        """Remove a file, or with `tree` a directory and all below it; a missing one is no error. `within` as above; what
        writes of `path` that were cut off left beside it goes too."""
        ...

    def close(self) -> None:
        """End the connection; never raises."""
        ...


class Session(HostSession, Protocol):
    """A session with a host that has a POSIX shell."""

    def run(
        self,
        script: str,
        arguments: Sequence[str] = (),
        *,
        stdin: bytes = b"",
        user: str | None = None,
        timeout: float = 30.0,
        expect: Sequence[int] | None = (0,),
    ) -> Completed:
        """Run a POSIX sh `script` with positional `arguments` under LC_ALL=C and return what came of it.

        Neither the script nor its arguments may hold a secret (they are visible in the host's process list);
        `stdin` may. Raises CommandFailed when the exit status is not in `expect` (None: any is fine), and
        ConnectionLost after `timeout` seconds without an end.
        """
        ...

    def tunnel(self, address: str, port: int, *, timeout: float = 10.0) -> Stream:
        """A TCP connection from the host to `address`:`port`. Raises HostUnreachable when it is refused or
        when the host's SSH server forbids forwarding."""
        ...
