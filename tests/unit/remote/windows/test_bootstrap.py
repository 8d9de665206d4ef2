"""Scripts over SSH: the command line is short and always the same, the answer is found in whatever surrounds it."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from tui.remote.windows import bootstrap
from tui.remote.windows.powershell_session import ScriptError
from tui.remote.windows_session import Script

NONCE = "0123456789abcdef" * 2
NOISE = st.binary(max_size=60).filter(lambda noise: NONCE[:6].encode() not in noise)


def test_command_line_fits_any_shell() -> None:
    line = bootstrap.command_line()

    assert len(line) + len("$input | ") < bootstrap.LONGEST_COMMAND
    assert set(line) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-. ")
    script = base64.b64decode(line.rpartition(" ")[2]).decode("utf-16-le")
    assert "SecureString" in script
    assert "#" not in script


def test_request_is_one_line_with_typed_parameters() -> None:
    sent = bootstrap.request(
        Script("x.ps1", "param()\n# ü"),
        {"A": "t", "B": ["x", "y"], "C": (), "D": 5, "E": True, "F": SecretStr("hidden")},
        NONCE,
    )
    read = json.loads(base64.b64decode(sent))

    assert sent.count(b"\n") == 1
    assert sent.endswith(b"\n")
    assert (read["script"], read["nonce"]) == ("param()\n# ü", NONCE)
    assert {name: (entry["type"], entry["value"]) for name, entry in read["parameters"].items()} == {
        "A": ("string", "t"),
        "B": ("strings", ["x", "y"]),
        "C": ("strings", []),
        "D": ("int", 5),
        "E": ("bool", True),
        "F": ("secret", "hidden"),
    }


@given(text=st.text(), before=NOISE, after=NOISE, width=st.integers(20, 200))
def test_answer_is_found_between_noise_and_broken_lines(text: str, before: bytes, after: bytes, width: int) -> None:
    whole = NONCE.encode() + base64.b64encode(json.dumps({"output": text}).encode()) + NONCE.encode()
    broken = b"\r\n".join(whole[start : start + width] for start in range(0, len(whole), width))
    printed = before + b"\r\n" + broken + b"\r\n" + after

    assert bootstrap.answer(printed, NONCE) == text
    assert bootstrap.answer(printed[: len(before) + len(broken) // 2], NONCE) is None


def test_error_is_raised_with_type_and_code() -> None:
    error = {"type": "System.IO.IOException", "message": "in use", "hresult": -2147024864}
    printed = (NONCE + base64.b64encode(json.dumps({"error": error}).encode()).decode() + NONCE).encode()
    with pytest.raises(ScriptError) as failed:
        bootstrap.answer(printed, NONCE)

    assert (failed.value.error_type, failed.value.message, failed.value.hresult & 0xFFFFFFFF) == (
        "System.IO.IOException",
        "in use",
        0x80070020,
    )


def test_constrained_mode_is_seen() -> None:
    assert bootstrap.constrained_mode(b"hello\r\n[adldap-ha ConstrainedLanguage 5.1.1]\r\n") == (
        "ConstrainedLanguage",
        "5.1.1",
    )
    assert bootstrap.constrained_mode(b"hello") is None
