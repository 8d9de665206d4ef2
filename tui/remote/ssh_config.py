"""What the operator's OpenSSH configuration says of a host: asked of `ssh -G`, so that Include, Match and ProxyJump hold."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tui.remote.errors import RemoteError

_HOP = re.compile(
    r"^(?:ssh://)?(?:(?P<user>[^@\s]+)@)?(?:\[(?P<v6>[^\]\s]+)\]|(?P<name>[^:\[\]@\s]+))(?::(?P<port>\d+))?/?$"
)
_ASK_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class HostConfig:
    """OpenSSH's settings for one host. None means that the configuration does not say.

    `identity_agent` is None for the usual agent, "none" for no agent, else a socket path.
    """

    hostname: str
    user: str | None = None
    port: int | None = None
    identity_files: tuple[Path, ...] = ()
    identities_only: bool = False
    identity_agent: str | None = None
    proxy_jump: str | None = None
    proxy_command: str | None = None
    host_key_alias: str | None = None


@dataclass(frozen=True, slots=True)
class Hop:
    """One `[user@]host[:port]` of a jump list."""

    host: str
    user: str | None = None
    port: int | None = None


@dataclass(slots=True)
class _Settings:
    values: dict[str, list[str]] = field(default_factory=dict)

    def one(self, name: str) -> str | None:
        found = self.values.get(name)
        return found[0] if found and found[0].lower() != "none" else None


def parse_jump(text: str) -> tuple[Hop, ...]:
    """The hops of `[user@]host[:port],…`, nearest first; empty for `none`. Raises ValueError naming the bad part."""
    if not text.strip() or text.strip().lower() == "none":
        return ()
    hops = []
    for part in text.split(","):
        found = _HOP.match(part.strip())
        if not found or (found["port"] and not 0 < int(found["port"]) < 65536):
            raise ValueError(f"{part.strip()!r} is not [user@]host[:port]")
        port = int(found["port"]) if found["port"] else None
        hops.append(Hop(found["v6"] or found["name"], found["user"], port))
    return tuple(hops)


def parse_config(text: str, address: str) -> HostConfig:
    """The output of `ssh -G address`, read."""
    settings = _Settings()
    for line in text.splitlines():
        name, _, value = line.strip().partition(" ")
        if value:
            settings.values.setdefault(name.lower(), []).append(value.strip())
    port = settings.one("port")
    agent = settings.values.get("identityagent", [None])[0]
    return HostConfig(
        hostname=settings.one("hostname") or address,
        user=settings.one("user"),
        port=int(port) if port and port.isdigit() else None,
        identity_files=tuple(
            Path(value).expanduser() for value in settings.values.get("identityfile", []) if value.lower() != "none"
        ),
        identities_only=settings.one("identitiesonly") == "yes",
        identity_agent=None if agent in (None, "SSH_AUTH_SOCK") else agent,
        proxy_jump=settings.one("proxyjump"),
        proxy_command=settings.one("proxycommand"),
        host_key_alias=settings.one("hostkeyalias"),
    )


def ask_config(
    address: str, *, user: str | None = None, port: int | None = None, file: Path | None = None
) -> HostConfig:
    """What OpenSSH would use for `address`; its bare name where there is no OpenSSH client.

    `file` replaces the operator's own configuration. Raises RemoteError when the configuration is broken.
    """
    client = shutil.which("ssh")
    if client is None:
        return HostConfig(hostname=address)
    command = [client, "-G"]
    command += ["-F", str(file)] if file else []
    command += ["-l", user] if user else []
    command += ["-p", str(port)] if port else []
    try:
        done = subprocess.run(
            [*command, "--", address],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_ASK_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _broken(address, str(error)) from None
    if done.returncode:
        raise _broken(address, done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or "no reason given")
    return parse_config(done.stdout.decode("utf-8", "replace"), address)


def _broken(address: str, why: object) -> RemoteError:
    reason = why[0] if isinstance(why, list) else why
    return RemoteError(
        f"the OpenSSH configuration cannot be read: {reason}",
        host=address,
        tried=f"ssh -G {address}",
        remedy="correct ~/.ssh/config, or what it includes",
    )


def configured_hosts(file: Path | None = None) -> list[str]:
    """Host names that the operator's OpenSSH configuration lists, for offering them; patterns are left out.

    `Include` lines are followed to 16 levels. What cannot be read is passed over.
    """
    start = file or Path.home() / ".ssh" / "config"
    return list(dict.fromkeys(_names(start, start.parent, 16)))


def _names(file: Path, base: Path, levels: int) -> list[str]:
    try:
        lines = file.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
    names: list[str] = []
    for line in lines:
        words = line.strip().replace("=", " ", 1).split()
        if len(words) < 2:
            continue
        if words[0].lower() == "host":
            names += [word.strip('"') for word in words[1:] if not set(word) & set("*?!")]
        elif words[0].lower() == "include" and levels:
            for word in words[1:]:
                names += _included(word.strip('"'), base, levels - 1)
    return names


def _included(word: str, base: Path, levels: int) -> list[str]:
    expanded = Path(word).expanduser()
    root, relative = (Path("/"), str(expanded)[1:]) if expanded.is_absolute() else (base, str(expanded))
    if not relative:
        return []
    return [name for match in sorted(root.glob(relative)) for name in _names(match, base, levels)]
