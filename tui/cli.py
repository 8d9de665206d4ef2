"""The command line: every command, and what its failures look like. What it says goes through tui.console."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from tui import __version__
from tui.console import Exit, complain, leave, plain_talk, write_document, write_lines
from tui.errors import OperatorError

if TYPE_CHECKING:
    from tui.app import DemoControls, StartDemo
    from tui.remote.access import Access
    from tui.runbook.model import RunView
    from tui.runbook.operations import Operations


app = typer.Typer(
    help="Turn one Auth0 AD/LDAP Connector into a verified, highly available cluster.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
backup_app = typer.Typer(help="Encrypted backups of configuration sets.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(backup_app, name="backup")

ClusterArgument = Annotated[str, typer.Argument(metavar="CLUSTER", help="A cluster's name, or the path of its file.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
SecretsOption = Annotated[
    str | None,
    typer.Option("--secrets", metavar="-", help="Read secrets as TOML from standard input ('-')."),
]


def _access(secrets: str | None) -> Access:
    from tui.remote.access import Access

    if secrets is None:
        return Access()
    if secrets != "-":
        raise OperatorError(
            "--secrets takes only '-'",
            meaning="a file of secrets on disk is what this program avoids",
            remedy="pipe the document: some-password-manager … | adldap-ha … --secrets -",
        )
    from tui.remote.secrets_input import read_secrets

    return Access(secrets=read_secrets(sys.stdin.buffer))


@contextmanager
def _operations(cluster: str | None, secrets: str | None = None) -> Iterator[Operations]:
    from tui.logs import front_log, log_to, stop_logging
    from tui.remote.redaction import Redactor
    from tui.runbook.cluster_operations import ClusterOperations

    access = _access(secrets)
    handler = log_to(front_log(), Redactor(access.secrets))
    operations = ClusterOperations(access=access)
    try:
        if cluster is not None:
            operations.load(cluster)
        yield operations
    finally:
        operations.close()
        stop_logging(handler)


@contextmanager
def _could_not_tell() -> Iterator[None]:
    try:
        yield
    except OperatorError as error:
        complain(error.lines())
        leave(Exit.UNKNOWN)


def _version(value: bool) -> None:
    if value:
        write_lines([f"adldap-ha {__version__}"])
        raise typer.Exit


@app.callback(invoke_without_command=True)
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
            operations = stack.enter_context(_operations(None))
            leave(_full_screen(operations, start_demo=lambda: _begin_demo(stack)))


def _begin_demo(stack: ExitStack) -> tuple[Operations, DemoControls]:
    from tui.demo import demonstration

    stage = stack.enter_context(demonstration())
    return stage.operations, stage.controls


def _refuse_terminal() -> None:
    from tui.terminal import refusal

    refused = refusal()
    if refused:
        complain(refused)
        leave(Exit.UNKNOWN)


def _full_screen(
    operations: Operations, *, demo: DemoControls | None = None, start_demo: StartDemo | None = None
) -> Exit:
    from tui.app import run_app

    return Exit(run_app(operations, demo=demo, start_demo=start_demo))


@app.command()
def status(cluster: ClusterArgument, as_json: JsonOption = False, secrets: SecretsOption = None) -> None:
    """Probe every host: exit 0 healthy, 1 degraded or down, 2 could not tell."""
    from tui.headless import connect_known
    from tui.health.model import Verdict
    from tui.rendering import status_document, status_lines

    with _could_not_tell(), _operations(cluster, secrets) as operations:
        connect_known(operations, plain_talk(quiet=as_json, secrets=secrets))
        result = operations.status()
    if as_json:
        write_document(status_document(result))
    else:
        write_lines(status_lines(result))
    leave({Verdict.HEALTHY: Exit.OK, Verdict.UNKNOWN: Exit.UNKNOWN}.get(result.verdict, Exit.FAILED))


HostsOption = Annotated[
    list[str] | None, typer.Option("--host", help="Only this additional host; may be given more than once.")
]


@app.command()
def plan(
    cluster: ClusterArgument, host: HostsOption = None, as_json: JsonOption = False, secrets: SecretsOption = None
) -> None:
    """What a run would change; changes nothing."""
    from tui.headless import prepare
    from tui.rendering import plan_lines

    with _operations(cluster, secrets) as operations:
        result = prepare(operations, plain_talk(quiet=as_json, secrets=secrets), host or ())
    if as_json:
        write_document(result.model_dump(mode="json"))
    else:
        write_lines(plan_lines(result))


def _finish(operations: Operations, view: RunView, *, as_json: bool) -> NoReturn:
    from tui.rendering import run_lines

    report_path = operations.report(view.id)
    if as_json:
        write_document(view.model_dump(mode="json"))
    else:
        write_lines([*run_lines(view), f"report: {report_path}"])
    leave(Exit.OK if view.verdict == "healthy" or view.state == "rolled_back" else Exit.FAILED)


@app.command()
def apply(
    cluster: ClusterArgument,
    host: HostsOption = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask for the cluster's name before changing hosts.")
    ] = False,
    as_json: JsonOption = False,
    secrets: SecretsOption = None,
) -> None:
    """The whole procedure without the wizard."""
    from tui.headless import perform

    with _operations(cluster, secrets) as operations:
        view = perform(operations, plain_talk(yes=yes, secrets=secrets), host or ())
        if view is None:
            complain(["not confirmed: nothing was changed"])
            leave(Exit.FAILED)
        _finish(operations, view, as_json=as_json)


@app.command()
def resume(
    cluster: ClusterArgument,
    undo: Annotated[bool, typer.Option("--undo", help="Put every host that the run changed back as it was.")] = False,
    run: Annotated[
        str | None, typer.Option("--run", help="Which run; the newest that can be resumed when absent.")
    ] = None,
    as_json: JsonOption = False,
    secrets: SecretsOption = None,
) -> None:
    """Re-attach to a run that goes on, or finish (or undo) an interrupted one."""
    from tui.headless import resume as resume_flow

    with _operations(cluster, secrets) as operations:
        view = resume_flow(operations, plain_talk(secrets=secrets), run, undo=undo)
        _finish(operations, view, as_json=as_json)


@app.command()
def explain(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A troubleshooter output or connector log; '-' = standard input.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Say what a troubleshooter output or a connector log means and what to do."""
    from tui.connector.explain import explain as explain_bytes
    from tui.rendering import explanation_lines

    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise OperatorError(
            f"{file} cannot be read: {error.strerror}", remedy="name an existing text file, or '-' and pipe the text in"
        ) from error
    document = explain_bytes(data)
    if as_json:
        write_document(document)
    else:
        write_lines(explanation_lines(document))


