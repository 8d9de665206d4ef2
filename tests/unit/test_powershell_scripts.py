"""Every PowerShell script that a host is sent: it parses, runs on Windows PowerShell 5.1, and holds nothing secret."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tree_sitter import Language, Node, Parser
from tree_sitter_powershell import language

import tui

PACKAGE = Path(tui.__file__).parent
SCRIPTS = sorted(PACKAGE.rglob("*.ps1"))
ANSWERING = [path for path in SCRIPTS if path.name != "bootstrap.ps1"]

NEWER_THAN_5_1 = {
    "a null-coalescing operator": r"\?\?",
    "a null-conditional member": r"\?\.|\$\{?\w+\}?\?\[",
    "a pipeline chain": r"&&|\|\|",
    "a ternary": r"\)\s*\?\s*[^\s{][^:\n]*\s:\s",
    "ForEach-Object -Parallel": r"-Parallel\b",
    "-AsByteStream": r"-AsByteStream\b",
    "ConvertFrom-Json -AsHashtable": r"-AsHashtable\b",
    "ConvertTo-Json -AsArray": r"-AsArray\b",
    "Get-Content -Raw -Encoding utf8NoBOM": r"utf8(No)?BOM",
    "Test-Json": r"\bTest-Json\b",
    "Join-String": r"\bJoin-String\b",
    "Get-Error": r"\bGet-Error\b",
    "a clean block": r"^\s*clean\s*\{",
    "Join-Path with several children": r"-AdditionalChildPath\b",
    "$IsWindows and its like": r"\$Is(Windows|Linux|MacOS|CoreCLR)\b",
    "$PSNativeCommand…": r"\$PSNativeCommand",
    "a static String.Contains with a comparison": r"\.Contains\([^()]*StringComparison",
    "DateTimeOffset.ToUnixTime…, which .NET 4.5 lacks": r"ToUnixTime",
}
NEVER = {
    "Invoke-Expression": r"\bInvoke-Expression\b|\biex\b",
    "a plain-text secret": r"-AsPlainText\b",
    "a certificate check that is switched off": r"ServerCertificateValidationCallback|-SkipCertificateCheck\b",
    "a window or a question": r"\bRead-Host\b|\bOut-GridView\b|\bGet-Credential\b",
    "output beside the one string": r"\bWrite-Host\b|\bWrite-Output\b|\bOut-Host\b",
    "its own remoting": r"\bEnter-PSSession\b|\bInvoke-Command\b",
    "a temporary file elsewhere": r"\$env:TEMP\b|GetTempPath|GetTempFileName|New-TemporaryFile",
    "a null that becomes an empty string": r"\[IO\.File\]::Replace\([^)]*,\s*\$null\s*\)",
    "compiling": r"-TypeDefinition\b|-MemberDefinition\b",
}
SECRET_NAMES = re.compile(r"pass(word|phrase)|secret|credential|payload|ticket|token_value", re.IGNORECASE)


def parsed(path: Path) -> Node:
    return Parser(Language(language())).parse(path.read_bytes()).root_node


def nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from nodes(child)


def code(path: Path) -> str:
    """The script without its comments."""
    text = path.read_bytes()
    for node in sorted((n for n in nodes(parsed(path)) if n.type == "comment"), key=lambda n: -n.start_byte):
        text = text[: node.start_byte] + text[node.end_byte :]
    return text.decode()


def test_there_are_scripts_of_both_packages() -> None:
    assert {path.relative_to(PACKAGE).parts[0] for path in SCRIPTS} == {"connector", "remote"}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_it_parses(path: Path) -> None:
    broken = [
        f"{path.name}:{node.start_point.row + 1}: {node.text!r:.80}"
        for node in nodes(parsed(path))
        if node.is_error or node.is_missing
    ]
    assert broken == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_it_begins_with_its_parameters_and_stops_at_the_first_error(path: Path) -> None:
    lines = code(path)
    parameters = re.search(r"^\s*param\s*\(", lines)
    stop = re.search(r"^\$ErrorActionPreference = 'Stop'$", lines, re.MULTILINE)
    strict = re.search(r"^Set-StrictMode -Version 2$", lines, re.MULTILINE)
    assert parameters, "the first statement is the param block"
    assert stop
    assert strict
    first_work = re.search(r"^(function|try|\$(?!ErrorActionPreference))", lines, re.MULTILINE)
    assert first_work is None or max(stop.start(), strict.start()) < first_work.start()


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_every_parameter_has_a_type_and_a_secret_one_is_a_secure_string(path: Path) -> None:
    block = next(node for node in nodes(parsed(path)) if node.type == "param_block")
    declared = [node.text.decode() for node in nodes(block) if node.type == "script_parameter" and node.text]
    for parameter in declared:
        name = re.search(r"\$(\w+)", parameter)
        assert name
        type_name = re.match(r"\s*\[([\w.]+(?:\[\])?)\]", parameter)
        assert type_name, f"{path.name}: ${name.group(1)} has no type"
        if SECRET_NAMES.search(name.group(1)):
            assert type_name.group(1).rpartition(".")[2].lower() == "securestring", f"{path.name}: ${name.group(1)}"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_windows_powershell_5_1_understands_it(path: Path) -> None:
    lines = code(path)
    assert [what for what, pattern in NEWER_THAN_5_1.items() if re.search(pattern, lines, re.MULTILINE)] == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_it_does_nothing_that_is_never_done(path: Path) -> None:
    lines = code(path)
    assert [what for what, pattern in NEVER.items() if re.search(pattern, lines, re.IGNORECASE)] == []


@pytest.mark.parametrize("path", ANSWERING, ids=lambda path: path.name)
def test_it_puts_out_compressed_json(path: Path) -> None:
    lines = code(path)
    written = re.findall(r"ConvertTo-Json\b[^\n]*", lines)
    assert written or re.search(r"^\s*'\{\"", lines, re.MULTILINE), (
        "JSON is put out, by the cmdlet or put together by hand"
    )
    for call in written:
        assert re.match(r"ConvertTo-Json -Compress -Depth 6 -InputObject\b", call), call


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_every_variable_that_it_reads_has_been_given_a_value(path: Path) -> None:
    """Under strict mode a misspelled name is an error, and only when that line is reached."""
    lines = code(path)
    given = {name.lower() for name in re.findall(r"\$(\w+)\s*(?:[,=]|\+=|-=)(?!=)", lines)}
    given |= {name.lower() for name in re.findall(r"(?:foreach|for) \(\$(\w+)", lines)}
    given |= {name.lower() for name in re.findall(r"(?:\[[\w.\[\]]+\]\s*|[(,]\s*)\$(\w+)\s*[,)=]", lines)}
    automatic = {"true", "false", "null", "_", "psversiontable", "executioncontext", "input", "env", "matches", "this"}
    read = {name.lower() for name in re.findall(r"\$(\w+)(?!\w*:)", lines)}
    assert read - given - automatic - {name for name in read if name.isdigit()} == set()


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_it_calls_only_functions_of_its_own_and_cmdlets_that_5_1_has(path: Path) -> None:
    own = {name.lower() for name in re.findall(r"^function ([\w-]+)", code(path), re.MULTILINE)}
    called = {
        node.text.decode().lower()
        for node in nodes(parsed(path))
        if node.type == "command_name" and node.text is not None
    }
    cmdlets = {
        "add-type", "convertfrom-json", "convertto-json", "foreach-object", "get-ciminstance", "get-item",
        "get-childitem", "get-acl", "new-object", "select-object", "set-strictmode", "sort-object", "start-sleep",
        "where-object", "write-verbose",
    }  # fmt: skip
    assert called - own - cmdlets == set()


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_every_code_page_reads_it_alike(path: Path) -> None:
    text = path.read_bytes()
    assert text.isascii()
    assert b"\r" not in text
    assert b"\t" not in text
    assert text.endswith(b"\n")
