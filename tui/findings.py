"""Findings: what was seen of a host, a configuration set or a cluster, with evidence and a remedy."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Severity(StrEnum):
    """How much a finding matters: a blocker stops a run, a warning is shown, a note is only recorded."""

    BLOCKER = "blocker"
    WARNING = "warning"
    NOTE = "note"


class Finding(BaseModel):
    """One thing that was seen, told so that it can be acted upon. Never holds a secret.

    `id` is a stable kebab-case word for tests, JSON and documentation (`key-mismatch`, `clock-skew`).
    """

    model_config = ConfigDict(frozen=True)

    id: str
    severity: Severity
    summary: str
    evidence: tuple[str, ...] = ()
    remedy: str | None = None


def blockers(findings: tuple[Finding, ...] | list[Finding]) -> list[Finding]:
    """The findings that stop a run, in their order."""
    return [finding for finding in findings if finding.severity is Severity.BLOCKER]