@app.command()
def report(
    cluster: ClusterArgument,
    run: Annotated[str | None, typer.Argument(metavar="[RUN]", help="A run's id; the newest when absent.")] = None,
    as_json: JsonOption = False,
) -> None:
    """What was done, when, by whom, with which evidence."""
    with _operations(cluster) as operations:
        views = operations.runs()
        view = next((view for view in views if run is None or view.id == run), None)
        if view is None:
            raise OperatorError(
                f"there is no run {run} of cluster {cluster}" if run else f"cluster {cluster} has had no run yet",
                remedy=f"runs are: {', '.join(view.id for view in views)}" if views else f"adldap-ha apply {cluster}",
            )
        if as_json:
            write_document(view.model_dump(mode="json"))
        else:
            write_lines([operations.report(view.id).read_text(encoding="utf-8")])


@backup_app.command("list")
def backup_list(cluster: ClusterArgument, as_json: JsonOption = False) -> None:
    """Every backup, newest first, without decrypting any."""
    from tui.rendering import backup_lines

    with _operations(cluster) as operations:
        backups = operations.backups()
    if as_json:
        write_document([backup.model_dump(mode="json") for backup in backups])
    else:
        write_lines(backup_lines(backups))


@backup_app.command("create")
def backup_create(cluster: ClusterArgument, as_json: JsonOption = False, secrets: SecretsOption = None) -> None:
    """Read the first host's set, encrypt it, and verify it by decryption."""
    from tui.headless import answered, connect_all, unlock_vault
    from tui.rendering import backup_detail_lines

    with _operations(cluster, secrets) as operations:
        talk = plain_talk(quiet=as_json, secrets=secrets)
        unlock_vault(operations, talk)
        connect_all(operations, talk, [operations.cluster.first.name])
        backup = answered(operations, talk, operations.back_up_first)
    if as_json:
        write_document(backup.model_dump(mode="json"))
    else:
        write_lines(backup_detail_lines(backup))


