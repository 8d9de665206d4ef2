"""The command on the journal: set a damaged one aside."""

from __future__ import annotations

import typer

from tui.cli_options import AsJson, Cluster, opened
from tui.console import write_document, write_lines
from tui.endings import ending

journal_app = typer.Typer(help="The record of what was done to a cluster.", no_args_is_help=True, rich_markup_mode=None)


@journal_app.callback()
def _journal() -> None:
    """The record of what was done to a cluster."""


@journal_app.command("set-aside")
@ending()
def set_aside(cluster: Cluster, as_json: AsJson = False) -> None:
    """Set a damaged journal aside and begin a new one.

    The damaged one is kept, and the hashes of backups in its intact part go into the new one. A journal that is whole is left alone.
    """
    with opened(cluster) as operations:
        kept, name = operations.set_journal_aside(), operations.cluster.name
    if as_json:
        write_document({"cluster": name, "kept": str(kept)})
    else:
        write_lines(
            [
                f"the damaged journal is kept in {kept}",
                "a new one has begun; earlier runs can no longer be resumed or undone, their backups are still there",
                f"do: adldap-ha status {name} looks at every host as it is now",
            ]
        )
