"""What the file scripts print is read back to the byte, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.remote.errors import FileFailure
from tui.remote.file_listing import parse_acls, parse_listing, parse_read
from tui.remote.files import failure_reason

B = b"0123456789abcdef"


@given(st.lists(st.tuples(st.binary(), st.sampled_from(["ok", "large 9", "absent x"])), max_size=4))
def test_contents_come_back_whole(files: list[tuple[bytes, str]]) -> None:
    output = b"".join(B + data + B + word.encode() for data, word in files)
    assert parse_read(output, B, len(files)) == files
    assert parse_read(output, B, len(files) + 1) is None
    if files:
        assert parse_read(output[: -len(files[-1][1]) - 1], B, len(files)) is None


def test_a_listing_with_link_acl_and_label() -> None:
    output = (
        B + b"|81a0|5|1700000000|auth0|998|UNKNOWN|4242|/opt/a b|c\n"
        + B + b"|a1ff|3|1700000000|root|0|root|0|/opt/l\n"
        + B + b">a|/b|/opt/l"
        + B + b"+# file: /opt/a\\040b|c\n# owner: auth0\n# group: x\nuser::rw-\nuser:bob:r--\nmask::r--\n\n"
        + b"# file: /opt/l\nuser::rw-\nuser:eve:rwx\n\n"
        + B + b"@system_u:object_r:usr_t:s0|/opt/a b|c\n"
        + B + b"@?|/opt/l\n"
    )  # fmt: skip
    file, link = parse_listing(output, B)
    assert (file.path, file.kind, file.size) == ("/opt/a b|c", "file", 5)
    assert (file.attributes.owner, file.attributes.group, file.attributes.mode) == ("auth0", "4242", 0o640)
    assert file.attributes.acl == "user::rw-\nuser:bob:r--\nmask::r--\n"
    assert file.attributes.label == "system_u:object_r:usr_t:s0"
    assert (link.kind, link.target, link.attributes.acl, link.attributes.label) == ("symlink", "a|/b", None, None)


@given(st.binary())
def test_no_acl_output_breaks_the_reading(output: bytes) -> None:
    parse_acls(output)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("cat: write error: No space left on device", FileFailure.NO_SPACE),
        ("cat: write error: Disk quota exceeded", FileFailure.NO_SPACE),
        ("sh: 1: cannot create /x: Read-only file system", FileFailure.READ_ONLY),
        ("sh: 1: cannot create /x: Directory nonexistent", FileFailure.MISSING),
        ("sh: can't create /x: nonexistent directory", FileFailure.MISSING),
        ("chown: changing ownership of '/x': Operation not permitted", FileFailure.DENIED),
        ("checksum differs", FileFailure.CORRUPTED),
        ("mv: cannot move: Device or resource busy", FileFailure.OTHER),
    ],
)
def test_reasons(said: str, reason: FileFailure) -> None:
    assert failure_reason(said) is reason
