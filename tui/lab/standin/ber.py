"""The part of BER that LDAP v3 needs: definite lengths, integers, strings, sequences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

INTEGER, OCTETS, ENUMERATED, BOOLEAN, SEQUENCE, SET = 0x02, 0x04, 0x0A, 0x01, 0x30, 0x31


@dataclass(frozen=True)
class Element:
    """One tag with its content."""

    tag: int
    content: bytes

    def children(self) -> list[Element]:
        """The elements inside a constructed element. Raises ValueError when they are malformed."""
        found, rest = [], self.content
        while rest:
            element, rest = take(rest)
            found.append(element)
        return found

    def number(self) -> int:
        """The content as an integer."""
        return int.from_bytes(self.content, "big", signed=True)

    def text(self) -> str:
        """The content as text."""
        return self.content.decode("utf-8", "replace")


def encode(tag: int, content: bytes) -> bytes:
    """Tag, length and content."""
    size = len(content)
    if size < 128:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def number(value: int, tag: int = INTEGER) -> bytes:
    """An encoded integer."""
    return encode(tag, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def octets(value: str | bytes, tag: int = OCTETS) -> bytes:
    """An encoded string."""
    return encode(tag, value.encode("utf-8") if isinstance(value, str) else value)


def sequence(*parts: bytes, tag: int = SEQUENCE) -> bytes:
    """Encoded elements inside one."""
    return encode(tag, b"".join(parts))


def take(data: bytes) -> tuple[Element, bytes]:
    """The first element of `data` and what follows it. Raises ValueError when it is not all there."""
    if len(data) < 2:
        raise ValueError("truncated")
    tag, size, start = data[0], data[1], 2
    if size & 0x80:
        start += size & 0x7F
        size = int.from_bytes(data[2:start], "big")
    if len(data) < start + size:
        raise ValueError("truncated")
    return Element(tag, data[start : start + size]), data[start + size :]


def read_message(receive: Callable[[int], bytes]) -> Element | None:
    """One whole element from a stream's `receive`; None at its end. Raises ValueError when it ends in between."""
    head = receive(2)
    if not head:
        return None
    head += _exactly(receive, 2 - len(head))
    size = head[1]
    if size & 0x80:
        size = int.from_bytes(_exactly(receive, size & 0x7F), "big")
    return Element(head[0], _exactly(receive, size))


def _exactly(receive: Callable[[int], bytes], size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = receive(size - len(data))
        if not part:
            raise ValueError("the stream ended inside a message")
        data += part
    return data
