"""The install directory of a Windows lab host as a test sees it."""

from __future__ import annotations

import hashlib

from tui.lab.windows.host import WindowsLabHost

WindowsTree = dict[str, tuple[str, str, str]]
"""Path → kind, security descriptor, SHA-256 or link target."""

_LOG = "logs.log"


def windows_tree_of(host: WindowsLabHost) -> WindowsTree:
    """Everything below the install directory, but for the log, which goes on being written."""
    found = {}
    for entry in host.tree.below(host.install_dir, 9):
        path = entry["path"].removeprefix(f"{host.install_dir}\\")
        content = entry["target"] or ""
        if entry["kind"] == "file" and path != _LOG:
            content = hashlib.sha256(host.tree.real(entry["path"]).read_bytes()).hexdigest()
        found[path] = (entry["kind"], entry["sddl"], content)
    found.pop(_LOG, None)
    return found
