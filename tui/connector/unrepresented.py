"""What lies among the files of a set and is no part of a backup: links, special files, and what lies too deep."""

from __future__ import annotations

from tui.connector.layouts import set_paths
from tui.connector.model import Install
from tui.remote.session import ROOT, Session

_SCRIPT = r"""
for part in "$2" "$3" "$4"; do if [ -L "$1/$part" ]; then printf '%s\n' "$part"; fi; done
if [ -d "$1/$4" ] && [ ! -L "$1/$4" ]; then
  cd "$1" && find "$4" -mindepth 1 \( \( ! -type f ! -type d \) -o -path "$4/*/*/*/*/*/*/*" \)
fi
"""
"""A set is read six levels deep (`set_reader`)."""


def unrepresented(session: Session, install: Install) -> tuple[str, ...]:
    """The relative paths that a backup of this host's set could not give back as they are, sorted."""
    paths = set_paths(install.layout)
    arguments = [install.directory, paths.config, paths.profile_mapper, paths.certs]
    return tuple(sorted(session.run(_SCRIPT, arguments, user=ROOT).text.splitlines()))
