"""From the jump box to an SSH server: socket, handshake, host key. Nobody is logged in yet when this is done."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import paramiko
from paramiko.ssh_exception import IncompatiblePeer

from tui.remote.errors import ConnectionLost, HostUnreachable
from tui.remote.host_keys import ShownKey, check_host_key, preferred_algorithms, shown_key
from tui.remote.known_hosts import KnownHost, lookup_name
from tui.remote.limits import Busy

CONNECT_SECONDS = 10.0
BANNER_SECONDS = 15.0
AUTHENTICATION_SECONDS = 45.0
CHANNEL_SECONDS = 15.0
PULSE_SECONDS = 5.0
SILENCE_SECONDS = 14.0

_WEAK = {
    "ciphers": ["3des-cbc", "aes128-cbc", "aes192-cbc", "aes256-cbc"],
    "macs": ["hmac-md5", "hmac-md5-96", "hmac-sha1-96"],
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An SSH server. `host` is its name in the cluster file (for a jump host, as the jump list has it), `key_name` the name
    under which its key is known."""

    host: str
    address: str
    port: int
    key_name: str

    @property
    def shown(self) -> str:
        """For a sentence."""
        return f"{self.address} port {self.port}"

    @property
    def lookup(self) -> str:
        """The name that known_hosts files have."""
        return lookup_name(self.key_name, self.port)


class Transport(paramiko.Transport):
    """paramiko's transport with host key algorithms in an order chosen for the host, and every time-out set."""

    def __init__(self, sock: socket.socket | paramiko.Channel, algorithms: Sequence[str]) -> None:
        self._host_key_algorithms = tuple(algorithms)
        super().__init__(sock, disabled_algorithms=_WEAK)
        self.daemon = True
        self.banner_timeout = BANNER_SECONDS
        self.handshake_timeout = BANNER_SECONDS
        self.auth_timeout = AUTHENTICATION_SECONDS
        self.channel_timeout = CHANNEL_SECONDS

    @property
    def preferred_keys(self) -> tuple[str, ...]:
        """Host key algorithms, best first."""
        return self._host_key_algorithms


def connect_socket(endpoint: Endpoint) -> socket.socket:
    """A TCP connection without delays, which the kernel gives up when the other side stays silent. Raises HostUnreachable."""
    try:
        sock = socket.create_connection((endpoint.address, endpoint.port), timeout=CONNECT_SECONDS)
    except OSError as error:
        raise _unreachable(endpoint, error) from None
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        silence = int((PULSE_SECONDS + SILENCE_SECONDS) * 1000)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, silence)
    return sock


def _unreachable(endpoint: Endpoint, error: OSError) -> HostUnreachable:
    if isinstance(error, socket.gaierror):
        summary, remedy = f"the name {endpoint.address} is not known", "check the address, or this machine's DNS"
    elif isinstance(error, TimeoutError):
        summary = f"{endpoint.shown} does not answer"
        remedy = "check that the host is up and that no firewall drops the connection"
    elif isinstance(error, ConnectionRefusedError):
        summary, remedy = f"{endpoint.shown} refuses connections", "check that sshd runs there, and its port"
    else:
        summary = f"{endpoint.shown} cannot be reached: {error.strerror or error}"
        remedy = "check the address, the route and the firewalls between"
    return HostUnreachable(summary, host=endpoint.host, tried=f"a TCP connection to {endpoint.shown}", remedy=remedy)


def jump_channel(through: paramiko.Transport, endpoint: Endpoint, bastion: str) -> paramiko.Channel:
    """A connection to `endpoint` from the jump host that `through` leads to. Raises HostUnreachable."""
    return open_forward(through, endpoint.address, endpoint.port, CHANNEL_SECONDS, host=endpoint.host, server=bastion)


def open_forward(
    transport: paramiko.Transport, address: str, port: int, timeout: float, *, host: str, server: str
) -> paramiko.Channel:
    """A direct-tcpip channel from `server` to `address`:`port`. Raises HostUnreachable, ConnectionLost."""
    tried = f"a connection from {server} to {address} port {port}"
    try:
        return transport.open_channel("direct-tcpip", (address, port), ("127.0.0.1", 0), timeout=timeout)
    except paramiko.ChannelException as error:
        if error.code == 1:
            raise HostUnreachable(
                f"the SSH server of {server} forbids forwarding",
                host=host,
                tried=tried,
                remedy="allow it there (AllowTcpForwarding, PermitOpen), or do without a tunnel",
            ) from None
        raise HostUnreachable(
            f"{address} port {port} refuses connections from {server}",
            host=host,
            tried=tried,
            remedy="check that something listens there",
        ) from None
    except (paramiko.SSHException, EOFError, OSError) as error:
        if transport.is_active():
            raise HostUnreachable(
                f"{address} port {port} does not answer {server}", host=host, tried=f"{tried} for {timeout:.0f} s"
            ) from None
        raise ConnectionLost(
            f"the connection to {server} ended", host=host, tried=f"{tried} ({type(error).__name__})"
        ) from None


