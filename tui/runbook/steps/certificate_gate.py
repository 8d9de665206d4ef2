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

    Raises OperatorError with `meaning` when host, run and tenant do not all mean the same one.
    """
    values = config_values(files) or {}
    certificate = set_certificate(files)
    info = instance.ticket_info(str(values[TICKET]), values)
    known = info.thumbprints[0] if info.thumbprints else None
    here = certificate.thumbprint if certificate else None
    if not work.may_start(here, known):
        raise OperatorError(
            "the certificate on this host is not the one that the tenant knows",
            tried=f"here {here or 'none'}, meant {work.meant_thumbprint()}, tenant {known or 'none'} (asked by {info.asked_from})",
            meaning=meaning,
            remedy="see whether somebody has made a new pair on the first host since it was read; then start again",
        )
    where = (
        "on this host and at the tenant" if here == known else "on this host; the tenant learns it when this one starts"
    )
    return Evidence(detail=f"thumbprint {here} {where}", lines=(f"asked by {info.asked_from}",))
