"""What putting a set in place would change on a host, file by file, for display: sizes and hashes, no contents."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from tui.connector.attributes import as_meant, same_attributes, told_attributes
from tui.connector.configuration_set import GUESSABLE
from tui.connector.layouts import set_paths
from tui.connector.model import ConfigurationSet, Layout, SetFile
from tui.runbook.model import Change
from tui.sizes import told_size

Chosen = Callable[[str], bool]


def is_config(layout: Layout) -> Chosen:
    """Chooses config.json, the commit point."""
    return set_paths(layout).config.__eq__


def is_certificate(layout: Layout) -> Chosen:
    """Chooses the certs folder and all that lies below it."""
    folder = set_paths(layout).certs
    return lambda path: path == folder or path.startswith(f"{folder}/")


def is_profile_mapper(layout: Layout) -> Chosen:
    """Chooses the profile mapper."""
    return set_paths(layout).profile_mapper.__eq__


def same_file(here: SetFile | None, there: SetFile | None) -> bool:
    """Whether two files have the same bytes, owner, group, mode, ACL and label."""
    if here is None or there is None:
        return here is there
    return here.data == there.data and same_attributes(here.attributes, there.attributes)


def same_set(a: ConfigurationSet, b: ConfigurationSet) -> bool:
    """Whether two sets have the same files and directories with the same bytes and attributes."""
    return all(same_file(a.files.get(path), b.files.get(path)) for path in {*a.files, *b.files}) and all(
        same_attributes(a.directories.get(path), b.directories.get(path)) for path in {*a.directories, *b.directories}
    )


def placed(here: SetFile | None, there: SetFile) -> bool:
    """Whether `there` lies in place: same bytes, and usable by whom it is meant for."""
    return here is not None and here.data == there.data and as_meant(here.attributes, there.attributes)


def with_config(files: ConfigurationSet, config: SetFile) -> ConfigurationSet:
    """A set with this config.json in place of whatever it had."""
    return ConfigurationSet(
        layout=files.layout,
        version=files.version,
        files={**files.files, config.path: config},
        directories=files.directories,
        os=files.os,
    )


def file_changes(now: ConfigurationSet, target: ConfigurationSet, chosen: Chosen) -> tuple[Change, ...]:
    """The chosen files that would be created, replaced, removed or kept, by path."""
    found = []
    for path in sorted(filter(chosen, {*now.files, *target.files})):
        here, there = now.files.get(path), target.files.get(path)
        if there is None:
            found.append(Change(action="remove", subject=path, before=_described(here)))
        elif here is not None and placed(here, there):
            found.append(Change(action="keep", subject=path, before=_described(here), after=_described(there)))
        else:
            action = "create" if here is None else "replace"
            found.append(Change(action=action, subject=path, before=_described(here), after=_described(there)))
    return tuple(found)


def _described(file: SetFile | None) -> str | None:
    if file is None:
        return None
    size = told_size(len(file.data))
    digest = f", SHA-256 {hashlib.sha256(file.data).hexdigest()[:12]}…" if len(file.data) >= GUESSABLE else ""
    return f"{size}, {told_attributes(file.attributes)}{digest}"
