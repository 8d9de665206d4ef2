"""What an error of Windows means for a file, and which paths are taken at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.remote.errors import FileFailure, RemoteFileError, ScriptFailed
from tui.remote.session import FileAttributes
from tui.remote.windows import windows_files
from tui.remote.windows.windows_files import checked, failure_reason
from tui.remote.windows_session import Parameter, Script


def failed(kind: str, hresult: int = 0, message: str = "it failed") -> ScriptFailed:
    summary = f"Write-File.ps1 ended with an error: {message}"
    return ScriptFailed(summary, error_type=kind, hresult=hresult)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (failed("System.IO.IOException", 0x80070020), FileFailure.LOCKED),
        (failed("System.IO.IOException", 0x80070021), FileFailure.LOCKED),
        (failed("System.IO.IOException", 0x80070020 - (1 << 32)), FileFailure.LOCKED),
        (failed("System.IO.IOException", 0x80070070), FileFailure.NO_SPACE),
        (failed("System.IO.IOException", 0x80070027), FileFailure.NO_SPACE),
        (failed("System.IO.IOException", 0x80070013), FileFailure.READ_ONLY),
        (failed("System.IO.PathTooLongException", 0x800700CE), FileFailure.TOO_LONG),
        (failed("System.IO.PathTooLongException"), FileFailure.TOO_LONG),
        (failed("System.IO.FileNotFoundException", 0x80070002), FileFailure.MISSING),
        (failed("System.Management.Automation.ItemNotFoundException", 0x80131501), FileFailure.MISSING),
        (failed("System.UnauthorizedAccessException", 0x80070005), FileFailure.DENIED),
        (failed("System.UnauthorizedAccessException"), FileFailure.DENIED),
        (failed("System.InvalidOperationException", 0x80131509, "[too-large] C:\\x"), FileFailure.TOO_LARGE),
        (failed("System.InvalidOperationException", 0x80131509, "[corrupted] C:\\x"), FileFailure.CORRUPTED),
        (failed("System.InvalidOperationException", 0x80131509, "[led-away] C:\\x"), FileFailure.LED_AWAY),
        (failed("System.InvalidOperationException", 0x80131509, "[not-a-file] C:\\x"), FileFailure.OTHER),
        (failed("System.IO.IOException", 0x8007001F), FileFailure.OTHER),
    ],
)
def test_errors_of_windows_are_told_apart(error: ScriptFailed, reason: FileFailure) -> None:
    assert failure_reason(error) is reason
    told = windows_files.file_error("elm", "written", "C:\\x", error)
    assert told.reason is reason
    assert told.remedy


def test_code_word_in_a_path_is_no_code_word() -> None:
    error = failed("System.IO.IOException", 0x80070020, "The file 'C:\\[led-away]\\x' is in use")
    assert failure_reason(error) is FileFailure.LOCKED


@pytest.mark.parametrize("path", ["C:\\x", "c:\\Program Files\\x y", "\\\\server\\share\\x", "D:\\a\\b.c"])
def test_absolute_paths_are_taken(path: str) -> None:
    assert checked("elm", path) == checked("elm", path + "\\") == path


NOT_TAKEN = [
    "",
    "x",
    "C:",
    "C:\\",
    "C:x",
    "\\x",
    "/x",
    "x\\y",
    "C:\\a\nb",
    "C:\\a\0",
    "\\\\server\\share",
    "\\\\server",
    "C:/x",
]


@pytest.mark.parametrize("path", NOT_TAKEN)
def test_other_paths_are_refused(path: str) -> None:
    with pytest.raises(RemoteFileError):
        checked("elm", path)


class Recorder:
    """A session that keeps what it is asked, and answers what it was given to answer."""

    host = "elm"

    def __init__(self, answer: dict[str, Any]) -> None:
        self.asked: list[tuple[str, Mapping[str, Parameter]]] = []
        self._answer = answer

    def invoke(
        self, script: Script, parameters: Mapping[str, Parameter] | None = None, *, timeout: float = 30.0
    ) -> dict[str, Any]:
        self.asked.append((script.name, parameters or {}))
        return self._answer


@given(
    data=st.binary(max_size=200),
    acl=st.none() | st.just("O:BAG:SYD:PAI(A;;FA;;;SY)"),
    within=st.none() | st.just("C:\\a"),
)
def test_a_write_carries_bytes_hash_acl_and_boundary(data: bytes, acl: str | None, within: str | None) -> None:
    import base64
    import hashlib

    session = Recorder({"bytes": len(data)})
    windows_files.write_file(session, "C:\\a\\b", data, FileAttributes("x", "", 0, acl=acl), within=within)
    ((name, sent),) = session.asked

    assert name == "Write-File.ps1"
    assert base64.b64decode(str(sent["Data"])) == data
    assert sent["Sha256"] == hashlib.sha256(data).hexdigest()
    assert (sent["Sddl"], sent["Within"]) == (acl or "", within or "")


def test_only_the_paths_asked_for_are_given_back() -> None:
    session = Recorder({"files": [{"path": "C:\\a", "data": "eA=="}, {"path": "C:\\z", "data": "eA=="}]})

    assert windows_files.read_files(session, ["C:\\a\\", "C:\\b"], limit=9) == {"C:\\a\\": b"x"}


@pytest.mark.parametrize(
    "do",
    [
        lambda session: windows_files.read_files(session, [], limit=1),
        lambda session: windows_files.stat_files(session, []),
    ],
)
def test_nothing_asked_is_nothing_sent(do: Callable[[Recorder], object]) -> None:
    session = Recorder({})
    assert do(session) == {}
    assert session.asked == []
