"""The commands that change a cluster in service: converge, promote, restore, change, renew; and the way to an admin console."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from tui.cli_options import AsJson, Cluster, SecretsFrom, opened
from tui.console import Exit, flush, leave, plain_talk, somebody_there, write_document, write_lines
from tui.endings import ending
from tui.errors import OperatorError

if TYPE_CHECKING:
    from tui.runbook.cluster_operations import ClusterOperations
    from tui.runbook.order import Act, Wanted

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for the cluster's name before changing hosts.")]
Interrupt = Annotated[bool, typer.Option("--interrupt", help="Agree to a moment in which no instance answers logins.")]
OneHost = Annotated[str, typer.Option("--host", help="Which host.")]


def add_upkeep(app: typer.Typer) -> None:
    """Give the program these commands."""
    for command in (converge, promote, restore, change, renew, console):
        app.command()(command)


@ending()
def converge(
    cluster: Cluster,
    host: Annotated[list[str], typer.Option("--host", help="A host that has drifted; may be given more than once.")],
    yes: Yes = False,
    as_json: AsJson = False,
    secrets: SecretsFrom = None,
) -> None:
    """Bring hosts with drift back to the first host's set.

    With the preview, the backup and the undo of a run that adds hosts. The first host is only read.
    """
    _perform(cluster, "converge", host, None, yes=yes, as_json=as_json, secrets=secrets)


@ending()
def promote(
    cluster: Cluster, host: OneHost, yes: Yes = False, as_json: AsJson = False, secrets: SecretsFrom = None
) -> None:
    """Make another host the reference of the cluster.

    It must be healthy, connected, and have the tenant's certificate. Only the cluster file changes.
    """
    from tui.headless_acts import promote as promote_flow
    from tui.headless_acts import promotion_lines

    with opened(cluster, secrets) as operations:
        planned = promote_flow(operations, plain_talk(yes=yes, asking=somebody_there(secrets)), host)
    if as_json:
        differing = list(planned.differing) if planned.differing is not None else None
        kept = {"site_keys": list(planned.site_keys), "not_kept": list(planned.not_kept)}
        write_document({"first": planned.host, "before": planned.first, "differing": differing, **kept})
    else:
        write_lines(promotion_lines(planned))


@ending()
def restore(
    cluster: Cluster,
    backup: Annotated[str, typer.Argument(metavar="BACKUP", help="A backup's id (adldap-ha backup list).")],
    host: Annotated[
        list[str] | None, typer.Option("--host", help="Restore to this host, the first one too; may be repeated.")
    ] = None,
    everywhere: Annotated[bool, typer.Option("--all", help="Restore to every host but the first.")] = False,
    publish: Annotated[
        bool, typer.Option("--publish", help="Where the tenant knows another certificate: teach it the backup's.")
    ] = False,
    alone: Interrupt = False,
    yes: Yes = False,
    as_json: AsJson = False,
    secrets: SecretsFrom = None,
) -> None:
    """Put a backup back on hosts.

    What each host has now is backed up first, and resume --undo gives it back. The first host is written to only when it is named.
    Without --publish nothing is started whose certificate the tenant does not know; with it name every host, or those that keep
    another certificate are locked out.
    """
    from tui.runbook.order import Wanted

    names = list(host or ())
    with opened(cluster, secrets) as operations:
        if everywhere:
            names += [each.name for each in operations.cluster.additional if each.name not in names]
        act: Act = "republish" if publish else "restore"
        _run(operations, act, names, Wanted(backup=backup), interrupts=alone, yes=yes, as_json=as_json, secrets=secrets)


@ending()
def change(
    cluster: Cluster,
    profile_mapper: Annotated[
        Path | None, typer.Option("--profile-mapper", metavar="FILE", help="A new profile mapper.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A key of config.json that is no secret; may be repeated."),
    ] = None,
    alone: Interrupt = False,
    yes: Yes = False,
    as_json: AsJson = False,
    secrets: SecretsFrom = None,
) -> None:
    """Give every instance a new profile mapper, or other values of configuration keys.

    Tried on one additional host first, then rolled over the others one at a time, the first host last. The first failure puts the host
    at hand back and ends it.
    """
    from tui.runbook.typed_change import mapper_text

    mapper = mapper_text(profile_mapper) if profile_mapper is not None else None
    with opened(cluster, secrets) as operations:
        wanted = operations.acts.wanted_change(mapper, _pairs(settings or ()))
        _run(operations, "change", (), wanted, interrupts=alone, yes=yes, as_json=as_json, secrets=secrets)


@ending()
def renew(cluster: Cluster, yes: Yes = False, as_json: AsJson = False, secrets: SecretsFrom = None) -> None:
    """Give the cluster a new certificate, valid for a year.

    A new pair for the same subject, the LDAP password encrypted with the new key. Logins are interrupted while the instances change
    over; the plan says so.
    """
    _perform(cluster, "renew", (), None, yes=yes, as_json=as_json, secrets=secrets)


@ending(runs_go_on=False)
def console(cluster: Cluster, host: OneHost, as_json: AsJson = False, secrets: SecretsFrom = None) -> None:
    """Open a way to an instance's admin console and print the address.

    It answers on this jump box's own loopback, to connections of your own account, until Ctrl-C.
    """
    from signal import pause

    from tui.headless import connect_all

    with opened(cluster, secrets) as operations:
        operations.acts.hosts("restart", [host])
        connect_all(operations, plain_talk(quiet=True, asking=somebody_there(secrets)), [host])
        tunnel = operations.acts.open_console(host)
        try:
            if as_json:
                write_document({"host": host, "address": tunnel.address}, compact=True)
            else:
                write_lines([f"admin console of {host}: {tunnel.address}", "Ctrl-C ends it"])
            flush()
            while True:
                pause()
        finally:
            tunnel.close()


def _perform(
    cluster: str,
    act: Act,
    hosts: list[str] | tuple[str, ...],
    wanted: Wanted | None,
    *,
    yes: bool,
    as_json: bool,
    secrets: str | None,
) -> NoReturn:
    with opened(cluster, secrets) as operations:
        _run(operations, act, hosts, wanted, yes=yes, as_json=as_json, secrets=secrets)


def _run(
    operations: ClusterOperations,
    act: Act,
    hosts: list[str] | tuple[str, ...],
    wanted: Wanted | None,
    *,
    interrupts: bool = False,
    yes: bool,
    as_json: bool,
    secrets: str | None,
) -> NoReturn:
    from tui.headless_acts import perform_act
    from tui.rendering import run_lines
    from tui.runbook.act_operations import NOTHING
    from tui.runbook.model import RunState

    talk = plain_talk(yes=yes, asking=somebody_there(secrets))
    view = perform_act(operations, talk, act, hosts, interrupts=interrupts, wanted=wanted or NOTHING)
    report = operations.report(view.id)
    if as_json:
        write_document({**view.model_dump(mode="json"), "report": str(report)})
    else:
        write_lines([*run_lines(view), f"report: {report}"])
    leave(Exit.OK if view.state is RunState.DONE and view.verdict == "healthy" else Exit.FAILED)


def _pairs(settings: list[str] | tuple[str, ...]) -> dict[str, str]:
    found = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals:
            raise OperatorError(f"--set {setting} has no value", remedy="say --set KEY=VALUE")
        if key.strip() in found:
            raise OperatorError(f"--set {key.strip()} was given twice", remedy="say which value is meant")
        found[key.strip()] = value
    return found
