"""A Windows host's set in the vault: owners and ACLs come back as they were, and the sidecar says whose they are."""

from __future__ import annotations

import io
import zipfile

import pytest

from tests.unit.vault.conftest import Keep, make_set
from tui.connector.model import ConfigurationSet, SetFile
from tui.remote.session import FileAttributes
from tui.vault.errors import VaultError
from tui.vault.identity import Identity
from tui.vault.vault import Vault

FILE = FileAttributes(r"NT SERVICE\Auth0 ADLDAP", "", 0, acl="O:SYG:SYD:PAI(A;;FA;;;SY)(A;;0x1301bf;;;S-1-5-80-1)")
FOLDER = FileAttributes(r"BUILTIN\Administrators", "", 0, acl="O:BAG:SYD:AI(A;OICIID;FA;;;BA)")


@pytest.fixture
def windows_set(pair: tuple[bytes, bytes]) -> ConfigurationSet:
    made = make_set(pair)
    files = {path: SetFile(path, file.data, FILE) for path, file in made.files.items()}
    return ConfigurationSet(made.layout, made.version, files, dict.fromkeys(made.directories, FOLDER), os="windows")


def test_owners_and_acls_come_back_to_the_character(
    vault: Vault, keep: Keep, identity: Identity, windows_set: ConfigurationSet
) -> None:
    backup = keep(windows_set)
    assert vault.read(backup, identity) == windows_set
    assert vault.verify(backup, identity).ok


def test_the_sidecar_names_the_system_and_what_an_upgrade_reads_without_one_is_linux(
    vault: Vault, keep: Keep, configuration: ConfigurationSet, windows_set: ConfigurationSet
) -> None:
    listed = vault.get(keep(windows_set).id)
    assert listed.os == "windows"
    assert {(file.owner, file.acl) for file in listed.files} == {(FILE.owner, FILE.acl)}
    assert vault.get(keep(configuration).id).os == "linux"


def test_files_unpacked_by_other_tools_can_be_read_by_their_owner(
    keep: Keep, windows_set: ConfigurationSet, identity: Identity
) -> None:
    backup = keep(windows_set)
    plain = identity.decrypt(backup.path.read_bytes())
    with zipfile.ZipFile(io.BytesIO(plain)) as archive:
        assert {info.external_attr >> 16 & 0o777 for info in archive.infolist()} == {0o600}


def test_a_file_with_neither_group_nor_acl_is_refused(keep: Keep, configuration: ConfigurationSet) -> None:
    nobody = SetFile("config.json", b"{}", FileAttributes("svc", "", 0o644))
    with pytest.raises(VaultError):
        keep(ConfigurationSet(configuration.layout, "6.4.1", {"config.json": nobody}, {}))
