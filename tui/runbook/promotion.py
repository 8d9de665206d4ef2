"""Making another host the reference of its cluster: only the cluster file changes, no host does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from tui.cluster import SITE_KEYS, Cluster, Host, SiteKeys
from tui.connector.config_keys import is_configured, mask_url
from tui.connector.configuration_set import config_values
from tui.connector.errors import ConfigError
from tui.connector.model import ConfigurationSet
from tui.errors import OperatorError
from tui.health.drift import drift
from tui.runbook.attach import OVER
from tui.runbook.first_host import first_host
from tui.runbook.model import RunState, RunView
from tui.runbook.open_cluster import OpenCluster


@dataclass(frozen=True, slots=True)
class Promotion:
    """What making a host the reference means. `differing`: keys and files in which it differs from the present first host, whose
    value counts for nobody any more; None when that one cannot be read. `site_keys`: what is written down for other hosts, so
    that they keep the values that they were given from the first host. `not_kept`: what could not be, and why: converging that host
    gives it the new first host's value."""

    host: str
    first: str
    differing: tuple[str, ...] | None
    site_keys: tuple[str, ...]
    cluster: Cluster
    not_kept: tuple[str, ...] = ()


def promotion(current: OpenCluster, name: str, runs: list[RunView]) -> Promotion:
    """What it means; changes nothing. Raises OperatorError when the host is not fit, or a run is not finished."""
    cluster, host = current.cluster, current.host(name)
    if name == cluster.first.name:
        raise OperatorError(f"{name} is the first host of cluster {cluster.name} already", remedy="name another host")
    _refuse_unfinished(cluster, runs)
    fit = first_host(current.observe_or_ask(name))
    reference = current.observe(cluster.first.name, ask_ticket=False).configuration
    differing = None
    if reference is not None:
        try:
            differing = tuple(each.key for each in drift(fit.configuration, reference, host.keys.chosen()))
        except ConfigError:
            reference = None
    hosts, site_keys, not_kept = _kept_site_keys(current, host, fit.values, reference)
    section = cluster.cluster.model_copy(update={"first": name})
    changed = cluster.model_copy(update={"cluster": section, "hosts": hosts})
    return Promotion(name, cluster.first.name, differing, site_keys, changed, not_kept)


def _refuse_unfinished(cluster: Cluster, runs: list[RunView]) -> None:
    open_run = next((run for run in runs if run.state not in OVER or run.state is RunState.INTERRUPTED), None)
    if open_run is None and runs and runs[0].can_be_finished:
        open_run = runs[0]
    if open_run is not None:
        raise OperatorError(
            f"run {open_run.id} is not finished",
            meaning="it compares its hosts with the present first host, so that stays what it is until then",
            remedy=f"finish it or undo it first: adldap-ha resume {cluster.name}",
        )


def _kept_site_keys(
    current: OpenCluster, host: Host, new: Mapping[str, object], known: ConfigurationSet | None
) -> tuple[tuple[Host, ...], tuple[str, ...], tuple[str, ...]]:
    """The hosts, with what each has for its own site written down where the new first host has something else; what was written,
    and what could not be.

    A value with a password in it has no place in a cluster file, and of a host that cannot be read nothing is known.
    """
    hosts, written, not_kept = [], [], []
    for each in current.cluster.hosts:
        if each.name == host.name:
            hosts.append(each)
            continue
        is_first = each.name == current.cluster.first.name
        seen = None if is_first else current.observe(each.name, ask_ticket=False)
        files = known if seen is None else seen.configuration
        if files is None:
            not_kept.append(f"{each.name} cannot be read, so what it has for its own site is not known")
        present, chosen = _values(files), each.keys.chosen()
        own = {} if present is None else {key: _text(present, key) for key in SITE_KEYS}
        for key, value in own.items():
            if key in chosen or value == _text(new, key):
                continue
            if why := _not_for_a_file(key, value):
                not_kept.append(f"{each.name}: {key} {why}")
                continue
            chosen[key] = value
            written.append(f"{each.name}: {key}")
        hosts.append(each.model_copy(update={"keys": SiteKeys.model_validate(chosen)}))
    return tuple(hosts), tuple(written), tuple(not_kept)


def _not_for_a_file(key: str, value: str) -> str | None:
    if mask_url(value) != value:
        return "has a password in it"
    try:
        kept = SiteKeys.model_validate({key: value}).chosen().get(key)
    except ValidationError:
        kept = None
    return None if kept == value else "has a value that no cluster file can hold"


def _values(files: ConfigurationSet | None) -> Mapping[str, object] | None:
    try:
        values = config_values(files) if files is not None else None
    except ConfigError:
        return None
    return values if values is not None and is_configured(values) else None


def _text(values: Mapping[str, object], key: str) -> str:
    return str(values.get(key) or "")
