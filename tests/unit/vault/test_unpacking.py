"""Plaintext on the jump box: private from the start, whole, or not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.vault.conftest import Keep
from tui.connector.model import ConfigurationSet
from tui.private_files import write_private
from tui.vault.errors import VaultError, VaultFailure
from tui.vault.identity import Identity
from tui.vault.unpacking import unpack_into
from tui.vault.vault import Vault


def test_config_json_is_written_last_and_a_failure_before_it_leaves_nothing(
    vault: Vault,
    keep: Keep,
    identity: Identity,
    configuration: ConfigurationSet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files, manifest = vault.contents(keep(), identity)
    assert files == configuration
    written: list[str] = []

    def full_disk(path: Path, data: bytes, *, replace: bool) -> None:
        if path.name == "config.json":
            raise OSError(28, "No space left on device")
        written.append(str(path.relative_to(tmp_path / "out")))
        write_private(path, data, replace=replace)

    monkeypatch.setattr("tui.vault.unpacking.write_private", full_disk)
    with pytest.raises(VaultError, match="No space left") as caught:
        unpack_into(tmp_path / "out", files, manifest)
    assert caught.value.reason is VaultFailure.STORAGE
    assert set(written) == {"manifest.json", *configuration.files} - {"config.json"}
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", ["directory", "file", "link"])
def test_what_exists_is_not_touched(vault: Vault, keep: Keep, identity: Identity, tmp_path: Path, kind: str) -> None:
    files, manifest = vault.contents(keep(), identity)
    target = tmp_path / "out"
    if kind == "directory":
        target.mkdir()
    elif kind == "file":
        target.write_text("mine")
    else:
        target.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(VaultError) as caught:
        unpack_into(target, files, manifest)
    assert caught.value.reason is VaultFailure.EXISTS
    assert not (tmp_path / "elsewhere").exists()


def test_a_place_that_does_not_exist_is_told(vault: Vault, keep: Keep, identity: Identity, tmp_path: Path) -> None:
    files, manifest = vault.contents(keep(), identity)
    with pytest.raises(VaultError) as caught:
        unpack_into(tmp_path / "missing" / "out", files, manifest)
    assert caught.value.reason is VaultFailure.MISSING
