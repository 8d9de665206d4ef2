"""Known host keys, in OpenSSH's file format: plain and hashed names, patterns, `@revoked` and `@cert-authority` lines."""

from __future__ import annotations

import base64
import binascii
import contextlib
import fcntl
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import translate
from functools import cached_property
from pathlib import Path
from re import compile as pattern

from tui.errors import OperatorError

SYSTEM_KNOWN_HOSTS = Path("/etc/ssh/ssh_known_hosts")
_HASHED = "|1|"
_MARKERS = {"@revoked", "@cert-authority"}


class Trust(StrEnum):
    """What the known hosts say of a key that a host has shown."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    CHANGED = "changed"
    REVOKED = "revoked"


@dataclass(frozen=True)
class KnownHost:
    """One line: which hosts it is about, what it says of them (`marker`, "" for a plain key), and the key."""

    patterns: str
    marker: str
    key_type: str
    key: bytes

    @cached_property
    def _hashed(self) -> tuple[bytes, bytes] | None:
        salt, _, digest = self.patterns[len(_HASHED) :].partition("|")
        try:
            return base64.b64decode(salt, validate=True), base64.b64decode(digest, validate=True)
        except binascii.Error:
            return None

    def matches(self, name: str) -> bool:
        """Whether the line is about `name`, as made by `lookup_name`."""
        if self.patterns.startswith(_HASHED):
            if self._hashed is None:
                return False
            salt, digest = self._hashed
            return hmac.compare_digest(hmac.new(salt, name.encode(), hashlib.sha1).digest(), digest)
        matched = False
        for word in self.patterns.lower().split(","):
            if _wildcard(word.removeprefix("!"), name):
                if word.startswith("!"):
                    return False
                matched = True
        return matched


def _wildcard(word: str, name: str) -> bool:
    if "*" not in word and "?" not in word:
        return word == name
    # Only * and ? are special in OpenSSH's patterns; fnmatch also knows [sets].
    return bool(pattern(translate(word.replace("[", "[[]"))).match(name))


def lookup_name(address: str, port: int) -> str:
    """The name under which known_hosts files keep a host: lower case, with the port when it is not 22."""
    return address.lower() if port == 22 else f"[{address.lower()}]:{port}"


def parse_known_hosts(text: str) -> list[KnownHost]:
    """Every line that can be read; comments, blank and damaged lines are passed over."""
    found = []
    for line in text.splitlines():
        words = line.split()
        marker = words.pop(0) if words and words[0] in _MARKERS else ""
        if len(words) < 3 or words[0].startswith(("#", "@")):
            continue
        try:
            key = base64.b64decode(words[2], validate=True)
        except (binascii.Error, ValueError):
            continue
        found.append(KnownHost(words[0], marker, words[1], key))
    return found


def read_known_hosts(files: Iterable[Path]) -> list[KnownHost]:
    """The lines of all `files`; absent ones are empty. Raises OperatorError when one cannot be read."""
    found: list[KnownHost] = []
    for file in files:
        try:
            found += parse_known_hosts(file.read_bytes().decode("utf-8", "replace"))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise OperatorError(
                f"the known hosts file {file} cannot be read: {error.strerror}",
                meaning="no host key can be checked",
                remedy=f"make {file} readable for this account",
            ) from None
    return found


def trust(lines: Sequence[KnownHost], name: str, key: bytes, supported: Iterable[str]) -> Trust:
    """What `lines` say of `key` for the host `name`.

    A host that is known by other keys of a `supported` type only has CHANGED: whoever cannot prove the known key
    must not get away with offering a key of another type.
    """
    if any(line.marker == "@revoked" and line.key == key and line.matches(name) for line in lines):
        return Trust.REVOKED
    types = set(supported)
    known = [line for line in lines if not line.marker and line.matches(name)]
    if any(line.key == key for line in known):
        return Trust.KNOWN
    return Trust.CHANGED if any(line.key_type in types for line in known) else Trust.UNKNOWN


def authorities(lines: Sequence[KnownHost], name: str) -> list[bytes]:
    """The keys of the certificate authorities that may vouch for the host `name`; revoked ones left out."""
    revoked = {line.key for line in lines if line.marker == "@revoked" and line.matches(name)}
    return [
        line.key
        for line in lines
        if line.marker == "@cert-authority" and line.matches(name) and line.key not in revoked
    ]


def known_types(lines: Sequence[KnownHost], name: str) -> list[str]:
    """The key types under which the host `name` is known, in the order of the files."""
    types = [line.key_type for line in lines if not line.marker and line.matches(name)]
    return list(dict.fromkeys(types))


def fingerprint(key: bytes) -> str:
    """The `SHA256:…` form that ssh-keygen -l prints."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")


def remember(file: Path, address: str, port: int, key_type: str, key: bytes) -> None:
    """Append a confirmed key to `file`, under a lock, keeping everything in it; created 0600 when absent.

    The name is hashed when the file's other names are. A key that is there already is not added again. Raises
    OperatorError when the file cannot be written.
    """
    name = lookup_name(address, port)
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with open(descriptor, "r+b", buffering=0) as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            present = handle.read()
            lines = parse_known_hosts(present.decode("utf-8", "replace"))
            if any(not line.marker and line.key == key and line.matches(name) for line in lines):
                return
            shown = _hashed_name(name) if any(line.patterns.startswith(_HASHED) for line in lines) else name
            start = "" if not present or present.endswith(b"\n") else "\n"
            handle.write(f"{start}{shown} {key_type} {base64.b64encode(key).decode()}\n".encode())
            os.fsync(handle.fileno())
    except OSError as error:
        raise OperatorError(
            f"the host key of {address} cannot be kept in {file}: {error.strerror}",
            meaning="it will have to be confirmed again",
            remedy=f"make {file} writable for this account",
        ) from None


def _hashed_name(name: str) -> str:
    salt = secrets.token_bytes(20)
    digest = hmac.new(salt, name.encode(), hashlib.sha1).digest()
    return f"{_HASHED}{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


def known_hosts_files(user_file: Path, system_file: Path = SYSTEM_KNOWN_HOSTS) -> list[Path]:
    """The files that are read: the one confirmed keys go to, then the system's."""
    files = [user_file]
    with contextlib.suppress(OSError):
        if system_file.exists():
            files.append(system_file)
    return files
