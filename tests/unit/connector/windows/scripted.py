"""A WindowsSession whose scripts answer what a test tells them to, and that keeps what they were given."""

from __future__ import annotations

import base64
import ntpath
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import SecretStr

from tui.connector.model import Install, Layout
from tui.remote.errors import ScriptFailed
from tui.remote.session import FileAttributes, FileStat
from tui.remote.windows_session import Parameter, Script

ROOT = "C:\\Program Files (x86)\\Auth0\\AD LDAP Connector"
INHERITED = "O:BAG:SYD:AI(A;ID;FA;;;SY)(A;ID;FA;;;BA)(A;ID;0x1200a9;;;BU)"
FOLDER = "O:BAG:SYD:AI(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)(A;OICIID;0x1200a9;;;BU)"
DENIED, IN_USE, FULL = 0x80070005, 0x80070020, 0x80070070

_TYPES: dict[type, tuple[str, ...]] = {
    str: ("string",),
    int: ("int", "long"),
    bool: ("bool",),
    list: ("string[]",),
    SecretStr: ("security.securestring",),
}

Answer = Mapping[str, Any] | Exception | Callable[[Mapping[str, Any]], Any]


def install(**values: Any) -> Install:
    """The connector where its installer puts it."""
    return Install(
        **{
            "directory": ROOT,
            "found_at": ROOT,
            "layout": Layout.V6,
            "version": "6.4.1",
            "owner": "BUILTIN\\Administrators",
            "group": "",
            "node": f"{ROOT}\\node.exe",
            "connector_unit": "Auth0 ADLDAP",
            "admin_unit": "Auth0 ADLDAP Admin",
            "account": "LocalSystem",
            "supervisor": "scm",
            "os": "windows",
        }
        | values
    )


def failed(
    script: str, message: str, code: int = 0, kind: str = "System.Runtime.InteropServices.COMException"
) -> ScriptFailed:
    """The error of a script, as a session raises it."""
    return ScriptFailed(f"{script} ended with an error: {message}", error_type=kind, hresult=code, host="fir")


def encoded(text: str | bytes) -> str:
    """Bytes as a script puts them out."""
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode("ascii")


class ScriptedSession:
    """See the module. `files` are what the file methods see: path → bytes, None for a directory, a str for a link."""

    def __init__(self, **answers: Answer) -> None:
        self.answers: dict[str, Answer] = {f"{name.replace('_', '-')}.ps1": answer for name, answer in answers.items()}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.files: dict[str, bytes | str | None] = {}
        self.acls: dict[str, str] = {}

    @property
    def host(self) -> str:
        return "fir"

    @property
    def login_user(self) -> str:
        return "CORP\\ops"

    @property
    def round_trips(self) -> int:
        return len(self.calls)

    def acting_account(self) -> str:
        return self.login_user

    def invoke(
        self, script: Script, parameters: Mapping[str, Parameter] | None = None, *, timeout: float = 30.0
    ) -> dict[str, Any]:
        given = dict(parameters or {})
        check_parameters(script, given)
        self.calls.append((script.name, given))
        answer = self.answers[script.name]
        answer = answer(given) if callable(answer) else answer
        if isinstance(answer, Exception):
            raise answer
        check_keys(script, answer)
        return dict(answer)

    def given(self, script: str) -> list[dict[str, Any]]:
        """The parameters of every call of a script."""
        return [parameters for name, parameters in self.calls if name == script]

    def read_files(self, paths: Sequence[str], *, user: str | None = None, limit: int = 4 << 20) -> dict[str, bytes]:
        return {path: data for path in paths if isinstance(data := self._behind(path), bytes)}

    def stat_files(self, paths: Sequence[str], *, user: str | None = None) -> dict[str, FileStat]:
        return {path: self._stat(path) for path in paths if path in self.files}

    def list_tree(self, directory: str, *, depth: int = 1, user: str | None = None) -> list[FileStat]:
        below = [path for path in self.files if path.startswith(f"{directory}\\")]
        return [self._stat(path) for path in sorted(below) if path[len(directory) :].count("\\") <= depth]

    def write_file(
        self, path: str, data: bytes, attributes: FileAttributes, *, user: str | None = None, within: str | None = None
    ) -> None:
        self.files[path] = data

    def make_directory(
        self, path: str, attributes: FileAttributes, *, user: str | None = None, within: str | None = None
    ) -> None:
        self.files.setdefault(path, None)

    def rename(self, source: str, target: str, *, user: str | None = None) -> None:
        self.files[target] = self.files.pop(source)

    def remove(self, path: str, *, tree: bool = False, user: str | None = None, within: str | None = None) -> None:
        self.files.pop(path, None)

    def close(self) -> None:
        pass

    def _behind(self, path: str) -> bytes | str | None:
        for link, target in self.files.items():
            if isinstance(target, str) and target and f"{path}\\".startswith(f"{link}\\"):
                return self._behind(_led(link, target) + path[len(link) :])
        return self.files.get(path) or (b"" if path in self.files else None)

    def _stat(self, path: str) -> FileStat:
        found = self.files[path]
        size = len(found) if isinstance(found, bytes) else 0
        acl = self.acls.get(path, FOLDER if found is None else INHERITED)
        attributes = FileAttributes("BUILTIN\\Administrators", "", 0, acl)
        if isinstance(found, str):
            return FileStat(path, "symlink", size, 0.0, attributes, _led(path, found) if found else None)
        return FileStat(path, "directory" if found is None else "file", size, 0.0, attributes)


def check_parameters(script: Script, given: Mapping[str, Parameter]) -> None:
    """The script declares every parameter that it is given, with a type that takes the value."""
    block = script.text[script.text.index("param(") : script.text.index("$ErrorActionPreference")]
    declared = {name: kind.lower() for kind, name in re.findall(r"\[([\w.\[\]]+)\]\$(\w+)", block)}
    for name, value in given.items():
        assert name in declared, f"{script.name} has no parameter {name}"
        assert value is None or declared[name] in _TYPES[type(value)], f"{script.name}: {name} is a {declared[name]}"


def check_keys(script: Script, answer: object) -> None:
    """The script puts out what a test lets it answer: every key stands in its text."""
    if isinstance(answer, Mapping):
        for key, value in answer.items():
            assert re.search(rf"\b{key}\b\s*=|\['{key}'\]", script.text), f"{script.name} puts out no {key}"
            check_keys(script, value)
    elif isinstance(answer, list):
        for value in answer:
            check_keys(script, value)


def _led(path: str, target: str) -> str:
    return target if ntpath.isabs(target) else ntpath.join(ntpath.dirname(path), target)
