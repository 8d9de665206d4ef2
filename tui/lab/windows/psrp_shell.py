"""A remote PowerShell shell of the lab: a runspace pool whose scripts are answered by Python."""

from __future__ import annotations

import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from psrpcore import (
    CreatePipelineEvent,
    EndOfPipelineInputEvent,
    GetAvailableRunspacesEvent,
    PipelineInputEvent,
    PowerShell,
    PSRPPayload,
    ResetRunspaceStateEvent,
    ServerPipeline,
    ServerRunspacePool,
    SetMaxRunspacesEvent,
    SetMinRunspacesEvent,
    StreamType,
)
from psrpcore.types import (
    ErrorCategory,
    ErrorCategoryInfo,
    ErrorRecord,
    NETException,
    PipelineState,
    PSInvocationState,
    PSVersion,
)

from tui.lab.windows import wsman_soap as soap
from tui.lab.windows.psrp_values import plain, secrets_of
from tui.lab.windows.wsman_calls import Call, PsError, Served

_FRAGMENT = 32_000
"""About what Windows puts into one fragment, in bytes."""
_UNEXPECTED = "System.Management.Automation.RuntimeException"

Handler = Callable[[Call], str]


@dataclass
class _Command:
    """A pipeline, from its Command request to the signal that ends it."""

    pipeline: ServerPipeline
    call: Call | None = None
    input: list[Any] = field(default_factory=list)
    outbox: deque[bytes] = field(default_factory=deque)
    ended: str = ""


