"""The envelopes of WS-Management: reading a request, writing a response or a fault."""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

S = "http://www.w3.org/2003/05/soap-envelope"
WSA = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
WSMAN = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
RSP = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
POWERSHELL = "http://schemas.microsoft.com/powershell"
CONFIG = "http://schemas.microsoft.com/wbem/wsman/1/config"
SHELL_RESOURCE = "http://schemas.microsoft.com/powershell/Microsoft.PowerShell"

ACCESS_DENIED = 5
INVALID_ACTION = 2150858753
INVALID_RESOURCE = 2150858811
INVALID_BODY = 2150858791
ENCODING_LIMIT = 2150858805
OPERATION_TIMED_OUT = 2150858793
UNEXPECTED_SELECTORS = 2150858843
MAX_SHELLS = 2150859173
MAX_OPERATIONS = 2150859174

_ENVELOPE = f'<s:Envelope xml:lang="en-US" xmlns:s="{S}" xmlns:a="{WSA}" xmlns:x="{TRANSFER}" xmlns:w="{WSMAN}" xmlns:rsp="{RSP}">'
_ANONYMOUS = "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"
_DURATION = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?")
_LONGEST_OPERATION = 60.0


class Fault(Exception):
    """A WSMan fault with its code and the text that Windows gives."""

    def __init__(self, code: int, text: str, *, subcode: str = "w:InternalError", sender: bool = False) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.subcode = subcode
        self.sender = sender


@dataclass(frozen=True)
class Request:
    """A request's header, and the one element of its body (None: empty)."""

    action: str
    message_id: str
    resource: str
    seconds: float
    """How long the client wants the operation to last at most."""
    largest: int
    """The largest response that the client takes, in bytes."""
    shell: str
    body: ElementTree.Element | None

    @property
    def verb(self) -> str:
        """The last word of the action."""
        return self.action.rpartition("/")[2]


def parse(data: bytes) -> Request:
    """Read an envelope. Raises Fault when it is none or lacks what every request needs."""
    try:
        envelope = ElementTree.fromstring(data)
    except ElementTree.ParseError as error:
        raise Fault(INVALID_BODY, f"The SOAP XML in the message does not match: {error}.", sender=True) from error
    header = envelope.find(f"{{{S}}}Header")
    body = envelope.find(f"{{{S}}}Body")
    if header is None or body is None:
        raise Fault(INVALID_BODY, "The request packet does not have a valid SOAP body.", sender=True)
    size = header.findtext(f"{{{WSMAN}}}MaxEnvelopeSize") or "153600"
    largest = int(size) if size.isascii() and size.isdigit() else 0
    if largest < 8192:
        raise Fault(
            ENCODING_LIMIT,
            "The wsman:MaxEnvelopeSize is smaller than 8192 octets.",
            subcode="w:EncodingLimit",
            sender=True,
        )
    timeout = seconds(header.findtext(f"{{{WSMAN}}}OperationTimeout"))
    selectors = {item.get("Name"): item.text or "" for item in header.iterfind(f"{{{WSMAN}}}SelectorSet/*")}
    return Request(
        action=header.findtext(f"{{{WSA}}}Action") or "",
        message_id=header.findtext(f"{{{WSA}}}MessageID") or "",
        resource=header.findtext(f"{{{WSMAN}}}ResourceURI") or "",
        seconds=_LONGEST_OPERATION if timeout is None else min(timeout, _LONGEST_OPERATION),
        largest=largest,
        shell=selectors.get("ShellId", "").upper(),
        body=body[0] if len(body) else None,
    )


def response(request: Request, body: str) -> bytes:
    """The envelope that answers `request` with `body`."""
    return _envelope(request.action + "Response", request.message_id, body)


def fault(request: Request | None, problem: Fault, machine: str) -> bytes:
    """The envelope that refuses `request`."""
    text = escape(problem.text)
    detail = (
        '<f:WSManFault xmlns:f="http://schemas.microsoft.com/wbem/wsman/1/wsmanfault" '
        f'Code="{problem.code}" Machine={quoteattr(machine)}><f:Message>{text}</f:Message></f:WSManFault>'
    )
    code = "s:Sender" if problem.sender else "s:Receiver"
    return _envelope(
        "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault",
        request.message_id if request is not None else "",
        f"<s:Fault><s:Code><s:Value>{code}</s:Value><s:Subcode><s:Value>{problem.subcode}</s:Value></s:Subcode></s:Code>"
        f'<s:Reason><s:Text xml:lang="en-US">{text}</s:Text></s:Reason><s:Detail>{detail}</s:Detail></s:Fault>',
    )


def created(shell: str, owner: str, client: str, idle_timeout: float) -> str:
    """The body that tells of a new shell."""
    return (
        f"<x:ResourceCreated><a:Address>{_ANONYMOUS}</a:Address><a:ReferenceParameters>"
        f"<w:ResourceURI>{SHELL_RESOURCE}</w:ResourceURI>"
        f'<w:SelectorSet><w:Selector Name="ShellId">{shell}</w:Selector></w:SelectorSet>'
        f"</a:ReferenceParameters></x:ResourceCreated>"
        f"{shell_state(shell, owner, client, idle_timeout)}"
    )


def shell_state(shell: str, owner: str, client: str, idle_timeout: float) -> str:
    """The element that describes a shell."""
    return (
        f"<rsp:Shell><rsp:ShellId>{shell}</rsp:ShellId><rsp:ResourceUri>{SHELL_RESOURCE}</rsp:ResourceUri>"
        f"<rsp:Owner>{escape(owner)}</rsp:Owner><rsp:ClientIP>{client}</rsp:ClientIP><rsp:State>Connected</rsp:State>"
        f"<rsp:IdleTimeOut>PT{idle_timeout:.3f}S</rsp:IdleTimeOut><rsp:InputStreams>stdin pr</rsp:InputStreams>"
        "<rsp:OutputStreams>stdout</rsp:OutputStreams></rsp:Shell>"
    )


def received(chunks: Sequence[bytes], command: str | None, *, done: bool) -> str:
    """The body that carries output: of a command, or of the shell itself (`command` None)."""
    target = f' CommandId="{command}"' if command else ""
    streams = "".join(
        f'<rsp:Stream Name="stdout"{target}>{base64.b64encode(chunk).decode("ascii")}</rsp:Stream>' for chunk in chunks
    )
    state = f'<rsp:CommandState{target} State="{RSP}/CommandState/Done"/>' if done else ""
    return f"<rsp:ReceiveResponse>{streams}{state}</rsp:ReceiveResponse>"


def config(settings: Mapping[str, str]) -> str:
    """The body that tells the service's settings."""
    items = "".join(f"<cfg:{name}>{escape(value)}</cfg:{name}>" for name, value in settings.items())
    return f'<cfg:Config xmlns:cfg="{CONFIG}">{items}</cfg:Config>'


def seconds(duration: str | None) -> float | None:
    """A duration as XML writes it (`PT1H2M3.5S`) in seconds; None when it is none."""
    match = _DURATION.fullmatch(duration or "")
    if match is None or not any(match.groups()):
        return None
    hours, minutes, rest = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + rest


def _envelope(action: str, relates_to: str, body: str) -> bytes:
    header = (
        f"<a:Action>{escape(action)}</a:Action><a:MessageID>uuid:{str(uuid.uuid4()).upper()}</a:MessageID>"
        f"<a:To>{_ANONYMOUS}</a:To>" + (f"<a:RelatesTo>{escape(relates_to)}</a:RelatesTo>" if relates_to else "")
    )
    return f"{_ENVELOPE}<s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>".encode()
