"""Who may use a file, on both systems: what a new one gets, when two are the same, and how it is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.connector.attributes import (
    FROM_FOLDER,
    Newcomer,
    as_meant,
    attributes_for_new,
    same_attributes,
    told_attributes,
)
from tui.remote.session import FileAttributes

LINUX = FileAttributes("auth0", "auth0", 0o644)
INHERITED = FileAttributes(r"BUILTIN\Administrators", "", 0, acl="O:BAG:SYD:AI(A;ID;FA;;;SY)(A;ID;FA;;;BA)")
OWN = FileAttributes(r"CORP\svc", "", 0, acl="O:SYG:SYD:PAI(A;;FA;;;SY)")
NEWCOMER = Newcomer(owner="root", group="auth0", account="auth0")


def test_a_new_file_on_windows_takes_what_its_folder_gives() -> None:
    for theirs, source in ((LINUX, "linux"), (OWN, "windows")):
        assert attributes_for_new(theirs, NEWCOMER, source=source, target="windows") == FROM_FOLDER


def test_what_comes_from_windows_belongs_to_the_service_account_alone() -> None:
    file = attributes_for_new(OWN, NEWCOMER, source="windows", target="linux")
    folder = attributes_for_new(OWN, NEWCOMER, source="windows", target="linux", directory=True)
    assert (file, folder) == (FileAttributes("auth0", "auth0", 0o600), FileAttributes("auth0", "auth0", 0o700))


def test_between_linux_hosts_the_mode_is_the_first_ones() -> None:
    made = attributes_for_new(LINUX, NEWCOMER, source="linux", target="linux")
    assert made == FileAttributes("root", "auth0", 0o644)


@pytest.mark.parametrize("here", [LINUX, INHERITED, OWN])
def test_whatever_the_folder_gave_is_as_meant_where_nothing_was_asked_for(here: FileAttributes) -> None:
    assert as_meant(here, FROM_FOLDER)


def test_a_kept_acl_must_be_there_afterwards() -> None:
    assert as_meant(OWN, OWN)
    assert not as_meant(FileAttributes(OWN.owner, "", 0, acl=INHERITED.acl), OWN)
    assert not as_meant(INHERITED, OWN)


def test_on_linux_an_acl_that_the_folder_gave_makes_no_difference() -> None:
    assert as_meant(FileAttributes("auth0", "auth0", 0o644, acl="user:backup:r--", label="x"), LINUX)
    assert not as_meant(FileAttributes("auth0", "auth0", 0o600), LINUX)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("D:AI(A;ID;FA;;;SY)", "D:(A;ID;FA;;;SY)", True),
        ("D:PAI(A;;FA;;;SY)", "D:P(A;;FA;;;SY)", True),
        ("D:P(A;;FA;;;SY)", "D:(A;;FA;;;SY)", False),
        ("D:AI(A;ID;FA;;;SY)", "D:AI(A;;FA;;;SY)", False),
        ("D:AI(A;ID;FA;;;SY)S:AI(AU;SA;FA;;;WD)", "D:(A;ID;FA;;;SY)S:(AU;SA;FA;;;WD)", True),
        ("D:(A;;FA;;;SY)", "D:(A;;FR;;;SY)", False),
    ],
)
def test_how_an_acl_came_about_makes_no_difference_but_what_it_says_does(one: str, other: str, same: bool) -> None:
    here, there = (FileAttributes("x", "", 0, acl=f"O:BAG:DU{acl}") for acl in (one, other))
    assert same_attributes(here, there) is same


@given(st.text(alphabet="()ODGS:;PAIRFBY1-", max_size=60))
def test_comparing_acls_never_fails_and_an_acl_is_always_itself(text: str) -> None:
    attributes = FileAttributes("x", "", 0, acl=text)
    assert same_attributes(attributes, attributes)


def test_missing_files_are_only_the_same_as_missing_files() -> None:
    assert same_attributes(None, None)
    assert not same_attributes(None, OWN)


def test_they_are_told_in_the_words_of_their_system() -> None:
    assert told_attributes(LINUX) == "auth0:auth0 0644"
    assert told_attributes(OWN) == r"CORP\svc, own ACL"
    assert told_attributes(INHERITED) == r"BUILTIN\Administrators, folder's ACL"
    assert told_attributes(FROM_FOLDER) == "ACL of its folder"
