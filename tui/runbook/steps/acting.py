"""The steps of a restart and of a failover drill: one instance leaves service and comes back, while the others serve."""

from __future__ import annotations

import time
from collections.abc import Callable

from tui.connector.config_keys import TICKET, is_configured
from tui.connector.configuration_set import config_values, set_certificate, set_findings
from tui.connector.instance import Instance
from tui.connector.model import ConfigurationSet, Role
from tui.errors import OperatorError
from tui.findings import blockers
from tui.runbook.context import HostWork, RunContext
from tui.runbook.model import Change, Evidence
from tui.runbook.steps.base import TO_DO, HostStep, stop
from tui.runbook.steps.connected import Connected
from tui.runbook.steps.locking import Release
from tui.runbook.steps.others import Standing, disturbed, others, standings
from tui.tenant import Online, TenantClient

DRAINED = "drained"
"""The note of the process that this run has stopped: a resumed run does not stop the one that has come after it."""

_PAUSE_S = 2.0


class ActingWork(HostWork):
    """One host in a restart or drill. Any host of the cluster, the first one too when the operator has named it.

    `alone_is_fine`: whether a moment in which no instance serves was agreed to. `all_others`: whether every other
    instance must be connected before this one leaves service.
    """

    def __init__(
        self,
        context: RunContext,
        host_name: str,
        *,
        all_others: bool,
        alone_is_fine: bool,
        client: Callable[[], TenantClient] | None,
    ) -> None:
        super().__init__(context, context.cluster.host(host_name))
        self.all_others = all_others
        self.alone_is_fine = alone_is_fine
        self.client = client
        self.standing: dict[str, Standing] = {}
        """The others as they were just before this instance left service."""
        self.connection: str | None = None

    def left_service(self, instance: Instance) -> bool:
        """Whether the run has stopped, before, all that it is to stop here: what serves now, serves after that."""
        noted = self.context.recall(self.host.name, DRAINED)
        if noted is None:
            return False
        connector = instance.services().get(Role.CONNECTOR)
        return connector is None or not connector.running or connector.main_pid != noted["pid"]


class ActingStep(HostStep):
    """A step on a host that is in service and is to be again."""

    work: ActingWork

    def __init__(self, work: ActingWork) -> None:
        super().__init__(work)


class SafeToReturn(ActingStep):
    """See that the instance can come back before it is stopped."""

    name = "safe-to-return"
    title = "See that it can come back"
    why = "every start publishes the certificate: an instance that holds another one must not be started again"
    only_looks = True

    def change(self, instance: Instance) -> Evidence:
        """Judge the set as it lies there, and compare its certificate with the tenant's. Raises OperatorError."""
        refuse_forbidden(instance)
        files = self.work.read(instance)
        self.work.context.hide(files)
        if not is_configured(config_values(files) or {}):
            raise OperatorError(
                "this host has no configuration, so there is nothing to restart",
                remedy="add it to the cluster with a run first",
            )
        if stopping := blockers(set_findings(files)):
            raise stop(stopping[0], meaning="it might not come back, so it was not stopped")
        if refused := instance.unusable(files):
            raise OperatorError(
                f"the service account {instance.install.account} cannot use {', '.join(refused)}",
                meaning="a connector that cannot read its key makes a new one and publishes it, so it was not stopped",
                remedy=f"give these files to {instance.install.account}, then start again",
            )
        return own_certificate(self.work, instance, files)


def refuse_forbidden(instance: Instance) -> None:
    """Raise OperatorError when the service manager would not start the connector again."""
    connector = instance.services().get(Role.CONNECTOR)
    if connector is None or not (connector.forbidden or connector.state == "masked"):
        return
    word = "disabled" if connector.system == "windows" else "masked"
    raise OperatorError(
        f"{connector.unit} is {word}: it would not start again",
        tried="asked the service manager before stopping it",
        meaning="it was not stopped",
        remedy=f"find out who has {word} it and why, let it start again, then retry",
    )


def own_certificate(work: ActingWork, instance: Instance, files: ConfigurationSet) -> Evidence:
    """Compare the host's certificate with the one that the tenant knows at this moment. Raises OperatorError."""
    values = config_values(files) or {}
    if not is_configured(values):
        raise OperatorError(
            "this host has no configuration any more",
            tried="read config.json just before the start",
            meaning="a connector without one exits at once, so it was not started",
            remedy="find out who has taken it away; restore the host from a backup",
        )
    certificate = set_certificate(files)
    info = instance.ticket_info(str(values[TICKET]), values)
    work.connection = info.connection
    known = info.thumbprints[0] if info.thumbprints else None
    here = certificate.thumbprint if certificate else None
    if here is None or here != known:
        raise OperatorError(
            "the certificate on this host is not the one that the tenant knows",
            tried=f"here {here or 'none'}, tenant {known or 'none'} (asked by {info.asked_from})",
            meaning="starting it would publish its own and lock the other instances out, so it is left as it is",
            remedy="bring it back to the first host's set (converge), then restart it",
        )
    return Evidence(detail=f"thumbprint {here} here and at the tenant", lines=(f"asked by {info.asked_from}",))


