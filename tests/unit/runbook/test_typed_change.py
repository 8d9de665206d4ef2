"""A change as an operator types it, taken apart, and told where it cannot be taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.errors import OperatorError
from tui.runbook.typed_change import TypedWrong, keys_and_values, mapper_text


def test_a_profile_mapper_keeps_its_line_ends_and_its_byte_order_mark(tmp_path: Path) -> None:
    data = b"\xef\xbb\xbf// \xc3\xa9\r\nmodule.exports = 1;\n"
    (tmp_path / "mapper.js").write_bytes(data)
    assert mapper_text(tmp_path / "mapper.js").encode("utf-8") == data


@pytest.mark.parametrize(
    ("data", "told"),
    [(b" \r\n", "is empty"), (b"// \xff", "is not UTF-8"), (b"/" * (1 << 20) + b"/", "larger than 1 MiB")],
)
def test_a_file_that_can_be_no_profile_mapper_is_refused(tmp_path: Path, data: bytes, told: str) -> None:
    (tmp_path / "mapper.js").write_bytes(data)
    with pytest.raises(OperatorError, match=told):
        mapper_text(tmp_path / "mapper.js")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=r"mapper\.js cannot be read"):
        mapper_text(tmp_path / "mapper.js")


def test_a_value_may_hold_equals_signs_and_blanks() -> None:
    assert keys_and_values(["LDAP_BASE=DC=corp, DC=com", " PORT =4100"]) == {
        "LDAP_BASE": "DC=corp, DC=com",
        "PORT": "4100",
    }


@pytest.mark.parametrize(
    ("settings", "told"), [(["A=1", "PORT"], "PORT has no value"), (["A=1", "A=2"], "A is there twice")]
)
def test_which_of_the_settings_is_wrong_is_told(settings: list[str], told: str) -> None:
    with pytest.raises(TypedWrong, match=told) as refused:
        keys_and_values(settings)
    assert refused.value.place == 1
