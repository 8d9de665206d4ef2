"""Reading a set from Windows: relative paths, ACLs, links; and whether the service account can use it."""

from __future__ import annotations

import pytest

from tests.unit.connector.windows.scripted import FOLDER, INHERITED, ROOT, ScriptedSession, install
from tui.connector.errors import ConnectorError
from tui.connector.model import ConfigurationSet, SetFile
from tui.connector.windows.paths import on_host
from tui.connector.windows.set_access import unusable
from tui.connector.windows.set_reader import read_set, set_links, unrepresented
from tui.remote.session import FileAttributes

SYSTEM = ("S-1-5-18", "S-1-1-0", "S-1-5-11", "S-1-5-32-544")


def host() -> ScriptedSession:
    session = ScriptedSession(Get_AccountSids={"sids": list(SYSTEM)})
    session.files = {
        ROOT: None,
        f"{ROOT}\\config.json": b'{"CONNECTION":"x"}\r\n',
        f"{ROOT}\\lib": None,
        f"{ROOT}\\lib\\profileMapper.js": b"module.exports",
        f"{ROOT}\\certs": None,
        f"{ROOT}\\certs\\cert.key": b"KEY\r\n",
        f"{ROOT}\\certs\\cert.pem": b"PEM\r\n",
        f"{ROOT}\\certs\\extra": None,
        f"{ROOT}\\certs\\extra\\ca.pem": b"CA",
    }
    return session


def test_paths_are_relative_and_have_slashes_whatever_the_system() -> None:
    found = read_set(host(), install())
    assert found.os == "windows"
    assert sorted(found.files) == [
        "certs/cert.key",
        "certs/cert.pem",
        "certs/extra/ca.pem",
        "config.json",
        "lib/profileMapper.js",
    ]
    assert sorted(found.directories) == ["certs", "certs/extra", "lib"]
    assert found.data("certs/cert.key") == b"KEY\r\n"
    assert found.files["config.json"].attributes.acl == INHERITED


def test_what_is_absent_is_absent() -> None:
    session = host()
    session.files = {ROOT: None, f"{ROOT}\\lib": None}
    found = read_set(session, install())
    assert (found.files, list(found.directories)) == ({}, ["lib"])


@pytest.mark.parametrize("path", ["../outside", "/absolute", "certs/../../x", "C:/x", "certs\\x", "a:b", ""])
def test_no_path_leads_out_of_the_install(path: str) -> None:
    with pytest.raises(ValueError, match="not a path"):
        on_host(install(), path)


