"""A script reaches /bin/sh unchanged whatever login shell carries it, and its output comes back cut to the byte."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.remote.shell import Markers, becoming, command_line, is_account, printf_encoded, request, serving, unframed

_SHELLS = [shell for shell in ("sh", "bash", "dash", "fish", "tcsh") if shutil.which(shell)]
_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60)


def _through(shell: str, script: str, arguments: list[str], payload: bytes = b"") -> tuple[bytes, bytes, int]:
    opened, asked, after = Markers.fresh(), Markers.fresh(), Markers.fresh()
    command = command_line(serving(opened))
    # A second request shows that the first one left nothing of its payload behind.
    sent = request(script, arguments, asked, len(payload)) + payload + request("echo after", [], after, 0)
    done = subprocess.run([shell, "-c", command], input=sent, capture_output=True, check=False, timeout=30)
    assert done.stdout.startswith(opened.begin)
    assert unframed(done.stdout, done.stderr, after) == (b"after\n", b"", 0)
    return unframed(done.stdout, done.stderr, asked)


@pytest.mark.parametrize("shell", _SHELLS)
@settings(max_examples=25, deadline=None)
@given(arguments=st.lists(_TEXT, max_size=3))
def test_arguments_arrive_as_they_are(shell: str, arguments: list[str]) -> None:
    out, _, status = _through(shell, 'printf "%s\\0" "$#" "$@"', arguments)
    assert status == 0
    assert out.decode("utf-8").split("\0")[:-1] == [str(len(arguments)), *arguments]


@given(_TEXT)
def test_an_encoded_script_holds_nothing_that_a_shell_touches(script: str) -> None:
    encoded = printf_encoded(script)
    assert not set(encoded) & set("'\"`$!\n\r\t;&|<>(){}[]*?~#^=")
    assert encoded.isascii()


@pytest.mark.parametrize("shell", _SHELLS)
def test_output_error_and_status_are_kept_apart(shell: str) -> None:
    out, error, status = _through(shell, "cat; echo no >&2; exit 7", [], b"\0\r\n\xff")
    assert (out, error, status) == (b"\0\r\n\xff", b"no\n", 7)


def test_a_script_that_exits_in_the_middle_still_ends_its_frame() -> None:
    out, _, status = _through("sh", "set -e\nprintf 1\nfalse\nprintf 2", [])
    assert (out, status) == (b"1", 1)


def test_noise_outside_the_frame_is_dropped() -> None:
    markers = Markers("n")
    out = b"Welcome!\n" + markers.begin + b"data" + markers.end + b"0\nBye\n"
    err = b"motd\n" + markers.begin + b"oops" + markers.end
    assert unframed(out, err, markers) == (b"data", b"oops", 0)


@pytest.mark.parametrize("payload", [b"x", b"a\nb\0\r\n\xff", b"z" * 200_000], ids=["one", "binary", "long"])
@pytest.mark.parametrize("script", ["cat", "head -c 1", "true", "exit 5"])
def test_a_payload_is_read_to_its_end_and_no_further(script: str, payload: bytes) -> None:
    out, error, status = _through("sh", script, [], payload)
    assert out == {"cat": payload, "head -c 1": payload[:1]}.get(script, b"")
    assert (error, status) == (b"", 5 if "exit" in script else 0)


def test_without_a_payload_a_script_reads_nothing() -> None:
    assert _through("sh", "cat; echo $?", []) == (b"0\n", b"", 0)


def test_nul_bytes_are_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        printf_encoded("a\0b")


@pytest.mark.parametrize("user", ["root", "auth0", "svc.ldap", "DOM\\user", "a-b_c", "machine$", "1000"])
def test_account_names_of_the_field_are_accepted(user: str) -> None:
    assert is_account(user)


@pytest.mark.parametrize("user", ["", "-u", "a b", "a;b", "$(id)", "a'b", "#0"])
def test_what_is_no_account_name_never_reaches_a_command(user: str) -> None:
    assert not is_account(user)
    with pytest.raises(ValueError, match="account name"):
        becoming(user, "sudo", "true", Markers.fresh())


def test_no_script_holds_a_marker_that_a_tracing_shell_could_show() -> None:
    markers = Markers.fresh()
    text = command_line(becoming("root", "sudo", serving(markers), markers)) + str(request("true", [], markers, 1))
    for marker in (markers.begin, markers.end, markers.prompt, markers.no_sudo, markers.no_account):
        assert marker not in text.encode()
