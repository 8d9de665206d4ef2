"""The question behind every start: is the certificate on this host the one that the tenant knows, and the first host has?"""

from __future__ import annotations

from tui.connector.config_keys import TICKET
from tui.connector.configuration_set import config_values, set_certificate
from tui.connector.instance import Instance
from tui.connector.model import ConfigurationSet
from tui.errors import OperatorError
from tui.runbook.context import HostWork
from tui.runbook.model import Evidence


def compare_certificate(work: HostWork, instance: Instance, files: ConfigurationSet, *, meaning: str) -> Evidence:
    """Ask the tenant through this host, with the ticket and proxy of `files`, and compare the certificate of `files`.

    Raises OperatorError with `meaning` when host, first host and tenant do not all have the same one.
    """
    values = config_values(files) or {}
    certificate = set_certificate(files)
    info = instance.ticket_info(str(values[TICKET]), values)
    known = info.thumbprints[0] if info.thumbprints else None
    here = certificate.thumbprint if certificate else None
    first = work.context.first().thumbprint
    if here is None or here != known or here != first:
        raise OperatorError(
            "the certificate on this host is not the one that the tenant knows",
            tried=f"here {here or 'none'}, first host {first}, tenant {known or 'none'} (asked by {info.asked_from})",
            meaning=meaning,
            remedy="see whether somebody has made a new pair on the first host since it was read; then start again",
        )
    return Evidence(detail=f"thumbprint {here} on this host and at the tenant", lines=(f"asked by {info.asked_from}",))
