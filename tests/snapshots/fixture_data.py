"""One cluster as the core would tell of it: fixed data, no clock, hosts that could exist."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tui.cluster import Cluster, ClusterSection, Host, VaultSettings
from tui.connector.model import (
    CertificateFacts,
    HostFacts,
    Install,
    KeyClass,
    KeyDifference,
    Layout,
    LogReport,
    Outcome,
    Role,
    Service,
    TestResult,
    TicketInfo,
    TroubleshooterReport,
)
from tui.connector.troubleshooter_tests import TESTS
from tui.findings import Finding, Severity
from tui.health.model import CertificateStatus, ClusterStatus, HostStatus, Verdict
from tui.runbook.model import Change
from tui.runbook.survey import AdditionalSurvey, Connected, FirstSurvey, SetEntry
from tui.sizes import told_size
from tui.vault.model import Backup, BackupFile

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
FIRST, SECOND, THIRD = "ldap-fra-01", "ldap-fra-02", "ldap-ams-01"
THUMBPRINT = "3f7a9c0d52e1b8846fa2c97d10be43aa7715c2e9"
OWN_RECIPIENT = "age1qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqs3290gq"
SECOND_RECIPIENT = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"
DIRECTORY = "/opt/auth0/ad-ldap"
SHA = {
    "config.json": "9d1c0f6f0d7c5a4b16f1b0a3d5f3a2f7c1f0e8a9b6c4d2e1f0a9b8c7d6e5f403",
    "certs/cert.key": "51b2e6a8c3d4f5061728394a5b6c7d8e9fa0b1c2d3e4f5061728394a5b6c7d8e",
    "certs/cert.pem": "e07d55c1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d",
    "lib/profileMapper.js": "7ac3f1d2e3b4c5a69788990a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e",
}
SIZES = {"config.json": 1894, "certs/cert.key": 1732, "certs/cert.pem": 1281, "lib/profileMapper.js": 2210}
MODES = {"config.json": 0o640, "certs/cert.key": 0o600, "certs/cert.pem": 0o644, "lib/profileMapper.js": 0o644}


def cluster() -> Cluster:
    """Three hosts, one of them behind a bastion."""
    return Cluster(
        cluster=ClusterSection(name="corp-ldap", first=FIRST),
        vault=VaultSettings(recipients=(OWN_RECIPIENT,)),
        hosts=(
            Host(name=FIRST, address="ldap-fra-01.corp.example.com", user="deploy"),
            Host(name=SECOND, address="ldap-fra-02.corp.example.com", user="deploy"),
            Host(name=THIRD, address="10.40.3.17", port=2222, user="deploy", jump="bastion.ams.example.com"),
        ),
    )


def connected(name: str) -> Connected:
    """A host that answered."""
    prints = {FIRST: "Jm0Vx4dWk3uGq1t8Yz", SECOND: "b7Hq2LrT9sXc5pNw0E", THIRD: "Zt4KfUeR6yQa8mDv3S"}
    address = cluster().host(name).address
    return Connected(
        host=name,
        address=address,
        login_user="deploy",
        becomes="root",
        key_type="ssh-ed25519",
        fingerprint=f"SHA256:{prints[name]}hGdBoNwCjLiPzAfTyXeMrKs6U",
        seconds=0.4,
    )


def install() -> Install:
    """A v6 install where most are."""
    return Install(
        directory=DIRECTORY,
        found_at=DIRECTORY,
        layout=Layout.V6,
        version="6.5.1",
        owner="auth0",
        group="auth0",
        node="/usr/bin/node",
        connector_unit="auth0-adldap.service",
        admin_unit="auth0-adldap-admin.service",
        account="auth0",
    )


def facts(name: str, skew: float) -> HostFacts:
    """A small Debian server."""
    return HostFacts(
        os="linux",
        os_name="Debian GNU/Linux 12 (bookworm)",
        architecture="x86_64",
        memory_bytes=4_105_000_000,
        free_bytes=18_200_000_000,
        read_only=False,
        clock_skew_s=skew,
        selinux=None,
        hostname=name,
    )


def services(state: str) -> dict[Role, Service]:
    """Both services in one state."""
    return {
        Role.CONNECTOR: Service(role=Role.CONNECTOR, unit="auth0-adldap.service", state=state, user="auth0"),
        Role.ADMIN: Service(role=Role.ADMIN, unit="auth0-adldap-admin.service", state=state, user="auth0"),
    }


def entries() -> tuple[SetEntry, ...]:
    """The configuration set."""
    return tuple(
        SetEntry(path=path, size=SIZES[path], sha256=SHA[path], owner="auth0", group="auth0", mode=MODES[path])
        for path in SIZES
    )


def warning() -> Finding:
    """Something worth putting right that stops nothing."""
    return Finding(
        id="default-session-secret",
        severity=Severity.WARNING,
        summary="SESSION_SECRET has its public default value.",
        remedy="Set it to a long random word on the first host, restart it, and look again.",
    )


def first_survey() -> FirstSurvey:
    """A first host that can be copied."""
    return FirstSurvey(
        host=FIRST,
        install=install(),
        facts=facts(FIRST, 0.2),
        services=services("running"),
        entries=entries(),
        findings=(warning(),),
        certificate=CertificateFacts(
            thumbprint=THUMBPRINT,
            subject="CN=ldap-fra-01",
            not_before=NOW - timedelta(days=120),
            not_after=NOW + timedelta(days=245),
            key_matches=True,
        ),
        password_decrypts=True,
        ticket=TicketInfo(
            connection="corp-ldap",
            domain="example.eu.auth0.com",
            hub="wss://example.eu.auth0.com/lo/hub",
            realm="urn:auth0:example",
            kerberos=False,
            certificate_auth=False,
            thumbprints=(THUMBPRINT,),
            asked_from=f"node on {FIRST}",
        ),
        log=log_report(),
        exportable=True,
    )


def broken_survey() -> FirstSurvey:
    """A first host whose key and certificate differ."""
    blocker = Finding(
        id="key-mismatch",
        severity=Severity.BLOCKER,
        summary="certs/cert.key does not belong to certs/cert.pem.",
        evidence=("The connector passes its own troubleshooter with this, and the tenant rejects it.",),
        remedy="Restore the pair that the tenant knows on the first host, restart it, then look again.",
    )
    survey = first_survey()
    certificate = survey.certificate
    assert certificate is not None
    mismatch = certificate.model_copy(update={"key_matches": False})
    changed = {
        "certificate": mismatch,
        "password_decrypts": False,
        "findings": (warning(), blocker),
        "exportable": False,
    }
    return survey.model_copy(update=changed)


def log_report() -> LogReport:
    """Connected since the morning."""
    return LogReport(
        state="connected",
        starts=1,
        last_start=NOW - timedelta(days=12),
        last_accepted=NOW - timedelta(days=12),
        generated_certificate=False,
        events=(),
    )


def backup() -> Backup:
    """A verified backup of the first host's set."""
    files = tuple(
        BackupFile(path=path, size=SIZES[path], sha256=SHA[path], owner="auth0", group="auth0", mode=MODES[path])
        for path in SIZES
    )
    return Backup(
        id="20261123T093012Z-ldap-fra-01",
        cluster="corp-ldap",
        host=FIRST,
        kind="set",
        created=NOW,
        operator="ines",
        run=None,
        path=Path("/home/ines/.local/share/adldap-ha/vault/corp-ldap/20261123T093012Z-ldap-fra-01.age"),
        size=5214,
        ciphertext_sha256="c0ffee5a17d94b3e8f6a2d1c7b905e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d",
        recipients=(OWN_RECIPIENT, SECOND_RECIPIENT),
        thumbprint=THUMBPRINT,
        certificate_expires=NOW + timedelta(days=245),
        layout="v6",
        version="6.5.1",
        files=files,
        verified=NOW,
    )


