"""Troubleshooter: the connector's own tests on every instance, read as a person would."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget

from screens.base import WizardScreen
from screens.connect import error_facts
from screens.decisions import Decisions
from tui.connector.model import Outcome, TestResult, TroubleshooterReport
from tui.errors import OperatorError
from tui.widgets import words
from tui.widgets.facts import Facts, Findings
from tui.widgets.rows import Column, RowData, Rows
from tui.widgets.stage import Stage
from tui.widgets.waiting_bar import WaitingBar


class TroubleshooterScreen(WizardScreen):
    """Hosts, the chosen host's tests, and the remedy for the chosen test."""

    STAGE = Stage.TROUBLESHOOTER
    heading = "What does the connector's own troubleshooter say?"
    why = "It asks from where logins will be answered: network, clock, directory."
    explain = (
        "The troubleshooter ends with success whatever it finds, so its text is read line by line. A run that stops early, or a "
        "test that says nothing, has not passed. Press v for its own text."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "primary", "Continue"),
        Binding("d", "decide", "Decide"),
        Binding("v", "raw", "Its own text"),
        Binding("r", "run_again", "Run again"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._results: dict[str, tuple[TroubleshooterReport, str]] = {}
        self._errors: dict[str, OperatorError] = {}
        self._under_way: set[str] = set()
        self._decisions = Decisions(self)

    def compose_content(self) -> Iterable[Widget]:
        """Hosts, tests, remedy."""
        yield Rows(
            Column("Host", 16, style="$ink"),
            Column("Result", 14),
            Column("Tests", style="$quiet"),
            explain="One line a host. The tests of the chosen one stand below.",
            id="hosts",
        )
        yield Rows(
            Column("Test", 30, style="$ink"),
            Column("Outcome", 18),
            Column("Seen", style="$quiet"),
            explain="The seven tests. Choose one to see what it found and what to do.",
            id="tests",
        )
        yield Facts(id="remedy")
        yield Findings(id="findings")

    def compose_notice(self) -> Iterable[Widget]:
        """A decision that was put off."""
        yield WaitingBar()

    def on_mount(self) -> None:
        """Run it everywhere."""
        self._decisions.watch()
        self.action_run_again()

    def action_run_again(self) -> None:
        """Run the troubleshooter on every host."""
        for name in self._names():
            self._run_on(name)
        self._show()

    def _run_on(self, name: str) -> None:
        self._under_way.add(name)
        self._errors.pop(name, None)

        def ended(result: tuple[TroubleshooterReport, str]) -> None:
            self._under_way.discard(name)
            self._results[name] = result
            self._show()

        def failed(error: OperatorError) -> None:
            self._under_way.discard(name)
            self._results.pop(name, None)
            self._errors[name] = error
            self._show()

        self.ask(f"troubleshoot {name}", partial(self.operations.troubleshoot, name), ended, failed)

    def _show(self) -> None:
        names = self._names()
        rows = self.query_one("#hosts", Rows)
        rows.show([self._row(name) for name in names])
        if not self._under_way and self._passed(rows.chosen or ""):
            rows.choose(next((name for name in names if not self._passed(name)), rows.chosen))
        self._show_tests()

    def _names(self) -> list[str]:
        hosts = self.state.cluster.hosts if self.state.cluster else ()
        return [host.name for host in hosts if host.name not in self.state.left_out]

    def _row(self, name: str) -> RowData:
        if name in self._under_way:
            return RowData(name, (name, words.marked("now", "running"), ""))
        if name in self._errors:
            return RowData(name, (name, words.marked("bad", "not run"), self._errors[name].summary))
        report = self._results[name][0]
        result = words.marked("good", "passed") if report.passed else words.marked("bad", "not passed")
        return RowData(name, (name, result, _tally(report)))

    @on(Rows.Chosen, "#hosts")
    def _host_chosen(self) -> None:
        self._show_tests()

    @on(Rows.Chosen, "#tests")
    def _test_chosen(self) -> None:
        self._show_remedy()

    def _report(self) -> TroubleshooterReport | None:
        found = self._results.get(self.query_one("#hosts", Rows).chosen or "")
        return found[0] if found else None

    def _show_tests(self) -> None:
        report = self._report()
        tests = self.query_one("#tests", Rows)
        tests.show([_test_row(test) for test in report.tests] if report else [])
        tests.display = report is not None
        if report is not None:
            wrong = next((test.id for test in report.tests if test.outcome in (Outcome.FAILED, Outcome.NOT_RUN)), None)
            if wrong is not None:
                tests.choose(wrong)
        self.query_one("#findings", Findings).show(report.findings if report else ())
        self._show_remedy()
        self.refresh_bindings()

    def _show_remedy(self) -> None:
        facts = self.query_one("#remedy", Facts)
        error = self._errors.get(self.query_one("#hosts", Rows).chosen or "")
        test = self._test()
        if error is not None:
            facts.show(error_facts(error))
        elif test is not None and test.evidence and test.outcome is not Outcome.PASSED:
            facts.show([("Seen", "\n".join(test.evidence))])
        else:
            facts.show([])
        self._judge()

    def _test(self) -> TestResult | None:
        report, chosen = self._report(), self.query_one("#tests", Rows).chosen
        return next((each for each in report.tests if each.id == chosen), None) if report else None

    def _judge(self) -> None:
        names = self._names()
        wrong = [name for name in names if name not in self._under_way and not self._passed(name)]
        test = self._test()
        if self._under_way:
            self.tell(f"Running on {words.listed(sorted(self._under_way))}", busy=True)
        elif wrong and test is not None and test.remedy and test.outcome is not Outcome.PASSED:
            self.tell(f"{test.title}: {test.remedy}", "care")
        elif wrong:
            self.tell(f"Not everything passed on {words.listed(wrong)}.", "care")
        else:
            self.tell("Every test that applies has passed.", "good")
        self.offer("Look at the tenant", enabled=not self._under_way, lit=not wrong)

    def _passed(self, name: str) -> bool:
        return name in self._results and self._results[name][0].passed

    def action_decide(self) -> None:
        """Take up the decision that was put off."""
        if self._decisions.waiting is not None:
            self._decisions.ask(self._decisions.waiting)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The text can be shown where there is one, and a decision taken where one waits."""
        if action == "decide":
            return self._decisions.waiting is not None
        if action == "raw":
            return bool(self.query("#hosts")) and self._report() is not None
        return super().check_action(action, parameters)

    def action_raw(self) -> None:
        """Show the troubleshooter's own text."""
        from screens.raw_text import RawTextDialog

        name = self.query_one("#hosts", Rows).chosen or ""
        if name in self._results:
            heading = f"Troubleshooter of {name}, its own text"
            suggested = f"~/{name}-troubleshooter.txt"
            self.wizard.push_screen(RawTextDialog(heading, self._results[name][1], suggested=suggested))


def _tally(report: TroubleshooterReport) -> str:
    counts: dict[str, int] = {}
    for test in report.tests:
        counts[words.plain(test.outcome.value)] = counts.get(words.plain(test.outcome.value), 0) + 1
    told = ", ".join(f"{count} {word}" for word, count in counts.items())
    return told if report.complete else f"{told}; it stopped early"


def _test_row(test: TestResult) -> RowData:
    return RowData(test.id, (test.title, words.outcome(test.outcome.value), test.evidence[0] if test.evidence else ""))
