"""What a security descriptor allows an account, as Windows decides it."""

from __future__ import annotations

import pytest

from tui.connector.windows.sddl import (
    APPEND_DATA,
    READ_DATA,
    WRITE_DATA,
    allowed,
    allowed_by_inheritance,
    discretionary,
)

SYSTEM, ADMINS, USERS, EVERYONE, SOMEBODY = "S-1-5-18", "S-1-5-32-544", "S-1-5-32-545", "S-1-1-0", "S-1-5-21-1-2-3-1104"
WRITE = WRITE_DATA | APPEND_DATA


@pytest.mark.parametrize(
    ("sddl", "rights", "sids", "answer"),
    [
        ("O:BAG:SYD:AI(A;ID;FA;;;SY)(A;ID;FA;;;BA)(A;ID;0x1200a9;;;BU)", WRITE, [SYSTEM], True),
        ("O:BAG:SYD:AI(A;ID;FA;;;SY)(A;ID;FA;;;BA)(A;ID;0x1200a9;;;BU)", READ_DATA, [SOMEBODY, USERS], True),
        ("O:BAG:SYD:AI(A;ID;FA;;;SY)(A;ID;FA;;;BA)(A;ID;0x1200a9;;;BU)", WRITE, [SOMEBODY, USERS], False),
        ("D:P(A;;FA;;;BA)", READ_DATA, [SYSTEM], False),
        ("D:P(A;;FR;;;S-1-5-21-1-2-3-1104)", READ_DATA, [SOMEBODY], True),
        ("D:P(D;;FA;;;WD)(A;;FA;;;SY)", READ_DATA, [SYSTEM, EVERYONE], False),
        ("D:P(A;;FA;;;SY)(D;;FA;;;WD)", READ_DATA, [SYSTEM, EVERYONE], True),
        ("D:P(D;;DCLC;;;SY)(A;;FA;;;SY)", READ_DATA, [SYSTEM], True),
        ("D:P(D;;DCLC;;;SY)(A;;FA;;;SY)", READ_DATA | WRITE, [SYSTEM], False),
        ("D:P(A;;CC;;;BU)(A;;DCLC;;;SY)", READ_DATA | WRITE, [SYSTEM, USERS], True),
        ("D:P(A;OICIIO;FA;;;SY)", READ_DATA, [SYSTEM], False),
        ("D:P(A;;GR;;;SY)", READ_DATA, [SYSTEM], True),
        ("D:P(A;;0x80000000;;;SY)", READ_DATA, [SYSTEM], True),
        ("D:P(A;;1179785;;;SY)", READ_DATA, [SYSTEM], True),
        ("D:P", READ_DATA, [SYSTEM, EVERYONE], False),
        ("D:NO_ACCESS_CONTROL", WRITE, [SOMEBODY], True),
        ("O:BAG:SY", WRITE, [SOMEBODY], True),
        ("O:WDG:WDD:P(A;;FR;;;SY)S:AI(AU;SA;FA;;;WD)", WRITE, [EVERYONE], False),
        ("D:(XA;;FA;;;WD;(@User.ok==1))", READ_DATA, [EVERYONE], False),
    ],
)
def test_what_is_allowed(sddl: str, rights: int, sids: list[str], answer: bool) -> None:
    assert allowed(sddl, rights, sids) is answer


def test_a_new_file_gets_what_its_folder_hands_down() -> None:
    folder = "D:PAI(A;OICI;FA;;;SY)(A;CI;FA;;;BA)(A;OIIO;FR;;;BU)(A;;FA;;;WD)"
    assert allowed_by_inheritance(folder, WRITE, [SYSTEM])
    assert not allowed_by_inheritance(folder, READ_DATA, [ADMINS])
    assert allowed_by_inheritance(folder, READ_DATA, [ADMINS], directory=True)
    assert allowed_by_inheritance(folder, READ_DATA, [USERS])
    assert not allowed_by_inheritance(folder, READ_DATA, [EVERYONE])


def test_entries_keep_their_order_and_no_dacl_is_none() -> None:
    entries = discretionary("O:BAD:P(D;;FW;;;BU)(A;OICI;FA;;;SY)S:(AU;SA;FA;;;WD)")
    assert entries is not None
    assert [(entry.allows, entry.sid) for entry in entries] == [(False, USERS), (True, SYSTEM)]
    assert discretionary("O:BAG:SY") is None
