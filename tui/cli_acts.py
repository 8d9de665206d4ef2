"""The commands on a cluster in service: restart its instances, and drill the loss of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from tui.cli_options import AsJson, Cluster, SecretsFrom, opened
from tui.console import Exit, leave, plain_talk, somebody_there, write_document, write_lines
from tui.endings import ending

if TYPE_CHECKING:
    from tui.runbook.cluster_operations import ClusterOperations
    from tui.runbook.model import RunView

AnyHosts = Annotated[
    list[str] | None, typer.Option("--host", help="Only this host, the first one too; may be given more than once.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for the cluster's name before stopping a service.")]


@ending()
def restart(
    cluster: Cluster,
    host: AnyHosts = None,
    alone: Annotated[
        bool, typer.Option("--interrupt", help="Agree to a moment in which no instance answers logins.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
    secrets: SecretsFrom = None,
) -> None:
    """Restart the connectors, one after another.

    The next one only after the last is verified connected and stable; the first failure ends it. Never two are out of service.
    """
    from tui.headless_acts import perform_act
    from tui.rendering import run_lines
    from tui.runbook.model import RunState

    with opened(cluster, secrets) as operations:
        talk = plain_talk(yes=yes, asking=somebody_there(secrets))
        view = perform_act(operations, talk, "restart", host or (), interrupts=alone)
        report = operations.report(view.id)
    if as_json:
        write_document({**view.model_dump(mode="json"), "report": str(report)})
    else:
        write_lines([*run_lines(view), f"report: {report}"])
    leave(Exit.OK if view.state is RunState.DONE and view.verdict == "healthy" else Exit.FAILED)


@ending()
def drill(
    cluster: Cluster, host: AnyHosts = None, yes: Yes = False, as_json: AsJson = False, secrets: SecretsFrom = None
) -> None:
    """Prove that the cluster survives the loss of any one instance.

    Stops each in turn, sees that the connection stays online and the others stay accepted, starts it again. Exit 0 when it passed.
    """
    from tui.headless_acts import perform_act

    with opened(cluster, secrets) as operations:
        talk = plain_talk(yes=yes, asking=somebody_there(secrets))
        _tell_drill(operations, perform_act(operations, talk, "drill", host or ()), as_json=as_json)


def _tell_drill(operations: ClusterOperations, view: RunView, *, as_json: bool) -> NoReturn:
    from tui.rendering import run_lines, table
    from tui.runbook.drill import drill_rounds, drill_verdict

    report, verdict, rounds = operations.report(view.id), drill_verdict(view), drill_rounds(view)
    if as_json:
        document = {"drill": {"verdict": verdict, "rounds": rounds}, "report": str(report)}
        write_document({**view.model_dump(mode="json"), **document})
    else:
        rows = [
            (
                each["host"],
                each["verdict"].replace("_", " "),
                f"{each['out_of_service_s']:.0f} s" if each["out_of_service_s"] is not None else "-",
                each["evidence"][0] if each["evidence"] else "-",
            )
            for each in rounds
        ]
        lines = table(("without", "drill", "out for", "meanwhile"), rows)
        write_lines([*run_lines(view), "", f"failover drill: {verdict}", "", *lines, "", f"report: {report}"])
    leave(Exit.OK if verdict == "passed" else Exit.FAILED)
