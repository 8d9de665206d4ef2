"""Put the stand-in of the connector onto a booted host: install, service account, units, a hardened SSH server."""

from __future__ import annotations

import json
from dataclasses import dataclass

from tests.system.hosts import NspawnHost
from tests.system.hosts.root_image import SERVICE_USER
from tui.lab.install_tree import STANDIN, MadeSet, build_install

CA_FILE = "/etc/ssl/adldap-ha/tenant-ca.pem"
STANDIN_ON_HOST = "/usr/local/lib/adldap-standin"


@dataclass(frozen=True)
class Placement:
    """Where a host keeps its connector. `directory` is the real path; `link`, if any, points to it and is what the units use."""

    directory: str
    connector_unit: str
    admin_unit: str
    link: str | None = None

    @property
    def path(self) -> str:
        """The path that the units use."""
        return self.link or self.directory


PLACEMENTS = (
    Placement("/opt/auth0-adldap", "auth0-adldap.service", "auth0-adldap-admin.service"),
    Placement("/opt/Auth0 AD LDAP Connector", "ad-ldap-connector.service", "ad-ldap-connector-console.service"),
    Placement("/srv/ad-ldap-6.4.1", "ldap-bridge.service", "ldap-bridge-admin.service", link="/opt/auth0/ad-ldap"),
)
"""One placement for each kind of host found in the field: plain, with spaces in its path, behind a symlink."""

# The interval is longer than systemd's own 10 s, within which a slow machine does not get to five starts.
_UNIT = """\
[Unit]
Description={description}
After=network.target
StartLimitIntervalSec=300

[Service]
User={user}
WorkingDirectory={directory}
ExecStart=/usr/bin/node "{directory}/{program}"
Environment=NODE_EXTRA_CA_CERTS={ca_file} LAB_STANDIN={standin} LAB_SPEED={speed}
Restart=always

[Install]
WantedBy=multi-user.target
"""

_HARDENED = """\
PasswordAuthentication {password}
KbdInteractiveAuthentication no
PermitRootLogin no
AllowTcpForwarding {forwarding}
MaxSessions 10
"""

_TREE = """\
import hashlib, json, os, stat, sys
seen = {}
for folder, names, files in os.walk(sys.argv[1]):
    for path in [folder] + [os.path.join(folder, name) for name in files]:
        info = os.lstat(path)
        kind = stat.S_IFMT(info.st_mode)
        data = open(path, "rb").read() if kind == stat.S_IFREG else b""
        seen[os.path.relpath(path, sys.argv[1])] = [
            oct(info.st_mode), info.st_uid, info.st_gid, hashlib.sha256(data).hexdigest()
        ]
print(json.dumps(seen))
"""


@dataclass(frozen=True)
class Hardening:
    """What a host's SSH server allows."""

    sftp: bool = True
    forwarding: bool = True
    passwords: bool = True


OPEN = Hardening()
CLOSED = Hardening(sftp=False, forwarding=False, passwords=False)


def furnish(
    host: NspawnHost,
    placement: Placement,
    ca_certificate: bytes,
    *,
    configured: MadeSet | None = None,
    hardening: Hardening = OPEN,
    speed: float = 1.0,
) -> None:
    """Give a switched-off host its connector. Without `configured` it waits for import, as a fresh install does."""
    build_install(host.outside(placement.directory), configured=configured)
    for module in sorted(STANDIN.glob("*.py")):
        host.write(f"{STANDIN_ON_HOST}/{module.name}", module.read_bytes())
    host.write(CA_FILE, ca_certificate)
    host.offline(f"chown -R {SERVICE_USER}:{SERVICE_USER} '{placement.directory}'")
    if placement.link:
        parent = placement.link.rpartition("/")[0]
        host.offline(f"mkdir -p '{parent}' && ln -s '{placement.directory}' '{placement.link}'")
    programs = ((placement.connector_unit, "server.js"), (placement.admin_unit, "admin/server.js"))
    for unit, program in programs:
        text = _UNIT.format(
            description=f"AD LDAP connector ({program})",
            user=SERVICE_USER,
            directory=placement.path,
            program=program,
            ca_file=CA_FILE,
            standin=STANDIN_ON_HOST,
            speed=speed,
        )
        host.write(f"/etc/systemd/system/{unit}", text)
        host.offline(f"systemctl -q enable '{unit}'")
    _harden(host, hardening)


def tree(host: NspawnHost, directory: str) -> dict[str, list[object]]:
    """Every file and folder below `directory` of a running host: mode, owner, group and the SHA-256 of its bytes."""
    seen: dict[str, list[object]] = json.loads(host.root("python3", "-c", _TREE, directory))
    return seen


def _harden(host: NspawnHost, hardening: Hardening) -> None:
    def word(allowed: bool) -> str:
        return "yes" if allowed else "no"

    text = _HARDENED.format(password=word(hardening.passwords), forwarding=word(hardening.forwarding))
    host.write("/etc/ssh/sshd_config.d/10-hardened.conf", text)
    if not hardening.sftp:
        host.offline("sed -i '/^Subsystem/d' /etc/ssh/sshd_config")
