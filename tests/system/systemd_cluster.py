"""Three booted hosts with connectors, a tenant and a directory that they can reach, and a jump box that can reach them."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.system.connector_host import OPEN, PLACEMENTS, Hardening, Placement, furnish
from tests.system.hosts import NspawnHost, NspawnHosts
from tests.system.jump_box import JumpBox
from tui.lab.authority import Authority
from tui.lab.directory import BASE, BIND_USER, Directory
from tui.lab.install_tree import Connection, MadeSet, configured_set
from tui.lab.tenant import CONNECTION, Tenant, TenantSettings

NAMES = ("fir", "oak", "elm")


def _canary() -> str:
    return f"CANARY-{secrets.token_hex(12)}"


@dataclass
class SystemdCluster:
    """Everything around one cluster. The first of `names` is configured and connected, the others wait for import."""

    hosts: NspawnHosts
    tenant: Tenant
    directory: Directory
    jump_box: JumpBox
    configured: MadeSet
    placements: dict[str, Placement]
    canaries: list[str] = field(repr=False)

    def host(self, name: str) -> NspawnHost:
        """A host by name."""
        return self.hosts[name]

    def install_dir(self, name: str) -> str:
        """The real directory of a host's install."""
        return self.placements[name].directory


def _connection(tenant: Tenant, directory: Directory) -> Connection:
    return Connection(
        ticket=tenant.ticket,
        hub=tenant.hub_url,
        name=CONNECTION,
        domain=tenant.domain,
        realm=f"urn:auth0:{tenant.address}",
        ldap_url=directory.url,
        ldap_base=BASE,
        bind_user=BIND_USER,
        bind_password=directory.password,
        session_secret=_canary(),
    )


def _cluster_file(
    hosts: NspawnHosts, tenant: Tenant | None, ca_file: Path, settle_seconds: float, parallel: int
) -> str:
    parts = [f'[cluster]\nname = "forest"\nfirst = "{next(iter(hosts)).name}"\n']
    parts.append(f"[run]\nsettle_seconds = {settle_seconds}\nparallel = {parallel}\n")
    if tenant:
        client = tenant.settings.client_id
        parts.append(f'[tenant]\ndomain = "{tenant.domain}"\nclient_id = "{client}"\nca_file = "{ca_file}"\n')
    parts += [
        f'[[hosts]]\nname = "{host.name}"\naddress = "{host.address}"\nuser = "{hosts.login_user}"\n'
        f'identity = "{hosts.identity}"\n'
        for host in hosts
    ]
    return "\n".join(parts)


def _secrets(hosts: NspawnHosts, tenant: Tenant, passphrase: str) -> str:
    parts = [f'[vault]\npassphrase = "{passphrase}"\n[tenant]\nclient_secret = "{tenant.settings.client_secret}"\n']
    parts += [f'[hosts.{host.name}]\nsudo_password = "{hosts.password}"\n' for host in hosts]
    return "".join(parts)


@contextmanager
def systemd_cluster(
    home: Path,
    *,
    names: Sequence[str] = NAMES,
    hardening: Hardening = OPEN,
    management_api: bool = True,
    settle_seconds: float = 1.0,
    parallel: int = 4,
    speed: float = 5.0,
) -> Iterator[SystemdCluster]:
    """A running cluster whose first host is connected. Placements take turns. All is gone on leaving."""
    with NspawnHosts(names) as hosts:
        authority = Authority(hosts.directory)
        settings = TenantSettings(ticket_id=_canary(), client_secret=_canary(), signing_key=_canary())
        tenant = Tenant(
            hosts.address,
            443,
            authority.server_context(hosts.address),
            settings,
            names={host.address: host.name for host in hosts},
        )
        directory = Directory(hosts.address, 389, _canary())
        try:
            configured = configured_set(_connection(tenant, directory))
            tenant.know(configured.thumbprint)
            placements = {name: PLACEMENTS[index % len(PLACEMENTS)] for index, name in enumerate(names)}
            for index, host in enumerate(hosts):
                furnish(
                    host,
                    placements[host.name],
                    authority.certificate_file.read_bytes(),
                    configured=None if index else configured,
                    hardening=hardening,
                    speed=speed,
                )
            hosts.boot()
            jump_box = JumpBox(home)
            jump_box.know(hosts.known_hosts())
            with_tenant = tenant if management_api else None
            text = _cluster_file(hosts, with_tenant, authority.certificate_file, settle_seconds, parallel)
            jump_box.write_cluster("forest", text)
            passphrase = _canary()
            jump_box.secrets = _secrets(hosts, tenant, passphrase)
            if not tenant.hub.wait_for(lambda accepted: accepted.get(names[0]) == 1, 30):
                raise AssertionError(hosts[names[0]].root("journalctl", "--no-pager", "-n", "50"))
            known = [settings.ticket_id, settings.client_secret, directory.password, passphrase, hosts.password]
            yield SystemdCluster(hosts, tenant, directory, jump_box, configured, placements, known)
        finally:
            directory.close()
            tenant.close()
