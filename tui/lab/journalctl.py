"""What `journalctl` prints on a lab host."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tui.lab.journal import MANAGER, Journal, JournalEntry
from tui.lab.systemctl import Reply, parse_options

_TAKES_VALUE = (
    "-u", "--unit", "-n", "--lines", "-o", "--output", "-S", "--since", "-U", "--until", "-c", "--cursor", "--after-cursor",
    "--cursor-file", "-t", "--identifier", "-p", "--priority", "-g", "--grep",
)  # fmt: skip
_COLOURS = re.compile(rb"\x1b\[[0-9;]*m")
_HINT = (
    "Hint: You are currently not seeing messages from other users and the system.\n"
    "      Users in groups 'adm', 'systemd-journal' can see all messages.\n"
    "      Pass -q to turn off this notice.\n"
)


def journalctl(journal: Journal, hostname: str, arguments: Sequence[str], account: str) -> tuple[Reply, bytes]:
    """Perform `journalctl ARGUMENTS` as `account`; standard output is bytes, because messages are."""
    _, options = parse_options(arguments, _TAKES_VALUE)

    def last(*names: str) -> str | None:
        return next((options[name][-1] for name in names if name in options), None)

    quiet = "-q" in options or "--quiet" in options
    if account != "root":
        return Reply(0, stderr="" if quiet else _HINT), b"" if quiet else b"-- No entries --\n"
    cursor_file = last("--cursor-file")
    try:
        entries = _select(journal, last, cursor_file)
    except ValueError as error:
        return Reply(1, stderr=f"{error}\n"), b""
    before = entries
    lines = last("-n", "--lines")
    if lines not in (None, "all"):
        count = int(str(lines).lstrip("=") or "10")
        entries = entries[-count:] if count else []
    shown = list(reversed(entries)) if "-r" in options or "--reverse" in options else entries
    output = b"".join(_line(entry, last("-o", "--output") or "short", hostname) for entry in shown)
    if not shown and lines != "0" and not quiet:
        output = b"-- No entries --\n"
    place = before[-1].cursor if before else None
    if place and "--show-cursor" in options:
        output += f"-- cursor: {place}\n".encode()
    if place and cursor_file:
        Path(cursor_file).write_text(place, encoding="ascii")
    return Reply(), output


def _select(journal: Journal, last: Callable[..., str | None], cursor_file: str | None) -> list[JournalEntry]:
    unit = last("-u", "--unit")
    name = unit if unit is None or "." in unit else f"{unit}.service"
    entries = journal.entries(name)
    identifier = last("-t", "--identifier")
    if identifier:
        entries = [entry for entry in entries if entry.identifier == identifier]
    after = last("--after-cursor")
    if cursor_file and Path(cursor_file).exists():
        after = Path(cursor_file).read_text(encoding="ascii").strip()
    if after:
        entries = journal.after(after, entries)
    at = last("-c", "--cursor")
    if at:
        entries = [entry for entry in entries if entry.cursor == at] + journal.after(at, entries)
    since, until = last("-S", "--since"), last("-U", "--until")
    if since:
        entries = [entry for entry in entries if entry.at >= _moment(since)]
    if until:
        entries = [entry for entry in entries if entry.at <= _moment(until)]
    return entries


def _moment(text: str) -> float:
    if text.startswith("@"):
        return float(text[1:])
    relative = re.fullmatch(r"-?(\d+)\s*(s|sec|seconds?|min|minutes?|h|hours?|days?)(?: ago)?", text)
    if relative:
        scale = {"s": 1, "m": 60, "h": 3600, "d": 86400}[relative[2][0]]
        return time.time() - int(relative[1]) * scale
    for form in ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"):
        try:
            return time.mktime(time.strptime(text.removesuffix(" UTC"), form)) - (time.timezone if "UTC" in text else 0)
        except ValueError:
            continue
    raise ValueError(f"Failed to parse timestamp: {text}")


def _line(entry: JournalEntry, form: str, hostname: str) -> bytes:
    if form == "cat":
        return entry.message + b"\n"
    if form.startswith("json"):
        return json.dumps(_document(entry, hostname)).encode() + b"\n"
    local = time.localtime(entry.at)
    fraction = f"{entry.at % 1:.6f}"[1:]
    stamp = {
        "short-iso": time.strftime("%Y-%m-%dT%H:%M:%S%z", local),
        "short-iso-precise": time.strftime("%Y-%m-%dT%H:%M:%S", local) + fraction + time.strftime("%z", local),
        "short-unix": f"{entry.at:.6f}",
        "short-full": time.strftime("%a %Y-%m-%d %H:%M:%S %Z", local),
    }.get(form, time.strftime("%b %d %H:%M:%S", local))
    head = f"{stamp} {hostname} {entry.identifier}[{entry.pid}]: ".encode()
    return head + _COLOURS.sub(b"", entry.message) + b"\n"


def _document(entry: JournalEntry, hostname: str) -> dict[str, object]:
    text = entry.message.decode("utf-8", "replace")
    plain = text.isprintable()
    document: dict[str, object] = {
        "__CURSOR": entry.cursor,
        "__REALTIME_TIMESTAMP": str(int(entry.at * 1_000_000)),
        "_HOSTNAME": hostname,
        "SYSLOG_IDENTIFIER": entry.identifier,
        "_PID": str(entry.pid),
        "MESSAGE": text if plain else list(entry.message),
    }
    document["UNIT" if entry.identifier == MANAGER else "_SYSTEMD_UNIT"] = entry.unit
    return document
