"""The root file system that every host is an overlay of: built once with debootstrap, then kept in a cache directory."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CACHE = Path("/var/cache/adldap-ha-tests")
LOGIN_USER = "ops"
SERVICE_USER = "auth0"

PACKAGES = (
    "acl",
    "ca-certificates",
    "dbus",
    "iproute2",
    "nodejs",
    "openssh-server",
    "openssl",
    "procps",
    "python3",
    "python3-cffi-backend",  # debootstrap does not resolve the virtual names that python3-cryptography depends on
    "python3-cryptography",
    "python3-wsproto",
    "sudo",
    "systemd",
    "systemd-sysv",
)

_HOST_KEYS_UNIT = """\
[Unit]
Description=Make this host's SSH keys
Before=ssh.service
ConditionPathExists=!/etc/ssh/ssh_host_ed25519_key

[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -A

[Install]
WantedBy=multi-user.target
"""

_NETWORK_WAIT = "systemd-networkd-wait-online.service"

_PREPARE = f"""\
set -eu
rm -f /etc/ssh/ssh_host_* /etc/machine-id
: > /etc/machine-id
useradd --create-home --shell /bin/bash {LOGIN_USER}
useradd --system --user-group --home-dir /nonexistent --shell /usr/sbin/nologin {SERVICE_USER}
usermod --append --groups sudo {LOGIN_USER}
systemctl -q enable ssh.service systemd-networkd.service adldap-host-keys.service
systemctl -q mask {_NETWORK_WAIT} systemd-resolved.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer
systemctl -q mask e2scrub_all.timer fstrim.timer getty.target console-getty.service
mkdir -p /var/log/journal
"""


class ImageFailed(Exception):
    """The root file system could not be built; the text ends with what debootstrap said."""


def _release() -> str:
    for line in Path("/etc/os-release").read_text(encoding="utf-8").splitlines():
        if line.startswith("VERSION_CODENAME="):
            return line.partition("=")[2].strip('"')
    raise ImageFailed("/etc/os-release has no VERSION_CODENAME")


def _mirror(release: str) -> str:
    """The address that this machine's own package sources give for Debian's main archive of `release`."""
    listing = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(CREATED_BY)|$(CODENAME)|$(COMPONENT)|$(REPO_URI)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for line in listing.splitlines():
        created_by, codename, component, address = line.split("|", 3)
        if (created_by, codename, component) == ("Packages", release, "main"):
            return address
    raise ImageFailed(f"this machine's package sources have no Debian {release} main archive; run apt-get update")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(directory: Path, release: str, log: Path) -> None:
    command = ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", release, str(directory)]
    with log.open("wb") as output:
        done = subprocess.run(
            [*command, _mirror(release)], stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False
        )
    if done.returncode != 0:
        tail = log.read_text(errors="replace").splitlines()[-5:]
        raise ImageFailed("debootstrap failed:\n" + "\n".join(tail))
    unit = directory / "etc/systemd/system/adldap-host-keys.service"
    unit.write_text(_HOST_KEYS_UNIT, encoding="utf-8")
    subprocess.run(["chroot", str(directory), "/bin/sh", "-c", _PREPARE], check=True, capture_output=True)
    for archive in (directory / "var/cache/apt/archives").glob("*.deb"):
        archive.unlink()


def root_image() -> Path:
    """The directory of the finished root file system; built first if this machine has none for these packages.

    Takes a minute or two the first time, milliseconds afterwards. Two processes that ask at once build it once.
    """
    release = _release()
    recipe = "\n".join((release, *PACKAGES, _PREPARE, _HOST_KEYS_UNIT))
    image = CACHE / f"{release}-{hashlib.sha256(recipe.encode()).hexdigest()[:16]}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with _locked(CACHE / "lock"):
        if not image.is_dir():
            unfinished = image.with_name(image.name + ".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            _build(unfinished, release, CACHE / "debootstrap.log")
            os.rename(unfinished, image)
    return image


if __name__ == "__main__":
    root_image()
