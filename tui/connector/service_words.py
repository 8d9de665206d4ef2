"""What to call a service and what to type about it, on the system that it runs on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServiceWords:
    """The words of one system. Each command takes the service's name for `NAME`."""

    kind: str
    forbidden: str
    allow: str
    start_at_boot: str
    not_at_boot: str
    read_log: str

    def about(self, words: str, name: str) -> str:
        """One of the commands, for the service `name`."""
        return words.replace("NAME", name)


_SYSTEMD = ServiceWords(
    kind="systemd unit",
    forbidden="masked",
    allow="`systemctl unmask NAME`",
    start_at_boot="`systemctl enable NAME`",
    not_at_boot="`systemctl disable NAME`",
    read_log="`journalctl -u NAME -n 50`",
)
_WINDOWS = ServiceWords(
    kind="Windows service",
    forbidden="disabled",
    allow="`Set-Service -Name 'NAME' -StartupType Automatic`",
    start_at_boot="`Set-Service -Name 'NAME' -StartupType Automatic`",
    not_at_boot="`Set-Service -Name 'NAME' -StartupType Manual`",
    read_log="the end of logs.log in the install directory, and the System event log",
)


def service_words(system: str) -> ServiceWords:
    """The words of `linux` or `windows`."""
    return _WINDOWS if system == "windows" else _SYSTEMD
