"""What the stand-in says is understood by the project as what it is: the two were written apart, from the same facts."""

from __future__ import annotations

from collections.abc import Callable
from urllib.request import urlopen

import pytest

from tests.lab.conftest import OpenSsh
from tui.connector.log import read_log
from tui.connector.model import LogReport, TroubleshooterReport
from tui.connector.troubleshooter import read_troubleshooter
from tui.lab.lab import Lab


def outcomes(report: TroubleshooterReport) -> str:
    """The outcomes in order, one letter each: Passed, Failed, not Applicable, not Compared, not Run."""
    letters = {"passed": "P", "failed": "F", "not_applicable": "A", "not_compared": "C", "not_run": "R"}
    return "".join(letters[test.outcome.value] for test in report.tests)


def logged(lab: Lab, name: str) -> LogReport:
    """A host's whole log, read."""
    host = lab.hosts[name]
    return read_log("\n".join(entry.message.decode() for entry in host.journal.entries(host.connector_unit)))


def test_a_healthy_run_passes_through_the_console_and_directly(ssh: OpenSsh) -> None:
    host = ssh.lab.hosts["fir"]
    with urlopen(f"http://{host.address}:8357/troubleshooter/run", timeout=30) as answer:
        through_console = read_troubleshooter(answer.read().decode())
    direct = read_troubleshooter(troubleshoot(ssh))
    for report in (through_console, direct):
        assert (report.complete, report.passed, outcomes(report)) == (True, True, "PPPPAAP")


def troubleshoot(ssh: OpenSsh) -> str:
    """A direct run on the first host, both outputs."""
    host = ssh.lab.hosts["fir"]
    trust = f"NODE_EXTRA_CA_CERTS={ssh.lab.authority.certificate_file}"
    return ssh.run("fir", f"cd '{host.install_dir}' && {trust} node troubleshoot.js 2>&1").stdout.decode()


@pytest.mark.parametrize(
    ("name", "complete", "expected"),
    [
        ("clock", True, "PPFPAAP"),
        ("hub_down", True, "PFPPAAP"),
        ("ldap_down", False, "PPPPAAF"),
        ("auth0_down", False, "FRRRRRR"),
        ("other_certificate", True, "PPPFAAP"),
        ("wrong_bind_password", True, "PPPPAAF"),
    ],
)
def test_each_fault_is_seen_for_what_it_is(
    ssh: OpenSsh, fault: Callable[..., None], name: str, complete: bool, expected: str
) -> None:
    fault(name, "fir" if name == "clock" else None)
    report = read_troubleshooter(troubleshoot(ssh))
    assert (report.complete, report.passed, outcomes(report)) == (complete, False, expected)


def test_the_log_of_a_connected_and_of_a_waiting_instance(make_lab: Callable[..., Lab]) -> None:
    lab = make_lab(names=("fir", "oak"))
    assert lab.hosts["fir"].wait_log("latency test", timeout=20)
    first, waiting = logged(lab, "fir"), logged(lab, "oak")
    assert (first.state, first.starts, first.generated_certificate) == ("connected", 1, False)
    assert first.last_accepted is not None
    assert (waiting.state, waiting.starts) == ("unconfigured", 5)