BackupArgument = Annotated[
    str | None, typer.Argument(metavar="[BACKUP]", help="A backup's id; the newest when absent.")
]


@backup_app.command("show")
def backup_show(cluster: ClusterArgument, backup: BackupArgument = None, as_json: JsonOption = False) -> None:
    """One backup as its sidecar describes it."""
    from tui.headless import pick_backup
    from tui.rendering import backup_detail_lines

    with _operations(cluster) as operations:
        found = pick_backup(operations, backup)
    if as_json:
        write_document(found.model_dump(mode="json"))
    else:
        write_lines(backup_detail_lines(found))


@backup_app.command("verify")
def backup_verify(
    cluster: ClusterArgument, backup: BackupArgument = None, as_json: JsonOption = False, secrets: SecretsOption = None
) -> None:
    """Decrypt a backup and check every hash, the key/certificate pair and the encrypted password."""
    from tui.headless import pick_backup, unlock_vault
    from tui.rendering import verification_lines

    with _operations(cluster, secrets) as operations:
        found = pick_backup(operations, backup)
        unlock_vault(operations, plain_talk(quiet=as_json, secrets=secrets))
        verification = operations.verify_backup(found.id)
    if as_json:
        write_document({"backup": found.id, **verification.model_dump(mode="json")})
    else:
        write_lines([f"backup {found.id}", *verification_lines(verification)])
    leave(Exit.OK if verification.ok else Exit.FAILED)


@app.command()
def demo(
    headless: Annotated[
        bool, typer.Option("--headless", help="No screens: perform everything and print the result.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """The wizard on embedded hosts: nothing to install, nothing to break."""
    from tui.demo import demonstration, perform_demo
    from tui.health.model import Verdict
    from tui.rendering import demo_document, status_lines

    if not headless:
        _refuse_terminal()
        with demonstration() as stage:
            leave(_full_screen(stage.operations, demo=stage.controls))
    with _could_not_tell(), demonstration(headless=True) as stage:
        view, result = perform_demo(stage, plain_talk(quiet=as_json, yes=True))
    if as_json:
        write_document(demo_document(result, view))
    else:
        write_lines(status_lines(result))
    leave({Verdict.HEALTHY: Exit.OK, Verdict.UNKNOWN: Exit.UNKNOWN}.get(result.verdict, Exit.FAILED))


@app.command()
def lab(
    directory: Annotated[
        Path | None, typer.Argument(help="Where to put the hosts' trees; a temporary folder when absent.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Only the embedded hosts, with their addresses, for trying other clients; ends with Ctrl-C."""
    from tui.demo import lab_document, lab_lines, serve_lab

    serve_lab(
        directory,
        lambda control: (
            write_document(lab_document(control.ready)) if as_json else write_lines(lab_lines(control.ready))
        ),
    )


def _log_crash() -> Path:
    from tui.logs import front_log, log_to, stop_logging
    from tui.remote.redaction import Redactor

    handler = log_to(front_log(), Redactor())
    logging.getLogger(__name__).exception("the program ended by a fault of its own")
    stop_logging(handler)
    return front_log()


def main() -> None:
    """The entry point: every failure becomes a few lines on standard error and an exit code."""
    try:
        app()
    except OperatorError as error:
        complain(error.lines())
        sys.exit(int(Exit.FAILED))
    except KeyboardInterrupt:
        complain(["interrupted; a run that was started goes on: adldap-ha resume CLUSTER"])
        sys.exit(int(Exit.INTERRUPTED))
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(int(Exit.FAILED))
    except Exception as error:
        complain(
            [
                f"adldap-ha met a fault of its own: {type(error).__name__}",
                "Means: what a detached run does is not affected; nothing else was left half done",
                f"Do: try once more, then report it with the traceback in {_log_crash()}",
            ]
        )
        sys.exit(int(Exit.UNKNOWN))