def damaged_backup() -> Finding:
    """What the vault says of a backup with a flipped byte."""
    return Finding(
        id="backup-damaged",
        severity=Severity.WARNING,
        summary="20261102T101500Z-ldap-fra-01.age is not what was written.",
        evidence=("SHA-256 51b2e6a8c3d4… expected, 7ac3f1d2e3b4… found",),
        remedy="Do not rely on it: make a new backup, then move this file away.",
    )


def additional_survey(name: str) -> AdditionalSurvey:
    """A host that waits for its configuration."""
    return AdditionalSurvey(
        host=name,
        install=install(),
        facts=facts(name, -0.4 if name == SECOND else 0.1),
        services=services("failed"),
        entries=(entries()[3],),
        findings=(),
        state="ready",
        changes=changes(),
        keys=differences(),
    )


def configured_elsewhere(name: str) -> AdditionalSurvey:
    """A host that serves another connection."""
    blocker = Finding(
        id="configured-elsewhere",
        severity=Severity.BLOCKER,
        summary="It is configured for another connection, partners-ldap.",
        evidence=("Its ticket differs from the first host's, and its instance is connected.",),
        remedy="Leave this host out, or uninstall that connector first if nobody needs it.",
    )
    changed = {"state": "configured_elsewhere", "findings": (blocker,), "services": services("running")}
    return additional_survey(name).model_copy(update=changed)


