"""The acts that put a set of their own on hosts, on a cluster of a Windows first host and a Linux one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.held_run import errors_of
from tests.lab.jump_box import JumpBox, finished, jump_box, tree_of
from tests.lab.windows.installs import windows_tree_of
from tui.connector.config_keys import CREDENTIALS, read_config
from tui.lab.lab import Lab
from tui.lab.standin.certificates import decrypt_password, thumbprint
from tui.lab.windows.furnishing import WINDOWS_UNSIGNED
from tui.runbook.model import RunState
from tui.runbook.order import Wanted

NAMES = ("fir", "oak")


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JumpBox]:
    """Both in service; fir, the first host, is a Windows server."""
    kinds = {"fir": WINDOWS_UNSIGNED}
    with (
        Lab(tmp_path / "lab", names=NAMES, configured=NAMES, furnishings=kinds, speed=20) as lab,
        jump_box(lab, monkeypatch) as made,
    ):
        yield made


def on_windows(box: JumpBox, path: str) -> bytes:
    fir = box.lab.windows["fir"]
    data: bytes = fir.tree.read(f"{fir.install_dir}\\{path}")
    return data


def without_config(tree: dict[str, object]) -> dict[str, object]:
    """The connector rewrites config.json at every start, and its log grows."""
    return {path: entry for path, entry in tree.items() if "config.json" not in path and "logs.log" not in path}


def test_a_certificate_is_renewed_on_both_and_taken_back_from_both(box: JumpBox) -> None:
    old = box.lab.tenant.published
    windows, linux = windows_tree_of(box.lab.windows["fir"]), tree_of(box.lab.hosts["oak"])
    with box.operations() as operations:
        operations.unlock_identity(box.lab.vault_passphrase)
        run = operations.acts.start("renew")
        view = finished(operations, run)
        assert view.state is RunState.DONE, errors_of(view)
        new = thumbprint(on_windows(box, "certs/cert.pem"))
        assert box.lab.tenant.published == new != old
        assert box.lab.tenant.accepted() == dict.fromkeys(NAMES, 1)
        key = on_windows(box, "certs/cert.key")
        credentials = str(read_config(on_windows(box, "config.json")).values[CREDENTIALS])
        assert decrypt_password(credentials, key) == box.lab.bind_password
        operations.resume_run(run, undo=True)
        view = finished(operations, run)
    assert view.state is RunState.ROLLED_BACK, errors_of(view)
    assert box.lab.tenant.published == old
    assert without_config(dict(windows_tree_of(box.lab.windows["fir"]))) == without_config(dict(windows))
    assert without_config(dict(tree_of(box.lab.hosts["oak"]))) == without_config(dict(linux))


def test_a_change_and_a_backup_reach_both_systems_one_after_the_other(box: JumpBox) -> None:
    mapper, since = on_windows(box, "lib/profileMapper.js"), time.time()
    text = "// both\nmodule.exports = function (raw) { return { id: raw.objectGUID }; };\n"
    with box.operations() as operations:
        operations.unlock_identity(box.lab.vault_passphrase)
        backup = operations.back_up_first()
        view = finished(operations, operations.acts.start("change", wanted=Wanted(profile_mapper=text)))
        assert view.state is RunState.DONE, errors_of(view)
        assert on_windows(box, "lib/profileMapper.js") == text.encode()
        assert (Path(box.lab.hosts["oak"].install_dir) / "lib/profileMapper.js").read_bytes() == text.encode()
        view = finished(operations, operations.acts.start("restore", NAMES, wanted=Wanted(backup=backup.id)))
        assert view.state is RunState.DONE, errors_of(view)
    assert on_windows(box, "lib/profileMapper.js") == mapper
    assert (Path(box.lab.hosts["oak"].install_dir) / "lib/profileMapper.js").read_bytes() == mapper
    assert box.lab.tenant.hub.least_connected(since) == len(NAMES) - 1