def open_exec(transport: paramiko.Transport, command: str, *, host: str, user: str) -> paramiko.Channel:
    """A session channel that `command` runs on. Raises HostUnreachable, ConnectionLost."""
    try:
        channel = transport.open_session(timeout=CHANNEL_SECONDS)
    except paramiko.ChannelException:
        raise HostUnreachable(
            "the SSH server refuses another session",
            host=host,
            tried="to open a session channel",
            remedy="raise MaxSessions in its sshd_config; this program needs one for each account it becomes",
        ) from None
    except (paramiko.SSHException, EOFError, OSError):
        raise connection_ended(host) from None
    # paramiko waits without limit for the answer to an exec request.
    watch = threading.Timer(CHANNEL_SECONDS, channel.close)
    watch.daemon = True
    watch.start()
    try:
        channel.exec_command(command)
    except (paramiko.SSHException, EOFError, OSError):
        channel.close()
        if transport.is_active():
            raise HostUnreachable(
                "the SSH server does not run commands for this account",
                host=host,
                tried=f"to run a command as {user}",
                remedy="check the account's shell, and ForceCommand in sshd_config",
            ) from None
        raise connection_ended(host) from None
    finally:
        watch.cancel()
    return channel


def connection_ended(host: str) -> ConnectionLost:
    """The error for a connection that ended while something was done over it."""
    return ConnectionLost(
        "the SSH connection ended",
        host=host,
        meaning="whether the last command did its work is unknown",
        remedy="look at the host before trying again",
    )


def handshake(
    sock: socket.socket | paramiko.Channel, endpoint: Endpoint, lines: Sequence[KnownHost]
) -> tuple[Transport, ShownKey]:
    """Agree on keys and check the host's, before anything is sent to it.

    Raises HostUnreachable, HostKeyUnknown, HostKeyChanged, and Busy when the server hung up before its banner.
    """
    transport = Transport(sock, preferred_algorithms(lines, endpoint.lookup))
    try:
        transport.start_client(timeout=BANNER_SECONDS + 5)
        shown = shown_key(transport.get_remote_server_key())
        check_host_key(
            shown,
            lines,
            host=endpoint.host,
            name=endpoint.lookup,
            address=endpoint.key_name,
            port=endpoint.port,
        )
    except IncompatiblePeer as error:
        transport.close()
        raise HostUnreachable(
            f"{endpoint.shown} and this program have no common algorithm",
            host=endpoint.host,
            tried=str(error),
            remedy="update the host's SSH server, or allow current algorithms in its configuration",
        ) from None
    except (paramiko.SSHException, EOFError, OSError) as error:
        transport.close()
        if "banner" in str(error) or isinstance(error, (EOFError, ConnectionResetError)):
            raise Busy(str(error)) from None
        raise HostUnreachable(
            f"the SSH handshake with {endpoint.shown} failed",
            host=endpoint.host,
            tried=f"a handshake: {error}",
            remedy="check that an SSH server listens there, and its log",
        ) from None
    except BaseException:
        transport.close()
        raise
    return transport, shown


class Pulse(threading.Thread):
    """Asks the server for a sign of life every few seconds and closes the transport when none comes, which wakes everything
    that waits on it. paramiko's own keepalive never looks for an answer."""

    def __init__(self, transport: paramiko.Transport) -> None:
        super().__init__(name="ssh-pulse", daemon=True)
        self._transport = transport
        self._ended = threading.Event()

    def run(self) -> None:
        """Until `stop`, or until the transport has ended."""
        while not self._ended.wait(PULSE_SECONDS) and self._transport.is_active():
            limit = threading.Timer(SILENCE_SECONDS, self._transport.close)
            limit.daemon = True
            limit.start()
            with contextlib.suppress(paramiko.SSHException, EOFError, OSError):
                self._transport.global_request("keepalive@openssh.com", wait=True)
            limit.cancel()

    def stop(self) -> None:
        """End it; does not wait."""
        self._ended.set()
