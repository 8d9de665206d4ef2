"""An Operations that answers at once from fixed data, for pictures and for tests of the screens alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.snapshots import fixture_data as data
from tests.snapshots import fixture_run as runs
from tests.snapshots.fixture_acts import FixtureActs
from tests.snapshots.fixture_watch import FixtureWatch
from tui.cluster import Cluster
from tui.connector.model import TroubleshooterReport
from tui.errors import OperatorError
from tui.findings import Finding
from tui.health.model import ClusterStatus, HostStatus
from tui.remote.errors import CertificateUnknown, HostKeyUnknown, SecretKind, SecretNeeded
from tui.runbook.model import Plan, RunView, SecretWanted
from tui.runbook.survey import AdditionalSurvey, Connected, FirstSurvey
from tui.vault.model import Backup, Verification


class FixtureOperations:
    """Fixed answers. What a test wants different is a field: an error for a call, another survey, a run's views in turn."""

    def __init__(self) -> None:
        self.known = ["corp-ldap"]
        self.opened: Cluster | None = None
        self.saved: list[Cluster] = []
        self.errors: dict[str, OperatorError] = {}
        self.unknown_keys: set[str] = set()
        self.missing_secrets: dict[str, SecretKind] = {}
        self.supplied: list[tuple[str, SecretKind, str]] = []
        self.first = data.first_survey()
        self.additional = {name: data.additional_survey(name) for name in (data.SECOND, data.THIRD)}
        self.identity = False
        self.passphrases: list[str] = []
        self.supplied_vault: str | None = None
        self.views: list[RunView] = [runs.run_view(12)]
        self.past: list[RunView] = []
        self.started: list[tuple[str, ...]] = []
        self.resumed: list[bool] = []
        self.answers: list[tuple[str, str]] = []
        self.handed: list[tuple[str, SecretKind, str]] = []
        self.words: list[str] = []
        self.down: str | None = None
        self.failed_test: str | None = None
        self.online: bool | None = None
        self.secret_known = False
        self.damaged: list[Finding] = []
        self.kept: list[Backup] = []
        self.site_keys: dict[str, dict[str, str | None]] = {}
        self.closed = False
        self.watched = FixtureWatch()
        self.acts = FixtureActs()

    def _raise(self, name: str) -> None:
        if name in self.errors:
            raise self.errors[name]

    def clusters(self) -> list[str]:
        return list(self.known)

    def load(self, name_or_path: str) -> Cluster:
        self._raise("load")
        self.opened = data.cluster()
        return self.opened

    def save(self, cluster: Cluster) -> Path:
        self._raise("save")
        self.saved.append(cluster)
        self.opened = cluster
        return Path(f"/home/ines/.config/adldap-ha/{cluster.name}.toml")

    @property
    def cluster(self) -> Cluster:
        return self.opened or data.cluster()

    def ssh_config_hosts(self) -> list[str]:
        return ["bastion", data.FIRST, data.SECOND, data.THIRD]

    def describe_ssh_host(self, name: str) -> dict[str, str]:
        return {"address": f"{name}.corp.example.com", "port": "22", "user": "deploy"}

    def trust(self, question: HostKeyUnknown) -> None:
        self.unknown_keys.discard(question.key_host)

    def trust_certificate(self, question: CertificateUnknown) -> None:
        self.unknown_keys.discard(str(question.host))

    def set_site_keys(self, host: str, keys: Mapping[str, str | None]) -> None:
        self.site_keys[host] = dict(keys)

    def supply(self, host: str, kind: SecretKind, value: str) -> None:
        self.supplied.append((host, kind, value))
        self.missing_secrets.pop(host, None)

    def client_secret_known(self) -> bool:
        return self.secret_known

    def supply_client_secret(self, value: str) -> None:
        self.supplied.append(("tenant", SecretKind.PASSWORD, value))

    def connect(self, host: str) -> Connected:
        self._raise(f"connect {host}")
        found = data.connected(host)
        if host in self.unknown_keys:
            raise HostKeyUnknown(
                host, address=found.address, port=22, key_type=found.key_type, fingerprint=found.fingerprint, key=b"key"
            )
        if host in self.missing_secrets:
            raise SecretNeeded(host, self.missing_secrets[host], f"[sudo] password for {found.login_user}:")
        return found

    def survey_first(self) -> FirstSurvey:
        self._raise("survey_first")
        return self.first

    def supplied_passphrase(self) -> str | None:
        return self.supplied_vault

    def identity_exists(self) -> bool:
        return self.identity

    def create_identity(self, passphrase: str) -> str:
        self.passphrases.append(passphrase)
        self.identity = True
        return data.OWN_RECIPIENT

    def unlock_identity(self, passphrase: str) -> str:
        self._raise("unlock_identity")
        self.passphrases.append(passphrase)
        return data.OWN_RECIPIENT

    def set_recipients(self, recipients: Sequence[str]) -> None:
        self._raise("set_recipients")
        vault = self.cluster.vault.model_copy(update={"recipients": tuple(recipients)})
        self.opened = self.cluster.model_copy(update={"vault": vault})

    def back_up_first(self) -> Backup:
        self._raise("back_up_first")
        return data.backup()

    def backups(self) -> list[Backup]:
        self._raise("backups")
        return list(self.kept)

    def vault_findings(self) -> list[Finding]:
        return list(self.damaged)

    def verify_backup(self, backup_id: str) -> Verification:
        return Verification(ok=True, findings=())

    def restore_backup(self, backup_id: str, directory: Path) -> Verification:
        return Verification(ok=True, findings=())

    def survey_additional(self, host: str) -> AdditionalSurvey:
        self._raise(f"survey {host}")
        return self.additional[host]

    def preview(self, hosts: Sequence[str] = ()) -> Plan:
        self._raise("preview")
        return runs.plan()

    def start_run(self, hosts: Sequence[str] = ()) -> str:
        self._raise("start_run")
        self.started.append(tuple(hosts))
        return runs.RUN

    def resume_run(self, run: str, *, undo: bool = False) -> None:
        self.resumed.append(undo)

    def runs(self) -> list[RunView]:
        return self.past

    def run_view(self, run: str) -> RunView:
        self._raise("run_view")
        return self.views.pop(0) if len(self.views) > 1 else self.views[0]

    def answer(self, run: str, question: str, choice: str) -> None:
        self.answers.append((question, choice))

    def supply_to_run(self, run: str, secret: SecretWanted, value: str) -> None:
        self._raise("supply_to_run")
        self.handed.append((secret.host, secret.kind, value))

    def control(self, run: str, word: str) -> None:
        self.words.append(word)

    def host_log(self, host: str, *, lines: int = 200) -> str:
        return "\n".join(
            (
                "[2026-11-23 09:29:31] STARTING AD-LDAP CONNECTOR",
                "[2026-11-23 09:29:31] Loading settings from ticket: https://example.eu.auth0.com/p/ad/********/info",
                "[2026-11-23 09:29:32] Is Anonymous LDAP search enabled? no",
                "[2026-11-23 09:29:32] Local settings updated.",
                "[2026-11-23 09:29:32] Certificates already exist, skipping certificate generation.",
                "[2026-11-23 09:29:33] Connection corp-ldap configured.",
                "[2026-11-23 09:29:33] Connected to websocket",
                "[2026-11-23 09:29:33] auth0: Agent accepted.",
            )
        )

    def host_status(self, host: str) -> HostStatus:
        return data.host_status(host)

    def status(self) -> ClusterStatus:
        self._raise("status")
        return data.cluster_status(self.down)

    def troubleshoot(self, host: str) -> tuple[TroubleshooterReport, str]:
        self._raise(f"troubleshoot {host}")
        return data.troubleshooter(self.failed_test if host == data.SECOND else None)

    def watch(
        self,
        *,
        interval: float,
        on_change: Callable[[str], None] | None = None,
        on_tenant: Callable[[], None] | None = None,
    ) -> FixtureWatch:
        self._raise("watch")
        self.watched.on_change = on_change
        return self.watched

    def tenant_online(self) -> bool | None:
        return self.online

    def report(self, run: str) -> Path:
        return Path(f"/home/ines/.local/state/adldap-ha/corp-ldap/report-{run}.md")

    def support_bundle(self, run: str | None) -> Path:
        return Path("/home/ines/.local/state/adldap-ha/corp-ldap/support-20261123T093100Z.zip")

    def set_journal_aside(self) -> Path:
        return Path("/home/ines/.local/state/adldap-ha/corp-ldap/journal.damaged-20261123T093100.000000Z")

    def close(self) -> None:
        self.closed = True
