"""The shells of a WSMan server of the lab, and WS-Management's operations on them."""

from __future__ import annotations

import base64
import binascii
import threading
import uuid
from xml.etree import ElementTree

from tui.lab.windows import wsman_soap as soap
from tui.lab.windows.psrp_shell import Handler, RemoteShell, shell_missing
from tui.lab.windows.wsman_calls import Record, Served

_HEAD = 8_192
"""What an envelope takes besides its output."""
_IDLE_TIMEOUT = 7_200.0
_CREATION = f"{{{soap.POWERSHELL}}}creationXml"


class Shells:
    """All shells of a server. `max_shells` is for each user, `max_operations` (pipelines not closed) for each shell."""

    def __init__(self, handler: Handler, record: Record) -> None:
        """No shells yet."""
        self.max_shells = 30
        self.max_operations = 1_500
        self._handler = handler
        self._record = record
        self._shells: dict[str, RemoteShell] = {}
        self._guard = threading.Lock()

    def open_shells(self, user: str | None = None) -> int:
        """How many shells are open, of all users or of one."""
        with self._guard:
            return sum(user is None or shell.owner == user for shell in self._shells.values())

    def open_pipelines(self) -> int:
        """How many pipelines their clients have not closed."""
        with self._guard:
            return sum(shell.commands for shell in self._shells.values())

    def close(self) -> None:
        """Forget all shells, and stop what runs in them."""
        with self._guard:
            shells, self._shells = list(self._shells.values()), {}
        for shell in shells:
            shell.close()

    def answer(self, request: soap.Request, user: str, client: str, max_envelope_size: int) -> str:
        """Do what `request` asks, and give the body of the answer. Raises soap.Fault."""
        if request.verb == "Get" and request.resource.startswith(soap.CONFIG):
            return soap.config({"MaxEnvelopeSizekb": str(max_envelope_size // 1024)})
        if request.resource.split("?")[0] not in {soap.SHELL_RESOURCE, soap.RSP}:
            raise soap.Fault(
                soap.INVALID_RESOURCE,
                "The WS-Management service cannot process the request. The resource URI is missing or it has an incorrect format.",
                subcode="w:InvalidResourceURI",
                sender=True,
            )
        if request.verb == "Create":
            return self._create(request, user, client)
        shell = self._owned(request.shell, user)
        match request.verb:
            case "Command":
                return self._command(shell, request)
            case "Receive":
                return self._receive(shell, request, max_envelope_size)
            case "Send":
                stream = _first(request, "Stream")
                shell.feed(_decoded(stream.text))
                return "<rsp:SendResponse/>"
            case "Signal":
                signal = _body(request)
                shell.signal((signal.get("CommandId") or "").upper(), signal.findtext(f"{{{soap.RSP}}}Code") or "")
                return "<rsp:SignalResponse/>"
            case "Delete":
                with self._guard:
                    self._shells.pop(shell.shell_id, None)
                shell.close()
                return ""
            case "Get":
                return soap.shell_state(shell.shell_id, shell.owner, client, shell.idle_timeout)
        raise soap.Fault(
            soap.INVALID_ACTION,
            "The WS-Management service cannot process the request. The WS-Addressing action URI is invalid.",
            subcode="a:ActionNotSupported",
            sender=True,
        )

    def _create(self, request: soap.Request, user: str, client: str) -> str:
        wanted = _body(request)
        shell_id = (wanted.get("ShellId") or str(uuid.uuid4())).upper()
        creation = wanted.findtext(_CREATION)
        idle = soap.seconds(wanted.findtext(f"{{{soap.RSP}}}IdleTimeOut"))
        shell = RemoteShell(
            shell_id, user, self._handler, self._served, idle_timeout=_IDLE_TIMEOUT if idle is None else idle
        )
        self._reap()
        with self._guard:
            if sum(other.owner == user for other in self._shells.values()) >= self.max_shells:
                raise soap.Fault(
                    soap.MAX_SHELLS,
                    f"The WS-Management service cannot process the request. This user is allowed a maximum number of "
                    f"{self.max_shells} concurrent shells, which has been exceeded. Close existing shells or raise the quota "
                    "for this user.",
                    subcode="w:QuotaLimit",
                )
            self._shells[shell_id] = shell
        shell.feed(_decoded(creation))
        return soap.created(shell_id, user, client, shell.idle_timeout)

    def _command(self, shell: RemoteShell, request: soap.Request) -> str:
        if shell.commands >= self.max_operations:
            raise soap.Fault(
                soap.MAX_OPERATIONS,
                f"The WS-Management service cannot process the request. The maximum number of concurrent operations for this "
                f"user has been exceeded ({self.max_operations}). Close existing operations for this user, or raise the quota "
                "for this user.",
                subcode="w:QuotaLimit",
            )
        line = _body(request)
        try:
            command_id = str(uuid.UUID(line.get("CommandId") or str(uuid.uuid4()))).upper()
        except ValueError as error:
            raise soap.Fault(soap.INVALID_BODY, "The CommandId is no UUID.", sender=True) from error
        shell.start(command_id, _decoded(line.findtext(f"{{{soap.RSP}}}Arguments")))
        return f"<rsp:CommandResponse><rsp:CommandId>{command_id}</rsp:CommandId></rsp:CommandResponse>"

    def _receive(self, shell: RemoteShell, request: soap.Request, max_envelope_size: int) -> str:
        command_id = (_first(request, "DesiredStream").get("CommandId") or "").upper() or None
        budget = (min(request.largest, max_envelope_size) - _HEAD) * 3 // 4
        chunks, done = shell.receive(command_id, request.seconds, budget)
        return soap.received(chunks, command_id, done=done)

    def _reap(self) -> None:
        """End the shells whose clients are gone."""
        with self._guard:
            gone = [shell for shell in self._shells.values() if shell.abandoned]
            for shell in gone:
                del self._shells[shell.shell_id]
        for shell in gone:
            shell.close()

    def _owned(self, shell_id: str, user: str) -> RemoteShell:
        self._reap()
        with self._guard:
            shell = self._shells.get(shell_id)
        if shell is None:
            raise shell_missing(shell_id)
        if shell.owner != user:
            raise soap.Fault(soap.ACCESS_DENIED, "Access is denied.", subcode="w:AccessDenied", sender=True)
        shell.use()
        return shell

    def _served(self, served: Served) -> None:
        self._record.calls.append(served)


def _body(request: soap.Request) -> ElementTree.Element:
    if request.body is None:
        raise soap.Fault(soap.INVALID_BODY, "The request packet does not have a valid SOAP body.", sender=True)
    return request.body


def _first(request: soap.Request, name: str) -> ElementTree.Element:
    element = _body(request).find(f"{{{soap.RSP}}}{name}")
    if element is None:
        raise soap.Fault(soap.INVALID_BODY, f"The request lacks its {name}.", sender=True)
    return element


def _decoded(text: str | None) -> bytes:
    try:
        return base64.b64decode(text or "", validate=True)
    except binascii.Error as error:
        raise soap.Fault(soap.INVALID_BODY, "The PSRP data is no base64.", sender=True) from error
