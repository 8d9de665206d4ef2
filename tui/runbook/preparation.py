"""Preparation: what is found on the hosts before a run, and what a run would change. Nothing here writes to a host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tui.cluster import Host
from tui.connector.config_keys import is_configured, not_left_alone, realm_of
from tui.connector.configuration_set import config_values, entries, for_site, password_decrypts, target_set
from tui.connector.errors import ConfigError
from tui.connector.left_behind import left_findings
from tui.connector.model import ConfigurationSet, KeyClass, KeyDifference
from tui.findings import Finding, Severity, blockers
from tui.health.cluster import one_install
from tui.health.drift import drift, key_differences
from tui.health.observation import Observation
from tui.runbook.additional_host import HostState, examine, proposals_for
from tui.runbook.changes import file_changes
from tui.runbook.context import RunContext
from tui.runbook.first_host import FirstHost, first_findings
from tui.runbook.model import Change, Plan
from tui.runbook.procedure import build_stages, plan_of, tenant_client
from tui.runbook.survey import AdditionalSurvey, FirstSurvey, SetEntry


def first_survey(observation: Observation) -> FirstSurvey:
    """What a wizard shows of the first host."""
    findings = tuple(first_findings(observation))
    files = observation.configuration
    return FirstSurvey(
        host=observation.name,
        install=observation.install,
        facts=observation.facts,
        services=dict(observation.services),
        entries=_entries(files),
        findings=findings,
        certificate=observation.certificate,
        password_decrypts=password_decrypts(files) if files is not None else None,
        ticket=observation.ticket,
        log=observation.log,
        exportable=not blockers(findings),
    )


def additional_survey(
    observation: Observation, first: FirstHost, site: Mapping[str, str] | None = None
) -> AdditionalSurvey:
    """What a wizard shows of an additional host beside the first host's set; `site`: the host's own keys by the cluster file."""
    site = site or {}
    state, findings = examine(observation, first, site)
    left = left_findings(observation.facts, observation.install, lock=Severity.BLOCKER)
    findings = [*findings, *left]
    if blockers(left) and state is not HostState.CONFIGURED_ELSEWHERE:
        state = HostState.BLOCKED
    files, install = observation.configuration, observation.install
    changes: tuple[Change, ...] = ()
    keys: tuple[KeyDifference, ...] = ()
    if files is not None and install is not None:
        keys = key_differences(files, for_site(first.configuration, site))
        in_line = (
            state is HostState.CONFIGURED_HERE
            and not drift(files, first.configuration, site)
            and not not_left_alone(keys, realm=realm_of(first.values), decided=site)
        )
        if not in_line:
            target = target_set(
                first.configuration,
                files,
                owner=install.owner,
                group=install.group,
                account=install.account,
                keys=site,
            )
            changes = file_changes(files, target, lambda _path: True)
            findings = [*findings, *_site_values(files, keys)]
    return AdditionalSurvey(
        host=observation.name,
        install=install,
        facts=observation.facts,
        services=dict(observation.services),
        entries=_entries(files),
        findings=tuple(findings),
        state=state.value,
        changes=changes,
        keys=keys,
        proposals=proposals_for(observation, first, site),
    )


def preview(context: RunContext, hosts: Sequence[Host]) -> Plan:
    """Every step that a run would perform on these hosts, with what each would change.

    Looks at the first host once and at each host step by step. Raises what a run's first stage would raise for the
    first host; what speaks against an additional host is among the plan's findings.
    """
    context.first()
    client = tenant_client(context.cluster, context.links.access)
    findings: list[Finding] = []
    for host in hosts:
        observation = context.links.to(host).probe(ask_ticket=False)
        survey = additional_survey(observation, context.first(), host.keys.chosen())
        if twin := context.twin(host.name, observation.facts):
            findings.append(one_install((twin, host.name)))
        findings += [
            finding.model_copy(update={"summary": f"{host.name}: {finding.summary}"}) for finding in survey.findings
        ]
    stages = build_stages(context, hosts, client)
    return plan_of(context.cluster.name, stages, with_changes=not blockers(findings), findings=findings)


def _entries(files: ConfigurationSet | None) -> tuple[SetEntry, ...]:
    if files is None:
        return ()
    return tuple(
        SetEntry(path=e.path, size=e.size, sha256=e.sha256, owner=e.owner, group=e.group, mode=e.mode, acl=e.acl)
        for e in entries(files)
    )


def _site_values(files: ConfigurationSet, keys: Sequence[KeyDifference]) -> list[Finding]:
    """What a configured host has chosen for its own site is replaced too: said before it happens."""
    try:
        if not is_configured(config_values(files) or {}):
            return []
    except ConfigError:
        return []
    own = [key for key in keys if key.key_class is KeyClass.SITE and not key.equal and key.here is not None]
    if not own:
        return []
    return [
        Finding(
            id="site-values-replaced",
            severity=Severity.WARNING,
            summary=f"values that this host has for its own site are replaced: {', '.join(key.key for key in own)}",
            evidence=tuple(f"{key.key}: {key.here} → {key.there or 'not set'}" for key in own),
            remedy="note them, and set them again after the run where the site needs them",
        )
    ]
