"""What is written about a run: report, support bundle, logs."""

from __future__ import annotations

import itertools
import json
import logging
import zipfile
from pathlib import Path

import pytest

from tests.unit.runbook.jump_box import CLUSTER, JumpBox
from tests.unit.runbook.scripted import StageSpec
from tui.logs import log_dir, log_to, stop_logging
from tui.remote.redaction import Redactor
from tui.runbook.attach import RunClient
from tui.runbook.journal_sqlite import journal_path, open_journal
from tui.runbook.report import render_json, render_markdown, write_report
from tui.runbook.support_bundle import BundleRefused, write_support_bundle

CANARY = "s3cret-Canary/of+the=test"


@pytest.fixture
def failed_run(jump_box: JumpBox) -> JumpBox:
    """A run in which oak was done and elm was put back."""
    jump_box.script(
        StageSpec({"oak": ("place",)}), StageSpec({"elm": ("stop", "place")}), StageSpec({None: ("light?",)})
    )
    jump_box.ground.lay("elm.place.apply.after", "fail")
    jump_box.start()
    jump_box.until_over()
    return jump_box


def test_the_report_tells_what_was_done_when_by_whom_and_with_which_evidence(failed_run: JumpBox) -> None:
    journal = open_journal(CLUSTER)
    journal.remember_backup("oak-1", "ab" * 32, run="r1")
    view = failed_run.client.view("r1")
    text = render_markdown(view, journal)
    journal.close()

    assert text.startswith("# lab: run r1\n\n**failed**")
    assert "The run stopped; still changed: oak." in text
    assert f"- Began: {view.started:%Y-%m-%d %H:%M:%S} UTC" in text
    assert "- Operator: mara" in text
    assert "| oak | | healthy |" in text
    assert "## Steps on elm" in text
    assert "| Write stop | undone |" in text
    assert "place has 3 bytes" in text
    assert "elm · Write place: apply of place cannot be done" in text
    assert "Do: look at the disk" in text
    assert "elm/place: answered roll\\_back (by unattended)" in text
    assert "ab" * 32 in text
    assert text.endswith("the run ended: failed\n")


def test_the_report_as_json_holds_the_same(failed_run: JumpBox) -> None:
    journal = open_journal(CLUSTER)
    document = json.loads(render_json(failed_run.client.view("r1"), journal))
    journal.close()
    assert document["state"] == "failed"
    assert document["changed"] == ["oak"]
    assert [step["state"] for step in document["steps"]] == ["done", "undone", "undone", "pending"]
    assert any("answered roll_back" in entry["what"] for entry in document["chronicle"])


def test_text_from_hosts_cannot_break_out_of_the_report(jump_box: JumpBox) -> None:
    journal = open_journal(CLUSTER)
    jump_box.script(StageSpec({"oak": ("place",)}))
    jump_box.start()
    jump_box.until_over()
    journal.event("r1", "one | two\n# three <script> [x](y)")
    path = write_report(journal, CLUSTER, "r1")
    journal.close()
    assert "one | two \\# three \\<script\\> \\[x\\](y)" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.with_suffix(".json").stat().st_mode & 0o777 == 0o600


def unpacked(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as bundle:
        assert bundle.testzip() is None
        return {name: bundle.read(name).decode() for name in bundle.namelist()}


def redactor() -> Redactor:
    made = Redactor()
    made.add(CANARY)
    return made


def test_the_support_bundle_holds_journal_logs_report_and_cluster_file(failed_run: JumpBox) -> None:
    path = write_support_bundle(
        CLUSTER, redactor=redactor(), cluster_file=failed_run.cluster_file, run="r1", extra={"findings.txt": "none"}
    )
    assert path.stat().st_mode & 0o777 == 0o600
    parts = unpacked(path)
    assert set(parts) >= {
        "journal.json",
        "report-r1.md",
        "lab.toml",
        "versions.json",
        "findings.txt",
        "logs/runner.log",
    }
    assert any(record["kind"] == "plan" for record in json.loads(parts["journal.json"]))
    assert "ZeroDivision" not in parts["report-r1.md"]
    assert "apply of place cannot be done" in parts["logs/runner.log"]


@pytest.mark.parametrize(
    "secret",
    [
        CANARY,
        "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQ",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
        "https://acme.eu.auth0.com/p/ad/jLhX5S3a",
        "$2$.00ff.11aa.22bb",
        "proxy:hunter2secret",
    ],
)
def test_no_secret_gets_into_the_support_bundle(jump_box: JumpBox, secret: str) -> None:
    journal = open_journal(CLUSTER)
    told = f"http://{secret}@proxy.corp:3128" if secret.startswith("proxy:") else secret
    journal.event("r1", f"it said {told} there")
    journal.close()
    (log_dir(CLUSTER) / "runner.log").write_text(f"line\n{told}\nline\n")
    parts = unpacked(write_support_bundle(CLUSTER, redactor=redactor(), extra={"raw.txt": told}))
    assert [name for name, text in parts.items() if secret in text or "MIIE" in text] == []
    assert "•••" in parts["logs/runner.log"]


def test_a_bundle_of_a_damaged_journal_says_so(failed_run: JumpBox) -> None:
    failed_run.client.close()
    open_journal(CLUSTER).close()
    file = journal_path(CLUSTER)
    data = bytearray(file.read_bytes())
    place = data.find(b"apply of place cannot")
    data[place] ^= 1
    file.write_bytes(data)
    parts = unpacked(write_support_bundle(CLUSTER, redactor=redactor(), run="r1"))
    assert "is not what was written" in parts["journal-damaged.txt"]
    assert "logs/runner.log" in parts


def test_a_secret_that_masking_cannot_remove_refuses_the_bundle(jump_box: JumpBox) -> None:
    stubborn = Redactor()
    stubborn.add("••••x")
    with pytest.raises(BundleRefused):
        write_support_bundle(CLUSTER, redactor=stubborn, extra={"a.txt": "•••••xx"})
    assert list((jump_box.root / "state").rglob("*.zip")) == []


def test_log_lines_and_tracebacks_are_masked_and_private(tmp_path: Path) -> None:
    path = tmp_path / "runner.log"
    handler = log_to(path, redactor())
    try:
        logging.getLogger("tui.test").info("logging in with %s", CANARY)
        try:
            raise ValueError(f"bad password {CANARY}")
        except ValueError:
            logging.getLogger("tui.test").exception("it failed")
    finally:
        stop_logging(handler)
    text = path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert "logging in with •••" in text
    assert "ValueError: bad password •••" in text
    assert CANARY not in text


def test_following_a_run_shows_every_state_once(jump_box: JumpBox) -> None:
    jump_box.script(StageSpec({"oak": ("place",)}))
    jump_box.start()
    client = RunClient(CLUSTER)
    views = list(client.follow("r1", timeout=30))
    client.close()
    assert views[-1].state.value == "done"
    assert all(one != other for one, other in itertools.pairwise(views))
