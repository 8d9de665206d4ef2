"""Keys are found at the lines where they stand."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.toml_lines import key_lines, line_of


class TestKeyLines:
    @pytest.mark.parametrize(
        ("text", "path", "line"),
        [
            ("a = 1", ("a",), 1),
            ("\n# c\na = 1\nb = 2", ("b",), 4),
            ("[t]\n\na = 1", ("t", "a"), 3),
            ("[t]\na = 1", ("t",), 1),
            ("[t.u]\na = 1", ("t", "u", "a"), 2),
            ("a.b.c = 1\na.d = 2", ("a", "d"), 2),
            ("\"a b\".'c' = 1", ("a b", "c"), 1),
            ("[[h]]\na = 1\n[[h]]\na = 2", ("h", 1, "a"), 4),
            ("[[h]]\na = 1\n[[h]]\na = 2", ("h", 1), 3),
            ("[[h]]\n[h.t]\na = 1\n[[h]]\n[h.t]\na = 2", ("h", 1, "t", "a"), 6),
            ("[[h]]\n[[h.k]]\n[[h]]\n[[h.k]]\na = 1", ("h", 1, "k", 0, "a"), 5),
            ("a = [\n 1,\n 2, # x\n\n 3\n]\nb = 1", ("a", 2), 5),
            ("a = [\n 1,\n 2,\n]\nb = 1", ("b",), 5),
            ("a = [{b = 1}, {b = 2,\nc = 3}]", ("a", 1, "b"), 1),
            ("a = [{b = 1},\n{b = 2}]", ("a", 1, "b"), 2),
            ('a = """\nb = 1\n[x]\n"""\nc = 1', ("c",), 5),
            ("a = '''\n'b' = \"1\n'''\nc = 1", ("c",), 4),
            ('a = "]#\\"[" # "\nb = 1', ("b",), 2),
            ("a = 1979-05-27T07:32:00Z\nb = 1", ("b",), 2),
            ('a = """x""""\nb = 1', ("b",), 2),
        ],
    )
    def test_a_key_is_found_where_it_stands(self, text: str, path: tuple[str | int, ...], line: int) -> None:
        assert key_lines(text)[path] == line

    def test_a_missing_key_is_told_at_the_table_around_it(self) -> None:
        lines = key_lines("[[h]]\na = 1\n[[h]]\na = 2")
        assert line_of(lines, ("h", 1, "b", "c")) == 3
        assert line_of(lines, ("x",)) is None

    @given(st.text(alphabet="[]{}=.,'\"\\#ab1 \n", max_size=60))
    def test_no_text_makes_it_fail(self, text: str) -> None:
        assert all(1 <= line <= text.count("\n") + 1 for line in key_lines(text).values())

    @settings(max_examples=30)
    @given(
        st.dictionaries(
            st.text(min_size=1, max_size=8),
            st.text(max_size=20) | st.lists(st.text(max_size=5), max_size=3),
            max_size=6,
        )
    )
    def test_every_key_of_a_written_document_is_found_in_order(self, document: dict[str, Any]) -> None:
        import tomlkit

        text = "\n".join(
            tomlkit.dumps({"x": value}).strip().replace("x", f"k{n}", 1) for n, value in enumerate(document.values())
        )
        lines = key_lines(text)
        found = [lines[(f"k{n}",)] for n in range(len(document))]
        assert found == sorted(found)
