"""The flows of the command line for the acts of an ordinary week, from a restart to a new certificate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tui.cluster import Cluster
from tui.errors import OperatorError
from tui.findings import blockers
from tui.headless import Talk, answered, connect_all, follow, unlock_vault
from tui.runbook.act_operations import NOTHING
from tui.runbook.cluster_operations import ClusterOperations
from tui.runbook.model import RunView
from tui.runbook.order import WITHOUT_VAULT, Act, Wanted
from tui.runbook.promotion import Promotion

_COMMANDS: dict[Act, str] = {"add": "apply", "republish": "restore"}
"""The commands whose name is not the act's."""


def perform_act(
    operations: ClusterOperations,
    talk: Talk,
    act: Act,
    hosts: Sequence[str] = (),
    *,
    interrupts: bool = False,
    wanted: Wanted = NOTHING,
) -> RunView:
    """Connect, show what the act would do, have it confirmed, perform it. Raises OperatorError when it was not confirmed."""
    cluster = operations.cluster
    operations.acts.hosts(act, hosts)
    if act not in WITHOUT_VAULT:
        unlock_vault(operations, talk)
    connect_all(operations, talk, [host.name for host in cluster.hosts], all_needed=False)
    plan = answered(operations, talk, lambda: operations.acts.preview(act, hosts, interrupts=interrupts, wanted=wanted))
    if stopping := blockers(plan.findings):
        worst = stopping[0]
        raise OperatorError(
            f"the plan has a blocker: {worst.summary}",
            tried="; ".join(line for finding in stopping for line in finding.evidence) or None,
            meaning="nothing has been changed on any host",
            remedy=worst.remedy,
        )
    if not talk.confirm_plan(cluster, plan):
        command = f"adldap-ha {_COMMANDS.get(act, act)}"
        raise OperatorError(
            "the plan was not confirmed",
            meaning="no service and no file was touched",
            remedy=f"run {command} {cluster.name} again and type {cluster.name}, or give --yes where nobody can type",
        )
    run = operations.acts.start(act, hosts, interrupts=interrupts, wanted=wanted)
    talk.say(f"run {run} has started; it goes on if this terminal is closed")
    return follow(operations, talk, run)


class Confirming(Talk, Protocol):
    """A Talk that also asks about what is no plan."""

    def confirm(self, cluster: Cluster, lines: Sequence[str], purpose: str) -> bool:
        """Show what something means and ask for the cluster's name."""
        ...


def promote(operations: ClusterOperations, talk: Confirming, host: str) -> Promotion:
    """Look whether a host is fit to be the reference, say what that means, have it confirmed, and save the cluster file."""
    cluster = operations.cluster
    connect_all(operations, talk, [each.name for each in cluster.hosts], all_needed=False)
    planned = answered(operations, talk, lambda: operations.acts.promotion(host))
    if not talk.confirm(cluster, promotion_lines(planned), "promote it"):
        raise OperatorError(
            "the promotion was not confirmed",
            meaning="the cluster file is as before",
            remedy=f"run adldap-ha promote {cluster.name} again and type {cluster.name}, or give --yes where nobody can type",
        )
    operations.save(planned.cluster)
    return planned


def promotion_lines(planned: Promotion) -> list[str]:
    """What a promotion means, for people."""
    lines = [f"{planned.host} becomes the reference of the cluster instead of {planned.first}; no host is written to"]
    if planned.differing is None:
        lines.append(f"    {planned.first} cannot be read, so in what the two differ is not known")
    elif planned.differing:
        lines.append(
            f"    the two differ in {', '.join(planned.differing)}: from now on the others count as drifted there"
        )
    if planned.site_keys:
        lines.append(f"    written down in the cluster file, as before on the host: {', '.join(planned.site_keys)}")
    lines += [f"    not written down: {each}" for each in planned.not_kept]
    return lines
