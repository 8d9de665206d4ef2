"""What this project's ticket script does under a real Node, for the lab's `node`: one GET, the answer as a line of JSON."""

from __future__ import annotations

import json
import sys
from typing import Any

from .web import WebError, request


def main(_arguments: list[str]) -> int:
    """Read the order from standard input, ask, print `{"status", "body"}` or `{"error"}`; always 0."""
    order = json.load(sys.stdin)
    sys.stdout.write(json.dumps(ask(order)) + "\n")
    return 0


def ask(order: dict[str, Any]) -> dict[str, Any]:
    """One GET of `order["url"]`. A proxy is refused: the lab has none."""
    if order.get("proxy"):
        return {"error": "PROXY"}
    trusted = tuple(str(path) for path in order.get("ca") or [])
    try:
        answer = request(str(order["url"]), timeout=float(order["timeout"]) / 1000, trusted=trusted)
    except WebError as error:
        return {"error": error.code}
    return {"status": answer.status, "body": answer.body.decode("utf-8", "replace")}