def changes() -> tuple[Change, ...]:
    """What becomes of the files, in the program's words."""
    mapper = "lib/profileMapper.js"
    before = "1.1 kB, auth0:auth0 0644, SHA-256 2c91d0e4b7a8…"
    return (
        Change(action="create", subject="config.json", after=_placed("config.json")),
        Change(action="create", subject="certs/cert.key", after=_placed("certs/cert.key")),
        Change(action="create", subject="certs/cert.pem", after=_placed("certs/cert.pem")),
        Change(action="replace", subject=mapper, before=before, after=_placed(mapper)),
    )


def _placed(path: str) -> str:
    return f"{told_size(SIZES[path])}, auth0:auth0 {MODES[path]:04o}, SHA-256 {SHA[path][:12]}…"


def differences() -> tuple[KeyDifference, ...]:
    """The configuration key by key."""
    rows = (
        ("AD_HUB", KeyClass.REWRITTEN, "wss://example.eu.auth0.com/lo/hub"),
        ("AGENT_MODE", KeyClass.EQUAL, "true"),
        ("CONNECTION", KeyClass.REWRITTEN, "corp-ldap"),
        ("LDAP_BASE", KeyClass.EQUAL, "DC=corp,DC=example,DC=com"),
        ("LDAP_BIND_CREDENTIALS", KeyClass.SECRET, "set"),
        ("LDAP_BIND_USER", KeyClass.EQUAL, "CN=svc-auth0,OU=Service,DC=corp,DC=example,DC=com"),
        ("LDAP_URL", KeyClass.SITE, "ldaps://dc1.corp.example.com"),
        ("LDAP_USER_BY_NAME", KeyClass.EQUAL, "(sAMAccountName={0})"),
        ("PORT", KeyClass.EQUAL, "4000"),
        ("PROVISIONING_TICKET", KeyClass.SECRET, "set"),
        ("SERVER_URL", KeyClass.EQUAL, "http://ldap-fra-01:4000"),
        ("SESSION_SECRET", KeyClass.SECRET, "set"),
    )
    return tuple(
        KeyDifference(
            key=key, key_class=kind, here="not set" if kind is KeyClass.SECRET else None, there=there, equal=False
        )
        for key, kind, there in rows
    )


def host_status(name: str, verdict: Verdict = Verdict.HEALTHY) -> HostStatus:
    """An instance as it is after the run."""
    down = verdict is Verdict.DOWN
    problem = Finding(
        id="clock-skew",
        severity=Severity.BLOCKER,
        summary="The clock is 7.1 s ahead of the tenant; the connector exits when it is more than 5 s off.",
        remedy="Let NTP set the clock: systemctl restart systemd-timesyncd, then look again.",
    )
    return HostStatus(
        name=name,
        verdict=verdict,
        version="6.5.1",
        layout="v6",
        install_dir=DIRECTORY,
        services={"connector": "crash_loop" if down else "running", "admin": "running"},
        hub="crash_loop" if down else "connected",
        certificate=CertificateStatus(thumbprint=THUMBPRINT, expires=NOW + timedelta(days=245), matches_tenant=True),
        clock_skew_s=7.1 if down else 0.2,
        drift=(),
        problems=(problem,) if down else (),
        observed=NOW,
    )


def cluster_status(down: str | None = None) -> ClusterStatus:
    """All three, one of them down when asked for."""
    hosts = tuple(
        host_status(host.name, Verdict.DOWN if host.name == down else Verdict.HEALTHY) for host in cluster().hosts
    )
    return ClusterStatus(cluster="corp-ldap", verdict=Verdict.DEGRADED if down else Verdict.HEALTHY, hosts=hosts)


def troubleshooter(failed: str | None = None) -> tuple[TroubleshooterReport, str]:
    """The seven tests; one failed when asked for."""
    tests = []
    for test in TESTS:
        outcome = Outcome.NOT_APPLICABLE if test.id == "nltest" else Outcome.PASSED
        outcome = Outcome.FAILED if test.id == failed else outcome
        evidence = ("Clock skew detected: 7.1 s",) if test.id == failed else ()
        remedy = test.remedies.get(outcome)
        tests.append(TestResult(id=test.id, title=test.title, outcome=outcome, evidence=evidence, remedy=remedy))
    raw = "\n".join(
        (
            "09:28:41 - info: ✭ Testing connectivity to Auth0...",
            "09:28:41 - info: ✔ Connection to test endpoint succeeded.",
            "09:28:41 - info: ✭ Testing hub connectivity (WS).",
            "09:28:42 - info: ✔ Connection to hub succeeded.",
            "09:28:42 - info: ✭ Testing clock skew...",
            "09:28:42 - info: ✔ Everything OK. No clock skew detected.",
            "09:28:42 - info: Done!",
        )
    )
    return TroubleshooterReport(complete=True, passed=failed is None, tests=tuple(tests)), raw
