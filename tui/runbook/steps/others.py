"""How the other instances of the cluster are doing while one of them is out of service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from tui.cluster import Host
from tui.connector.instance import Instance, LogMark
from tui.connector.log import read_log
from tui.connector.model import Role
from tui.errors import OperatorError
from tui.runbook.context import RunContext

_AT_ONCE = 8
_LOST = ("hub-disconnected", "reconnecting")


@dataclass(frozen=True, slots=True)
class Standing:
    """One other instance at one moment. `mark` is the end of its log then; `why` says what keeps it from being connected.

    `seen`: whether it could be looked at. `held_by`: the other run that holds its host, where that was asked.
    """

    host: str
    connected: bool
    pid: int | None = None
    mark: LogMark | None = None
    why: str = ""
    seen: bool = True
    held_by: str | None = None

    @property
    def to_rely_on(self) -> bool:
        """Whether it serves, and nobody is about to take it out of service."""
        return self.connected and self.held_by is None

    @property
    def line(self) -> str:
        """The standing as a line of evidence."""
        held = f"; its host is taken by {self.held_by}" if self.held_by is not None else ""
        return f"{self.host}: {'connected' if self.connected else self.why}{held}"


def others(context: RunContext, host: str) -> tuple[Host, ...]:
    """Every host of the cluster but this one."""
    return tuple(each for each in context.cluster.hosts if each.name != host)


def standings(context: RunContext, hosts: Sequence[Host], *, holders: bool = False) -> dict[str, Standing]:
    """Look at these hosts side by side. A host that cannot be looked at is not connected, as far as anybody knows.

    `holders`: ask too whether another run, from this jump box or another, has taken a host.
    """
    if not hosts:
        return {}
    with ThreadPoolExecutor(min(_AT_ONCE, len(hosts)), thread_name_prefix="others") as pool:
        return {each.host: each for each in pool.map(lambda host: _standing(context, host, holders), hosts)}


def _standing(context: RunContext, host: Host, holders: bool) -> Standing:
    def look(instance: Instance) -> Standing:
        seen = _look(instance, host.name)
        return replace(seen, held_by=_holder(instance, context.run)) if holders else seen

    try:
        return context.links.to(host).on_instance(look)
    except OperatorError as error:
        return Standing(host.name, connected=False, why=f"cannot be looked at: {error.summary}", seen=False)


def _holder(instance: Instance, run: str) -> str | None:
    holder = instance.locked_by()
    if holder is None or holder == run:
        return None
    return f"run {holder}" if holder else "somebody"


def _look(instance: Instance, name: str) -> Standing:
    connector = instance.services().get(Role.CONNECTOR)
    if connector is None or not connector.running:
        return Standing(
            name, connected=False, why=f"its connector is {connector.state if connector else 'without a unit'}"
        )
    text, mark = instance.log_since(None)
    state = read_log(text).state
    if state != "connected":
        return Standing(name, connected=False, pid=connector.main_pid, mark=mark, why=f"hub {state}")
    return Standing(name, connected=True, pid=connector.main_pid, mark=mark)


def disturbed(context: RunContext, before: Mapping[str, Standing], now: Mapping[str, Standing]) -> list[str]:
    """What has happened since `before` to the instances that were connected then, in words; empty when nothing has."""
    found = []
    for name, then in before.items():
        if not then.connected:
            continue
        seen = now.get(name)
        if seen is None or not seen.connected:
            found.append(f"{name}: {seen.why if seen else 'not looked at'}")
        elif then.pid is not None and seen.pid != then.pid:
            found.append(f"{name}: its connector was restarted (process {then.pid} → {seen.pid})")
        elif lost := _losses(context, name, then):
            found.append(f"{name}: {lost}")
    return found


def _losses(context: RunContext, name: str, then: Standing) -> str | None:
    if then.mark is None:
        return None
    mark = then.mark
    text, _ = context.links.to(context.cluster.host(name)).on_instance(lambda instance: instance.log_since(mark))
    lost = [event for event in read_log(text).events if event.kind in _LOST or event.fatal]
    return f"it logged: {lost[-1].text}" if lost else None
