"""The gates: what must be true before the services start, and after."""

from __future__ import annotations

import time

from tui.connector.instance import Instance
from tui.connector.layouts import set_paths
from tui.connector.model import Outcome
from tui.connector.troubleshooter import read_troubleshooter
from tui.errors import OperatorError
from tui.findings import blockers
from tui.runbook.changes import with_config
from tui.runbook.first_host import DROPPED, RECONNECTING, still_connected
from tui.runbook.model import Change, Evidence
from tui.runbook.steps.base import NOTHING_TO_PROVE, HostStep, stop, told
from tui.runbook.steps.certificate_gate import compare_certificate

RECONNECT_SECONDS = 40.0
"""How long the first host may take to reconnect: the tenant closes every connection about daily, which is normal."""

_PAUSE_S = 2.0


class CompareThumbprint(HostStep):
    """The gate before the commit: the certificate on this host is the one that the tenant knows."""

    name = "compare-thumbprint"
    title = "Compare the certificate with the tenant's"
    why = "every start publishes the certificate; one that the tenant does not know would lock all other instances out"
    only_looks = True

    def foresee(self, instance: Instance) -> tuple[Change, ...]:
        """A read-only question to the tenant."""
        return (Change(action="ask", subject="the tenant, through this host, which certificate it knows"),)

    def change(self, instance: Instance) -> Evidence:
        """Ask through this host with its own node; raises OperatorError when the answer differs."""
        now, target = self.work.read(instance), self.work.target(instance)
        config = set_paths(now.layout).config
        meant = with_config(now, now.files.get(config) or target.files[config])
        return compare_certificate(
            self.work,
            instance,
            meant,
            meaning="starting it would lock the other instances out, so nothing was started",
        )


class Troubleshoot(HostStep):
    """The connector's own tests, read strictly."""

    name = "troubleshooter"
    title = "Run the troubleshooter"
    why = "it tests the tenant, the hub, the clock, the certificates and the directory from this very host"
    may_skip = True
    only_looks = True

    def change(self, instance: Instance) -> Evidence:
        """Run it; raises OperatorError when a test failed, never reported, or the run is not complete."""
        report = read_troubleshooter(instance.troubleshoot())
        lines = tuple(f"{test.id}: {test.outcome.value.replace('_', ' ')}" for test in report.tests)
        if report.passed and not blockers(report.findings):
            return Evidence(detail="complete, nothing failed", lines=(*lines, *told(report.findings)))
        failed = [test for test in report.tests if test.outcome in (Outcome.FAILED, Outcome.NOT_RUN)]
        names = ", ".join(f"{test.title} ({test.outcome.value.replace('_', ' ')})" for test in failed)
        worst = failed[0] if failed else None
        raise OperatorError(
            f"the troubleshooter has not passed: {names or 'it did not run to its end'}",
            tried="; ".join((*(worst.evidence if worst else ()), *told(report.findings))) or None,
            meaning="this instance may not answer logins"
            if report.complete
            else "the run broke off, so what comes after is not known",
            remedy=(worst.remedy if worst else None) or "read the raw text, correct the cause, then retry",
        )


class FirstHostUndisturbed(HostStep):
    """The first host has not noticed anything."""

    name = "first-host-undisturbed"
    title = "See that the first host never dropped"
    why = "an addition must not cost the instance that answers logins now"
    undone_under_lock = False

    def apply(self) -> Evidence:
        """Look at the first host, not at this one."""
        context = self.work.context
        first = context.first()
        deadline = time.monotonic() + RECONNECT_SECONDS
        while True:
            evidence, findings = context.first_link.on_instance(lambda instance: still_connected(instance, first))
            if not findings:
                dropped = any(DROPPED in line for line in evidence)
                state = "is connected again; it was not all the time" if dropped else "is connected as before"
                return Evidence(detail=f"{first.name} {state}", lines=tuple(evidence))
            reconnecting = all(finding.id == RECONNECTING for finding in findings)
            if not reconnecting or time.monotonic() > deadline:
                raise stop(findings[0], meaning="the first host may not answer logins any more")
            time.sleep(_PAUSE_S)

    def verify(self) -> Evidence:
        """Nothing was done that needs proof."""
        return NOTHING_TO_PROVE

    def change(self, instance: Instance) -> Evidence:
        """Nothing is done on this host."""
        return NOTHING_TO_PROVE
