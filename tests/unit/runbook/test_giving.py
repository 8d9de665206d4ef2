"""What an act gives to hosts: to whom, in which order, and how it is told after the cluster file has changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.connector.material import configuration_set
from tui.cluster import Cluster, ClusterSection, Host
from tui.remote.access import Access
from tui.runbook.context import RunContext
from tui.runbook.giving import Given, GivenSet, GivenWork
from tui.runbook.giving_stages import given_hosts, giving_stages, hosts_to_begin_with
from tui.runbook.journal import outcome
from tui.runbook.journal_sqlite import SqliteJournal
from tui.runbook.links import Links
from tui.runbook.locks import own_identity
from tui.runbook.model import Evidence, Operation, StepState
from tui.runbook.order import Wanted
from tui.runbook.procedure import build_stages
from tui.runbook.safekeeping import Safekeeping
from tui.vault.identity import Identity
from tui.vault.vault import Vault

RUN = "20261123T120000Z-abcd"
HOSTS = (
    Host(name="fir", address="fir"),
    Host(name="oak", address="oak"),
    Host(name="elm", address="elm", os="windows"),
    Host(name="ash", address="ash"),
)


def cluster(first: str = "fir") -> Cluster:
    return Cluster(cluster=ClusterSection(name="lab", first=first), hosts=HOSTS)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    made = SqliteJournal(tmp_path / "journal.sqlite3")
    made.begin_run(RUN, operator="alice", mode="run", hosts=(), runner=own_identity(""))
    yield made
    made.close()


def context(tmp_path: Path, journal: SqliteJournal, first: str = "fir") -> RunContext:
    identity = Identity.generate()
    safe = Safekeeping(
        Vault(tmp_path / "vault", "lab"),
        recipients=[identity.recipient],
        operator="alice",
        unlock=lambda: identity,
        journal=journal,
    )
    links = Links(Access(known_hosts=tmp_path / "known_hosts"))
    return RunContext(cluster=cluster(first), run=RUN, operator="alice", links=links, safekeeping=safe, journal=journal)


def names(hosts: tuple[Host, ...]) -> list[str]:
    return [host.name for host in hosts]


def test_hosts_in_service_are_converged_one_at_a_time(tmp_path: Path, journal: SqliteJournal) -> None:
    chosen = cluster().additional
    converging = build_stages(context(tmp_path, journal), chosen, None, one_at_a_time=True)
    adding = build_stages(context(tmp_path, journal), chosen, None)
    changing = [[stage.parallel for stage in stages if stage.changes] for stages in (converging, adding)]
    assert changing == [[1, 1], [1, 4]]


def test_a_run_keeps_its_order_when_another_host_has_become_the_first() -> None:
    begun = names(hosts_to_begin_with(cluster(), "renew", ()))
    assert begun == ["oak", "elm", "ash", "fir"]
    assert names(given_hosts(cluster("oak"), "renew", begun)) == begun
    assert names(hosts_to_begin_with(cluster(), "restore", ["fir", "oak"])) == ["oak", "fir"]


def test_what_a_run_has_noted_is_found_when_another_host_has_become_the_first(
    tmp_path: Path, journal: SqliteJournal
) -> None:
    before = GivenSet(context(tmp_path, journal), "renew", Wanted(), ["oak", "fir"])
    assert before.home == "fir"
    given = before.keep(Given("fir", configuration_set(), keeps_site=True))
    after = GivenSet(context(tmp_path, journal, first="oak"), "renew", Wanted(), ["oak", "fir"])
    assert after.home == "fir"
    kept = after.kept()
    assert kept is not None
    assert kept.id == given.id


@pytest.mark.parametrize(("host", "own"), [("oak", False), ("elm", False), ("fir", True)])
def test_only_a_hosts_own_backup_of_the_same_system_comes_back_to_the_byte(
    tmp_path: Path, journal: SqliteJournal, host: str, own: bool
) -> None:
    source = "elm" if host == "elm" else "fir"
    given_set = GivenSet(context(tmp_path, journal), "restore", Wanted(), [host])
    given_set.keep(Given(source, configuration_set(), keeps_site=False))
    work = GivenWork(given_set, host, client=None, alone_is_fine=False)
    assert work.to_the_byte is own


def test_what_the_tenant_has_learned_is_not_undone_because_another_host_fails_later(
    tmp_path: Path, journal: SqliteJournal
) -> None:
    def whole() -> set[str]:
        stages = giving_stages(context(tmp_path, journal), "renew", Wanted(), HOSTS[1:], None, interrupts=False)
        return {stage.name for stage in stages if stage.all_or_nothing}

    assert whole() == {"planned", "before", "make-ready", "withdraw", "publish"}
    journal.append(
        outcome(RUN, "oak/published", "oak", Operation.VERIFY, StepState.DONE, Evidence(detail="the tenant knows it"))
    )
    assert whole() == set()