class RemoteShell:
    """A shell of one account. Requests may come on several connections at once; everything is under one lock.

    A script's handler runs in a thread of its own, outside the lock, as many at a time as the client asked runspaces for.
    """

    def __init__(
        self, shell_id: str, owner: str, handler: Handler, served: Callable[[Served], None], *, idle_timeout: float
    ) -> None:
        """Make a shell. `served` is told of every script that ended.

        `idle_timeout`: after how many seconds without a request or a running script it may be taken for abandoned.
        """
        self.shell_id = shell_id
        self.owner = owner
        self.idle_timeout = idle_timeout
        self._used = time.monotonic()
        self._handler = handler
        self._served = served
        self._changed = threading.Condition()
        self._pool = ServerRunspacePool({"PSVersionTable": _VERSIONS.copy()})
        self._runspaces = 0
        self._outbox: deque[bytes] = deque()
        self._commands: dict[str, _Command] = {}
        self._closed = False

    @property
    def commands(self) -> int:
        """How many pipelines the client has not closed yet."""
        return len(self._commands)

    @property
    def abandoned(self) -> bool:
        """Whether its client has not been heard of for longer than it asked for."""
        with self._changed:
            running = any(command.call is not None and not command.ended for command in self._commands.values())
            return not running and time.monotonic() - self._used > self.idle_timeout

    def use(self) -> None:
        """A request has come for it."""
        with self._changed:
            self._used = time.monotonic()

    def feed(self, data: bytes) -> None:
        """Take in what the client sent: fragments of the pool, or more of a pipeline's."""
        with self._changed:
            try:
                self._pool.receive_data(PSRPPayload(data, StreamType.default, None))
                while (event := self._pool.next_event()) is not None:
                    self._react(event)
            except soap.Fault:
                raise
            except Exception as error:
                # psrpcore fails on garbage in many ways; to the client all of them are data that cannot be read.
                raise soap.Fault(soap.INVALID_BODY, f"The PSRP data cannot be read: {error}.", sender=True) from error
            self._collect()

    def start(self, command_id: str, data: bytes) -> None:
        """Begin a pipeline with its first fragment."""
        with self._changed:
            # psrpcore looks the pipeline up when it reads the fragment that creates it.
            self._commands[command_id] = _Command(ServerPipeline(self._pool, uuid.UUID(command_id)))
        self.feed(data)

    def receive(self, command_id: str | None, seconds: float, budget: int) -> tuple[list[bytes], bool]:
        """Wait for output of a command, or of the pool (None): chunks of `budget` bytes in all, and whether it is the end.

        Raises Fault when there was none within `seconds`, or no such command.
        """
        with self._changed:
            command = self._command(command_id) if command_id else None
            outbox = command.outbox if command else self._outbox

            def ready() -> bool:
                return bool(outbox) or self._closed or bool(command and command.ended)

            if not self._changed.wait_for(ready, seconds):
                raise soap.Fault(
                    soap.OPERATION_TIMED_OUT,
                    "The WS-Management service cannot complete the operation within the time specified in OperationTimeout.",
                    subcode="w:TimedOut",
                )
            if self._closed:
                raise shell_missing(self.shell_id)
            chunks: list[bytes] = []
            while outbox and (not chunks or sum(map(len, chunks)) + len(outbox[0]) <= budget):
                chunks.append(outbox.popleft())
            return chunks, bool(command and command.ended and not outbox)

    def signal(self, command_id: str, code: str) -> None:
        """Stop a pipeline (`…/ctrl_c`), or stop and forget it (`…/Terminate`)."""
        with self._changed:
            command = self._command(command_id)
            self._stop(command)
            if code.endswith("/Terminate"):
                command.pipeline.close()
                del self._commands[command_id]
            self._collect()

    def close(self) -> None:
        """Stop everything and wake whoever waits for output."""
        with self._changed:
            self._closed = True
            for command in self._commands.values():
                if command.call is not None:
                    command.call.stopped.set()
            self._changed.notify_all()

    def _react(self, event: Any) -> None:
        if isinstance(event, CreatePipelineEvent):
            command = self._command(str(event.pipeline_id).upper())
            script = event.pipeline
            command.call = self._call(script)
            if script.no_input:
                self._begin(command)
        elif isinstance(event, PipelineInputEvent):
            self._command(str(event.pipeline_id).upper()).input.append(plain(event.data))
        elif isinstance(event, EndOfPipelineInputEvent):
            command = self._command(str(event.pipeline_id).upper())
            if command.call is not None and not command.ended:
                self._begin(command)
        elif isinstance(event, GetAvailableRunspacesEvent):
            self._pool.runspace_availability_response(event.ci, self._pool.max_runspaces)
        elif isinstance(event, (SetMaxRunspacesEvent, SetMinRunspacesEvent, ResetRunspaceStateEvent)):
            self._pool.runspace_availability_response(event.ci, True)

    def _call(self, script: PowerShell) -> Call:
        command = script.commands[0]
        parameters = {name or str(index): value for index, (name, value) in enumerate(command.parameters)}
        text = str(command.command_text)
        if len(script.commands) != 1 or not command.is_script:
            text = " | ".join(str(one.command_text) for one in script.commands)
        return Call(
            script=text,
            parameters={name: plain(value) for name, value in parameters.items()},
            user=self.owner,
            secrets=secrets_of(parameters),
        )

    def _begin(self, command: _Command) -> None:
        threading.Thread(target=self._run, args=(command,), name="wsman-script", daemon=True).start()

    def _run(self, command: _Command) -> None:
        call = command.call
        assert call is not None
        with self._changed:
            self._changed.wait_for(lambda: call.stopped.is_set() or self._runspaces < max(1, self._pool.max_runspaces))
            if call.stopped.is_set():
                return
            self._runspaces += 1
            call.input = tuple(command.input)
            # Not `start`: it would tell the client that the pipeline runs, which Windows leaves out.
            command.pipeline.state = PSInvocationState.Running
        began = time.monotonic()
        output: str | PsError
        try:
            output = self._handler(call)
        except PsError as error:
            output = error
        except Exception as error:
            # A mistake in the lab must look like a failed script to the client, not like a dead host.
            output = PsError(_UNEXPECTED, f"the lab failed: {type(error).__name__}: {error}")
        with self._changed:
            self._runspaces -= 1
            if not command.ended:
                self._finish(command, output)
            self._served(Served(call.name, call.user, tuple(call.parameters), command.ended, time.monotonic() - began))
            self._collect()

    def _finish(self, command: _Command, output: str | PsError) -> None:
        if isinstance(output, PsError):
            command.ended = output.type
            failed = PipelineState(
                PipelineState=int(PSInvocationState.Failed), ExceptionAsErrorRecord=error_record(output)
            )
            command.pipeline.prepare_message(failed)
            command.pipeline.state = PSInvocationState.Failed
        else:
            command.ended = "output"
            command.pipeline.write_output(output)
            command.pipeline.complete()

    def _stop(self, command: _Command) -> None:
        if command.call is not None:
            command.call.stopped.set()
        if not command.ended:
            command.ended = "stopped"
            if command.pipeline.state == PSInvocationState.Running:
                command.pipeline.stop()

    def _collect(self) -> None:
        """Hand out what psrpcore wants sent to those who will ask for it."""
        while (payload := self._pool.data_to_send(_FRAGMENT)) is not None:
            command = self._commands.get(str(payload.pipeline_id).upper()) if payload.pipeline_id else None
            if command is not None:
                command.outbox.append(payload.data)
            elif payload.pipeline_id is None:
                self._outbox.append(payload.data)
        self._changed.notify_all()

    def _command(self, command_id: str) -> _Command:
        if command_id not in self._commands:
            raise soap.Fault(
                soap.INVALID_RESOURCE, f"The command {command_id} was not found on the shell.", sender=True
            )
        return self._commands[command_id]


_VERSIONS: dict[str, Any] = {
    "PSVersion": PSVersion("5.1.17763.1"),
    "BuildVersion": PSVersion("10.0.17763.1"),
    "CLRVersion": PSVersion("4.0.30319.42000"),
    "WSManStackVersion": PSVersion("3.0"),
}


def error_record(problem: PsError) -> ErrorRecord:
    """The error record with which PowerShell ends a script that threw."""
    exception = NETException(Message=problem.message, HResult=problem.hresult)
    exception.PSObject.type_names = [problem.type, *(n for n in exception.PSTypeNames if n != problem.type)]
    short = problem.type.rpartition(".")[2]
    return ErrorRecord(
        Exception=exception,
        CategoryInfo=ErrorCategoryInfo(Category=ErrorCategory.NotSpecified, Reason=short),
        FullyQualifiedErrorId=problem.type,
    )


def shell_missing(shell_id: str) -> soap.Fault:
    """What Windows answers when it has no such shell (any more)."""
    return soap.Fault(
        soap.UNEXPECTED_SELECTORS,
        f"The request for the Windows Remote Shell with ShellId {shell_id} failed because the shell was not found on the "
        "server. Possible causes are: the specified ShellId is incorrect or the shell no longer exists on the server.",
        subcode="w:InvalidSelectors",
        sender=True,
    )
