"""First host: is it complete and healthy, and what exactly would the others receive."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from screens.base import WizardScreen
from screens.connect import error_facts
from tui.connector.model import Role
from tui.errors import OperatorError
from tui.findings import blockers
from tui.runbook.survey import FirstSurvey, SetEntry
from tui.widgets import words
from tui.widgets.facts import Facts, Findings, Told
from tui.widgets.rows import Column, RowData, Rows
from tui.widgets.stage import Stage


class FirstHostScreen(WizardScreen):
    """Health, configuration set, expiry."""

    STAGE = Stage.FIRST_HOST
    heading = "Is the first host whole and healthy?"
    why = "A fault in it would become a fault in all. It is only read."
    explain = (
        "The set is config.json, the profile mapper and everything in certs. Key and certificate must belong together, the "
        "tenant must know the certificate, and the encrypted directory password must open with the key."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "primary", "Continue"),
        Binding("r", "look", "Look again"),
        Binding("l", "log", "Log"),
        Binding("up", "scroll(-1)", "Up", show=False),
        Binding("down", "scroll(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
    ]
    AUTO_FOCUS = ""

    def compose_content(self) -> Iterable[Widget]:
        """Facts, findings, files."""
        yield Findings(id="blockers")
        yield Facts(id="facts")
        yield Findings(id="findings")
        yield Static("What the others will receive", classes="title", id="set-title")
        yield Rows(
            Column("File", style="$ink"),
            Column("Size", 8, style="$quiet", right=True),
            Column("SHA-256", 13, style="$quiet"),
            Column("Owner", 15, style="$quiet", from_width=64),
            Column("Mode", 4, style="$quiet", from_width=64),
            explain="Every file of the configuration set, with its size and hash. Very small files have no hash, it would give them away.",
            id="set",
        )

    def on_mount(self) -> None:
        """Look, unless it was done before."""
        self.query_one("#set-title").display = False
        self.query_one("#set").display = False
        if self.state.first is not None:
            self._show(self.state.first)
        else:
            self.action_look()

    def action_look(self) -> None:
        """Look at the host."""
        assert self.state.cluster is not None
        self.tell(f"Reading {self.state.cluster.first.name}; nothing is changed", busy=True)
        self.offer("Back up the set", enabled=False)
        self.ask("survey", self.operations.survey_first, self._show, self._failed)

    def _failed(self, error: OperatorError) -> None:
        self.query_one("#facts", Facts).show(error_facts(error))
        self.tell("The first host could not be read. Press r to look again.", "bad")

    def _show(self, survey: FirstSurvey) -> None:
        self.state.first = survey
        self.query_one("#facts", Facts).show(self._facts(survey))
        stopping = blockers(survey.findings)
        self.query_one("#blockers", Findings).show(stopping)
        self.query_one("#findings", Findings).show([each for each in survey.findings if each not in stopping])
        rows = [_entry(entry) for entry in survey.entries]
        self.query_one("#set-title").display = bool(rows)
        self.query_one("#set").display = bool(rows)
        self.query_one("#set", Rows).show(rows)
        if survey.exportable:
            self.tell(f"{survey.host} can be copied.", "good")
        else:
            self.tell("It cannot be copied like this. Put it right on the host, then press r.", "bad")
        self.offer("Back up the set", enabled=survey.exportable)

    def _facts(self, survey: FirstSurvey) -> list[tuple[str, Told]]:
        facts: list[tuple[str, Told]] = []
        if survey.install is not None:
            install = survey.install
            facts.append(("Connector", Content.styled(install.version or words.NOTHING, "bold")))
            facts.append(("Installed in", PurePath(install.directory)))
        facts.append(("Services", _services(survey)))
        if survey.log is not None:
            facts.append(("Hub", words.hub_state(survey.log.state)))
        if survey.certificate is not None:
            tone, left = words.until(survey.certificate.not_after, self.wizard.now())
            expiry = Content.assemble((f"  until {words.date(survey.certificate.not_after)}", "$quiet"))
            facts.append(("Certificate", words.marked(tone, left) + expiry))
            facts.append(("Thumbprint", Content.styled(survey.certificate.thumbprint, "$quiet")))
        facts += _proofs(survey)
        if survey.facts is not None:
            facts.append(("Clock", words.skew(survey.facts.clock_skew_s)))
        return facts

    def action_scroll(self, lines: int) -> None:
        """Scroll what was seen, which is longer than a small terminal."""
        self.query_one("#content").scroll_relative(y=lines, animate=False)

    def action_page(self, distance: int) -> None:
        """Scroll by a page."""
        content = self.query_one("#content")
        content.scroll_relative(y=distance * max(1, content.size.height - 1), animate=False)

    def action_log(self) -> None:
        """Show the end of the connector's log."""
        from screens.raw_text import show_log

        assert self.state.cluster is not None
        show_log(self, self.state.cluster.first.name)


def _services(survey: FirstSurvey) -> Content:
    parts: list[Content] = []
    for role in (Role.CONNECTOR, Role.ADMIN):
        service = survey.services.get(role)
        name = f"{role.value} "
        state = words.service_state(service.state) if service else words.marked("none", "none")
        parts.append(Content.assemble((name, "$quiet"), state))
    return Content("   ").join(parts)


def _proofs(survey: FirstSurvey) -> list[tuple[str, str | Content]]:
    certificate, ticket = survey.certificate, survey.ticket
    proofs: list[Content] = []
    if certificate is not None:
        proofs.append(
            words.marked("good", "key fits") if certificate.key_matches else words.marked("bad", "key does not fit")
        )
    if certificate is not None and ticket is not None:
        known = bool(ticket.thumbprints) and ticket.thumbprints[0] == certificate.thumbprint
        proofs.append(words.marked("good", "tenant knows it") if known else words.marked("bad", "tenant knows another"))
    if survey.password_decrypts is not None:
        opens = survey.password_decrypts
        proofs.append(words.marked("good", "password opens") if opens else words.marked("bad", "password fails"))
    return [("Proved", Content("   ").join(proofs))] if proofs else []


def _entry(entry: SetEntry) -> RowData:
    owner = f"{entry.owner}:{entry.group}" if entry.group else entry.owner.rpartition("\\")[2]
    mode = f"{entry.mode:04o}" if entry.group else "ACL"
    return RowData(entry.path, (entry.path, words.size(entry.size), words.digest(entry.sha256), owner, mode))
