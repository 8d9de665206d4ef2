"""The steps that stop and start the two services."""

from __future__ import annotations

from typing import ClassVar

from tui.connector.configuration_set import set_certificate
from tui.connector.errors import CertificateError, ServiceError
from tui.connector.instance import Instance
from tui.connector.model import ConfigurationSet, Role, Service
from tui.errors import OperatorError
from tui.health.probes import ask_ticket_of
from tui.runbook.context import HostWork
from tui.runbook.model import Change, Evidence
from tui.runbook.steps.base import TO_DO, HostStep
from tui.runbook.steps.certificate_gate import compare_certificate
from tui.runbook.steps.looking import SERVICES_BEFORE
from tui.runbook.steps.put_back import before_or_parked, require_before, stop_both

STARTS_AT_BOOT = "starts-at-boot"
"""The note that a connector which must not be started is stopped, and would be started by the next boot."""

AT_REST = frozenset(("stopped", "failed", "masked"))
"""States in which nothing runs and nothing will be restarted by itself."""


class StopServices(HostStep):
    """Stop both services before their files are replaced."""

    name = "stop-services"
    title = "Stop both services"
    why = "a running connector rewrites its configuration and could publish a half-placed certificate"

    def look(self, instance: Instance) -> Evidence:
        """Done when the host has exactly the first host's set, so that nothing will be replaced.

        It is applied where nothing runs too: its undo is what gives the services back as they were, whatever a reboot
        has started meanwhile.
        """
        if self.work.in_line(self.work.present(instance)):
            return Evidence(detail="the set is in place already: nothing needs to stop")
        return TO_DO

    def foresee(self, instance: Instance) -> tuple[Change, ...]:
        """The services that run."""
        return tuple(
            Change(action="stop", subject=service.unit, before=service.state, after="stopped")
            for service in _active(instance.services())
        )

    def change(self, instance: Instance) -> Evidence:
        """The connector first, then the console."""
        stop_both(instance)
        return Evidence(detail="both stopped")

    def prove(self, instance: Instance) -> Evidence:
        """Nothing runs any more."""
        active = _active(instance.services())
        if active and not self.work.in_line(self.work.present(instance)):
            return Evidence(detail=f"still active: {', '.join(service.unit for service in active)}", done=False)
        return Evidence(detail="nothing runs")

    def put_back(self, instance: Instance) -> Evidence:
        """Start what ran before the run, now that its own files are back."""
        before = before_or_parked(self.work, instance)
        noted = self.work.context.recall(self.work.host.name, SERVICES_BEFORE)
        if noted is None:
            raise OperatorError(
                "the journal does not say which services ran before this run",
                meaning="this host's files are as before; its services stay as they are now",
                remedy="start those that should run by hand",
            )
        present = instance.services()
        lines = []
        for role in (Role.ADMIN, Role.CONNECTOR):
            if role not in present:
                continue
            if noted.get(role.value) in AT_REST and present[role].state not in AT_REST:
                instance.stop(role)
                lines.append(f"{present[role].unit} stopped, as before this run")
            if noted.get(role.value) in (None, *AT_REST, "unknown") or present[role].running:
                continue
            if role is Role.CONNECTOR and (reason := must_stay_down(self.work, instance, before)):
                lines.append(f"{present[role].unit} stays stopped: {reason}")
                lines.append(self.tell_stopped(instance, present[role]))
                continue
            lines.append(_start_again(instance, role, present[role].unit, certain=noted[role.value] == "running"))
        return Evidence(detail="services as before this run", lines=tuple(lines))

    def tell_stopped(self, instance: Instance, connector: Service) -> str:
        """What is to be known of a connector that had to stay stopped."""
        return tell_boot(self.work, instance, connector)


def tell_boot(work: HostWork, instance: Instance, connector: Service) -> str:
    """What the next boot would do with a connector that must not be started, for the step and for the run's verdict."""
    if connector.enabled is False:
        return f"{connector.unit} is not started at boot either"
    command = disable_command(instance.install.os, connector.unit)
    text = f"blocker: {connector.unit} starts at the next boot; run `{command}` now"
    work.context.note(work.host.name, STARTS_AT_BOOT, text, {"text": text})
    return text


class _StartStep(HostStep):
    """Start one service. It may run now and be stopped on the way, so the preview asks whether anything is replaced."""

    role: ClassVar[Role]

    def plan(self) -> tuple[Change, ...]:
        """The service, unless the host has exactly the first host's set and it runs already."""
        return self.work.looking(self.foresee)

    def foresee(self, instance: Instance) -> tuple[Change, ...]:
        """The service."""
        service = instance.services().get(self.role)
        if service is None or (service.running and self.work.in_line(self.work.present(instance))):
            return ()
        return (Change(action="start", subject=service.unit, after="running"),)


