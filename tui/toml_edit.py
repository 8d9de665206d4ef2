"""Editing a TOML text in place: what stays the same keeps its comments, order and notation."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

import tomlkit
from tomlkit.items import AoT, Array, InlineTable, Item, Table


def edited(text: str, *, wanted: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    """`text` changed so that it says `wanted`.

    `known` holds every key that the schema knows with its value, None where it has none: such keys are removed, and
    keys that are in `text` with a default value are kept up to date. Keys unknown to the schema are left alone.
    Tables of an array belong together by their `name`. `text` must be valid TOML with `\\n` line ends; raises
    ValueError, TypeError or LookupError when its layout is beyond this.
    """
    document = tomlkit.parse(text)
    _merge(document, wanted, known)
    return tomlkit.dumps(document)


def _merge(table: MutableMapping[str, Any], wanted: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    for key in list(table):
        if key in known and known[key] is None:
            del table[key]
        elif key in known:
            _update(table, key, wanted.get(key), known[key])
    for key, value in wanted.items():
        if key not in table:
            table[key] = _new(value, inline=isinstance(table, InlineTable))


def _update(table: MutableMapping[str, Any], key: str, wanted: Any, known: Any) -> None:
    present = table[key]
    if isinstance(known, dict):
        _merge(present, wanted or {}, known)
    elif isinstance(known, list) and known and isinstance(known[0], dict):
        table[key] = _merged_tables(present, wanted, known)
    elif _plain(present) != known:
        value = tomlkit.item(known)
        if isinstance(present, Item):
            value.trivia.indent = present.trivia.indent
            value.trivia.comment_ws = present.trivia.comment_ws
            value.trivia.comment = present.trivia.comment
        table[key] = value


def _merged_tables(present: Any, wanted: list[dict[str, Any]], known: list[dict[str, Any]]) -> Any:
    """The array `present` with its tables merged, those that are gone dropped, and new ones at their places."""
    old = {table.get("name"): table for table in present}
    names = [element["name"] for element in known]
    for name, values, all_values in zip(names, wanted, known, strict=True):
        if name in old:
            _merge(old[name], values, all_values)
    if [table.get("name") for table in present] == names:
        return present
    if isinstance(present, Array):
        inline = tomlkit.array().multiline(True)
        for name, values in zip(names, wanted, strict=True):
            inline.append(old[name] if name in old else _inline(values))
        return inline
    if not isinstance(present, AoT):
        raise TypeError("not an array of tables")
    return AoT([old[name] if name in old else _table(values) for name, values in zip(names, wanted, strict=True)])


def _plain(value: Any) -> Any:
    return value.unwrap() if isinstance(value, Item) else value


def _new(value: Any, *, inline: bool = False) -> Item:
    if isinstance(value, dict):
        return _inline(value) if inline else _table(value)
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return AoT([_table(element) for element in value])
    item: Item = tomlkit.item(value)
    return item


def _table(values: Mapping[str, Any]) -> Table:
    table = tomlkit.table()
    for key, value in values.items():
        table[key] = _new(value)
    return table


def _inline(values: Mapping[str, Any]) -> Item:
    table = tomlkit.inline_table()
    for key, value in values.items():
        table[key] = _new(value, inline=True)
    return table
