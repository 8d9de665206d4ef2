"""The zip inside a backup: what the console imports, the same bytes every time, and nothing taken on trust."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.vault.conftest import OWNER
from tui.connector.model import ConfigurationSet, Layout, SetFile
from tui.vault import archive
from tui.vault.archive import Description, pack, unpack
from tui.vault.errors import VaultError, VaultFailure

DESCRIPTION = Description(
    id="20260102T030405Z-fir-set-abcdef",
    cluster="prod",
    host="fir",
    kind="set",
    created=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    operator="alice",
    run=None,
    recipients=("age1x",),
    thumbprint=None,
    certificate_expires=None,
)


def with_files(*files: SetFile) -> ConfigurationSet:
    return ConfigurationSet(Layout.V6, "6.4.1", {file.path: file for file in files}, {})


def rewritten(data: bytes, change: Callable[[dict[str, bytes]], None], **options: Any) -> bytes:
    """The archive with its entries changed, as somebody would who knows the format."""
    with zipfile.ZipFile(io.BytesIO(data)) as source:
        contents = {name: source.read(name) for name in source.namelist()}
    change(contents)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **options) as target:
        for name, content in contents.items():
            target.writestr(name, content)
    return buffer.getvalue()


def refusal(data: bytes) -> VaultFailure:
    with pytest.raises(VaultError) as caught:
        unpack(data)
    return caught.value.reason


def test_what_comes_out_is_what_went_in_to_the_byte(configuration: ConfigurationSet) -> None:
    restored, manifest = unpack(pack(configuration, DESCRIPTION))
    assert restored == configuration
    assert manifest.description == DESCRIPTION


def test_the_same_set_gives_the_same_bytes(configuration: ConfigurationSet) -> None:
    shuffled = ConfigurationSet(
        configuration.layout,
        configuration.version,
        dict(reversed(configuration.files.items())),
        dict(reversed(configuration.directories.items())),
    )
    assert pack(shuffled, DESCRIPTION) == pack(configuration, DESCRIPTION)


def test_the_four_files_have_the_names_that_the_console_imports_and_config_comes_last(
    configuration: ConfigurationSet,
) -> None:
    with zipfile.ZipFile(io.BytesIO(pack(configuration, DESCRIPTION))) as opened:
        names = opened.namelist()
        assert opened.testzip() is None
    assert {"config.json", "lib/profileMapper.js", "certs/cert.key", "certs/cert.pem"} <= set(names)
    assert names[-1] == "config.json"


@given(st.dictionaries(st.sampled_from(["config.json", "certs/a", "certs/b/c", "lib/profileMapper.js"]), st.binary()))
def test_any_bytes_survive(contents: dict[str, bytes]) -> None:
    configuration = with_files(*(SetFile(path, data, OWNER) for path, data in contents.items()))
    assert unpack(pack(configuration, DESCRIPTION))[0] == configuration


@pytest.mark.parametrize("path", ["../evil", "/etc/passwd", "certs/../../x", "certs//x", "certs\\x", "certs/a\nb", "."])
def test_a_path_that_leads_elsewhere_is_refused_in_both_directions(path: str) -> None:
    with pytest.raises(VaultError) as caught:
        pack(with_files(SetFile(path, b"x", OWNER)), DESCRIPTION)
    assert caught.value.reason is VaultFailure.UNSAFE
    harmless = pack(with_files(SetFile("certs/x", b"x", OWNER)), DESCRIPTION)

    def redirect(contents: dict[str, bytes]) -> None:
        manifest = json.loads(contents.pop("manifest.json"))
        manifest["files"][0]["path"] = path
        contents[path] = contents.pop("certs/x")
        contents["manifest.json"] = json.dumps(manifest).encode()

    assert refusal(rewritten(harmless, redirect)) is VaultFailure.UNSAFE


def test_a_file_name_that_is_no_text_is_refused_before_anything_is_written() -> None:
    with pytest.raises(VaultError, match="cannot be backed up"):
        pack(with_files(SetFile("certs/\udcff", b"x", OWNER)), DESCRIPTION)


def test_a_set_that_has_a_file_called_like_the_manifest_is_refused() -> None:
    with pytest.raises(VaultError, match="occurs twice"):
        pack(with_files(SetFile("manifest.json", b"x", OWNER)), DESCRIPTION)


def test_a_path_that_is_both_file_and_directory_is_refused() -> None:
    with pytest.raises(VaultError, match="file and a directory"):
        pack(with_files(SetFile("certs", b"x", OWNER), SetFile("certs/a", b"y", OWNER)), DESCRIPTION)


def test_an_entry_that_the_manifest_does_not_list_is_refused(configuration: ConfigurationSet) -> None:
    data = pack(configuration, DESCRIPTION)
    assert refusal(rewritten(data, lambda c: c.update({"lib/evil.js": b"x"}))) is VaultFailure.UNSAFE
    assert refusal(rewritten(data, lambda c: c.update({"manifest.json": b"{}"}))) is VaultFailure.UNSAFE


def test_another_format_is_told_as_such(configuration: ConfigurationSet) -> None:
    data = pack(configuration, DESCRIPTION)

    def newer(contents: dict[str, bytes]) -> None:
        contents["manifest.json"] = contents["manifest.json"].replace(b'"format": 1', b'"format": 2')

    with pytest.raises(VaultError, match="another version"):
        unpack(rewritten(data, newer))


def test_a_missing_entry_and_a_missing_manifest_are_refused(configuration: ConfigurationSet) -> None:
    data = pack(configuration, DESCRIPTION)
    for name in ("certs/cert.key", "manifest.json"):
        assert refusal(rewritten(data, lambda c, name=name: c.pop(name) and None)) is VaultFailure.UNSAFE  # type: ignore[misc]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_occurs_twice_is_refused(configuration: ConfigurationSet) -> None:
    buffer = io.BytesIO(pack(configuration, DESCRIPTION))
    with zipfile.ZipFile(buffer, "a") as opened:
        opened.writestr("config.json", b"{}")
    assert refusal(buffer.getvalue()) is VaultFailure.UNSAFE


def test_other_bytes_than_the_manifest_promises_are_damage(configuration: ConfigurationSet) -> None:
    data = pack(configuration, DESCRIPTION)
    same_size = configuration.files["certs/cert.key"].data[:-1] + b"x"
    for content in (same_size, same_size + b"x", b""):
        changed = rewritten(data, lambda c, content=content: c.update({"certs/cert.key": content}))  # type: ignore[misc]
        assert refusal(changed) is VaultFailure.DAMAGED


def test_a_compressed_bomb_is_refused_without_being_inflated(
    configuration: ConfigurationSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = pack(configuration, DESCRIPTION)
    bomb = rewritten(data, lambda c: c.update({"manifest.json": b" " * (80 << 20)}), compression=zipfile.ZIP_DEFLATED)
    assert len(bomb) < 1 << 20
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: pytest.fail("something was opened"))
    assert refusal(bomb) is VaultFailure.UNSAFE


def test_too_many_files_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_FILES", 5)
    with pytest.raises(VaultError, match="more than 5 files"):
        pack(with_files(*(SetFile(f"certs/{n}", b"x", OWNER) for n in range(6))), DESCRIPTION)


@given(st.binary(max_size=200))
def test_anything_that_is_no_archive_is_refused_and_never_crashes(data: bytes) -> None:
    assert refusal(data) is VaultFailure.UNSAFE


def test_a_flipped_byte_anywhere_is_refused_or_changes_nothing(configuration: ConfigurationSet) -> None:
    data = pack(with_files(SetFile("config.json", b'{"a": 1}', OWNER)), DESCRIPTION)
    whole, _ = unpack(data)
    for position in range(len(data)):
        flipped = data[:position] + bytes([data[position] ^ 0x20]) + data[position + 1 :]
        try:
            restored, _ = unpack(flipped)
        except VaultError:
            continue
        assert restored.files["config.json"].data == whole.files["config.json"].data
