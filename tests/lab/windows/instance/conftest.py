"""Windows hosts of the lab with a connector on each, reached by both transports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from typing import cast

import pytest

from tests.lab.conftest import SPEED
from tui.cluster import Cluster
from tui.cluster_file import load_cluster
from tui.connector.discovery import open_instance
from tui.connector.windows.instance import WindowsInstance
from tui.lab.lab import Lab
from tui.lab.windows.furnishing import WINDOWS_HTTPS, WINDOWS_SSH
from tui.lab.windows.host import WindowsLabHost
from tui.remote.access import Access
from tui.remote.connect import open_session

BY_WINRM, BY_SSH, WAITING = "pine", "birch", "alder"
FURNISHINGS = {BY_WINRM: WINDOWS_HTTPS, BY_SSH: WINDOWS_SSH, WAITING: WINDOWS_HTTPS}


@pytest.fixture(scope="module")
def windows_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Two configured Windows hosts, one reached by each transport, and one that waits for a set."""
    directory = tmp_path_factory.mktemp("windows") / "lab"
    with Lab(
        directory, tuple(FURNISHINGS), configured=(BY_WINRM, BY_SSH), speed=SPEED, furnishings=FURNISHINGS
    ) as made:
        yield made


@pytest.fixture(scope="module")
def cluster(windows_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """The lab's cluster file, read."""
    path = tmp_path_factory.mktemp("cluster") / "lab.toml"
    path.write_text(windows_lab.cluster_document())
    return load_cluster(path)


@pytest.fixture(scope="module")
def reach(
    windows_lab: Lab, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], WindowsInstance]]:
    """A host's instance, over a session that the module's tests share."""
    home = tmp_path_factory.mktemp("access")
    known = home / "known_hosts"
    known.write_text(windows_lab.known_hosts_text())
    access = Access(
        secrets=windows_lab.secrets(),
        known_hosts=known,
        system_known_hosts=home / "none",
        known_certificates=home / "known_certificates",
    )
    with ExitStack() as stack:

        @cache
        def opened(name: str) -> WindowsInstance:
            session = open_session(cluster.host(name), access)
            stack.callback(session.close)
            return cast(WindowsInstance, open_instance(session, cluster.host(name)))

        yield opened


@pytest.fixture(params=[BY_WINRM, BY_SSH])
def name(request: pytest.FixtureRequest) -> str:
    """Each configured host in turn, and with it each transport."""
    return cast(str, request.param)


@pytest.fixture
def host(windows_lab: Lab, name: str) -> Iterator[WindowsLabHost]:
    """The lab's side of it, whose connector runs again when the test is over."""
    made = windows_lab.windows[name]
    yield made
    for service in (made.connector_unit, made.admin_unit):
        made.services.set_stuck(service, False)
        made.services.set_start_mode(service, "Auto")
        if made.services.wait(service, lambda each: each.state in ("Stopped", "Running"), timeout=20):
            if made.services.service(service).state == "Stopped":
                made.services.start(service)
            made.services.wait_state(service, "Running", 20)


@pytest.fixture
def instance(reach: Callable[[str], WindowsInstance], host: WindowsLabHost) -> WindowsInstance:
    """The connector on it."""
    return reach(host.name)
