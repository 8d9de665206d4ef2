"""The steps around a certificate that is new to the tenant: one instance teaches it, and undoing teaches the old one again."""

from __future__ import annotations

import time

from tui.connector.config_keys import TICKET
from tui.connector.configuration_set import config_values
from tui.connector.errors import ServiceError
from tui.connector.instance import Instance
from tui.connector.log import read_log
from tui.connector.model import ConfigurationSet, Role, Service
from tui.errors import OperatorError
from tui.remote.errors import ConnectionLost, HostUnreachable
from tui.runbook.giving import GivenWork
from tui.runbook.model import Evidence
from tui.runbook.run_view import RunHistory
from tui.runbook.steps.acting import instance_runs
from tui.runbook.steps.base import NOTHING_TO_UNDO, TO_DO, HostStep
from tui.runbook.steps.connected import Connected
from tui.runbook.steps.locking import Release
from tui.runbook.steps.looking import SERVICES_BEFORE
from tui.runbook.steps.put_back import before_or_parked
from tui.runbook.steps.services import AT_REST, STARTS_AT_BOOT, StartConnector, must_stay_down, tell_boot
from tui.tenant import Online

_LOST = (ConnectionLost, HostUnreachable)
_ACCEPTED_S = 10.0
_REPUBLISHED_S = 60.0
"""How long the publisher may take to teach the tenant the old certificate again, and another instance to be accepted then."""
_TAUGHT_S = 30.0
"""How long a publisher that nobody can reach any more may take to teach the tenant the new one."""
_PAUSE_S = 1.0


class WayBack(HostStep):
    """Nothing on the way forward; on the way back, the start of what had to stay stopped until the tenant knew its certificate."""

    name = "way-back"
    title = "Keep a way back"
    why = "when everything is undone, this instance starts last, after the old certificate was published again"
    undone_under_lock = False
    work: GivenWork

    def __init__(self, work: GivenWork) -> None:
        super().__init__(work)

    def change(self, instance: Instance) -> Evidence:
        """Nothing yet."""
        return Evidence(detail="as it was, should the run be undone")

    def put_back(self, instance: Instance) -> Evidence:
        """Start the connector when it ran before the run and may run again."""
        noted = self.work.context.recall(self.work.host.name, SERVICES_BEFORE) or {}
        connector = instance.services().get(Role.CONNECTOR)
        stood = noted.get(Role.CONNECTOR.value)
        if connector is None or connector.running or stood in (None, "unknown", *AT_REST):
            return Evidence(detail="nothing to start")
        self._await_old_certificate(instance, before_or_parked(self.work, instance), connector)
        mark, deadline = instance.log_mark(), time.monotonic() + _REPUBLISHED_S
        try:
            instance.start(Role.CONNECTOR)
        except ServiceError as error:
            if stood == "running":
                raise
            return Evidence(detail=f"{connector.unit} does not stay up, as before this run ({error.summary})")
        started = f"{connector.unit} started again"
        if self.work.stands_in:
            started += f" and published the old certificate, in place of {self.work.given_set.publisher}"
        while read_log(instance.log_since(mark)[0]).state != "connected":
            if time.monotonic() > deadline:
                return Evidence(detail=f"{started}; it was not accepted within {_REPUBLISHED_S:g} s")
            time.sleep(_PAUSE_S)
        return Evidence(detail=f"{started}, and accepted")

    def _await_old_certificate(self, instance: Instance, before: ConfigurationSet, connector: Service) -> None:
        deadline = time.monotonic() + _REPUBLISHED_S
        while reason := must_stay_down(self.work, instance, before):
            if not self.work.stands_in and nobody_serves(self.work):
                self.work.stands_in = True
                continue
            if time.monotonic() > deadline:
                raise OperatorError(
                    f"{connector.unit} stays stopped: {reason}",
                    meaning=f"its files are as before; it does not serve; {tell_boot(self.work, instance, connector)}",
                    remedy="see which instance has published a certificate since; then converge this host",
                )
            time.sleep(_PAUSE_S)


def nobody_serves(work: GivenWork) -> bool:
    """Whether the publisher is out of service and the new certificate has no other user, so that teaching the tenant the old one locks
    nobody out. Not when that cannot be told: an instance behind a broken line may well serve."""
    context, publisher = work.context, work.given_set.publisher
    if work.publisher or publisher is None:
        return False
    host = context.cluster.host(publisher)
    try:
        stopped = not context.links.to(host).on_instance(instance_runs)
    except OperatorError:
        stopped = False
    else:
        if not stopped:
            return False
    connection = str((config_values(work.given()) or {}).get("CONNECTION", ""))
    online = work.client().connection_status(connection).state if work.client is not None and connection else None
    if online is not Online.OFFLINE and not (stopped and online is not Online.ONLINE):
        return False
    if not stopped:
        text = (
            "blocker: it has the certificate of the run that was undone, and publishes it when it starts: keep its connector "
            "from starting, then undo the run again"
        )
        context.note(publisher, STARTS_AT_BOOT, text, {"text": text})
    return True


