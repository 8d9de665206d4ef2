"""The file tree of a Windows lab host: paths, ACLs, sharing and a volume that can be full, with Windows' own errors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.lab.windows import sddl
from tui.lab.windows.accounts import Accounts
from tui.lab.windows.tree import WindowsTree
from tui.lab.windows.wsman_calls import PsError

FOLDER = "C:\\Data"
FILE = f"{FOLDER}\\config.json"
ONLY_SYSTEM = "O:BAG:SYD:P(A;;FA;;;SY)"


@pytest.fixture
def tree(tmp_path: Path) -> WindowsTree:
    root = tmp_path / "C"
    root.mkdir()
    made = WindowsTree(root, Accounts("WIN-ELM", "ops"))
    made.make_directory(FOLDER)
    return made


def refused(action: Callable[[], object]) -> tuple[str, int]:
    """The type of the error and the low half of its HResult."""
    with pytest.raises(PsError) as caught:
        action()
    return caught.value.type, caught.value.hresult & 0xFFFF


def test_a_file_is_found_whatever_the_case_of_its_path(tree: WindowsTree) -> None:
    tree.create(FILE, b"{}")
    assert tree.read("c:/DATA/Config.JSON") == b"{}"
    assert [entry["path"] for entry in tree.below("C:\\dAtA", 1)] == ["C:\\dAtA\\config.json"]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("C:\\Data\\CON", "System.NotSupportedException"),
        ("C:\\Data\\nul.txt", "System.NotSupportedException"),
        ("C:\\Data\\a?b", "System.ArgumentException"),
        ("C:\\Data\\a:stream", "System.NotSupportedException"),
        ("Data\\a", "System.NotSupportedException"),
        ("D:\\Data", "System.IO.DirectoryNotFoundException"),
        ("C:\\Data\\" + "x" * 252, "System.IO.PathTooLongException"),
        ("C:\\" + "y" * 246 + "\\a", "System.IO.PathTooLongException"),
    ],
)
def test_what_is_no_path_on_windows_is_refused(tree: WindowsTree, path: str, kind: str) -> None:
    assert refused(lambda: tree.create(path, b""))[0] == kind


def test_the_longest_path_that_windows_takes_is_taken(tree: WindowsTree) -> None:
    path = "C:\\Data\\" + "x" * (259 - len("C:\\Data\\"))
    tree.create(path, b"here")
    assert tree.read(path) == b"here"


def test_a_new_file_inherits_from_its_folder_and_a_moved_one_keeps_what_it_has(tree: WindowsTree) -> None:
    tree.create(FILE, b"{}")
    inherited = tree.entry(FILE)
    assert inherited is not None
    assert "(A;ID;FA;;;SY)" in inherited["sddl"]
    assert inherited["owner"] == "BUILTIN\\Administrators"
    tree.make_directory("C:\\Closed", "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)")
    tree.move(FILE, "C:\\Closed\\kept")
    moved = tree.entry("C:\\Closed\\kept")
    assert moved is not None
    assert moved["sddl"] == inherited["sddl"]
    tree.create("C:\\Closed\\new", b"")
    new = tree.entry("C:\\Closed\\new")
    assert new is not None
    assert "BU" not in new["sddl"]


def test_a_file_that_is_written_anew_keeps_its_acl_unless_told_otherwise(tree: WindowsTree) -> None:
    closed = "O:BAG:SYD:PAI(A;;FA;;;SY)(A;;FA;;;BA)"
    tree.create(FILE, b"old", closed)
    tree.replace(FILE, b"new")
    seen = tree.entry(FILE)
    assert seen is not None
    assert seen["sddl"] == closed
    tree.replace(FILE, b"newer", "O:BAG:SYD:P(A;;FA;;;BA)")
    seen = tree.entry(FILE)
    assert seen is not None
    assert seen["sddl"] == "O:BAG:SYD:P(A;;FA;;;BA)"
    assert tree.read(FILE) == b"newer"


def test_what_a_folder_passes_on_changes_what_is_below_and_comes_back(tree: WindowsTree) -> None:
    tree.create(FILE, b"")
    tree.make_directory(f"{FOLDER}\\certs")
    before = [entry["sddl"] for entry in tree.below(FOLDER, 2)]
    folder = str(tree.descriptor(tree.real(FOLDER)))
    head, control, aces = folder.partition("(")
    tree.set_acl(FOLDER, f"{head}(D;OICI;0xd0156;;;BA){control}{aces}")
    assert refused(lambda: tree.replace(FILE, b"x")) == ("System.UnauthorizedAccessException", 5)
    assert refused(lambda: tree.remove(FILE)) == ("System.UnauthorizedAccessException", 5)
    assert refused(lambda: tree.make_directory(f"{FOLDER}\\certs\\deep")) == ("System.UnauthorizedAccessException", 5)
    assert tree.read(FILE) == b""
    tree.set_acl(FOLDER, folder)
    assert [entry["sddl"] for entry in tree.below(FOLDER, 2)] == before


def test_an_administrator_whom_the_acl_does_not_name_cannot_read(tree: WindowsTree) -> None:
    tree.create(FILE, b"secret", ONLY_SYSTEM)
    assert refused(lambda: tree.read(FILE)) == ("System.UnauthorizedAccessException", 5)


def test_a_file_that_another_process_holds_cannot_be_replaced_and_nothing_is_left_beside_it(tree: WindowsTree) -> None:
    tree.create(FILE, b"old")
    tree.hold(FILE, "r")
    assert refused(lambda: tree.replace(FILE, b"new")) == ("System.IO.IOException", 32)
    assert refused(lambda: tree.move(FILE, f"{FOLDER}\\aside")) == ("System.IO.IOException", 32)
    assert tree.read(FILE) == b"old"
    assert len(tree.below(FOLDER, 1)) == 1
    tree.hold(FILE)
    assert refused(lambda: tree.read(FILE)) == ("System.IO.IOException", 32)
    tree.let_go(FILE)
    tree.replace(FILE, b"new")
    assert tree.read(FILE) == b"new"


def test_a_full_disk_and_a_write_protected_one_leave_everything_as_it_was(tree: WindowsTree) -> None:
    tree.create(FILE, b"old")
    tree.full = True
    assert refused(lambda: tree.replace(FILE, b"new")) == ("System.IO.IOException", 0x70)
    tree.full, tree.read_only = False, True
    assert refused(lambda: tree.replace(FILE, b"new")) == ("System.IO.IOException", 0x13)
    assert refused(lambda: tree.remove(FILE)) == ("System.IO.IOException", 0x13)
    assert tree.read(FILE) == b"old"
    assert len(tree.below(FOLDER, 1)) == 1


def test_a_link_is_told_and_followed_and_never_out_of_a_folder(tree: WindowsTree) -> None:
    tree.make_directory("C:\\Elsewhere")
    tree.create("C:\\Elsewhere\\real", b"there")
    (tree.root / "Data" / "link").symlink_to(tree.root / "Elsewhere" / "real")
    seen = tree.entry(f"{FOLDER}\\link")
    assert seen is not None
    assert (seen["kind"], seen["target"]) == ("symlink", "C:\\Elsewhere\\real")
    with pytest.raises(PsError, match=r"\[led-away\]"):
        tree.replace(f"{FOLDER}\\link", b"x", within=FOLDER)
    tree.replace(f"{FOLDER}\\link", b"changed")
    assert tree.read("C:\\Elsewhere\\real") == b"changed"
    tree.remove(f"{FOLDER}\\link", within=FOLDER)
    assert tree.read("C:\\Elsewhere\\real") == b"changed"


def test_a_write_removes_what_earlier_ones_that_were_cut_off_left(tree: WindowsTree) -> None:
    leftover = f"{FOLDER}\\.adldap-ha-config.json-0123456789abcdef.tmp"
    another = f"{FOLDER}\\.adldap-ha-cert.pem-0123456789abcdef.tmp"
    for path in (leftover, another):
        tree.create(path, b"half")
    tree.replace(FILE, b"{}")
    assert not tree.exists(leftover)
    assert tree.exists(another)


_SIDS = st.sampled_from(["SY", "BA", "BU", "WD", "CO", "S-1-5-21-1-2-3-1001"])
_ACES = st.builds(
    sddl.Ace,
    st.sampled_from(["A", "D"]),
    st.lists(st.sampled_from(["OI", "CI", "NP", "IO", "ID"]), unique=True).map(tuple),
    st.sampled_from(["FA", "FR", "FRFX", "0x1200a9", "GA"]),
    _SIDS,
)


@given(
    st.builds(
        sddl.Descriptor,
        st.just("BA"),
        st.just("SY"),
        st.sampled_from(["", "P", "AI", "PAI"]),
        st.lists(_ACES).map(tuple),
    )
)
def test_a_descriptor_comes_back_from_its_text(made: sddl.Descriptor) -> None:
    assert sddl.parse(str(made)) == made


@given(st.lists(_ACES).map(tuple), st.booleans())
def test_what_is_inherited_is_marked_so_and_inheriting_again_changes_nothing(
    aces: tuple[sddl.Ace, ...], directory: bool
) -> None:
    parent = sddl.Descriptor("BA", "SY", "", aces)
    child = sddl.inherited(parent, directory=directory, owner="BA", group="SY")
    assert all("ID" in ace.flags for ace in child.aces)
    assert sddl.refreshed(child, parent, directory=directory) == child


@pytest.mark.parametrize(
    "text", ["", "D:(A;;FA;;;SY)", "O:BAG:SYD:(A;;FA;;;)", "O:BAG:SYD:(A;;XX;;;SY)", "O:BAG:SYD:(X;;FA;;;SY)"]
)
def test_what_is_no_descriptor_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        sddl.parse(text)
