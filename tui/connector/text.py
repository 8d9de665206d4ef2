"""Text as connectors write it: ANSI colours, carriage returns, and the encodings of files that somebody saved."""

from __future__ import annotations

import re

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])|\x1b")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

_TICKET = re.compile(r"(https?://[^\s/]+/p/[^\s/]+/)[^\s/'\"?#]+|(from ticket:?\s+)\S+", re.IGNORECASE)


def without_tickets(text: str) -> str:
    """`text` with every ticket in it replaced by dots: connectors write theirs into their log at each start."""
    return _TICKET.sub(lambda found: f"{found.group(1) or found.group(2)}•••", text)


def plain(text: str) -> str:
    """`text` without colours and other control characters, with `\\n` line ends."""
    return _CONTROL.sub("", _ANSI.sub("", text)).replace("\r\n", "\n").replace("\r", "\n")


def decode(data: bytes) -> str:
    """The text of a saved output: UTF-8, UTF-16 as a Windows redirect writes it, or CP1252; never fails."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    if data.startswith(b"\xef\xbb\xbf"):
        return data.decode("utf-8-sig", "replace")
    odd, even = data[1::2], data[0::2]
    if len(data) >= 8 and odd.count(0) > 0.6 * len(odd):
        return data.decode("utf-16-le", "replace")
    if len(data) >= 8 and even.count(0) > 0.6 * len(even):
        return data.decode("utf-16-be", "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")
