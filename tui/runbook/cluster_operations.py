"""ClusterOperations: what the wizard, the command line and the tests do with one cluster."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from pydantic import SecretStr

from tui import paths
from tui.cluster import Cluster
from tui.cluster_file import cluster_names, find_cluster_file, load_cluster, refuse_twins, save_cluster
from tui.connector.log import readable_log
from tui.connector.model import TroubleshooterReport
from tui.errors import OperatorError
from tui.findings import Finding
from tui.health.cluster import judge_all, judge_cluster, tenant_offline
from tui.health.model import ClusterStatus, HostStatus
from tui.health.verdict import judge
from tui.remote.access import Access, remember_host_key
from tui.remote.errors import CertificateUnknown, HostKeyUnknown, SecretKind
from tui.remote.secrets_input import KeyringLookup
from tui.remote.ssh_config import configured_hosts
from tui.runbook.act_operations import NOTHING, ActOperations
from tui.runbook.attach import RunClient
from tui.runbook.connecting import connected
from tui.runbook.journal_aside import require_damaged
from tui.runbook.journal_sqlite import set_aside
from tui.runbook.kept_backups import KeptBackups
from tui.runbook.launch import new_run_id, start_run
from tui.runbook.model import Plan, RunView, SecretWanted
from tui.runbook.open_cluster import OpenCluster, with_site_keys
from tui.runbook.operator_identity import OperatorIdentity, operator_name
from tui.runbook.order import WITHOUT_VAULT, Act, Mode, RunOrder, Wanted
from tui.runbook.preparation import additional_survey, first_survey, preview
from tui.runbook.procedure import chosen_hosts, tenant_client
from tui.runbook.ssh_hosts import described_host
from tui.runbook.survey import AdditionalSurvey, Connected, FirstSurvey
from tui.runbook.troubleshot import troubleshoot
from tui.tenant import Online
from tui.vault.errors import VaultError, VaultFailure
from tui.vault.model import Backup, Verification
from tui.vault.recipients import check_recipients

if TYPE_CHECKING:
    from tui.runbook.watching import Watching


class ClusterOperations:
    """The Operations of one front. Nothing secret leaves memory, but for the runner's pipe."""

    def __init__(
        self,
        *,
        access: Access | None = None,
        identity_file: Path | None = None,
        operator: str | None = None,
        unattended: bool = False,
        answers: dict[str, str] | None = None,
    ) -> None:
        """`unattended` runs answer every question at once: with `answers[kind]`, else with its last choice."""
        self.access = access or Access()
        self.operator = operator or operator_name()
        self._identity = OperatorIdentity(identity_file or paths.identity_file(), self.access.secrets)
        self._unattended = unattended
        self._answers = dict(answers or {})
        self._open: OpenCluster | None = None
        self._client: RunClient | None = None
        self._keyring_of: str | None = None
        self._keyring: KeyringLookup | None = None
        self._lock = threading.RLock()

    @property
    def identity_file(self) -> Path:
        """Where the operator's identity lies."""
        return self._identity.file

    @property
    def cluster(self) -> Cluster:
        """The current cluster."""
        return self._current.cluster

    @property
    def _current(self) -> OpenCluster:
        if self._open is None:
            raise OperatorError("no cluster is open", remedy="open a cluster file, or make a new one")
        return self._open

    @property
    def _runs(self) -> RunClient:
        with self._lock:
            if self._client is None or self._client.cluster != self.cluster.name:
                if self._client is not None:
                    self._client.close()
                self._client = RunClient(self.cluster.name)
            return self._client

    def clusters(self) -> list[str]:
        """The names of the cluster files in the configuration directory, sorted."""
        return cluster_names()

    def load(self, name_or_path: str) -> Cluster:
        """Open a cluster file and make it the current one."""
        path = find_cluster_file(name_or_path)
        cluster = load_cluster(path)
        refuse_twins(cluster.name, path)
        return self._use(cluster, path)

    def save(self, cluster: Cluster) -> Path:
        """Write the cluster file, make it current, return its path."""
        same = self._open is not None and self._open.cluster.name == cluster.name
        path = self._current.path if same else paths.cluster_file(cluster.name)
        refuse_twins(cluster.name, path)
        save_cluster(cluster, path)
        self._use(load_cluster(path), path)
        return path

    def _use(self, cluster: Cluster, path: Path) -> Cluster:
        opened = OpenCluster(cluster, path, self.access, self.identity_file, self.operator)
        if self._open is not None and self._open.cluster.name == cluster.name:
            opened.take_over(self._open)
        elif self._open is not None:
            self._open.close()
        self._open = opened
        if self._keyring_of != cluster.name:
            self._keyring_of, self._keyring = cluster.name, KeyringLookup(cluster.name)
            self.access.secrets.ask_elsewhere(self._keyring)
        return cluster

    def ssh_config_hosts(self) -> list[str]:
        """Host names that the operator's SSH configuration knows, for offering."""
        return configured_hosts(self.access.ssh_config)

    def describe_ssh_host(self, name: str) -> dict[str, str]:
        """What `ssh -G NAME` says: keys `address port user identity jump`, those that are set."""
        return described_host(name, self.access.ssh_config)

    def trust(self, question: HostKeyUnknown) -> None:
        """The operator has compared and confirmed this host key: remember it."""
        remember_host_key(self.access, question)

    def trust_certificate(self, question: CertificateUnknown) -> None:
        """The operator has compared and confirmed this TLS certificate: remember it."""
        from tui.remote.access import remember_certificate

        remember_certificate(self.access, question)

    def set_site_keys(self, host: str, keys: Mapping[str, str | None]) -> None:
        """Save what config.json is to say on one host of keys that may differ by site; None: what the first host says."""
        self.save(with_site_keys(self.cluster, self._current.host(host), keys))

    def supply(self, host: str, kind: SecretKind, value: str) -> None:
        """The operator has typed a secret; it is kept in memory only."""
        self.access.secrets.remember(host, kind, value)

    def client_secret_known(self) -> bool:
        """Whether the Management API client secret came with the secrets document or the keyring, or was typed."""
        return self.access.secrets.client_secret() is not None

    def supply_client_secret(self, value: str) -> None:
        """The operator has typed the Management API client secret; kept in memory only."""
        self.access.secrets.tenant.client_secret = SecretStr(value)

    def connect(self, host: str) -> Connected:
        """Log in to a host, become the other account once, and keep the session."""
        return connected(self._current, host)

    def survey_first(self) -> FirstSurvey:
        """Look at the first host; changes nothing."""
        seen = self._current.observe_or_ask(self.cluster.first.name)
        survey = first_survey(seen)
        if survey.exportable:
            self._current.remember_first(seen)
        return survey

    def supplied_passphrase(self) -> str | None:
        """The vault's passphrase when it came with the secrets document or the keyring, or has been typed already."""
        return self._identity.passphrase()

    def identity_exists(self) -> bool:
        """Whether the operator has an age identity already."""
        return self.identity_file.exists()

    def create_identity(self, passphrase: str) -> str:
        """Make the operator's age identity; returns its recipient."""
        return self._identity.create(passphrase)

    def unlock_identity(self, passphrase: str) -> str:
        """Open the identity for this session; returns its recipient. Raises VaultError on a wrong passphrase."""
        try:
            recipient = self._identity.unlock(passphrase).recipient
        except VaultError as error:
            if error.reason is VaultFailure.WRONG_PASSPHRASE:
                self._refuse_kept_passphrase(passphrase)
            raise
        if self._open is not None:
            self._backups.heal()
        return recipient

    def _refuse_kept_passphrase(self, passphrase: str) -> None:
        """One from the keyring that is wrong is not offered again, so that a person is asked."""
        if self._keyring is not None and self._keyring("vault/passphrase") == passphrase:
            self._keyring.forget("vault/passphrase")
            self.access.secrets.vault.passphrase = None

    def set_recipients(self, recipients: Sequence[str]) -> None:
        """Replace the cluster's backup recipients and save the cluster file."""
        vault = self.cluster.vault.model_copy(update={"recipients": check_recipients(recipients)})
        self.save(self.cluster.model_copy(update={"vault": vault}))

    @property
    def _backups(self) -> KeptBackups:
        return KeptBackups(self._current, self._identity)

    def back_up_first(self) -> Backup:
        """Read the first host's set, encrypt it into the vault, and verify it by decryption."""
        return self._backups.back_up_first()

    def backups(self) -> list[Backup]:
        """Every backup of the current cluster, newest first, without decrypting."""
        return list(self._backups.catalogue().backups)

    def recorded_backups(self) -> frozenset[str]:
        """The ids of the backups that this jump box's journal has seen made."""
        return self._backups.recorded()

    def vault_findings(self) -> list[Finding]:
        """What is damaged, incomplete or foreign in the cluster's vault, without decrypting."""
        return list(self._backups.catalogue().findings)

    def verify_backup(self, backup_id: str) -> Verification:
        """Decrypt one backup and check everything in it."""
        return self._backups.verify(backup_id)

    def restore_backup(self, backup_id: str, directory: Path) -> Verification:
        """Decrypt one backup into a new directory, for being put on a host by hand; returns what verifying it found."""
        return self._backups.restore(backup_id, directory)

    def survey_additional(self, host: str) -> AdditionalSurvey:
        """Look at an additional host and compare it with the first host's set; changes nothing."""
        first = self._current.first()
        keys = self._current.host(host).keys.chosen()
        return additional_survey(self._current.observe_or_ask(host, ask_ticket=False), first, keys)

    def preview(self, hosts: Sequence[str] = ()) -> Plan:
        """Every step a run would perform, in order, with what would change; changes nothing."""
        chosen = chosen_hosts(self.cluster, hosts)
        return preview(self._current.context(self._current.first()), chosen)

    def start_run(self, hosts: Sequence[str] = ()) -> str:
        """Start the detached runner; returns the run's id."""
        self._identity.unlocked()
        chosen_hosts(self.cluster, hosts)
        run = new_run_id()
        start_run(self._order(run, hosts=tuple(hosts)))
        return run

    def resume_run(self, run: str, *, undo: bool = False) -> None:
        """Start a runner for an interrupted run, to finish it, or with `undo` to put every changed host back."""
        if (act := cast("Act", self.run_view(run).act)) not in WITHOUT_VAULT:
            self._identity.unlocked()
        hosts = self._current.hosts_of_run(run, undo=undo)
        start_run(self._order(run, "undo" if undo else "resume", hosts=hosts, act=act))

    def watch(
        self,
        *,
        interval: float,
        on_change: Callable[[str], None] | None = None,
        on_tenant: Callable[[], None] | None = None,
    ) -> Watching:
        """Begin watching every instance; `on_change` is told a host's name after each look, in another thread, and `on_tenant`
        is called after each answer of the tenant's."""
        from tui.runbook.watching import Watching

        return Watching(self._current, interval=interval, on_change=on_change, on_tenant=on_tenant)

    @property
    def acts(self) -> ActOperations:
        """The acts of an ordinary week."""
        return ActOperations(lambda: self._current, self._order, self._identity.unlocked, self.runs)

    def _order(
        self,
        run: str,
        mode: Mode = "run",
        *,
        hosts: tuple[str, ...],
        act: Act = "add",
        interrupts: bool = False,
        wanted: Wanted = NOTHING,
    ) -> RunOrder:
        self._look_up_client_secret()
        return RunOrder(
            cluster_file=self._current.path,
            run=run,
            mode=mode,
            act=act,
            interrupts=interrupts,
            wanted=wanted,
            hosts=hosts,
            access=self.access,
            identity_file=self.identity_file,
            operator=self.operator,
            unattended=self._unattended,
            answers=self._answers,
        )

    def runs(self) -> list[RunView]:
        """Every run of the current cluster in the journal, newest first."""
        return self._runs.runs()

    def run_view(self, run: str) -> RunView:
        """A run as the journal tells it now."""
        return self._runs.view(run)

    def answer(self, run: str, question: str, choice: str) -> None:
        """Answer the run's open question."""
        self._runs.answer(run, question, choice)

    def control(self, run: str, word: str) -> None:
        """`pause`, `continue`, `abort` or `roll_back`."""
        self._runs.control(run, word)

    def supply_to_run(self, run: str, secret: SecretWanted, value: str) -> None:
        """Hand a run the secret that its open question wants, over its private socket only."""
        self._runs.supply(run, secret.host, secret.kind, value)

    def host_log(self, host: str, *, lines: int = 200) -> str:
        """The end of a host's connector log, colours stripped, secrets masked."""
        text = self._current.on_instance(host, lambda instance: instance.log_since(None, lines=lines)[0])
        return self._current.redactor.mask(readable_log(text))

    def host_status(self, host: str) -> HostStatus:
        """Probe one host."""
        entry = self._current.host(host)
        reference = self._current.reference() if host != self.cluster.first.name else None
        return judge(self._current.observe(host), reference=reference, host=entry)

    def status(self) -> ClusterStatus:
        """Probe every host in parallel and judge the cluster."""
        observations = self._current.observe_all()
        judged = judge_all(self.cluster.name, self.cluster.first.name, observations, self.cluster.hosts)
        connections = [seen.ticket.connection for seen in observations if seen.ticket is not None]
        if not connections or self._online(connections[0]) is not False:
            return judged
        return judge_cluster(self.cluster.name, judged.hosts, [tenant_offline()])

    def troubleshoot(self, host: str) -> tuple[TroubleshooterReport, str]:
        """Run the troubleshooter on a host: what it means, and its raw text with secrets masked."""
        return troubleshoot(self._current, host)

    def tenant_online(self) -> bool | None:
        """The connection's status by the Management API; None = could not tell, or no `[tenant]` in the file."""
        connection = self._current.connection()
        return self._online(connection) if connection is not None else None

    def _look_up_client_secret(self) -> None:
        if self.cluster.tenant is not None:
            self.access.secrets.client_secret()

    def _online(self, connection: str) -> bool | None:
        self._look_up_client_secret()
        make = tenant_client(self.cluster, self.access)
        if make is None:
            return None
        return {Online.ONLINE: True, Online.OFFLINE: False}.get(make().connection_status(connection).state)

    def report(self, run: str) -> Path:
        """Write the run's report (Markdown) into the state directory, 0600; returns its path."""
        from tui.runbook.report import write_report

        with self._current.journal() as journal:
            return write_report(journal, self.cluster.name, run)

    def support_bundle(self, run: str | None) -> Path:
        """Write a redacted zip of journal, logs and findings into the state directory; returns its path."""
        from tui.runbook.support_bundle import write_support_bundle

        current = self._current
        return write_support_bundle(self.cluster.name, redactor=current.redactor, cluster_file=current.path, run=run)

    def set_journal_aside(self) -> Path:
        """Keep a damaged journal in a directory of its own and begin a new one; returns that directory.

        Raises OperatorError for a journal that is whole, RunBusy, and JournalUnavailable.
        """
        require_damaged(self._current)
        if self._client is not None:
            self._client.close()
        return set_aside(self.cluster.name)

    def close(self) -> None:
        """End every session; never raises. A detached run goes on."""
        if self._client is not None:
            self._client.close()
        if self._open is not None:
            self._open.close()