class TestLinks:
    def test_a_link_inside_the_install_is_followed(self) -> None:
        session = host()
        session.files[f"{ROOT}\\config.json"] = "current.json"
        session.files[f"{ROOT}\\current.json"] = b"{}"
        assert read_set(session, install()).data("config.json") == b"{}"
        assert set_links(session, install()) == {"config.json": f"{ROOT}\\current.json"}
        assert unrepresented(session, install()) == ("config.json",)

    def test_a_link_to_a_link_is_followed_to_its_end(self) -> None:
        session = host()
        session.files[f"{ROOT}\\config.json"] = "one.json"
        session.files[f"{ROOT}\\one.json"] = "two.json"
        session.files[f"{ROOT}\\two.json"] = b"{}"
        assert read_set(session, install()).data("config.json") == b"{}"
        session.files[f"{ROOT}\\one.json"] = "D:\\config.json"
        with pytest.raises(ConnectorError):
            read_set(session, install(account="CORP\\svc"))

    def test_links_in_a_circle_are_no_files(self) -> None:
        session = host()
        session.files[f"{ROOT}\\config.json"] = "one.json"
        session.files[f"{ROOT}\\one.json"] = "config.json"
        assert "config.json" not in read_set(session, install()).files

    def test_a_certs_folder_that_is_a_junction_is_read_behind_it(self) -> None:
        session = host()
        behind = f"{ROOT}\\kept"
        for path in [path for path in session.files if path.startswith(f"{ROOT}\\certs")]:
            session.files[path.replace(f"{ROOT}\\certs", behind)] = session.files.pop(path)
        session.files[f"{ROOT}\\certs"] = behind
        found = read_set(session, install())
        assert found.data("certs/cert.key") == b"KEY\r\n"
        assert found.data("certs/extra/ca.pem") == b"CA"
        assert "certs" in found.directories
        assert unrepresented(session, install()) == ("certs",)

    @pytest.mark.parametrize("account", ["LocalSystem", "NT AUTHORITY\\SYSTEM"])
    def test_one_that_leads_out_is_followed_for_the_system_itself(self, account: str) -> None:
        session = host()
        session.files[f"{ROOT}\\certs\\cert.key"] = "D:\\secret\\cert.key"
        session.files["D:\\secret\\cert.key"] = b"FAR"
        assert read_set(session, install(account=account)).data("certs/cert.key") == b"FAR"

    def test_and_refused_for_any_other_account(self) -> None:
        session = host()
        session.files[f"{ROOT}\\certs\\cert.key"] = "D:\\secret\\cert.key"
        with pytest.raises(ConnectorError, match="leads out of it, to D:") as caught:
            read_set(session, install(account="CORP\\svc"))
        assert "CORP\\svc" in (caught.value.meaning or "")

    def test_a_directory_with_the_same_beginning_is_not_inside(self) -> None:
        session = host()
        session.files[f"{ROOT}\\config.json"] = f"{ROOT} old\\config.json"
        with pytest.raises(ConnectorError):
            read_set(session, install(account="CORP\\svc"))

    def test_a_link_to_nowhere_is_no_file(self) -> None:
        session = host()
        session.files[f"{ROOT}\\config.json"] = "gone.json"
        assert read_set(session, install()).data("config.json") is None

    def test_a_deduplicated_file_is_a_file(self) -> None:
        session = host()
        session.files[f"{ROOT}\\config.json"] = ""
        assert "config.json" in read_set(session, install()).files
        assert set_links(session, install()) == {}
        assert unrepresented(session, install()) == ()

    def test_what_lies_too_deep_is_not_represented(self) -> None:
        session = host()
        deep = "certs"
        for name in "abcdefg":
            deep = f"{deep}\\{name}"
            session.files[f"{ROOT}\\{deep}"] = None
        assert unrepresented(session, install()) == ("certs/a/b/c/d/e/f/g",)


class TestUse:
    def test_what_the_installer_leaves_can_be_used(self) -> None:
        session = host()
        assert unusable(session, install(), read_set(session, install())) == ()
        assert session.given("Get-AccountSids.ps1") == [{"Account": "LocalSystem"}]

    def test_a_key_that_only_somebody_else_may_read_cannot(self) -> None:
        session = host()
        session.acls[f"{ROOT}\\certs\\cert.key"] = "O:BAD:P(A;;FA;;;S-1-5-21-1-2-3-500)"
        assert unusable(session, install(), read_set(session, install())) == ("certs/cert.key",)

    def test_config_json_must_be_rewritten_the_others_only_read(self) -> None:
        session = host()
        for name in ("config.json", "certs\\cert.key"):
            session.acls[f"{ROOT}\\{name}"] = "O:BAD:P(A;;FR;;;SY)(A;;FA;;;BA)"
        session.answers["Get-AccountSids.ps1"] = {"sids": ["S-1-5-18", "S-1-1-0"]}
        assert unusable(session, install(), read_set(session, install())) == ("config.json",)

    @pytest.mark.parametrize(
        ("folder", "carried", "refused"),
        [
            (FOLDER, None, ()),
            ("D:P(A;OICI;FA;;;S-1-5-21-9)", None, ("config.json",)),
            ("D:P(A;OICI;FA;;;S-1-5-21-9)", "D:P(A;;FA;;;SY)", ()),
            (FOLDER, "D:P(A;;FR;;;SY)", ("config.json",)),
        ],
    )
    def test_what_is_not_there_yet_is_judged_by_what_it_will_have(
        self, folder: str, carried: str | None, refused: tuple[str, ...]
    ) -> None:
        session = host()
        session.files = {ROOT: None}
        session.acls[ROOT] = folder
        session.answers["Get-AccountSids.ps1"] = {"sids": ["S-1-5-18"]}
        planned = SetFile("config.json", b"{}", FileAttributes("", "", 0, carried))
        files = ConfigurationSet(install().layout, "6.4.1", {"config.json": planned}, {}, os="windows")
        assert unusable(session, install(), files) == refused

    def test_an_account_that_the_host_does_not_know_is_not_judged(self) -> None:
        session = host()
        session.answers["Get-AccountSids.ps1"] = {"sids": []}
        session.acls[f"{ROOT}\\config.json"] = "D:P"
        assert unusable(session, install(), read_set(session, install())) == ()