class OthersServe(ActingStep):
    """See that logins are answered elsewhere while this instance is out of service."""

    name = "others-serve"
    title = "See that the others serve"
    why = "an instance leaves service only while another one answers logins"
    only_looks = True

    def look(self, instance: Instance) -> Evidence:
        """Done when the run need not stop anything here any more: one that is resumed must not fail for that."""
        return Evidence(detail="nothing is stopped here any more") if self.work.left_service(instance) else TO_DO

    def change(self, instance: Instance) -> Evidence:
        """Look at every other instance. Raises OperatorError when too few of them are connected."""
        context, name = self.work.context, self.work.host.name
        self.work.standing = standings(context, others(context, name), holders=True)
        seen = list(self.work.standing.values())
        serving = [each for each in seen if each.to_rely_on]
        lines = tuple(each.line for each in seen)
        if not self._serves(instance):
            return Evidence(detail="it serves nobody now, so nothing is lost by stopping it", lines=lines)
        if self.work.all_others and len(serving) < len(seen):
            raise self._too_few(seen, "one instance at a time: another one is out of service already, or may soon be")
        if not serving and not self.work.alone_is_fine:
            raise self._too_few(seen, "it is the only instance that is connected: nobody could log in meanwhile")
        return Evidence(detail=f"{len(serving)} of {len(seen)} others connected", lines=lines)

    def _serves(self, instance: Instance) -> bool:
        from tui.connector.log import read_log

        connector = instance.services().get(Role.CONNECTOR)
        if connector is None or not connector.running:
            return False
        return read_log(instance.log_since(None)[0]).state in ("connected", "unknown")

    def _too_few(self, seen: list[Standing], summary: str) -> OperatorError:
        out = [each.line for each in seen if not each.to_rely_on]
        return OperatorError(
            summary,
            tried="; ".join(out) or "there is no other instance in the cluster file",
            meaning="it was not stopped",
            remedy="bring the others back first, then start again",
        )


class Drain(ActingStep):
    """Take the instance out of service."""

    name = "drain"
    title = "Stop the connector"
    why = "the tenant sends its logins to the other instances from this moment"

    def look(self, instance: Instance) -> Evidence:
        """Done when this run has stopped the process that ran, whether another runs by now or not."""
        return Evidence(detail="stopped by this run before") if self.work.left_service(instance) else TO_DO

    def foresee(self, instance: Instance) -> tuple[Change, ...]:
        """The service."""
        connector = instance.services().get(Role.CONNECTOR)
        if connector is None:
            return ()
        return (Change(action="stop", subject=connector.unit, before=connector.state, after="stopped, then started"),)

    def change(self, instance: Instance) -> Evidence:
        """Note which process runs, then stop it."""
        connector = instance.services().get(Role.CONNECTOR)
        pid = connector.main_pid if connector else None
        self.work.context.note(self.work.host.name, DRAINED, "this process is stopped by the run", {"pid": pid})
        instance.stop(Role.CONNECTOR)
        return Evidence(detail=f"stopped (process {pid})" if pid else "it did not run")

    def prove(self, instance: Instance) -> Evidence:
        """The process that was noted is gone."""
        connector = instance.services().get(Role.CONNECTOR)
        state = connector.state if connector else "without a unit"
        return Evidence(detail=f"the connector is {state}", done=connector is not None and not connector.running)

    def put_back(self, instance: Instance) -> Evidence:
        """Start it again, unless it runs."""
        connector = instance.services().get(Role.CONNECTOR)
        if connector is not None and connector.state in ("running", "starting"):
            return Evidence(detail=f"{connector.unit} runs")
        own_certificate(self.work, instance, self.work.read(instance))
        instance.start(Role.CONNECTOR)
        return Evidence(detail="started again")


