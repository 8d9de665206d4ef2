"""The Debian packages that the tests use besides Python; without them the tests that need them are skipped.

`python3 -m tests.debian` prints their names. Only the standard library is imported here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

PACKAGES = (
    "acl",
    "age",
    "dbus",
    "debootstrap",
    "fish",
    "gcc",
    "iproute2",
    "krb5-admin-server",
    "krb5-kdc",
    "krb5-user",
    "libkrb5-dev",
    "nodejs",
    "openssh-client",
    "openssh-server",
    "sudo",
    "systemd-container",
    "tcsh",
    "unzip",
    "util-linux",
)


def _missing() -> list[str]:
    query = ["dpkg-query", "--show", "--showformat", "${binary:Package} ${db:Status-Status}\n", *PACKAGES]
    listing = subprocess.run(query, capture_output=True, text=True, check=False).stdout
    installed = {
        name.split(":")[0]
        for name, _, state in (line.partition(" ") for line in listing.splitlines())
        if state == "installed"
    }
    return [package for package in PACKAGES if package not in installed]


def _apt_get(*arguments: str) -> int:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "-q", *arguments]
    return subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False
    ).returncode


def install() -> str:
    """Install what is missing where that is possible (root, apt); returns one line that says what is there now."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-query") is None:
        return "Debian packages: this is no Debian machine; tests that need them are skipped"
    missing = _missing()
    if not missing:
        return "Debian packages: all there"
    if os.geteuid() != 0:
        return f"Debian packages: not root, so tests that need {' '.join(missing)} are skipped"
    _apt_get("update")
    if _apt_get("install", "--yes", "--no-install-recommends", *missing) != 0:
        return f"Debian packages: apt-get could not install {' '.join(missing)}; tests that need them are skipped"
    return f"Debian packages: installed {' '.join(missing)}"


if __name__ == "__main__":
    sys.stdout.write(" ".join(PACKAGES) + "\n")
