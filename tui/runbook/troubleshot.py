"""Running the troubleshooter on a host of an open cluster, and keeping what it said for later."""

from __future__ import annotations

import logging
from datetime import datetime

from pydantic import BaseModel, ConfigDict, ValidationError

from tui.connector.model import TroubleshooterReport
from tui.connector.troubleshooter import read_troubleshooter
from tui.errors import OperatorError
from tui.runbook.journal import Entry, Journal, RecordKind
from tui.runbook.open_cluster import OpenCluster

_NOTE = "troubleshooter"
_LOG = logging.getLogger(__name__)


class Troubleshot(BaseModel):
    """What the troubleshooter said on one host, and when (UTC)."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    report: TroubleshooterReport


def troubleshoot(current: OpenCluster, host: str) -> tuple[TroubleshooterReport, str]:
    """Run it: what it means, and its raw text with secrets masked. The result is kept in the journal where that can be written."""
    current.hide(current.on_instance(host, lambda instance: instance.read_set()))
    text = current.on_instance(host, lambda instance: instance.troubleshoot())
    report = read_troubleshooter(text)
    said = "passed" if report.passed else "not passed"
    entry = Entry(
        RecordKind.EVENT,
        None,
        host,
        detail=f"health: {_NOTE}: troubleshooter {said}",
        data={"note": _NOTE, "value": report.model_dump(mode="json")},
    )
    try:
        with current.journal() as journal:
            journal.append(entry)
    except OperatorError as error:
        _LOG.warning("the troubleshooter's result could not be recorded: %s", error)
    return report, current.redactor.mask(text)


def last_troubleshot(journal: Journal) -> dict[str, Troubleshot]:
    """The last result that was kept for each host."""
    found = {}
    for record in journal.records(kind=RecordKind.EVENT):
        host, data = record.entry.host, record.entry.data
        if host is None or data.get("note") != _NOTE:
            continue
        try:
            found[host] = Troubleshot(at=record.at, report=TroubleshooterReport.model_validate(data.get("value")))
        except ValidationError:
            _LOG.warning("record %d holds no result of a troubleshooter", record.seq)
    return found
