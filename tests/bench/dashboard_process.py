"""The dashboard over a real Monitor whose hosts answer at once: `COUNT SCENE FILE`, the longest stall of each second into FILE."""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import tui.app
from tests.snapshots.fixture_operations import FixtureOperations
from tests.snapshots.fixture_watch import FixtureWatch
from tests.unit.health.material import facts, observation, service
from tui.app import AdldapHaApp
from tui.cluster import Cluster, ClusterSection, Host, VaultSettings
from tui.health.instance_watch import Look
from tui.health.model import ClusterStatus
from tui.health.monitor import InstanceView, Monitor

_REJECTED = "[2026-11-23 11:59:00] auth0: Agent rejected.\n"
_INTERVAL_S, _SAMPLE_S = 5.0, 0.01


class BenchWatch(FixtureWatch):
    """Fixed answers but for the instances, which a Monitor looks at as it does in earnest."""

    def __init__(self, names: list[str], scene: str, on_change: Callable[[str], None] | None) -> None:
        super().__init__()
        self._scene, self._names = scene, names
        self._turns = {name: itertools.count() for name in names}
        self._well = observation()
        self._ill = observation(connector=service(state="failed"), log=_REJECTED)
        self.monitor = Monitor("bench", names, names[0], self._look, interval=_INTERVAL_S, on_change=on_change)
        self.monitor.start()

    def _look(self, name: str) -> Look:
        """In the scene `one` a cell of the second instance changes with each look, in `all` some of every instance."""
        turn = next(self._turns[name])
        odd = turn % 2 == 1
        changes = odd and (self._scene == "all" or (self._scene == "one" and name == self._names[1]))
        seen = self._ill if changes and self._scene == "all" else self._well
        latency = 3.0 + (turn * 7 % 10) / 10 + (60.0 if self._scene == "all" and turn % 24 >= 12 else 0.0)
        now = facts(clock_skew_s=1.4 if changes else 0.1)
        return Look(replace(seen, name=name, at=datetime.now(UTC), facts=now), latency)

    def views(self) -> list[InstanceView]:
        """As the Monitor knows them."""
        return self.monitor.views()

    def status(self) -> ClusterStatus:
        """As the Monitor judges it."""
        return self.monitor.status()

    def close(self) -> None:
        """Look no more."""
        self.monitor.stop()


class BenchOperations(FixtureOperations):
    """One cluster of many hosts."""

    def __init__(self, names: list[str], scene: str) -> None:
        super().__init__()
        self._names, self._scene = names, scene

    def watch(
        self,
        *,
        interval: float,
        on_change: Callable[[str], None] | None = None,
        on_tenant: Callable[[], None] | None = None,
    ) -> FixtureWatch:
        """Begin."""
        return BenchWatch(self._names, self._scene, on_change)


async def watch_loop(file: Path) -> None:
    """Write down for each second how long the event loop stood still at worst."""
    worst: list[float] = []
    while True:
        end, longest = time.monotonic() + 1.0, 0.0
        while (now := time.monotonic()) < end:
            await asyncio.sleep(_SAMPLE_S)
            longest = max(longest, time.monotonic() - now - _SAMPLE_S)
        worst.append(longest)
        await asyncio.to_thread(file.write_text, json.dumps(worst))


class BenchApp(AdldapHaApp):
    """Opens the dashboard at once."""

    CSS_PATH = str(Path(tui.app.__file__).with_name("app.tcss"))
    stalls: Path
    cluster: Cluster

    def on_ready(self) -> None:
        """Open it, once home is there."""
        self.begin(self.cluster)
        self.open_dashboard()
        self._watching = asyncio.ensure_future(watch_loop(self.stalls))


def main(count: int, scene: str, stalls: Path) -> None:
    """Show it until the process is killed."""
    names = [f"ldap-{number:03d}" for number in range(1, count + 1)]
    hosts = tuple(Host(name=name, address=f"{name}.example.com", user="deploy") for name in names)
    app = BenchApp(BenchOperations(names, scene), now=lambda: datetime.now(UTC))
    app.stalls = stalls
    app.cluster = Cluster(cluster=ClusterSection(name="bench", first=names[0]), vault=VaultSettings(), hosts=hosts)
    app.run()
    if app._exception is not None:
        raise app._exception


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
