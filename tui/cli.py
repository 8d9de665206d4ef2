"""The command line: every command. What it says goes through tui.console, how it fails through tui.endings."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from tui import __version__
from tui.cli_acts import drill, restart
from tui.cli_backup import backup_app
from tui.cli_journal import journal_app
from tui.cli_options import AsJson, Cluster, Hosts, SecretsFrom, opened
from tui.cli_upkeep import add_upkeep
from tui.console import Exit, complain, leave, plain_talk, somebody_there, width, write_document, write_lines
from tui.endings import ending, run_program
from tui.errors import OperatorError

if TYPE_CHECKING:
    from tui.app import DemoControls, StartDemo
    from tui.health.model import ClusterStatus
    from tui.runbook.cluster_operations import ClusterOperations
    from tui.runbook.model import RunState, RunView
    from tui.runbook.operations import Operations


app = typer.Typer(
    help="Turn one Auth0 AD/LDAP Connector into a verified, highly available cluster.",
    epilog="Exit codes: 0 done, 1 failed or not as it should be, 2 could not tell or wrong usage, 130 interrupted. "
    "Results go to standard output, progress and failures to standard error.",
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(backup_app, name="backup")
app.add_typer(journal_app, name="journal")
app.command()(restart)
app.command()(drill)
add_upkeep(app)

_LARGEST_TEXT = 32 << 20


class FirstSystem(StrEnum):
    """What the first host of the demo runs."""

    LINUX = "linux"
    WINDOWS = "windows"


def _version(value: bool) -> None:
    if value:
        write_lines([f"adldap-ha {__version__}"])
        raise typer.Exit


@app.callback(invoke_without_command=True)
@ending()
def _main(
    context: typer.Context,
    _show: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """The wizard and dashboard, when no command is given."""
    if context.invoked_subcommand is None:
        _refuse_terminal()
        with ExitStack() as stack:
            operations = stack.enter_context(opened(None))
            leave(_full_screen(operations, start_demo=lambda: _begin_demo(stack)))


def _begin_demo(stack: ExitStack) -> tuple[Operations, DemoControls]:
    from tui.demo import demonstration

    stage = stack.enter_context(demonstration())
    return stage.operations, stage.controls


def _refuse_terminal() -> None:
    from tui.terminal import refusal

    refused = refusal(interactive=sys.stdout is not None and sys.stdout.isatty() and somebody_there())
    if refused:
        complain(refused)
        leave(Exit.UNKNOWN)


def _full_screen(
    operations: Operations, *, demo: DemoControls | None = None, start_demo: StartDemo | None = None
) -> int:
    from tui.app import run_app

    return run_app(operations, demo=demo, start_demo=start_demo)


@app.command()
@ending(failed=Exit.UNKNOWN)
def status(
    cluster: Cluster,
    watch: Annotated[
        bool, typer.Option("--watch", help="Again and again, until Ctrl-C; with --json a document a line.")
    ] = False,
    interval: Annotated[
        float, typer.Option("--interval", min=2.0, help="With --watch: seconds between two rounds.")
    ] = 5.0,
    rounds: Annotated[
        int | None, typer.Option("--rounds", min=1, help="With --watch: end after so many rounds.")
    ] = None,
    as_json: AsJson = False,
    secrets: SecretsFrom = None,
) -> None:
    """Say how every host is.

    Exit 0 healthy, 1 degraded or down, 2 could not tell.
    """
    from tui.cli_watch import watch_status
    from tui.headless import connect_all

    with opened(cluster, secrets) as operations:
        if somebody_there(secrets):
            names = [host.name for host in operations.cluster.hosts]
            connect_all(operations, plain_talk(quiet=True), names, all_needed=False)
        if watch:
            watch_status(operations, interval=interval, rounds=rounds, as_json=as_json)
        result = operations.status()
    _tell_status(result, as_json=as_json)


def _tell_status(
    result: ClusterStatus,
    view: RunView | None = None,
    drilled: dict[str, Any] | None = None,
    *,
    as_json: bool,
) -> NoReturn:
    from tui.health.model import Verdict
    from tui.rendering import demo_document, status_document, status_lines

    if as_json:
        document = demo_document(result, view) if view else status_document(result)
        write_document({**document, "drill": drilled} if drilled else document)
    else:
        write_lines(status_lines(result, width()))
        if drilled:
            least = drilled["least_connected"]
            write_lines(["", f"failover drill: {drilled['verdict']}, never fewer than {least} instances connected"])
    if drilled and drilled["verdict"] != "passed":
        leave(Exit.FAILED)
    leave({Verdict.HEALTHY: Exit.OK, Verdict.UNKNOWN: Exit.UNKNOWN}.get(result.verdict, Exit.FAILED))


@app.command()
@ending()
def plan(cluster: Cluster, host: Hosts = None, as_json: AsJson = False, secrets: SecretsFrom = None) -> None:
    """Say what a run would change.

    Changes nothing.
    """
    from tui.headless import prepare
    from tui.rendering import plan_lines

    with opened(cluster, secrets) as operations:
        result = prepare(operations, plain_talk(quiet=as_json, asking=somebody_there(secrets)), host or ())
    if as_json:
        write_document(result.model_dump(mode="json"))
    else:
        write_lines(plan_lines(result))


@app.command()
@ending()
def apply(
    cluster: Cluster,
    host: Hosts = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask for the cluster's name before changing hosts.")
    ] = False,
    as_json: AsJson = False,
    secrets: SecretsFrom = None,
) -> None:
    """Do the whole procedure without the wizard.

    Exit 0 when it ends with a healthy cluster. Host keys must be known, or be confirmed by typing yes: --yes never does that.
    """
    from tui.headless import perform, unlock_tenant
    from tui.runbook.model import RunState

    with opened(cluster, secrets) as operations:
        talk = plain_talk(yes=yes, asking=somebody_there(secrets))
        unlock_tenant(operations, talk, operations.access.secrets)
        _tell_run(operations, perform(operations, talk, host or ()), RunState.DONE, as_json=as_json)


@app.command()
@ending()
def resume(
    cluster: Cluster,
    undo: Annotated[bool, typer.Option("--undo", help="Put every host that the run changed back as it was.")] = False,
    run: Annotated[
        str | None, typer.Option("--run", help="Which run; the newest that can be resumed when absent.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for the cluster's name before --undo.")] = False,
    as_json: AsJson = False,
    secrets: SecretsFrom = None,
) -> None:
    """Return to a run, finish it or undo it.

    Re-attaches to a run that goes on, finishes one that was interrupted, and with --undo puts its hosts back.
    """
    from tui.headless import resume as resume_flow
    from tui.runbook.model import RunState

    with opened(cluster, secrets) as operations:
        view = resume_flow(operations, plain_talk(yes=yes, asking=somebody_there(secrets)), run, undo=undo)
        _tell_run(operations, view, RunState.ROLLED_BACK if undo else RunState.DONE, as_json=as_json)


def _tell_run(operations: ClusterOperations, view: RunView, meant: RunState, *, as_json: bool) -> NoReturn:
    from tui.rendering import run_lines
    from tui.runbook.model import RunState

    path = _written_report(operations, view.id)
    if as_json:
        write_document({**view.model_dump(mode="json"), "report": path})
    else:
        write_lines([*run_lines(view), *([f"report: {path}"] if path else [])])
    well = view.state is meant and (meant is not RunState.DONE or view.verdict == "healthy")
    leave(Exit.OK if well else Exit.FAILED)


def _written_report(operations: ClusterOperations, run: str) -> str | None:
    """The report's path; None, and said, where it cannot be written: how the run ended is told all the same."""
    try:
        return str(operations.report(run))
    except OSError as error:
        complain(
            [
                f"the report could not be written: {error.filename or 'the state directory'}: {error.strerror}",
                f"Do: see that there is room and that you may write there, then adldap-ha report {operations.cluster.name} {run}",
            ]
        )
        return None