class OthersStay(ActingStep):
    """The drill itself: without this instance the connection stays online and no other one drops."""

    name = "others-stay"
    title = "See that the cluster does without it"
    why = "this is what the drill proves: logins go on when this instance is lost"

    def apply(self) -> Evidence:
        """Watch the others for the settle time, then ask the tenant. Raises OperatorError when one of them dropped, with this
        instance started again by then: whatever the operator's answer is, it is not waited for while logins fail."""
        try:
            return self.work.looking(self.change)
        except OperatorError as error:
            error.meaning = f"{error.meaning or 'the drill has failed'}; {self._in_service_again()}"
            raise

    def change(self, instance: Instance) -> Evidence:
        """Take it out of service once more if an earlier try of this step has put it back, then watch."""
        work, begun = self.work, time.monotonic()
        context = work.context
        if instance_runs(instance):
            OthersServe(work).change(instance)
            instance.stop(Role.CONNECTOR)
        before = work.standing or standings(context, others(context, work.host.name))
        while True:
            now = standings(context, others(context, work.host.name))
            if lost := disturbed(context, before, now):
                raise _not_survived(work.host.name, lost, [now.get(name) for name in before])
            passed = time.monotonic() - begun
            if passed >= context.settle_seconds:
                break
            time.sleep(min(_PAUSE_S, max(0.2, context.settle_seconds - passed)))
        serving = [each.host for each in now.values() if each.connected]
        if not serving:
            raise OperatorError(
                "no instance is connected", meaning="nobody could log in", remedy="bring the others back first"
            )
        online, lines = self._tenant_says()
        return Evidence(
            detail=f"{', '.join(serving)} stayed connected for {passed:.0f} s{online}",
            lines=(*(each.line for each in now.values()), *lines),
        )

    def _in_service_again(self) -> str:
        try:
            self.work.changing(self._return)
        except OperatorError as error:
            return f"this instance could not be started again at once: {error.summary}"
        return "this instance was started again at once"

    def _return(self, instance: Instance) -> None:
        if not instance_runs(instance):
            return_to_service(self.work, instance)

    def _tenant_says(self) -> tuple[str, tuple[str, ...]]:
        if self.work.client is None or self.work.connection is None:
            return "", ("tenant: not asked, as no access to its Management API was given",)
        status = self.work.client().connection_status(self.work.connection)
        if status.state is Online.OFFLINE:
            raise OperatorError(
                "the tenant calls the connection offline although other instances are connected",
                tried=status.why,
                meaning="logins failed meanwhile",
                remedy="look at the hub messages in the others' logs",
            )
        return (", online at the tenant" if status.state is Online.ONLINE else ""), (f"tenant: {status.why}",)


def instance_runs(instance: Instance) -> bool:
    """Whether the service manager says that the connector runs."""
    connector = instance.services().get(Role.CONNECTOR)
    return connector is not None and connector.running


def _not_survived(host: str, lost: list[str], now: list[Standing | None]) -> OperatorError:
    if all(each is not None and (each.connected or not each.seen) for each in now):
        return OperatorError(
            f"whether the cluster survives the loss of {host} could not be told: {lost[0]}",
            tried="; ".join(lost),
            meaning="another instance could not be looked at while this one was out of service",
            remedy="see that every host can be reached from here, then drill again",
        )
    return OperatorError(
        f"the cluster does not survive the loss of {host}: {lost[0]}",
        tried="; ".join(lost),
        meaning="while this instance was out of service another one dropped as well",
        remedy="look at that instance's log",
    )


class Return(ActingStep):
    """Bring the instance back into service."""

    name = "return"
    title = "Start the connector"
    why = "the instance comes back with the certificate that the tenant knows"

    def look(self, instance: Instance) -> Evidence:
        """Done when it runs."""
        connector = instance.services().get(Role.CONNECTOR)
        return Evidence(detail=f"{connector.unit} runs") if connector is not None and connector.running else TO_DO

    def change(self, instance: Instance) -> Evidence:
        """Compare the certificate once more, note the end of the log, and start it."""
        return_to_service(self.work, instance)
        return Evidence(detail="started")

    def prove(self, instance: Instance) -> Evidence:
        """Whether it is accepted and stays so is the next step's question."""
        connector = instance.services().get(Role.CONNECTOR)
        return Evidence(
            detail=f"{connector.unit} is {connector.state}" if connector else "no unit", done=connector is not None
        )

    def put_back(self, instance: Instance) -> Evidence:
        """It is in service, as before."""
        return Evidence(detail="nothing to undo: it is in service, as before the run")


def return_to_service(work: ActingWork, instance: Instance) -> None:
    """Start the connector when its certificate is the tenant's at this moment. Raises OperatorError."""
    mark = instance.log_mark()
    own_certificate(work, instance, work.read(instance))
    work.mark = mark
    instance.start(Role.CONNECTOR)


class BackInService(Connected):
    """Watch the returned connector until it has been accepted for the whole settle time."""

    work: ActingWork
    name = "back-in-service"
    title = "Wait until it is accepted, and stays so"
    why = "the next instance leaves service only when this one is proven to serve again"

    def start_anew(self, instance: Instance) -> None:
        """Stop what runs and start it again, under the same gate as before."""
        instance.stop(Role.CONNECTOR)
        return_to_service(self.work, instance)

    def good_thumbprint(self) -> str:
        """The first host's certificate is what the others have."""
        return "the one that the tenant knew before"


class GiveBack(Release):
    """Remove the lock file."""

    title = "Give the host back"
    why = "the next operator needs the host"

    def change(self, instance: Instance) -> Evidence:
        """Remove it, and what an earlier run may have left aside is none of this run's."""
        instance.unlock(run=self.work.context.run)
        return Evidence(detail="given back")

    def put_back(self, instance: Instance) -> Evidence:
        """Take the host again: no file of it was changed, so there is nothing to compare."""
        instance.lock(run=self.work.context.run, holder=self.work.context.operator)
        return Evidence(detail="taken again")

    def foresee(self, instance: Instance) -> tuple[Change, ...]:
        """The lock file."""
        return (Change(action="remove", subject="lock file"),)
