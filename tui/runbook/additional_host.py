"""An additional host before it is changed: what state it is in, and what speaks against changing it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from tui.connector.config_keys import is_configured
from tui.connector.configuration_set import config_values, same_connection_values
from tui.connector.errors import ConfigError
from tui.connector.install_findings import domain_findings, install_findings, service_findings
from tui.connector.layouts import layout_findings, set_paths
from tui.connector.model import ConfigurationSet, HostFacts, Install, Service
from tui.connector.names import name_findings
from tui.connector.site_keys import SiteProposal, site_findings, site_proposals
from tui.findings import Finding, Severity, blockers
from tui.health.clock import clock_findings
from tui.health.cluster import one_install
from tui.health.observation import Observation
from tui.runbook.first_host import FirstHost

SPACE_TO_SPARE = 4 << 20
"""Bytes that must be free beyond twice the set: the connector's own log and rewriting need room."""

PREREQUISITE_MEMORY = 2 * 10**9 * 9 // 10
"""The documented 2 GB, less what firmware and kernel keep for themselves."""

REPLACES_SET = frozenset(("PROVISIONING_TICKET", "LDAP_BIND_PASSWORD", "LDAP_BIND_CREDENTIALS"))
"""Variables of the service that silently replace part of the set that is put in place."""


class HostState(StrEnum):
    """What an additional host is, for a run."""

    READY = "ready"
    CONFIGURED_HERE = "configured_here"
    CONFIGURED_ELSEWHERE = "configured_elsewhere"
    BLOCKED = "blocked"


def examine(
    observation: Observation, first: FirstHost, keys: Mapping[str, str] | None = None
) -> tuple[HostState, list[Finding]]:
    """The host's state beside the first host, and everything that speaks against changing it.

    `keys` is what the cluster file says of keys that may differ by site. A host that was not observed is BLOCKED.
    """
    if observation.failure is not None or observation.install is None:
        return HostState.BLOCKED, [_not_observed(observation)]
    install = observation.install
    if refused := layout_findings(install.layout):
        return HostState.BLOCKED, refused
    state, configured = HostState.READY, list[Finding]()
    if observation.configuration is not None:
        state, configured = _configuration(observation.configuration, first)
    found = [finding for finding in observation.findings if finding.id in ("set-not-read", "services-not-read")]
    found = [finding.model_copy(update={"severity": Severity.BLOCKER}) for finding in found]
    found += install_findings(install)
    found += service_findings(observation.services, configured=state is not HostState.READY)
    found += _overridden(observation.connector)
    found += _facts(observation.facts, install, first)
    found += _version(install, first.install)
    found += configured
    found += name_findings(first.configuration, install)
    found += site_findings(proposals_for(observation, first, keys or {}))
    if state is not HostState.CONFIGURED_ELSEWHERE and blockers(found):
        state = HostState.BLOCKED
    return state, found


def proposals_for(observation: Observation, first: FirstHost, keys: Mapping[str, str]) -> tuple[SiteProposal, ...]:
    """What this host may need instead of the first host's values.

    A value of its own that a host of this cluster has already was decided by somebody, so nothing is proposed for it.
    """
    if observation.install is None:
        return ()
    proposals = site_proposals(first.values, source=first.install, target=observation.install, chosen=keys)
    own = _values_of_member(observation, first)
    return tuple(each for each in proposals if each.key in keys or own.get(each.key, each.first) == each.first)


def _values_of_member(observation: Observation, first: FirstHost) -> Mapping[str, object]:
    files = observation.configuration
    try:
        values = (config_values(files) if files is not None else None) or {}
    except ConfigError:
        return {}
    return values if same_connection_values(values, first.values) else {}


def _not_observed(observation: Observation) -> Finding:
    error = observation.failure
    return Finding(
        id="not-observed",
        severity=Severity.BLOCKER,
        summary=error.summary if error else "no connector was found on this host",
        evidence=tuple(part for part in (error.tried, error.meaning) if part) if error else (),
        remedy=error.remedy if error else "install the same version as on the first host",
    )


