"""How a service ended, and what its log says of why: stopped, given up, restarted again and again, ended without a word."""

from __future__ import annotations

from tui.connector.install_findings import install_findings, service_findings
from tui.connector.model import LogEvent, Role, Service
from tui.connector.service_words import service_words
from tui.findings import Finding, Severity
from tui.health.activity import uptime_s
from tui.health.observation import Observation
from tui.health.settled import DISCONNECTED, runs
from tui.health.waiting import configured

STARTING_GRACE_S = 60.0
"""How long after its start an instance may be without a hub before it counts as down."""

LOOPS = (
    "read the log's last error: a wrong LDAP password, an unreachable directory and a wrong clock all look like this"
)
"""What to do about a crash loop whose log does not say why."""

_STATE_WORDS = {"crash_loop": "in a crash loop"}
_NAMES_NOTHING = ("process-exited", "start-limit")


def service_problems(observation: Observation) -> list[Finding]:
    """What is wrong with the install and with both services, the connector's first."""
    if observation.failure is not None or observation.install is None:
        return []
    connector = observation.connector
    found = install_findings(observation.install)
    if connector is not None:
        found += service_findings({Role.CONNECTOR: connector}, configured=configured(observation.configuration))
    given_up = connector is not None and gave_up(observation, connector)
    for service in observation.services.values():
        if service is connector and given_up:
            found = [_start_limit(observation, service), *(each for each in found if each.id != "service-failed")]
        elif not runs(service):
            found.append(_not_running(observation, service))
    if connector is not None and _ended_quietly(observation, connector):
        found.append(_ended_with_zero(observation, connector))
    if connector is not None and runs(connector) and restarting(observation):
        found.append(
            Finding(
                id="restarting",
                severity=Severity.BLOCKER,
                summary=f"{connector.unit} was restarted {connector.restarts} times and came up only moments ago: a crash loop",
                evidence=cause_evidence(observation),
                remedy=cause_remedy(observation) or LOOPS,
            )
        )
    return found


def restarting(observation: Observation) -> bool:
    """A wrong LDAP password is accepted by the hub and dies seconds later, so one look at the log may say `connected`."""
    service = observation.connector
    return service is not None and (service.restarts or 0) >= 2 and uptime_s(observation) < STARTING_GRACE_S


def gave_up(observation: Observation, service: Service) -> bool:
    """Whether systemd starts the service no more, because it failed too often too quickly."""
    if service.state != "failed" or service.system != "linux":
        return False
    if "start-limit" in service.detail:
        return True
    kinds = [event.kind for event in observation.log.events] if observation.log else []
    last = max((place for place, kind in enumerate(kinds) if kind in ("start", "accepted")), default=-1)
    return "start-limit" in kinds[last + 1 :]


def cause(observation: Observation) -> LogEvent | None:
    """The line of the log that says why the process ended, or why it can never connect; None where none does.

    It stands in what the last start has said or, while that goes on, in what the start before it said: anything older is
    another story.
    """
    log = observation.log
    if log is None:
        return None
    starts = [place for place, event in enumerate(log.events) if event.kind == "start"]
    last = log.events[starts[-1] :] if starts else log.events
    over = log.state == DISCONNECTED or any(event.fatal for event in last)
    earlier = log.events[starts[-2] : starts[-1]] if len(starts) > 1 and not over else ()
    said = (*earlier, *last)
    return next((event for event in reversed(said) if event.fatal and event.kind not in _NAMES_NOTHING), None)


def cause_evidence(observation: Observation) -> tuple[str, ...]:
    """The lines of the log that name `cause`, the last three."""
    why, log = cause(observation), observation.log
    if why is None or log is None:
        return ()
    return tuple(dict.fromkeys([event.text for event in log.events if event.kind == why.kind][-3:]))


def cause_remedy(observation: Observation) -> str | None:
    """What to do about `cause`; None where the log does not say why."""
    why = cause(observation)
    return f"{why.meaning}: {why.remedy}" if why is not None and why.remedy else None


def _start_limit(observation: Observation, service: Service) -> Finding:
    why = cause(observation)
    correct = (why.remedy if why is not None else None) or "read why it ended (`journalctl -u NAME -n 50`)"
    return Finding(
        id="start-limit",
        severity=Severity.BLOCKER,
        summary=f"systemd has given up on {service.unit}: it ended too often too quickly and is started no more",
        evidence=(*((service.detail,) if service.detail else ()), *cause_evidence(observation)),
        remedy=f"{correct}; then `systemctl reset-failed NAME` and start it".replace("NAME", service.unit),
    )


def _ended_quietly(observation: Observation, service: Service) -> bool:
    """Stopped, though nobody stopped it: its log ends with a message after which it exits with status 0."""
    log, policy = observation.log, service.restart_policy
    if log is None or service.state != "stopped" or policy in (None, "always"):
        return False
    return log.state == "rejected"


def _ended_with_zero(observation: Observation, service: Service) -> Finding:
    why = cause(observation)
    correct = (why.remedy if why is not None else None) or "correct what its log says last"
    return Finding(
        id="ended-with-zero",
        severity=Severity.BLOCKER,
        summary=f"{service.unit} ended by itself with exit status 0, which Restart={service.restart_policy} does not restart",
        evidence=cause_evidence(observation),
        remedy=f"{correct}; set Restart=always with `systemctl edit {service.unit}`",
    )


def _not_running(observation: Observation, service: Service) -> Finding:
    words, connector = service_words(service.system), service.role is Role.CONNECTOR
    state = words.forbidden if service.state == "masked" else service.state.replace("_", " ")
    remedy = f"read why it ended ({words.about(words.read_log, service.unit)}), then start it"
    if service.state == "masked":
        remedy = f"{words.about(words.allow, service.unit)}, then start it"
    elif connector and service.state in ("crash_loop", "failed"):
        remedy = cause_remedy(observation) or remedy
    return Finding(
        id=f"{service.role.value}-{service.state.replace('_', '-')}",
        severity=Severity.BLOCKER if connector else Severity.WARNING,
        summary=f"the {service.role.value} service {service.unit} is {_STATE_WORDS.get(service.state, state)}",
        evidence=(service.detail,) if service.detail else (),
        remedy=remedy,
    )
