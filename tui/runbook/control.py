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
from collections.abc import Callable
from pathlib import Path
from typing import cast

from tui.errors import OperatorError

_LONGEST_LINE = 1 << 16
_LOG = logging.getLogger(__name__)

Request = dict[str, object]
Reply = dict[str, object]


class RunnerGone(OperatorError):
    """Nobody answers at the control socket."""


def socket_path(cluster: str, run: str) -> Path:
    """A short path (a socket's may have 107 bytes) in a 0700 directory of this account. Raises OperatorError."""
    name = hashlib.sha256(f"{cluster}\0{run}\0{os.getpid()}".encode()).hexdigest()[:16] + ".sock"
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    candidates = [Path(runtime) / "adldap-ha"] if runtime else []
    candidates.append(Path("/tmp") / f"adldap-ha-{os.getuid()}")
    for directory in candidates:
        if len(os.fsencode(directory / name)) < 108 and _private_directory(directory):
            return directory / name
    raise OperatorError(
        "there is no private directory for the control socket",
        tried=f"use {' and '.join(str(directory) for directory in candidates)}",
        meaning="somebody else owns that directory, or it is open to others",
        remedy="set XDG_RUNTIME_DIR to a short directory that only you can enter",
    )


def _private_directory(directory: Path) -> bool:
    with contextlib.suppress(OSError):
        directory.mkdir(mode=0o700)
    try:
        found = os.lstat(directory)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077


class ControlServer:
    """Listens for fronts and hands their requests to `handle`, one thread per front."""

    def __init__(self, path: Path, handle: Callable[[Request], Reply]) -> None:
        self.path = path
        self._handle = handle
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            os.fchmod(self._socket.fileno(), 0o600)
            path.unlink(missing_ok=True)
            self._socket.bind(str(path))
            os.chmod(path, 0o600)
            self._socket.listen(16)
        except BaseException:
            self._socket.close()
            raise
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


def _peer_uid(front: socket.socket) -> int:
    credentials = front.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[1])


def ask_runner(path: Path, request: Request, *, timeout: float = 10.0) -> Reply:
    """Send one request and return the reply; raises RunnerGone, or the OperatorError that the runner answered with."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout)
            connection.connect(str(path))
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
    return {name: getattr(error, name) for name in names}


def error_from_parts(parts: object) -> OperatorError:
    """The error that `error_parts` told."""
    told = parts if isinstance(parts, dict) else {}
    texts = {str(key): None if value is None else str(value) for key, value in told.items() if key != "summary"}
    return OperatorError(str(told.get("summary", "the runner failed")), **texts)