def _overridden(service: Service | None) -> list[Finding]:
    replaced = sorted(REPLACES_SET.intersection(service.environment)) if service else []
    if service is None or not replaced:
        return []
    return [
        Finding(
            id="environment-replaces-set",
            severity=Severity.BLOCKER,
            summary=f"{service.unit} sets {', '.join(replaced)}, which replaces what is put in place",
            remedy="remove these variables from the service, then look again",
        )
    ]


def _version(install: Install, first: Install) -> list[Finding]:
    if install.version == first.version:
        return []
    return [
        Finding(
            id="version-differs",
            severity=Severity.BLOCKER,
            summary=f"version {install.version} is installed here, {first.version} on the first host",
            remedy="install the first host's version here: a set belongs to the version that wrote it",
        )
    ]


def _facts(facts: HostFacts | None, install: Install, first: FirstHost) -> list[Finding]:
    if facts is None:
        return [
            Finding(
                id="facts-not-read",
                severity=Severity.BLOCKER,
                summary="clock, disk and architecture of this host could not be read",
                remedy="look at the host again",
            )
        ]
    found = clock_findings(facts.clock_skew_s, first.clock_skew_s, system=install.os)
    if facts.machine is not None and facts.machine == first.machine:
        found.append(one_install((first.name, "this host")))
    if facts.read_only:
        found.append(
            Finding(
                id="read-only",
                severity=Severity.BLOCKER,
                summary=f"the file system of {install.directory} is read-only",
                remedy="remount it writable; a disk with errors is often remounted read-only by the kernel (dmesg)",
            )
        )
    size = sum(len(file.data) for file in first.configuration.files.values())
    needed = 2 * size + SPACE_TO_SPARE
    if facts.free_bytes is not None and facts.free_bytes < needed:
        found.append(
            Finding(
                id="disk-full",
                severity=Severity.BLOCKER,
                summary=f"only {facts.free_bytes // 1024} KiB are free at {install.directory}, {needed // 1024} KiB are needed",
                remedy="free space on that file system",
            )
        )
    return [*found, *_prerequisites(facts), *domain_findings(facts)]


def _prerequisites(facts: HostFacts) -> list[Finding]:
    found = []
    if facts.architecture not in ("x86_64", "amd64", "i686", "i386"):
        found.append(
            Finding(
                id="architecture",
                severity=Severity.WARNING,
                summary=f"the connector is documented for x86; this host is {facts.architecture}",
                remedy="plan to move this instance to an x86 host",
            )
        )
    if facts.memory_bytes is not None and facts.memory_bytes < PREREQUISITE_MEMORY:
        found.append(
            Finding(
                id="little-memory",
                severity=Severity.WARNING,
                summary=f"the host has {facts.memory_bytes / 10**9:.1f} GB of memory, 2 GB are documented",
                remedy="give the host more memory",
            )
        )
    return found


def _configuration(files: ConfigurationSet, first: FirstHost) -> tuple[HostState, list[Finding]]:
    config = set_paths(files.layout).config
    try:
        values = config_values(files) or {}
    except ConfigError as error:
        return HostState.BLOCKED, [
            Finding(
                id="config-unreadable",
                severity=Severity.BLOCKER,
                summary=f"this host has a configuration that cannot be read: {error.summary}",
                evidence=("which connection it served cannot be told",),
                remedy=f"if this host is to be replaced, move its {config} away and look again; else restore it",
            )
        ]
    if not is_configured(values):
        return HostState.READY, []
    if same_connection_values(values, first.values):
        return HostState.CONFIGURED_HERE, []
    connection = values.get("CONNECTION")
    return HostState.CONFIGURED_ELSEWHERE, [
        Finding(
            id="configured-elsewhere",
            severity=Severity.BLOCKER,
            summary=f"this host is configured already, for another connection{f' ({connection})' if connection else ''}",
            evidence=("its ticket is not the first host's",),
            remedy="use another host, or take this one out of service and reinstall its connector first",
        )
    ]
