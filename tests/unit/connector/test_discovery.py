"""The connector is found by what runs it, wherever it lies and whatever its unit is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.connector.local_session import LocalSession
from tests.unit.connector.material import make_install, unit
from tui.cluster import Host
from tui.connector.discovery import choose, find_install
from tui.connector.errors import NoInstall, SeveralInstalls
from tui.connector.model import Layout
from tui.connector.scan import parse_scan


def _host(**more: str) -> Host:
    return Host.model_validate({"name": "fir", "address": "192.0.2.1", **more})


@pytest.mark.parametrize(
    ("command", "directory", "program"),
    [
        ("/usr/bin/node {0}/server.js", "", "/usr/bin/node"),
        ("/usr/bin/node server.js", "{0}", "/usr/bin/node"),
        ("/usr/bin/node ./server.js", "{0}", "/usr/bin/node"),
        ("/usr/bin/env NODE_ENV=production node server.js", "{0}", "/usr/bin/env"),
        ("/bin/sh -c cd {0} && exec node server.js", "", "/bin/sh"),
        ('/bin/sh -c cd "{0}"; node --max-old-space-size=512 server.js', "", "/bin/sh"),
        ("/bin/sh -c exec /usr/bin/node {0}/server.js >> /var/log/adldap.log", "", "/bin/sh"),
        ("/usr/bin/npm start", "{0}", "/usr/bin/npm"),
        ("{0}/start.sh", "{0}", "{0}/start.sh"),
    ],
)
@pytest.mark.parametrize("place", ["opt/auth0", "opt/My Connectors/ad ldap"])
def test_a_unit_is_found_by_what_it_runs(
    session: LocalSession, tmp_path: Path, command: str, directory: str, program: str, place: str
) -> None:
    install = make_install(tmp_path / place)
    session.set_units(
        unit("whatever.service", command.format(install), directory.format(install), program.format(install))
    )
    found = find_install(session, _host())
    assert found.directory == str(install)
    assert found.connector_unit == "whatever.service"
    assert (found.layout, found.version) == (Layout.V6, "6.4.1")


@pytest.mark.parametrize(
    ("command", "directory"),
    [
        ("/usr/bin/node {0}/admin/server.js", ""),
        ("/usr/bin/node admin/server.js", "{0}"),
        ("/usr/bin/node server.js", "{0}/admin"),
    ],
)
def test_the_console_is_told_from_the_connector(
    session: LocalSession, tmp_path: Path, command: str, directory: str
) -> None:
    install = make_install(tmp_path / "opt/a b")
    session.set_units(
        unit("c.service", "/usr/bin/node server.js", str(install), User="svc")
        | unit("x.service", command.format(install), directory.format(install))
    )
    found = find_install(session, _host())
    assert (found.connector_unit, found.admin_unit) == ("c.service", "x.service")
    assert found.account == "svc"
    assert found.node == "/usr/bin/node"


def test_a_link_is_resolved_and_remembered(session: LocalSession, tmp_path: Path) -> None:
    real = make_install(tmp_path / "srv/connector-6.4.1")
    link = tmp_path / "connector"
    link.symlink_to(real)
    session.set_units(unit("c.service", "/usr/bin/node server.js", str(link)))
    found = find_install(session, _host())
    assert (found.directory, found.found_at) == (str(real), str(link))


def test_other_node_services_are_left_alone(session: LocalSession, tmp_path: Path) -> None:
    install = make_install(tmp_path / "ldap")
    shop = tmp_path / "shop"
    shop.mkdir()
    (shop / "server.js").touch()
    session.set_units(
        unit("shop.service", "/usr/bin/node server.js", str(shop))
        | unit("ldap.service", "/usr/bin/node server.js", str(install))
        | unit("cron.service", "/usr/sbin/cron -f", program="/usr/sbin/cron")
    )
    assert find_install(session, _host()).connector_unit == "ldap.service"


def test_one_round_trip_is_enough_when_the_unit_names_its_directory(session: LocalSession, tmp_path: Path) -> None:
    install = make_install(tmp_path / "ldap")
    session.set_units(
        unit("ldap.service", "/usr/bin/node server.js", str(install))
        | unit("console.service", "/usr/bin/node admin/server.js", str(install))
    )
    found = find_install(session, _host())
    assert (found.connector_unit, found.admin_unit) == ("ldap.service", "console.service")
    assert session.round_trips == 1


def test_what_the_cluster_file_names_wins(session: LocalSession, tmp_path: Path) -> None:
    one, two = make_install(tmp_path / "one"), make_install(tmp_path / "two")
    session.set_units(
        unit("one.service", "/usr/bin/node server.js", str(one))
        | unit("two.service", "/usr/bin/node server.js", str(two))
        | unit("odd.service", "/usr/local/bin/run-it", program="/usr/local/bin/run-it")
    )
    assert find_install(session, _host(install_dir=str(two))).connector_unit == "two.service"
    assert find_install(session, _host(connector_unit="one")).directory == str(one)
    assert find_install(session, _host(install_dir=str(two), connector_unit="odd")).connector_unit == "odd.service"


def test_several_installs_are_named(session: LocalSession, tmp_path: Path) -> None:
    places = [make_install(tmp_path / name) for name in ("one", "two")]
    units: dict[str, dict[str, str | list[str]]] = {}
    for place in places:
        units |= unit(f"{place.name}.service", "/usr/bin/node server.js", str(place))
    session.set_units(units)
    with pytest.raises(SeveralInstalls) as caught:
        find_install(session, _host())
    assert set(caught.value.directories) == {str(place) for place in places}
    assert "install_dir" in (caught.value.remedy or "")


def test_of_two_units_for_one_install_the_running_one_is_meant(session: LocalSession, tmp_path: Path) -> None:
    install = make_install(tmp_path / "ldap")
    session.set_units(
        unit("old.service", "/usr/bin/node server.js", str(install), ActiveState="inactive", UnitFileState="disabled")
        | unit("new.service", "/usr/bin/node server.js", str(install))
    )
    assert find_install(session, _host()).connector_unit == "new.service"
    both = session.units()
    both["old.service"]["ActiveState"] = "active"
    session.set_units({name: dict(values) for name, values in both.items()})
    with pytest.raises(SeveralInstalls, match=r"old\.service"):
        find_install(session, _host())


def test_nothing_installed_is_told_with_what_to_do(session: LocalSession) -> None:
    with pytest.raises(NoInstall) as caught:
        find_install(session, _host())
    assert "install_dir" in (caught.value.remedy or "")
    assert caught.value.host == "fir"


def test_a_wrong_install_dir_or_unit_is_named(session: LocalSession, tmp_path: Path) -> None:
    install = make_install(tmp_path / "ldap")
    session.set_units(unit("ldap.service", "/usr/bin/node server.js", str(install)))
    with pytest.raises(NoInstall, match="/nowhere"):
        find_install(session, _host(install_dir="/nowhere"))
    with pytest.raises(NoInstall, match=r"missing\.service"):
        find_install(session, _host(connector_unit="missing"))


def test_an_install_without_a_unit_is_still_found(session: LocalSession, tmp_path: Path) -> None:
    install = make_install(tmp_path / "ldap")
    found = find_install(session, _host(install_dir=str(install)))
    assert (found.connector_unit, found.supervisor) == (None, "none")


def test_a_v7_install_is_recognised(session: LocalSession, tmp_path: Path) -> None:
    install = tmp_path / "v7"
    (install / "lib").mkdir(parents=True)
    (install / "lib/secureStorage.js").touch()
    (install / "package.json").write_text('{"version": "7.0.2"}')
    session.set_units(unit("c.service", "/usr/bin/node server.js", str(install)))
    found = find_install(session, _host())
    assert (found.layout, found.version) == (Layout.V7, "7.0.2")
    (install / "config.json").write_text("{}")
    assert find_install(session, _host()).layout is Layout.HALF_MIGRATED


_FOUND = """section units

