"""Connecting by SSH: settings from the cluster file and OpenSSH's configuration, jump hosts, login."""

from __future__ import annotations

import contextlib
import getpass
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tui.cluster import Host
from tui.remote.access import Access
from tui.remote.errors import HostUnreachable, RemoteError
from tui.remote.host_keys import ShownKey
from tui.remote.known_hosts import KnownHost, known_hosts_files, read_known_hosts
from tui.remote.limits import Busy, handshake_slot, retried
from tui.remote.redaction import quiet_libraries
from tui.remote.ssh_authentication import Login
from tui.remote.ssh_config import Hop, HostConfig, ask_config, parse_jump
from tui.remote.ssh_keys import Identity
from tui.remote.ssh_session import SshSession
from tui.remote.ssh_transport import (
    Endpoint,
    Pulse,
    Transport,
    connect_socket,
    handshake,
    jump_channel,
)

BUSY_SECONDS = 40.0
_MAX_HOPS = 8


@dataclass(frozen=True, slots=True)
class Leg:
    """One SSH server on the way, and how to log in to it."""

    endpoint: Endpoint
    user: str
    identities: tuple[Identity, ...]
    identities_only: bool
    identity_agent: str | None


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """Open transports to a host, the nearest jump host's first, and who is logged in there with which host key shown."""

    transports: tuple[Transport, ...]
    pulses: tuple[Pulse, ...]
    user: str
    shown: ShownKey


def connect(host: Host, access: Access) -> SshSession:
    """A session with `host`, over its jump hosts; see `open_session`."""
    way = log_in(host, access)
    return SshSession(
        host=host.name,
        login_user=way.user,
        become=host.become,
        secrets=access.secrets,
        transports=way.transports,
        pulses=way.pulses,
        shown=way.shown,
    )


def log_in(host: Host, access: Access) -> LoggedIn:
    """Connect to `host` over its jump hosts and log in everywhere. Raises what `open_session` raises."""
    quiet_libraries()
    legs = route(host, access)
    lines = read_known_hosts(known_hosts_files(access.known_hosts, access.system_known_hosts))
    transports: list[Transport] = []
    try:
        for leg in legs:
            through = transports[-1] if transports else None
            bastion = legs[len(transports) - 1].endpoint.host if through else ""
            transport, shown = _log_in(leg, through, bastion, lines, access)
            transports.append(transport)
        pulses = tuple(Pulse(transport) for transport in transports)
    except BaseException:
        for transport in reversed(transports):
            transport.close()
        raise
    for pulse in pulses:
        pulse.start()
    return LoggedIn(tuple(transports), pulses, legs[-1].user, shown)


def _log_in(
    leg: Leg, through: Transport | None, bastion: str, lines: Sequence[KnownHost], access: Access
) -> tuple[Transport, ShownKey]:
    endpoint = leg.endpoint

    def attempt() -> tuple[Transport, ShownKey]:
        sock = jump_channel(through, endpoint, bastion) if through else connect_socket(endpoint)
        try:
            return handshake(sock, endpoint, lines)
        except BaseException:
            with contextlib.suppress(OSError, EOFError):
                sock.close()
            raise

    with handshake_slot(endpoint.address, endpoint.port):
        try:
            transport, shown = retried(attempt, seconds=BUSY_SECONDS)
        except Busy as busy:
            raise HostUnreachable(
                f"{endpoint.shown} hangs up before the handshake",
                host=endpoint.host,
                tried=f"again and again for {BUSY_SECONDS:.0f} s ({busy})",
                remedy="it may be overloaded (MaxStartups), block this machine (fail2ban, hosts.deny), or be no SSH server",
            ) from None
        login = Login(
            host=endpoint.host,
            user=leg.user,
            server=endpoint.address,
            identities=leg.identities,
            identities_only=leg.identities_only,
            identity_agent=leg.identity_agent,
            secrets=access.secrets,
        )
        try:
            login.perform(transport)
        except BaseException:
            transport.close()
            raise
    return transport, shown


def route(host: Host, access: Access) -> list[Leg]:
    """The SSH servers on the way to `host`, nearest first, `host` itself last. Raises RemoteError for a bad jump list."""
    port = host.port if "port" in host.model_fields_set else None
    config = ask_config(host.address, user=host.user, port=port, file=access.ssh_config)
    legs = []
    for hop in _hops(host, config, access):
        legs.append(_hop_leg(hop, host, access))
    if config.proxy_command and not legs:
        raise RemoteError(
            "ProxyCommand is not supported",
            host=host.name,
            tried=f"ssh -G {host.address}",
            remedy="use ProxyJump in ~/.ssh/config, or `jump` in the cluster file",
        )
    identities = _identities(host.identity, config)
    endpoint = Endpoint(
        host.name, config.hostname, port or config.port or host.port, config.host_key_alias or config.hostname
    )
    legs.append(
        Leg(
            endpoint,
            host.user or config.user or getpass.getuser(),
            identities,
            config.identities_only,
            config.identity_agent,
        )
    )
    return legs


def _hops(host: Host, config: HostConfig, access: Access) -> list[Hop]:
    hops: list[Hop] = []
    try:
        waiting = list(parse_jump(host.jump if host.jump is not None else config.proxy_jump or ""))
        hops = waiting
        for _ in range(_MAX_HOPS):
            if not waiting:
                return hops
            before = ask_config(waiting[0].host, user=waiting[0].user, port=waiting[0].port, file=access.ssh_config)
            waiting = list(parse_jump(before.proxy_jump or ""))
            hops = waiting + hops
    except ValueError as error:
        raise RemoteError(
            f"the jump list is wrong: {error}",
            host=host.name,
            tried="to read `jump` and ProxyJump",
            remedy="write [user@]host[:port], several separated by commas, nearest first",
        ) from None
    raise RemoteError("the jump hosts lead in a circle", host=host.name, remedy="correct ProxyJump in ~/.ssh/config")


def _hop_leg(hop: Hop, host: Host, access: Access) -> Leg:
    config = ask_config(hop.host, user=hop.user, port=hop.port, file=access.ssh_config)
    if config.proxy_command:
        raise RemoteError(
            f"ProxyCommand is not supported (jump host {hop.host})",
            host=host.name,
            remedy="use ProxyJump in ~/.ssh/config",
        )
    endpoint = Endpoint(
        hop.host, config.hostname, hop.port or config.port or 22, config.host_key_alias or config.hostname
    )
    identities = _identities(None, config)
    if host.identity is not None:
        identities = (Identity(host.identity.expanduser(), explicit=True), *identities)
    return Leg(
        endpoint,
        hop.user or config.user or getpass.getuser(),
        identities,
        config.identities_only,
        config.identity_agent,
    )


def _identities(explicit: Path | None, config: HostConfig) -> tuple[Identity, ...]:
    found = [Identity(explicit.expanduser(), explicit=True)] if explicit else []
    found += [
        Identity(path, explicit=False)
        for path in config.identity_files
        if path.is_file() and (explicit is None or path != explicit.expanduser())
    ]
    return tuple(found)
