"""Ask the lab what a program would say: run as `python -I -S ask.py SOCKET PROGRAM ARGUMENTS`.

Start-up time counts, so only built-in modules are imported. A request is its fields separated by NUL bytes; an answer
is a line `STATUS LENGTH` followed by LENGTH bytes of standard output and the rest of standard error.
"""

from __future__ import annotations

import os
import sys
from _socket import AF_UNIX, SHUT_WR, SOCK_STREAM, socket


def ask(path: str, *fields: str) -> tuple[int, bytes, bytes]:
    """One question to the lab; status, standard output, standard error. Raises OSError when the lab has gone."""
    connection = socket(AF_UNIX, SOCK_STREAM)
    try:
        connection.connect(path)
        connection.sendall("\0".join(fields).encode("utf-8", "surrogateescape"))
        connection.shutdown(SHUT_WR)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    finally:
        connection.close()
    head, _, rest = answer.partition(b"\n")
    status, _, length = head.partition(b" ")
    return int(status), rest[: int(length)], rest[int(length) :]


def main() -> int:
    """Print the lab's answer and return its status."""
    try:
        status, out, err = ask(sys.argv[1], sys.argv[2], os.environ.get("LAB_AS", ""), *sys.argv[3:])
    except OSError as error:
        sys.stderr.write(f"{sys.argv[2]}: the lab does not answer: {error}\n")
        return 1
    sys.stdout.flush()
    with open(1, "wb", closefd=False) as file:
        file.write(out)
    with open(2, "wb", closefd=False) as file:
        file.write(err)
    return status


if __name__ == "__main__":
    sys.exit(main())