section directories
directory {place}
real {place}
owner svc svc
has lib/initConf.js server.js
package {{"version": "6.4.1"}}
end
section processes
process 42\t{place}\t{parent}\t{cgroup}\tnode {place}/server.js
section init
"""


def test_pm2_is_named() -> None:
    text = _FOUND.format(
        place="/opt/auth0-adldap", parent="PM2 v5.3.0: God Daemon (/root/.pm2)", cgroup="0::/user.slice"
    )
    assert choose(_host(), parse_scan(text)).supervisor == "pm2"


def test_upstart_is_named() -> None:
    text = _FOUND.format(place="/opt/auth0-adldap", parent="init", cgroup="") + "init /etc/init/auth0-adldap.conf\n"
    assert choose(_host(), parse_scan(text)).supervisor == "upstart"


def test_a_container_is_refused_with_what_to_do() -> None:
    text = "section processes\nprocess 42\t/app\tcontainerd-shim\t0::/docker/0a1b2c\tnode /app/server.js\n"
    with pytest.raises(NoInstall, match="container") as caught:
        choose(_host(), parse_scan(text))
    assert "systemd" in (caught.value.remedy or "")


def test_a_docker_unit_is_refused() -> None:
    shown = unit("auth0-adldap.service", "/usr/bin/docker run --rm --name ad-ldap acme/ad-ldap-connector")
    lines = [f"{key}={value}" for key, value in shown["auth0-adldap.service"].items()]
    with pytest.raises(NoInstall, match="container"):
        choose(_host(), parse_scan("\n".join(["section units", *lines])))
