"""The control socket: how fronts talk to a runner. JSON lines over a Unix socket that only its owner can open."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import socket
import stat
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import cast

from tui.errors import OperatorError
from tui.paths import state_dir
from tui.runbook.control_desk import ControlRefused
from tui.runbook.journal import JournalDamaged, JournalUnavailable
from tui.runbook.locks import RunBusy

_LONGEST_LINE = 1 << 16
_LOG = logging.getLogger(__name__)

_CLASSES: dict[str, Callable[..., OperatorError]] = {
    found.__name__: found for found in (JournalDamaged, JournalUnavailable, RunBusy, ControlRefused)
}

Request = dict[str, object]
Reply = dict[str, object]


class RunnerGone(OperatorError):
    """Nobody answers at the control socket."""


def socket_places(cluster: str, run: str) -> list[Path]:
    """Where the runner's socket may lie, best first: in 0700 directories of this account.

    Not below XDG_RUNTIME_DIR: that is removed when the operator's last session ends, and the run goes on. /tmp is for
    state directories on file systems that hold no sockets.
    """
    name = hashlib.sha256(f"{cluster}\0{run}\0{os.getpid()}".encode()).hexdigest()[:12] + ".sock"
    directories = (state_dir(cluster), Path("/tmp") / f"adldap-ha-{os.getuid()}")
    return [directory / name for directory in directories if _private_directory(directory)]


@contextlib.contextmanager
def _address(path: Path) -> Iterator[str]:
    """An address for a socket's path; a long one goes through its directory's descriptor, as addresses end at 107 bytes."""
    if len(os.fsencode(path)) < 108:
        yield str(path)
        return
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)


def _private_directory(directory: Path) -> bool:
    with contextlib.suppress(OSError):
        directory.mkdir(mode=0o700)
    try:
        found = os.lstat(directory)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077


class ControlServer:
    """Listens for fronts and hands their requests to `handle`, one thread per front.

    `places` are tried in their order; `path` is the one that was taken. Raises OperatorError when none will do.
    """

    def __init__(self, places: Sequence[Path], handle: Callable[[Request], Reply]) -> None:
        self._handle = handle
        self.path, self._socket = _listen(places)
        self._thread = threading.Thread(target=self._accept, name="control", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening and remove the socket; never raises."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(timeout=2)
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)

    def _accept(self) -> None:
        while True:
            try:
                front, _address = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(front,), name="control-front", daemon=True).start()

    def _serve(self, front: socket.socket) -> None:
        with front, contextlib.suppress(OSError, ValueError):
            if _peer_uid(front) != os.getuid():
                return
            with front.makefile("rb") as lines:
                while line := lines.readline(_LONGEST_LINE):
                    front.sendall(json.dumps(self._reply(line)).encode() + b"\n")

    def _reply(self, line: bytes) -> Reply:
        try:
            request = json.loads(line)
            if not isinstance(request, dict):
                raise OperatorError("the request is no JSON object")
            return {"ok": True, **self._handle(request)}
        except OperatorError as error:
            return {"ok": False, "error": error_parts(error)}
        except ValueError:
            return {"ok": False, "error": error_parts(OperatorError("the request is no JSON"))}
        except Exception:
            _LOG.exception("a control request failed")
            return {"ok": False, "error": error_parts(OperatorError("the runner could not do that; its log says why"))}


def _listen(places: Sequence[Path]) -> tuple[Path, socket.socket]:
    reason = "somebody else owns that directory, or it is open to others"
    for path in places:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            os.fchmod(listener.fileno(), 0o600)
            path.unlink(missing_ok=True)
            with _address(path) as address:
                listener.bind(address)
            os.chmod(path, 0o600)
            listener.listen(16)
        except OSError as error:
            listener.close()
            reason = error.strerror or str(error)
            continue
        return path, listener
    raise OperatorError(
        "there is no place for the control socket",
        tried="use the state directory, then a directory in /tmp",
        meaning=f"{reason}; without a socket a run could be neither answered nor stopped",
        remedy="set XDG_STATE_HOME to a local disk, or remove what lies in /tmp under this program's name",
    )


def _peer_uid(front: socket.socket) -> int:
    credentials = front.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[1])


def ask_runner(path: Path, request: Request, *, timeout: float = 10.0) -> Reply:
    """Send one request and return the reply; raises RunnerGone, or the OperatorError that the runner answered with."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout)
            with _address(path) as address:
                connection.connect(address)
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as lines:
                reply = json.loads(lines.readline())
    except (OSError, ValueError) as error:
        raise RunnerGone(
            "the runner does not answer",
            tried=f"connect to {path}",
            meaning="it has ended, or was killed",
            remedy="look at the run again; when it is interrupted, resume it",
        ) from error
    if not reply.get("ok"):
        raise error_from_parts(reply.get("error"))
    return cast("Reply", reply)


def error_parts(error: OperatorError) -> dict[str, object]:
    """An OperatorError as JSON, for another process to raise again."""
    names = ("summary", "host", "step", "tried", "meaning", "remedy")
    return {"kind": type(error).__name__, **{name: getattr(error, name) for name in names}}


def error_from_parts(parts: object) -> OperatorError:
    """The error that `error_parts` told, of its own class where fronts branch on it."""
    told = parts if isinstance(parts, dict) else {}
    names = ("host", "step", "tried", "meaning", "remedy")
    texts = {name: None if told.get(name) is None else str(told[name]) for name in names}
    kind = _CLASSES.get(str(told.get("kind")), OperatorError)
    return kind(str(told.get("summary", "the runner failed")), **texts)