@app.command()
@ending()
def explain(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A troubleshooter output or connector log; '-' = standard input.")
    ],
    as_json: AsJson = False,
) -> None:
    """Read a troubleshooter output or connector log.

    Says what it means and what to do. Exit 0 when it could be read, whatever it shows.
    """
    from tui.connector.explain import explain as explain_bytes
    from tui.rendering import explanation_lines

    document = explain_bytes(_text_of(file))
    if as_json:
        write_document(document)
    else:
        write_lines(explanation_lines(document))


def _text_of(file: str) -> bytes:
    try:
        if file == "-":
            data = sys.stdin.buffer.read(_LARGEST_TEXT + 1) if sys.stdin is not None else b""
        else:
            with Path(file).open("rb") as stream:
                data = stream.read(_LARGEST_TEXT + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "this is no file name"
        raise OperatorError(
            f"{file} cannot be read: {reason}", remedy="name an existing text file, or '-' and pipe the text in"
        ) from error
    name = "standard input" if file == "-" else file
    if not data.strip():
        raise OperatorError(f"{name} is empty", remedy="see that the command whose output it holds has run to its end")
    if len(data) > _LARGEST_TEXT:
        raise OperatorError(
            f"{name} is larger than {_LARGEST_TEXT >> 20} MiB",
            meaning="what an instance is like now stands at the end of its log",
            remedy=f"tail -c {_LARGEST_TEXT >> 20}M {'LOG' if file == '-' else file} | adldap-ha explain -",
        )
    return data


@app.command()
@ending()
def report(
    cluster: Cluster,
    run: Annotated[str | None, typer.Argument(metavar="[RUN]", help="A run's id; the newest when absent.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print what a run did.

    What was done, when, by whom, with which evidence: Markdown, or with --json one document.
    """
    with opened(cluster) as operations:
        views = operations.runs()
        view = next((view for view in views if run is None or view.id == run), None)
        if view is None:
            name = operations.cluster.name
            raise OperatorError(
                f"there is no run {run} of cluster {name}" if run else f"cluster {name} has had no run yet",
                remedy=f"runs are: {', '.join(view.id for view in views)}" if views else f"adldap-ha apply {name}",
            )
        path = operations.report(view.id)
    if as_json:
        import json

        write_document(json.loads(path.with_suffix(".json").read_bytes()))
    else:
        write_lines([path.read_text(encoding="utf-8").rstrip("\n")])


@app.command()
@ending(failed=Exit.UNKNOWN, runs_go_on=False)
def demo(
    headless: Annotated[
        bool, typer.Option("--headless", help="No screens: perform everything and print the result.")
    ] = False,
    drilled: Annotated[
        bool, typer.Option("--drill", help="With --headless: then a rolling restart and a failover drill as well.")
    ] = False,
    first: Annotated[
        FirstSystem, typer.Option("--first", help="The system of the first host; one host of either kind is added.")
    ] = FirstSystem.LINUX,
    as_json: AsJson = False,
) -> None:
    """Try the wizard on embedded hosts.

    Nothing to install, nothing to break, and nothing stays behind. With --headless: exit 0 only when it ends healthy.
    """
    from tui.demo import demonstration, perform_demo, perform_drill

    if (as_json or drilled) and not headless:
        option = "--json" if as_json else "--drill"
        raise OperatorError(f"{option} is for a demo without screens", remedy=f"adldap-ha demo --headless {option}")
    if not headless:
        _refuse_terminal()
        with demonstration(first=first.value) as stage:
            leave(_full_screen(stage.operations, demo=stage.controls))
    talk = plain_talk(yes=True, asking=False)
    talk.say("starting three embedded hosts, a directory and a tenant")
    with demonstration(headless=True, first=first.value) as stage:
        view, result = perform_demo(stage, talk)
        outcome = perform_drill(stage, talk, view) if drilled else None
    _tell_status(result, view, outcome, as_json=as_json)


@app.command()
@ending(runs_go_on=False)
def lab(
    directory: Annotated[
        Path | None, typer.Argument(help="Where to put the hosts' trees; a temporary folder when absent.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run only the embedded hosts.

    Prints their addresses, for trying other clients. Ends with Ctrl-C.
    """
    from tui.console import flush
    from tui.demo import lab_document, lab_lines, serve_lab
    from tui.lab.control import LabControl

    def tell(control: LabControl) -> None:
        if as_json:
            write_document(lab_document(control.ready))
        else:
            write_lines([*lab_lines(control.ready), "", "Ctrl-C ends them"])
        flush()

    serve_lab(directory, tell)


def main() -> None:
    """The entry point."""
    run_program(app)


if __name__ == "__main__":
    main()
