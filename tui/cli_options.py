"""What the commands share: their options, and a cluster opened for one command."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from tui.console import complain, somebody_there
from tui.errors import OperatorError

if TYPE_CHECKING:
    from tui.cluster import Host
    from tui.remote.access import Access
    from tui.runbook.cluster_operations import ClusterOperations


Cluster = Annotated[str, typer.Argument(metavar="CLUSTER", help="A cluster's name, or the path of its file.")]
AsJson = Annotated[
    bool, typer.Option("--json", help='Print one JSON document; on failure {"error": {"summary", "remedy", …}}.')
]
SecretsFrom = Annotated[
    str | None,
    typer.Option(
        "--secrets", metavar="-", help="Read secrets as TOML from standard input ('-'); nothing is asked then."
    ),
]
Hosts = Annotated[
    list[str] | None, typer.Option("--host", help="Only this additional host; may be given more than once.")
]


def read_access(secrets: str | None) -> Access:
    """What it takes to reach hosts, with the secrets that `--secrets` names. Raises OperatorError."""
    from tui.remote.access import Access

    if secrets is None:
        return Access()
    if secrets != "-":
        raise OperatorError(
            "--secrets takes only '-'",
            meaning="a file of secrets on disk is what this program avoids",
            remedy="pipe the document: some-password-manager … | adldap-ha … --secrets -",
        )
    from tui.remote.secrets_input import parse_secrets, read_secrets

    if sys.stdin is None:
        return Access(secrets=parse_secrets(b""))
    if sys.stdin.isatty():
        raise OperatorError(
            "the secrets document is not typed by hand",
            tried="to read it from standard input, which is a terminal",
            remedy="pipe the document in, or leave --secrets out and be asked for what is needed",
        )
    return Access(secrets=read_secrets(sys.stdin.buffer))


@contextmanager
def opened(cluster: str | None, secrets: str | None = None) -> Iterator[ClusterOperations]:
    """The operations of one command on `cluster` (None: on none yet), logged and closed at the end.

    Where nobody can be asked, a run that it starts answers its own questions with their last choice.
    """
    from tui.runbook.cluster_operations import ClusterOperations

    access = read_access(secrets)
    unattended = cluster is not None and not somebody_there(secrets)
    with logged(access):
        operations = ClusterOperations(access=access, unattended=unattended)
        try:
            if cluster is not None:
                operations.load(cluster)
                _tell_unused(access, operations.cluster.hosts)
            yield operations
        finally:
            operations.close()


def _tell_unused(access: Access, hosts: Sequence[Host]) -> None:
    """Say which names of the secrets document belong to nobody: most often a name with a slip of the pen."""
    known = {host.name for host in hosts}
    jumps = " ".join(host.jump for host in hosts if host.jump)
    for name in access.secrets.hosts:
        if name not in known and name not in jumps:
            complain(
                [f"the secrets document names {name}, which is no host of this cluster: {', '.join(sorted(known))}"]
            )


@contextmanager
def logged(access: Access) -> Iterator[None]:
    """Log to the front's own file, masked. Where there can be none, the command does without."""
    import logging

    from tui.logs import front_log, log_to, stop_logging
    from tui.remote.redaction import Redactor

    try:
        handler = log_to(front_log(), Redactor(access.secrets))
    except OSError:
        logging.getLogger().addHandler(logging.NullHandler())
        yield
        return
    try:
        yield
    finally:
        stop_logging(handler)
