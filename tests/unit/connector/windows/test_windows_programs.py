"""The install's own node.exe: for the troubleshooter where the console fails, and for asking the ticket."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import SecretStr

from tests.unit.connector.outputs import GOOD, v6, windows
from tests.unit.connector.windows.scripted import ROOT, ScriptedSession, encoded, failed, install
from tui.connector.errors import ConnectorError, TicketError
from tui.connector.scripts import load
from tui.connector.ticket import node_order
from tui.connector.troubleshooter import read_troubleshooter
from tui.connector.windows.instance import WindowsInstance
from tui.connector.windows.script_calls import text_of

PLAIN = "C:\\adldap"
TICKET = "https://tenant.example/p/ad/CANARY-TICKET"
OUTPUT = windows(v6(GOOD)).replace("\n", "\r\n")
MODULE_NOT_FOUND = "Error: Cannot find module 'C:\\Program'"

needs_node = pytest.mark.skipif(not shutil.which("node"), reason="this machine has no node")


def ended(stdout: str | bytes = "", stderr: str = "", **more: Any) -> dict[str, Any]:
    return {
        "exit_code": 0,
        "stdout": encoded(stdout),
        "stderr": encoded(stderr),
        "timed_out": False,
        "missing": False,
    } | more


class TestTroubleshooter:
    def run(
        self, directory: str, console: Mapping[str, Any] | Exception, program: Mapping[str, Any] | None = None
    ) -> tuple[str, list[str]]:
        session = ScriptedSession(Invoke_Console=console, Invoke_Program=program or ended(OUTPUT))
        work = WindowsInstance(session, install(directory=directory, node=f"{directory}\\node.exe"))
        return work.troubleshoot(), [name for name, _ in session.calls]

    def test_the_console_is_asked_first(self) -> None:
        text, calls = self.run(PLAIN, {"status": 200, "data": encoded(OUTPUT), "location": ""})
        assert read_troubleshooter(text).passed
        assert calls == ["Invoke-Console.ps1"]

    def test_and_not_at_all_where_the_path_has_spaces(self) -> None:
        text, calls = self.run(ROOT, {})
        assert read_troubleshooter(text).passed
        assert calls == ["Invoke-Program.ps1"]

    @pytest.mark.parametrize(
        "answer",
        [
            {"status": 0, "data": "", "location": ""},
            {"status": 302, "data": "", "location": "/setup"},
            {"status": 500, "data": encoded("oops"), "location": ""},
            {"status": 200, "data": encoded(MODULE_NOT_FOUND), "location": ""},
            {"status": 200, "data": "", "location": ""},
            failed("Invoke-Console.ps1", "no"),
        ],
    )
    def test_whatever_else_it_answers_node_is_run_directly(self, answer: Mapping[str, Any] | Exception) -> None:
        text, calls = self.run(PLAIN, answer)
        assert read_troubleshooter(text).passed
        assert calls == ["Invoke-Console.ps1", "Invoke-Program.ps1"]

    def test_it_runs_in_the_install_with_the_service_s_environment(self) -> None:
        session = ScriptedSession(Invoke_Program=ended(OUTPUT))
        WindowsInstance(session, install()).troubleshoot(timeout=90)
        assert session.given("Invoke-Program.ps1") == [
            {
                "FileName": f"{ROOT}\\node.exe",
                "Arguments": ["troubleshoot.js"],
                "Directory": ROOT,
                "Service": "Auth0 ADLDAP",
                "Payload": None,
                "Seconds": 90,
            }
        ]

    def test_marks_in_the_bytes_of_another_code_page_are_not_misread(self) -> None:
        raw = OUTPUT.encode().replace("√".encode(), b"\xfb")
        assert read_troubleshooter(self.run(ROOT, {}, ended(raw))[0]).passed
        bad = OUTPUT.replace("√ Local and server certificates match.", "× Local and server certificates don't match.")
        report = read_troubleshooter(self.run(ROOT, {}, ended(bad.encode().replace("×".encode(), b"\x9e")))[0])
        assert not report.passed
        assert {test.id for test in report.tests if test.outcome == "failed"} == {"certificates"}

    def test_what_it_says_on_standard_error_counts(self) -> None:
        text, _ = self.run(ROOT, {}, ended(OUTPUT, "Error binding to LDAP dn: cn=reader code: 49\r\n"))
        assert "bind-error-hidden" in {finding.id for finding in read_troubleshooter(text).findings}

    def test_a_missing_node_and_a_silent_one_are_told(self) -> None:
        with pytest.raises(ConnectorError, match=r"node\.exe was not found"):
            self.run(ROOT, {}, ended(missing=True, exit_code=None))
        with pytest.raises(ConnectorError, match="said nothing") as caught:
            self.run(ROOT, {}, ended(timed_out=True, exit_code=None))
        assert "120 seconds" in (caught.value.meaning or "")


class TestTicket:
    def ask(self, program: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        session = ScriptedSession(Invoke_Program=program)
        try:
            answer: Any = WindowsInstance(session, install()).ticket_info(TICKET, {"HTTP_PROXY": "proxy:3128"})
        except TicketError as error:
            answer = error
        return answer, session.given("Invoke-Program.ps1")[0]

    def test_the_answer_is_read_and_says_where_it_was_asked(self) -> None:
        body = json.dumps({"connectionName": "corp", "thumbprints": ["AA:BB"]})
        info, given = self.ask(ended(json.dumps({"status": 200, "body": body}) + "\n"))
        assert (info.connection, info.thumbprints, info.asked_from) == ("corp", ("aabb",), "node on fir")
        assert given["Service"] == "Auth0 ADLDAP"

    def test_the_ticket_travels_as_a_secret_and_in_no_argument(self) -> None:
        _, given = self.ask(ended('{"error": "ENOTFOUND"}\n'))
        payload = given.pop("Payload")
        assert isinstance(payload, SecretStr)
        assert "CANARY-TICKET" not in repr(given)
        order = json.loads(json.loads(payload.get_secret_value())["input"])
        assert order["url"] == f"{TICKET}/info"
        assert (order["proxy"], order["environment"]) == ("http://proxy:3128", True)
        assert len(payload.get_secret_value()) < 65_536
        assert given["Arguments"] == ["-e", text_of("node_stdin.js").strip()]

    @pytest.mark.parametrize(
        ("answer", "reason"),
        [
            (ended('{"error": "ENOTFOUND"}\n'), "dns"),
            (ended(json.dumps({"status": 404, "body": ""})), "not_found"),
            (ended("nonsense"), "other"),
            (ended(timed_out=True, exit_code=None), "timeout"),
        ],
    )
    def test_failures_are_told_apart(self, answer: Mapping[str, Any], reason: str) -> None:
        error, _ = self.ask(answer)
        assert isinstance(error, TicketError)
        assert error.reason == reason

    def test_a_malformed_ticket_is_not_sent_anywhere(self) -> None:
        session = ScriptedSession()
        with pytest.raises(TicketError, match="cannot be asked"):
            WindowsInstance(session, install()).ticket_info("ftp://nowhere", {})
        assert session.calls == []


class TestLoader:
    def test_it_can_stand_in_one_quoted_argument(self) -> None:
        loader = text_of("node_stdin.js").strip()
        assert "\n" not in loader
        assert '"' not in loader
        assert not loader.endswith("\\")

    @needs_node
    @pytest.mark.parametrize("mark", ["", "\ufeff"])
    def test_node_runs_the_code_with_the_input_on_standard_input(self, mark: str) -> None:
        code = (
            "'use strict';const parts=[];process.stdin.on('data',p=>parts.push(p));"
            "process.stdin.on('end',()=>process.stdout.write(Buffer.concat(parts).toString().toUpperCase()));"
        )
        payload = mark + json.dumps({"code": code, "input": "grüße"})
        assert self.node(payload).stdout.decode() == "GRÜSSE"

    @needs_node
    @pytest.mark.parametrize(("own", "expected"), [("", "ECONNREFUSED"), ("127.0.0.1:9", "ECONNREFUSED")])
    def test_it_runs_the_ticket_script(self, own: str, expected: str) -> None:
        order = node_order("https://127.0.0.1:9/p/ad/x", {}, None, 5) | {"environment": True}
        payload = json.dumps({"code": load("ticket_info.js"), "input": json.dumps(order)})
        assert json.loads(self.node(payload, HTTP_PROXY=own).stdout) == {"error": expected}

    @needs_node
    def test_a_proxy_of_the_service_s_environment_wins(self) -> None:
        order = node_order("https://127.0.0.1:9/p/ad/x", {}, "http://127.0.0.1:9", 5)
        code = load("ticket_info.js").replace("function main(", "function unused(") + (
            "\nfunction main(text) { console.log(String(proxyOf(JSON.parse(text)))); }\n"
        )
        asked = [
            self.node(json.dumps({"code": code, "input": json.dumps(order | {"environment": use})}), HTTP_PROXY=own)
            for use, own in ((True, "other:3128"), (True, ""), (False, "other:3128"))
        ]
        assert [each.stdout.decode().strip() for each in asked] == [
            "http://other:3128",
            "http://127.0.0.1:9",
            "http://127.0.0.1:9",
        ]

    def node(self, payload: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["node", "-e", text_of("node_stdin.js").strip()],
            input=payload.encode(),
            capture_output=True,
            timeout=30,
            check=True,
            env={"PATH": os.environ["PATH"], **environment},
        )