class StartAdmin(_StartStep):
    """Start the admin console first: the troubleshooter runs through it."""

    role = Role.ADMIN
    name = "start-admin"
    title = "Start the admin console"
    why = "it publishes nothing, and the troubleshooter runs through it"

    def look(self, instance: Instance) -> Evidence:
        """Done when it runs, or when this install has no such unit."""
        service = instance.services().get(Role.ADMIN)
        if service is None:
            return Evidence(detail="no service runs the admin console here; the troubleshooter is run directly")
        return Evidence(detail=f"{service.unit} runs") if service.running else TO_DO

    def change(self, instance: Instance) -> Evidence:
        """Start it."""
        instance.start(Role.ADMIN)
        return Evidence(detail="started")

    def prove(self, instance: Instance) -> Evidence:
        """The service manager says that it runs."""
        return _runs(instance, Role.ADMIN)

    def put_back(self, instance: Instance) -> Evidence:
        """Stop it, so that files can be put back."""
        instance.stop(Role.ADMIN)
        return Evidence(detail="stopped")


class StartConnector(_StartStep):
    """Start the connector with the set in place."""

    role = Role.CONNECTOR
    name = "start-connector"
    title = "Start the connector"
    why = "it publishes the certificate that the tenant knows already, and connects"

    def look(self, instance: Instance) -> Evidence:
        """Done when it runs with the first host's set."""
        service = instance.services().get(Role.CONNECTOR)
        if service is not None and service.running and self.work.in_line(self.work.present(instance)):
            return Evidence(detail=f"{service.unit} runs with this set")
        return TO_DO

    def change(self, instance: Instance) -> Evidence:
        """Note the end of its log, then start it; refused unless the host has the first host's set."""
        start_connector(self.work, instance)
        return Evidence(detail="started")

    def prove(self, instance: Instance) -> Evidence:
        """Whether it stays up and is accepted is the next step's question."""
        service = instance.services().get(Role.CONNECTOR)
        return Evidence(
            detail=f"{service.unit} is {service.state}" if service else "no service", done=service is not None
        )

    def put_back(self, instance: Instance) -> Evidence:
        """Stop it before anything else is put back, unless nothing else could be."""
        connector = instance.services().get(Role.CONNECTOR)
        if connector is not None and connector.running:
            require_before(self.work)
        instance.stop(Role.CONNECTOR)
        return Evidence(detail="stopped")


def disable_command(os: str, unit: str) -> str:
    """What keeps a service from being started at boot, in the host's own shell."""
    return f"Set-Service '{unit}' -StartupType Disabled" if os == "windows" else f"systemctl disable {unit}"


def start_connector(work: HostWork, instance: Instance) -> None:
    """Note the end of the connector's log and start it; raises as `raise_unless_startable`."""
    mark = instance.log_mark()
    raise_unless_startable(work, instance)
    work.mark = mark
    instance.start(Role.CONNECTOR)


def raise_unless_startable(work: HostWork, instance: Instance) -> None:
    """Raise OperatorError when the set is not the first host's, or its certificate not the one that the tenant knows at
    this moment: the gate before the commit may have been passed a long while ago."""
    present = work.read(instance)
    if not work.in_line(present):
        raise OperatorError(
            "the set on this host is not the one that was put in place any more",
            tried="compared every key and file just before the start",
            meaning="the connector was not started: it could publish another certificate",
            remedy="find out who writes to this directory, then retry",
        )
    compare_certificate(
        work, instance, present, meaning="starting it would lock the other instances out, so it was not started"
    )


def _active(services: dict[Role, Service]) -> list[Service]:
    return [service for service in services.values() if service.state not in AT_REST]


def _runs(instance: Instance, role: Role) -> Evidence:
    service = instance.services().get(role)
    state = service.state if service else "without a service"
    return Evidence(
        detail=f"{service.unit if service else role.value} is {state}", done=state in ("running", "starting")
    )


def must_stay_down(work: HostWork, instance: Instance, before: ConfigurationSet) -> str | None:
    """Why the connector must not be started with the set that it had before the run, None when it may."""
    try:
        certificate = set_certificate(before)
        ticket = ask_ticket_of(instance, before)
    except (CertificateError, OperatorError) as error:
        return f"what starting it would publish cannot be told ({error.summary})"
    if certificate is None or ticket is None or not ticket.thumbprints:
        return "it had no certificate that the tenant knows, and would publish one of its own"
    if not work.may_return(certificate.thumbprint, ticket.thumbprints[0]):
        return "its own certificate is not the tenant's, and starting it would lock the other instances out"
    return None


def _start_again(instance: Instance, role: Role, unit: str, *, certain: bool) -> str:
    try:
        instance.start(role)
    except ServiceError as error:
        if certain:
            raise
        return f"{unit} does not stay up, as before this run ({error.summary})"
    return f"{unit} started again"
