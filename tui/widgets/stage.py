"""The twelve stages of the wizard, in order."""

from __future__ import annotations

from enum import StrEnum


class Stage(StrEnum):
    """A stage and the word for it on the rail. The names are also the names of the screens' modules."""

    HOME = "Home"
    HOSTS = "Hosts"
    CONNECT = "Connect"
    FIRST_HOST = "First host"
    BACKUP = "Backup"
    ADDITIONAL_HOSTS = "Additional hosts"
    CONFIRMATION = "Confirmation"
    PROGRESS = "Progress"
    SERVICES = "Services"
    TROUBLESHOOTER = "Troubleshooter"
    TENANT = "Tenant"
    SUMMARY = "Summary"

    @property
    def number(self) -> int:
        """Its place, from 1."""
        return list(Stage).index(self) + 1

    @property
    def following(self) -> Stage | None:
        """The stage after this one; None after the last."""
        stages = list(Stage)
        return stages[self.number] if self.number < len(stages) else None


CHAPTERS = (
    (
        "Prepare",
        (Stage.HOSTS, Stage.CONNECT, Stage.FIRST_HOST, Stage.BACKUP, Stage.ADDITIONAL_HOSTS, Stage.CONFIRMATION),
    ),
    ("Carry out", (Stage.PROGRESS,)),
    ("Prove", (Stage.SERVICES, Stage.TROUBLESHOOTER, Stage.TENANT, Stage.SUMMARY)),
)
"""The stages after home, by what they are for: nothing changes before Progress."""
