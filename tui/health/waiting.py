"""A host that is installed and waits for the first host's set: what is missing there is expected, not damage."""

from __future__ import annotations

from collections.abc import Sequence

from tui.connector.config_keys import is_configured
from tui.connector.configuration_set import config_values
from tui.connector.errors import ConfigError
from tui.connector.layouts import set_paths
from tui.connector.model import ConfigurationSet
from tui.findings import Finding, Severity
from tui.health.observation import Observation

_ONLY_FOR_WANT_OF_A_SET = {
    "config-missing",
    "not-configured",
    "certificate-files-missing",
    "waits-for-configuration",
    "connector-failed",
    "connector-stopped",
    "connector-crash-loop",
    "service-failed",
    "restarting",
    "drift",
}


def waits_for_set(observation: Observation) -> bool:
    """Whether the host has neither a configuration nor a key or certificate, and its connector may be started."""
    files, connector = observation.configuration, observation.connector
    if observation.failure is not None or observation.install is None or files is None:
        return False
    if connector is not None and (connector.state == "masked" or connector.forbidden):
        return False
    paths = set_paths(files.layout)
    return not (configured(files) or files.data(paths.key) or files.data(paths.certificate))


def configured(files: ConfigurationSet | None) -> bool:
    """Whether a set has a ticket; True for a config.json that cannot be read, False for no set."""
    try:
        return files is not None and is_configured(config_values(files) or {})
    except ConfigError:
        return True


def waiting_problems(observation: Observation, problems: Sequence[Finding]) -> list[Finding]:
    """One plain problem in the place of all that a waiting host lacks; what has another cause stays."""
    from_log = observation.log.findings if observation.log else ()
    others = [
        problem
        for problem in problems
        if problem.id not in _ONLY_FOR_WANT_OF_A_SET and not problem.id.startswith("hub-") and problem not in from_log
    ]
    connector = observation.connector
    waits = Finding(
        id="waits-for-set",
        severity=Severity.BLOCKER,
        summary="it is not configured yet: it waits for the first host's set",
        evidence=(f"{connector.unit} is {connector.state.replace('_', ' ')}",) if connector is not None else (),
        remedy="run the procedure for this host",
    )
    return [waits, *others]
