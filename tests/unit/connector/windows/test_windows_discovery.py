"""The connector on a Windows host is found by its services' NSSM settings, then in the usual places."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.unit.connector.windows.scripted import ROOT, ScriptedSession
from tui.cluster import Host
from tui.connector.errors import NoInstall, SeveralInstalls
from tui.connector.model import Install, Layout
from tui.connector.windows.discovery import find_windows_install
from tui.connector.windows.paths import WELL_KNOWN_DIRECTORIES

V6 = ["lib/initConf.js", "server.js", "admin/server.js"]
OTHER = "D:\\Connectors\\second"


def service(
    name: str, directory: str | None = ROOT, arguments: str | None = "server.js", **more: Any
) -> dict[str, Any]:
    return {
        "name": name,
        "display": name,
        "state": "Running",
        "start_mode": "Auto",
        "account": "LocalSystem",
        "image": "C:\\nssm.exe",
        "application": f"{directory}\\node.exe" if directory else None,
        "arguments": arguments,
        "directory": directory,
    } | more


def directory(
    real: str = ROOT, asked: str | None = None, markers: list[str] | None = None, **more: Any
) -> dict[str, Any]:
    return {
        "asked": asked or real,
        "real": real,
        "markers": V6 if markers is None else markers,
        "version": "6.4.1",
        "owner": "BUILTIN\\Administrators",
        "node": True,
    } | more


CONNECTOR, ADMIN = service("Auth0 ADLDAP"), service("Auth0 ADLDAP Admin", f"{ROOT}\\admin")


def find(services: list[dict[str, Any]], directories: list[dict[str, Any]], **host: Any) -> Install:
    session = ScriptedSession(Find_Install=lambda given: _answer(given, services, directories))
    return find_windows_install(session, Host(name="fir", address="fir.example", transport="winrm", user="ops", **host))


def _answer(
    given: Mapping[str, Any], services: list[dict[str, Any]], directories: list[dict[str, Any]]
) -> dict[str, Any]:
    """As the script: what lies where it was told to look, and in each AppDirectory and its parent."""
    named = [service["directory"] for service in services if service["directory"]]
    asked = {place.rstrip("\\").lower() for place in [*given["Places"], *named]}
    asked |= {place.removesuffix("\\admin") for place in asked}
    return {
        "services": services,
        "directories": [each for each in directories if each["asked"].rstrip("\\").lower() in asked],
    }


def test_it_is_where_its_services_run_and_they_are_told_apart_by_what_they_run() -> None:
    found = find([ADMIN, CONNECTOR], [directory(), directory(f"{ROOT}\\admin", markers=["server.js"])])
    assert (found.directory, found.layout, found.version) == (ROOT, Layout.V6, "6.4.1")
    assert (found.connector_unit, found.admin_unit) == ("Auth0 ADLDAP", "Auth0 ADLDAP Admin")
    assert (found.os, found.supervisor, found.account) == ("windows", "scm", "LocalSystem")
    assert found.node == f"{ROOT}\\node.exe"


@pytest.mark.parametrize(
    ("place", "arguments"),
    [
        (ROOT, "admin\\server.js"),
        (ROOT, ".\\admin\\server.js"),
        (f"{ROOT}\\admin\\", "server.js"),
        ("C:\\", f'"{ROOT}\\admin\\server.js"'),
        (ROOT, "--max-old-space-size=512 admin/server.js"),
    ],
)
def test_an_admin_service_is_known_by_its_script_whatever_it_is_called(place: str, arguments: str) -> None:
    found = find([CONNECTOR, service("console", place, arguments)], [directory()])
    assert (found.connector_unit, found.admin_unit) == ("Auth0 ADLDAP", "console")


def test_a_service_of_another_name_in_another_place_leads_to_its_install() -> None:
    found = find([service("ldap-sso", OTHER)], [directory(OTHER)])
    assert (found.directory, found.connector_unit, found.admin_unit) == (OTHER, "ldap-sso", None)


def test_a_script_named_by_its_full_path_is_looked_for_in_a_second_round_trip() -> None:
    found = find([service("ldap-sso", "C:\\Windows", f"{OTHER}\\server.js")], [directory(OTHER)])
    assert found.directory == OTHER


def test_paths_are_compared_as_windows_does() -> None:
    found = find([service("Auth0 ADLDAP", f"{ROOT.upper()}\\")], [directory(asked=f"{ROOT.upper()}\\"), directory()])
    assert found.connector_unit == "Auth0 ADLDAP"


def test_a_place_that_is_a_link_is_the_install_behind_it() -> None:
    found = find([CONNECTOR], [directory(OTHER, asked=ROOT)])
    assert (found.directory, found.found_at, found.connector_unit) == (OTHER, ROOT, "Auth0 ADLDAP")


def test_an_install_without_a_service_says_so() -> None:
    found = find([], [directory()])
    assert (found.connector_unit, found.supervisor, found.account) == (None, "none", "BUILTIN\\Administrators")


def test_a_service_that_is_no_nssm_one_is_taken_by_its_usual_name() -> None:
    found = find([service("Auth0 ADLDAP", None, None)], [directory()])
    assert found.connector_unit == "Auth0 ADLDAP"
    assert found.node == f"{ROOT}\\node.exe"


def test_a_node_elsewhere_is_used_when_the_install_has_none() -> None:
    elsewhere = "C:\\Program Files\\nodejs\\node.exe"
    assert find([service("a", application=elsewhere)], [directory(node=False)]).node == elsewhere
    assert find([service("a", application=elsewhere)], [directory()]).node == f"{ROOT}\\node.exe"


def test_the_usual_places_are_looked_at_and_names_of_the_cluster_file_are_asked_for() -> None:
    session = ScriptedSession(Find_Install={"services": [CONNECTOR, service("x")], "directories": [directory()]})
    host = Host(
        name="fir",
        address="fir.example",
        transport="winrm",
        user="ops",
        connector_unit="x",
        admin_unit="Auth0 ADLDAP-2",
    )
    with pytest.raises(NoInstall):
        find_windows_install(session, host)
    given = session.given("Find-Install.ps1")[0]
    assert given["Places"] == list(WELL_KNOWN_DIRECTORIES)
    assert given["Named"] == ["x", "Auth0 ADLDAP-2"]


def test_without_a_directory_of_its_own_a_program_starts_where_it_lies() -> None:
    found = find([service("a", None, application=f"{OTHER}\\node.exe", arguments="server.js")], [directory(OTHER)])
    assert (found.directory, found.connector_unit) == (OTHER, "a")


def test_nothing_found_is_told_with_where_it_was_looked_for() -> None:
    with pytest.raises(NoInstall) as caught:
        find([], [])
    assert all(place in (caught.value.tried or "") for place in WELL_KNOWN_DIRECTORIES)


def test_a_directory_that_is_no_connector_is_none() -> None:
    with pytest.raises(NoInstall):
        find([service("web-shop", "C:\\shop")], [directory("C:\\shop", markers=["server.js"])])


def test_two_connectors_are_not_chosen_from() -> None:
    with pytest.raises(SeveralInstalls) as caught:
        find([CONNECTOR, service("ldap-sso", OTHER)], [directory(), directory(OTHER)])
    assert caught.value.directories == (ROOT, OTHER)


def test_the_one_with_a_service_wins_over_one_without() -> None:
    assert find([service("ldap-sso", OTHER)], [directory(), directory(OTHER)]).directory == OTHER


def test_of_two_services_for_one_install_the_one_that_runs_is_meant() -> None:
    old = service("Auth0 ADLDAP old", state="Stopped", start_mode="Disabled")
    assert find([old, CONNECTOR], [directory()]).connector_unit == "Auth0 ADLDAP"
    with pytest.raises(SeveralInstalls):
        find([service("a"), service("b")], [directory()])


@pytest.mark.parametrize("layout", [Layout.V7, Layout.HALF_MIGRATED])
def test_other_layouts_are_recognised(layout: Layout) -> None:
    markers = ["lib/secureStorage.js"] + (["config.json"] if layout is Layout.HALF_MIGRATED else [])
    assert find([CONNECTOR], [directory(markers=markers)]).layout is layout


class TestWhatTheClusterFileNames:
    def test_a_service_is_found_by_its_name_or_its_display_name(self) -> None:
        named = service("ldap-sso", OTHER, display="LDAP")
        for name in ("ldap-sso", "LDAP-SSO", "LDAP"):
            found = find([CONNECTOR, named], [directory(), directory(OTHER)], connector_unit=name)
            assert (found.directory, found.connector_unit) == (OTHER, "ldap-sso")

    def test_a_service_that_is_missing_is_told(self) -> None:
        with pytest.raises(NoInstall) as caught:
            find([CONNECTOR], [directory()], admin_unit="nothing")
        assert "nothing" in caught.value.summary
        assert "admin_unit" in (caught.value.remedy or "")

    @pytest.mark.parametrize("written", [OTHER, f"{OTHER}\\", OTHER.lower()])
    def test_its_directory_wins_however_it_is_written(self, written: str) -> None:
        found = find([CONNECTOR], [directory(), directory(OTHER)], install_dir=written)
        assert (found.directory, found.found_at, found.connector_unit) == (OTHER, written, None)

    def test_a_directory_without_a_connector_is_told(self) -> None:
        with pytest.raises(NoInstall, match="holds no"):
            find([CONNECTOR], [directory()], install_dir=OTHER)
