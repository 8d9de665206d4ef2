"""A WindowsSession by PowerShell remoting: one runspace pool over one connection."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Any

import requests
from pydantic import SecretStr
from pypsrp.complex_objects import GenericComplexObject, PSInvocationState
from pypsrp.exceptions import WinRMError, WSManFaultError
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.serializer import TaggedValue
from pypsrp.wsman import WSMan

from tui.remote.errors import AuthenticationFailed, ConnectionLost, RemoteError
from tui.remote.windows.powershell_session import PowerShellSession, ScriptError
from tui.remote.windows.winrm_errors import NO_SUCH_SHELL, Listener, explain
from tui.remote.windows.winrm_transport import ANSWER_SECONDS, WinrmTransport
from tui.remote.windows_session import Parameter, Script

POLL_SECONDS = 3
"""How long the host holds back the answer to one question for more output."""
FORGET_SECONDS = 300
"""When the host itself ends a session that nothing is asked of: one that was cut off counts against a quota until then, one
that is only idle is opened again."""
_PARTING_SECONDS = 3.0
_FAULTS = (WinRMError, requests.RequestException, ValueError, OSError)


class WinrmSession(PowerShellSession):
    """See WindowsSession. Opened by `open`. `key_type` and `fingerprint` tell by what the host was known."""

    def __init__(
        self,
        listener: Listener,
        transport: WinrmTransport,
        *,
        refuse: Callable[[], None],
    ) -> None:
        """`refuse` is called when the host does not take the password."""
        super().__init__(listener.endpoint.host, listener.user)
        self._listener = listener
        self._transport = transport
        self._refuse = refuse
        self._wsman = WSMan(listener.endpoint.address, operation_timeout=int(ANSWER_SECONDS * 2 / 3))
        self._wsman.transport = transport
        self.key_type = "certificate" if listener.tls else "HTTP,"
        self.fingerprint = (transport.pin or "signed by a trusted authority") if listener.tls else "messages encrypted"
        self._pool: Any = None
        self._lost = False

    @property
    def round_trips(self) -> int:
        """See HostSession.round_trips: SOAP calls."""
        return self._transport.calls

    def open(self) -> None:
        """Log in and open the runspace pool. Raises RemoteError."""
        try:
            self._open_pool()
        except RemoteError:
            raise
        except Exception as error:
            raise self._explained(error, opened=False) from None

    def _open_pool(self) -> None:
        self._pool = RunspacePool(self._wsman, idle_timeout=FORGET_SECONDS)
        self._pool.open()

    def _explained(self, error: Exception, *, opened: bool) -> RemoteError:
        offered = self._transport.wire.offered if self._transport.wire is not None else None
        told = explain(error, self._listener, opened=opened, offered=offered)
        if isinstance(told, AuthenticationFailed):
            self._refuse()
        if isinstance(told, (AuthenticationFailed, ConnectionLost)):
            self._lost = True
        return told

    def _perform(self, script: Script, parameters: Mapping[str, Parameter], timeout: float) -> str:
        if self._lost or self._pool is None:
            raise ConnectionLost(
                "the WinRM session has ended", host=self.host, remedy="it is opened again with the next attempt"
            )
        deadline = time.monotonic() + timeout
        shell: Any = None
        try:
            shell = self._begin(script, parameters)
            while shell.state == PSInvocationState.RUNNING:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise self._out_of_time(shell, script, timeout)
                shell.poll_invoke(timeout=max(1, min(POLL_SECONDS, int(left + 0.5))))
        except RemoteError:
            raise
        except Exception as error:
            told = self._explained(error, opened=True)
            self._abandon(shell)
            raise told from None
        self._finish(shell)
        return _outcome(shell)

    def _begin(self, script: Script, parameters: Mapping[str, Parameter]) -> Any:
        """Send a script. A host that has ended the idle session refuses it, so then it goes to another one."""
        try:
            return self._send(script, parameters)
        except WSManFaultError as error:
            if error.code != NO_SUCH_SHELL:
                raise
        self._open_pool()
        return self._send(script, parameters)

    def _send(self, script: Script, parameters: Mapping[str, Parameter]) -> Any:
        if any(isinstance(value, SecretStr) for value in parameters.values()):
            self._pool.exchange_keys()
        shell = PowerShell(self._pool)
        shell.add_script(script.text, use_local_scope=True)
        shell.add_parameters({name: _argument(value) for name, value in parameters.items()})
        try:
            shell.begin_invoke(remote_stream_options=0)
        except WinRMError:
            self._abandon(shell)
            raise
        return shell

    def _out_of_time(self, shell: Any, script: Script, timeout: float) -> ConnectionLost:
        self._lost = True
        self._transport.patience = _PARTING_SECONDS
        with contextlib.suppress(*_FAULTS):
            shell.stop()
            self._pool.close()
        return ConnectionLost(
            f"{script.name} did not end within {timeout:.0f} s",
            host=self.host,
            tried=f"{script.name} by PowerShell",
            meaning="whether it did its work is unknown; it was told to stop",
            remedy="look at the host before trying again",
        )

    def _abandon(self, shell: Any) -> None:
        """Take back a script that could not be sent whole, so that it does not wait for the rest on the host."""
        if shell is not None and not self._lost and shell.state == PSInvocationState.RUNNING:
            with contextlib.suppress(*_FAULTS):
                shell.stop()

    def _finish(self, shell: Any) -> None:
        try:
            shell.close()
        except Exception as error:
            # What the script did is known; only the session is of no more use.
            self._explained(error, opened=True)
            self._lost = True

    def close(self) -> None:
        """See HostSession.close. A session that was lost is left for the host to end: it may not answer at all."""
        if self._pool is not None and not self._lost:
            self._transport.patience = _PARTING_SECONDS
            with contextlib.suppress(Exception):
                self._pool.close()
        self._lost = True
        with contextlib.suppress(Exception):
            self._transport.close()


def _argument(value: Parameter) -> Any:
    if isinstance(value, SecretStr):
        return TaggedValue("SS", value.get_secret_value())
    if isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return TaggedValue("I64", value)
    if isinstance(value, float):
        return TaggedValue("Db", value)
    return list(value or ())


def _outcome(shell: Any) -> str:
    if shell.state != PSInvocationState.COMPLETED:
        raise _script_error(shell)
    return str(shell.output[-1]) if shell.output else ""


def _script_error(shell: Any) -> ScriptError:
    if not shell.streams.error:
        return ScriptError("System.Management.Automation.PipelineStoppedException", "it was stopped")
    record = shell.streams.error[-1]
    cause = record.exception
    if not isinstance(cause, GenericComplexObject):
        return ScriptError(str(record.reason or record.fq_error or "unknown"), str(record))
    told = {**cause.extended_properties, **cause.adapted_properties}
    kind = cause.types[0] if cause.types else str(record.reason or record.fq_error)
    hresult = told.get("HResult")
    return ScriptError(kind, str(told.get("Message") or record), hresult if isinstance(hresult, int) else 0)
