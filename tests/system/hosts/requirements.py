"""What a machine needs before it can boot hosts, told in one line when it is missing."""

from __future__ import annotations

import os
import shutil

DEBIAN_PACKAGES = ("systemd-container", "debootstrap", "dbus", "iproute2", "openssh-client", "util-linux")
"""What the test machine needs; what the hosts themselves hold is in `root_image`."""

_PROGRAMS = ("systemd-nspawn", "debootstrap", "ip", "ssh", "ssh-keygen", "nsenter", "unshare", "setpriv")


def why_unavailable() -> str | None:
    """Why hosts cannot be booted here, or None when they can."""
    if os.geteuid() != 0:
        return "booting hosts needs root"
    missing = [program for program in _PROGRAMS if shutil.which(program) is None]
    if missing:
        return f"not installed: {', '.join(missing)} (Debian packages: {' '.join(DEBIAN_PACKAGES)})"
    with open("/proc/filesystems", encoding="ascii") as filesystems:
        if not any(line.split()[-1] == "overlay" for line in filesystems):
            return "this kernel has no overlay file system"
    return None