class StartPublisher(StartConnector):
    """Start the first instance with the new certificate. When its host is lost meanwhile, what the tenant knows decides."""

    def apply(self) -> Evidence:
        """Start it."""
        try:
            return super().apply()
        except _LOST as lost:
            return Evidence(detail=f"the host was lost while it started: {lost.summary}")

    def verify(self) -> Evidence:
        """Whether it is accepted is the next step's question."""
        try:
            return super().verify()
        except _LOST as lost:
            return Evidence(detail=f"the host cannot be reached: {lost.summary}")


class Published(Connected):
    """The publisher is accepted with the certificate that it has just taught the tenant: from here on logins are answered again.

    Once the tenant knows the new certificate the others can serve with it and with no other. So when the publisher's host is lost
    after that, the run goes on with them.
    """

    name = "published"
    title = "Wait until the tenant accepts it"
    why = "the others start with the same certificate as soon as the tenant knows it"
    work: GivenWork

    def check(self) -> Evidence:
        """Whether it has been accepted for long."""
        try:
            return super().check()
        except _LOST:
            return TO_DO

    def apply(self) -> Evidence:
        """Wait until it is accepted; or, when its host is lost, until the tenant knows the certificate."""
        for _ in range(2):
            try:
                return super().apply()
            except _LOST as error:
                lost = error
        deadline = time.monotonic() + _TAUGHT_S
        while not (evidence := self._asked_elsewhere(lost)).done:
            if time.monotonic() > deadline:
                raise lost
            time.sleep(_PAUSE_S)
        return evidence

    def verify(self) -> Evidence:
        """The tenant knows the certificate of this run."""
        try:
            return super().verify()
        except _LOST as lost:
            return self._asked_elsewhere(lost)

    def prove(self, instance: Instance) -> Evidence:
        """Asked through the publisher."""
        known, meant = self._known(instance), self.work.meant_thumbprint()
        return Evidence(detail=f"the tenant knows {known or 'no certificate'}", done=known == meant)

    def undo(self) -> Evidence:
        """Nothing to put back here; from here on the old certificate would be published again."""
        refuse_lone_undo(self.work)
        return NOTHING_TO_UNDO

    def _known(self, instance: Instance) -> str | None:
        values = config_values(self.work.given()) or {}
        known = instance.ticket_info(str(values[TICKET]), values).thumbprints
        return known[0] if known else None

    def _asked_elsewhere(self, lost: OperatorError) -> Evidence:
        """What the tenant says through another host of the run."""
        work = self.work
        for name in work.given_set.others_of(work.host.name):
            try:
                known = work.context.links.to(work.context.cluster.host(name)).on_instance(self._known)
            except OperatorError:
                continue
            if known == work.meant_thumbprint():
                return Evidence(
                    detail=f"the tenant knows {known}; this host was lost meanwhile, so the others go on without it",
                    lines=(lost.summary, f"asked by {name}"),
                )
        return Evidence(detail=f"the tenant is not known to have learned the certificate: {lost.summary}", done=False)

    @property
    def _settle(self) -> float:
        return min(_ACCEPTED_S, self.work.context.settle_seconds)


class ReleaseGiven(Release):
    """As on any host; but nothing is taken when what was given cannot be read to compare with, or when an instance with a new
    certificate is out of reach."""

    work: GivenWork

    def undo(self) -> Evidence:
        """See that the run can be undone at all, then take the host again."""
        self.work.given()
        refuse_lone_undo(self.work)
        return super().undo()


def refuse_lone_undo(work: GivenWork) -> None:
    """Raise OperatorError when another instance that this run has started with the new certificate cannot be reached: it would publish
    that again at its next start, and lock out everybody who has the old one."""
    context = work.context
    if context.journal is None or not work.given_set.publishes:
        return
    applied = RunHistory.read(context.journal, context.run).applied
    for name in work.given_set.others_of(work.host.name):
        if f"{name}/{StartConnector.name}" not in applied:
            continue
        try:
            context.links.to(context.cluster.host(name)).on_instance(instance_runs)
        except OperatorError as error:
            raise OperatorError(
                f"{name} has the new certificate too, and cannot be reached: {error.summary}",
                tried="looked at every instance that has it before taking it back",
                meaning="left out, it would publish the new one again at its next start and lock all others out; this host was left "
                "as it is, in service",
                remedy=f"bring {name} back and undo the run again; if it is gone for good, take it out of the cluster file first",
            ) from error
