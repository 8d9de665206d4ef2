"""The support bundle: what somebody who helps needs to see, and nothing that they must not."""

from __future__ import annotations

import io
import json
import platform
import re
import sys
import zipfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tui.errors import OperatorError
from tui.logs import log_dir
from tui.paths import state_dir
from tui.private_files import write_private
from tui.remote.redaction import MASK, Redactor
from tui.runbook.journal import JournalError
from tui.runbook.journal_sqlite import SqliteJournal, dump, journal_path
from tui.runbook.report import render_markdown
from tui.runbook.run_view import RunHistory

_LARGEST_LOG = 4 << 20

_LOOKS_SECRET = re.compile(
    r"AGE-SECRET-KEY-1[0-9A-Z]+"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\$2\$\.[0-9a-f]+\.[0-9a-f]+\.[0-9a-f]+"
    r"|(?<=://)[^\s/:@]+:[^\s/@]+(?=@)"
    r"|https://[\w.-]+/p/[\w-]+/[\w-]+"
)
"""Secrets that are known by their looks: age identities, private keys, encrypted bind passwords, URL passwords, tickets."""


class BundleRefused(OperatorError):
    """The bundle would have held a secret; nothing was written."""


def write_support_bundle(
    cluster: str,
    *,
    redactor: Redactor,
    cluster_file: Path | None = None,
    run: str | None = None,
    extra: Mapping[str, str] | None = None,
) -> Path:
    """Write a redacted zip into the cluster's state directory, 0600, and return its path.

    It holds the journal, the logs, the report of `run`, the cluster file, versions, and `extra` (file name → text: the
    findings that a front has at hand). A part that cannot be read is named in the bundle, with the reason. Raises
    BundleRefused when a secret would still be in it, and OSError.
    """
    parts = {name: _redacted(text, redactor) for name, text in _parts(cluster, cluster_file, run)}
    parts |= {name: _redacted(text, redactor) for name, text in (extra or {}).items()}
    for name, text in parts.items():
        if redactor.mask(text) != text or _LOOKS_SECRET.search(text):
            raise BundleRefused(
                f"{name} would still hold a secret",
                tried="write the support bundle",
                meaning="nothing was written",
                remedy="send the report instead, after reading it",
            )
    stamp = f"{datetime.now(UTC):%Y%m%d-%H%M%S}"
    path = state_dir(cluster) / f"support-{cluster}-{stamp}.zip"
    write_private(path, _zipped(parts))
    return path


def _redacted(text: str, redactor: Redactor) -> str:
    return _LOOKS_SECRET.sub(MASK, redactor.mask(text))


def _parts(cluster: str, cluster_file: Path | None, run: str | None) -> Iterator[tuple[str, str]]:
    yield "versions.json", json.dumps(_versions(), indent=2)
    if cluster_file is not None:
        yield f"{cluster}.toml", _readable(cluster_file)
    for log in sorted(log_dir(cluster).iterdir()):
        yield f"logs/{log.name}", _readable(log)
    try:
        journal = SqliteJournal(journal_path(cluster), read_only=True)
    except FileNotFoundError:
        return
    except JournalError as error:
        yield "journal-unreadable.txt", str(error)
        return
    try:
        yield from _journal_parts(journal, cluster, run)
    finally:
        journal.close()


def _journal_parts(journal: SqliteJournal, cluster: str, run: str | None) -> Iterator[tuple[str, str]]:
    try:
        journal.verify()
    except JournalError as error:
        yield "journal-damaged.txt", str(error)
    try:
        yield "journal.json", json.dumps(dump(journal), indent=1, ensure_ascii=False)
        if run is not None:
            yield f"report-{run}.md", render_markdown(RunHistory.read(journal, run, cluster).view(), journal)
    except OperatorError as error:
        yield "journal-unreadable.txt", str(error)


def _readable(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _LARGEST_LOG))
            return file.read().decode("utf-8", "backslashreplace")
    except OSError as error:
        return f"{path} could not be read: {error.strerror}\n"


def _versions() -> dict[str, str]:
    found = {"python": sys.version, "platform": platform.platform()}
    for package in ("adldap-ha", "paramiko", "cryptography", "pydantic", "pyrage", "textual"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _zipped(parts: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, text in parts.items():
            entry = zipfile.ZipInfo(name, date_time=datetime.now(UTC).timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            bundle.writestr(entry, text.encode("utf-8", "backslashreplace"))
    return buffer.getvalue()
