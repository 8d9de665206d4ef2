"""The Operations interface: all that a front (wizard, command line) may ask of the core. Blocking."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tui.cluster import Cluster, Host
from tui.connector.model import TroubleshooterReport
from tui.findings import Finding
from tui.health.model import ClusterStatus, HostStatus
from tui.remote.errors import CertificateUnknown, HostKeyUnknown, SecretKind
from tui.runbook.model import Plan, RunView, SecretWanted
from tui.runbook.order import Act, Wanted
from tui.runbook.survey import AdditionalSurvey, Connected, FirstSurvey
from tui.runbook.watched import Watched
from tui.vault.model import Backup, Verification

if TYPE_CHECKING:
    from tui.runbook.promotion import Promotion


class Acts(Protocol):
    """The acts of an ordinary week on the current cluster. All but `hosts` block."""

    def hosts(self, act: Act, names: Sequence[str] = ()) -> tuple[Host, ...]:
        """The hosts that the act would be performed on, in order. Raises OperatorError for hosts that it cannot be performed on."""
        ...

    def preview(self, act: Act, hosts: Sequence[str] = (), *, interrupts: bool = False, wanted: Wanted = ...) -> Plan:
        """Every step that the act would perform on these hosts (all for none), in order; changes nothing.

        Raises OperatorError also while the vault is locked, for an act that needs it.
        """
        ...

    def start(self, act: Act, hosts: Sequence[str] = (), *, interrupts: bool = False, wanted: Wanted = ...) -> str:
        """Start the act in a detached runner; returns the run's id.

        `interrupts`: the operator has agreed to a moment in which no instance serves. `wanted`: what is put on the hosts.
        """
        ...

    def promotion(self, host: str) -> Promotion:
        """What making a host the reference means, and the cluster as it is to be saved then; changes nothing.

        Raises OperatorError when the host is not fit for that, or a run is not finished.
        """
        ...

    def typed_change(self, profile_mapper: str, settings: Sequence[str]) -> Wanted:
        """What `change` is to put on every host: the path of a profile mapper on this jump box, empty for none, and
        `KEY=VALUE` texts. Raises TypedWrong, which says which of them cannot be taken, and OperatorError."""
        ...


class Operations(Protocol):
    """One cluster in the hands of one front. Every method blocks, so a screen calls it in a thread worker.

    Raises OperatorError for what failed; HostKeyUnknown, CertificateUnknown and SecretNeeded are questions: answer with
    `trust`, `trust_certificate` or `supply`, then call again. Methods may be called from several threads; calls for one host are serialised inside.
    """

    def clusters(self) -> list[str]:
        """The names of the cluster files in the configuration directory, sorted."""
        ...

    def load(self, name_or_path: str) -> Cluster:
        """Open a cluster file and make it the current one; ClusterFileError names file, line and key."""
        ...

    def save(self, cluster: Cluster) -> Path:
        """Write the cluster file (0600, atomically, comments kept), make it current, return its path."""
        ...

    @property
    def cluster(self) -> Cluster:
        """The current cluster; raises OperatorError when none is open."""
        ...

    def ssh_config_hosts(self) -> list[str]:
        """Host names that the operator's SSH configuration knows (no patterns), for offering."""
        ...

    def describe_ssh_host(self, name: str) -> dict[str, str]:
        """What `ssh -G NAME` says: keys `address port user identity jump`, those that are set."""
        ...

    def trust(self, question: HostKeyUnknown) -> None:
        """The operator has compared and confirmed this host key: remember it."""
        ...

    def trust_certificate(self, question: CertificateUnknown) -> None:
        """The operator has compared and confirmed this TLS certificate: remember it."""
        ...

    def set_site_keys(self, host: str, keys: Mapping[str, str | None]) -> None:
        """Save what config.json is to say on one host of keys that may differ by site; None: what the first host says.

        Raises OperatorError for a key or a value that no cluster file may hold.
        """
        ...

    def supply(self, host: str, kind: SecretKind, value: str) -> None:
        """The operator has typed a secret; it is kept in memory only."""
        ...

    def client_secret_known(self) -> bool:
        """Whether the Management API client secret came with the secrets document or the keyring, or was typed."""
        ...

    def supply_client_secret(self, value: str) -> None:
        """The operator has typed the Management API client secret; kept in memory only."""
        ...

    def connect(self, host: str) -> Connected:
        """Log in to a host, become the other account once, and keep the session."""
        ...

    def survey_first(self) -> FirstSurvey:
        """Look at the first host; changes nothing."""
        ...

    def supplied_passphrase(self) -> str | None:
        """The vault's passphrase when it came with the secrets document or the keyring."""
        ...

    def identity_exists(self) -> bool:
        """Whether the operator has an age identity already."""
        ...

    def create_identity(self, passphrase: str) -> str:
        """Make the operator's age identity, encrypted with `passphrase`; returns its recipient (`age1…`)."""
        ...

    def unlock_identity(self, passphrase: str) -> str:
        """Open the identity for this session; returns its recipient. Raises VaultError on a wrong passphrase."""
        ...

    def set_recipients(self, recipients: Sequence[str]) -> None:
        """Replace the cluster's backup recipients (checked) and save the cluster file."""
        ...

    def back_up_first(self) -> Backup:
        """Read the first host's set, encrypt it into the vault, and verify it by decryption."""
        ...

    def backups(self) -> list[Backup]:
        """Every backup of the current cluster, newest first, without decrypting."""
        ...

    def vault_findings(self) -> list[Finding]:
        """What is damaged, incomplete or foreign in the cluster's vault, without decrypting."""
        ...

    def verify_backup(self, backup_id: str) -> Verification:
        """Decrypt one backup and check everything in it."""
        ...

    def restore_backup(self, backup_id: str, directory: Path) -> Verification:
        """Decrypt one backup into a new directory, 0700, for being put on a host by hand; returns what verifying it found.

        Raises OperatorError, and then nothing is left behind, for an existing directory and for a backup whose bytes are not
        those that were written.
        """
        ...

    def survey_additional(self, host: str) -> AdditionalSurvey:
        """Look at an additional host and compare it with the first host's set; changes nothing."""
        ...

    def preview(self, hosts: Sequence[str] = ()) -> Plan:
        """Every step a run would perform, in order, with what would change; changes nothing."""
        ...

    def start_run(self, hosts: Sequence[str] = ()) -> str:
        """Start the detached runner; returns the run's id. Refused while another run of this cluster is under way."""
        ...

    def resume_run(self, run: str, *, undo: bool = False) -> None:
        """Start a runner for an interrupted run, to finish it, or with `undo` to put every changed host back."""
        ...

    def runs(self) -> list[RunView]:
        """Every run of the current cluster in the journal, newest first."""
        ...

    def run_view(self, run: str) -> RunView:
        """A run as the journal tells it now."""
        ...

    def answer(self, run: str, question: str, choice: str) -> None:
        """Answer the run's open question."""
        ...

    def control(self, run: str, word: str) -> None:
        """`pause`, `continue`, `abort` (undo unfinished hosts and stop) or `roll_back` (undo every changed host)."""
        ...

    def supply_to_run(self, run: str, secret: SecretWanted, value: str) -> None:
        """Hand a run the secret that its open question wants, over its private socket only; then answer `retry`."""
        ...

    def host_log(self, host: str, *, lines: int = 200) -> str:
        """The end of a host's connector log, colours stripped."""
        ...

    def host_status(self, host: str) -> HostStatus:
        """Probe one host."""
        ...

    def status(self) -> ClusterStatus:
        """Probe every host in parallel and judge the cluster."""
        ...

    def troubleshoot(self, host: str) -> tuple[TroubleshooterReport, str]:
        """Run the troubleshooter on a host: what it means, and its raw text with secrets masked."""
        ...

    def watch(
        self,
        *,
        interval: float,
        on_change: Callable[[str], None] | None = None,
        on_tenant: Callable[[], None] | None = None,
    ) -> Watched:
        """Begin watching every instance of the current cluster.

        `on_change` is told a host's name after each look, `on_tenant` is called after each answer of the tenant's, both in
        threads of the watching's own.
        """
        ...

    @property
    def acts(self) -> Acts:
        """The acts of an ordinary week on the current cluster."""
        ...

    def tenant_online(self) -> bool | None:
        """The connection's status by the Management API; None = could not tell, or no `[tenant]` in the file."""
        ...

    def report(self, run: str) -> Path:
        """Write the run's report (Markdown) into the state directory, 0600; returns its path."""
        ...

    def support_bundle(self, run: str | None) -> Path:
        """Write a redacted zip of journal, logs and findings into the state directory; returns its path."""
        ...

    def set_journal_aside(self) -> Path:
        """Keep a damaged journal in a directory of its own and begin a new one; returns that directory.

        Refused while a run is under way, and for a journal that is whole.
        """
        ...

    def close(self) -> None:
        """End every session; never raises. A detached run goes on."""
        ...
