"""A script's `param` block: which parameters it declares, and the binding of what a client sends to them.

Only what this project's scripts use is read: a type, a default that is a literal, and Mandatory.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from tui.lab.windows import dotnet
from tui.lab.windows.wsman_calls import PsError

_INTEGERS = {"int": 32, "int32": 32, "long": 64, "int64": 64}
_NUMBER = re.compile(r"-?\d+")


@dataclass(frozen=True)
class Parameter:
    """One declared parameter; `kind` is its type in lower case, without brackets."""

    name: str
    kind: str
    default: Any
    mandatory: bool


def declared(text: str) -> dict[str, Parameter]:
    """A script's parameters by their names in lower case. Raises ValueError when it has no param block."""
    found = re.search(r"(?im)^\s*param\s*\(", text)
    if found is None:
        raise ValueError("no param block")
    made = [_parameter(part) for part in _parts(text[found.end() - 1 :]) if part.strip()]
    return {parameter.name.lower(): parameter for parameter in made}


def _parts(text: str) -> list[str]:
    """What stands between the outer parentheses, separated by commas that stand in no others; comments removed."""
    text = re.sub(r"(?m)#.*$", "", text)
    parts: list[str] = []
    depth, begin, quote = 0, 1, ""
    for at, sign in enumerate(text):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign in "([{":
            depth += 1
        elif sign in ")]}":
            depth -= 1
            if not depth:
                return [*parts, text[begin:at]]
        elif sign == "," and depth == 1:
            parts.append(text[begin:at])
            begin = at + 1
    raise ValueError("the param block does not end")


def _parameter(text: str) -> Parameter:
    found = re.search(r"\$(?P<name>\w+)\s*(?:=\s*(?P<default>.*?))?\s*$", text, re.DOTALL)
    if found is None:
        raise ValueError(f"not a parameter: {text.strip()}")
    head = text[: found.start()]
    kinds = re.findall(r"\[([\w.]+(?:\[\])?)\]", head)
    kind = kinds[-1].lower().rpartition(".")[2] if kinds else "object"
    mandatory = re.search(r"(?i)\bMandatory\b(?!\s*=\s*\$false)", head) is not None
    return Parameter(found["name"], kind, _literal(found["default"], kind), mandatory)


def _literal(text: str | None, kind: str) -> Any:
    if text is None or text.lower() == "$null":
        empty: dict[str, Any] = {"string": "", "string[]": [], "bool": False, "double": 0.0}
        return 0 if kind in _INTEGERS else empty.get(kind)
    if text == "@()":
        return []
    if text.lower() in ("$true", "$false"):
        return text.lower() == "$true"
    if _NUMBER.fullmatch(text):
        return int(text)
    quoted = re.fullmatch(r"'([^']*)'|\"([^\"$`]*)\"", text)
    if quoted is None:
        raise ValueError(f"a default that is no literal: {text}")
    return quoted[1] or quoted[2] or ""


def bind(text: str, given: Mapping[str, Any], secret: Collection[str]) -> dict[str, Any]:
    """Every declared parameter with its value; `secret` names those that came as SecureString.

    Raises PsError as PowerShell would: a parameter that is not declared, one that is missing, a value of another type.
    """
    known = declared(text)
    hidden = {name.lower() for name in secret}
    bound = {parameter.name: parameter.default for parameter in known.values()}
    missing = {name for name, parameter in known.items() if parameter.mandatory}
    for name, value in given.items():
        parameter = known.get(name.lower())
        if parameter is None:
            raise dotnet.unbound(f"A parameter cannot be found that matches parameter name '{name}'.")
        missing.discard(name.lower())
        bound[parameter.name] = _converted(parameter, value, name.lower() in hidden)
    if missing:
        names = " ".join(sorted(known[name].name for name in missing))
        raise dotnet.unbound(f"Cannot process command because of one or more missing mandatory parameters: {names}.")
    return bound


def _converted(parameter: Parameter, value: Any, hidden: bool) -> Any:
    kind = parameter.kind
    if (kind == "securestring") != hidden:
        raise _unfit(parameter, value)
    if kind == "string" and isinstance(value, (str, int, float)):
        return str(value)
    if kind == "string[]":
        values = value if isinstance(value, (list, tuple)) else [value]
        if all(isinstance(each, str) for each in values):
            return list(values)
    if kind in _INTEGERS and not isinstance(value, bool) and _NUMBER.fullmatch(str(value)):
        number = int(value)
        if abs(number) < 1 << (_INTEGERS[kind] - 1):
            return number
    if kind == "double" and isinstance(value, (int, float)):
        return float(value)
    if kind == "bool" and isinstance(value, (bool, int)):
        return bool(value)
    if kind in ("securestring", "object"):
        return value
    raise _unfit(parameter, value)


def _unfit(parameter: Parameter, value: Any) -> PsError:
    given, wanted = type(value).__name__, parameter.kind
    text = (
        f"Cannot process argument transformation on parameter '{parameter.name}'. Cannot convert {given} to {wanted}."
    )
    return dotnet.error(
        "System.Management.Automation.ParameterBindingArgumentTransformationException", text, 0x80131501
    )
