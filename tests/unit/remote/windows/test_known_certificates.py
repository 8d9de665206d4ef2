"""The file of confirmed certificates keeps what it was told, whatever else is in it."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.errors import OperatorError
from tui.remote.windows.known_certificates import confirmed, fingerprint, remember

ADDRESSES = st.sampled_from(["elm", "ELM.corp.example", "10.0.0.7", "fe80::1", "::1"])
ENTRIES = st.lists(
    st.tuples(ADDRESSES, st.integers(1, 65535), st.binary(min_size=1, max_size=8)), min_size=1, max_size=8
)


@given(entries=ENTRIES, garbage=st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_what_was_confirmed_last_counts(
    tmp_path_factory: pytest.TempPathFactory, entries: list[tuple[str, int, bytes]], garbage: str
) -> None:
    file = tmp_path_factory.mktemp("certificates") / "known"
    file.write_text(garbage, encoding="utf-8")
    last = {}
    for address, port, certificate in entries:
        remember(file, address, port, certificate)
        last[address.lower(), port] = certificate

    assert file.read_text(encoding="utf-8", errors="strict").startswith(
        garbage.replace("\r\n", "\n").replace("\r", "\n")
    )
    for (address, port), certificate in last.items():
        assert confirmed(file, address, port) == fingerprint(certificate)
        assert confirmed(file, address.upper(), port) == fingerprint(certificate)
    assert confirmed(file, "other", 1) is None


def test_file_is_private_from_its_first_byte_and_a_known_one_is_not_added_again(tmp_path: Path) -> None:
    file = tmp_path / "state" / "known"
    for _ in range(2):
        remember(file, "elm", 5986, b"one")

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert len(file.read_text().splitlines()) == 1


def test_several_confirm_at_once(tmp_path: Path) -> None:
    file = tmp_path / "known"
    threads = [threading.Thread(target=remember, args=(file, f"h{number}", 5986, b"x")) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(file.read_text().splitlines()) == 16
    assert all(confirmed(file, f"h{number}", 5986) for number in range(16))


def test_file_that_cannot_be_read_or_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="cannot be read"):
        confirmed(tmp_path, "elm", 5986)
    with pytest.raises(OperatorError, match="cannot be kept"):
        remember(tmp_path, "elm", 5986, b"x")


def test_absent_file_knows_nothing(tmp_path: Path) -> None:
    assert confirmed(tmp_path / "no" / "such", "elm", 5986) is None


def test_fingerprint_is_the_hash_in_pairs() -> None:
    assert fingerprint(b"") == (
        "E3:B0:C4:42:98:FC:1C:14:9A:FB:F4:C8:99:6F:B9:24:27:AE:41:E4:64:9B:93:4C:A4:95:99:1B:78:52:B8:55"
    )
