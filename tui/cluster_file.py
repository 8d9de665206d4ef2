"""Cluster files: found, read with errors that name file, line and key, and written with their comments kept."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tui import paths
from tui.cluster import Cluster, default_port, misplaced
from tui.errors import OperatorError
from tui.private_files import write_private
from tui.toml_lines import KeyPath, key_lines, line_of
from tui.vault.recipients import EXPECTED as A_RECIPIENT
from tui.vault.recipients import recipient_problem

_LARGEST = 1 << 20
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_BOM = "\ufeff"
_SECRET_KEY = re.compile(
    r"pass(word|phrase|wd|code)?s?$|passw|pwd|secret|token|ticket|private_?key|api_?key|credential|^pin$|^otp$"
)
_SECRET_VALUE = re.compile(
    r"AGE-SECRET-KEY-[0-9A-Z]|-----BEGIN [A-Z0-9 ]*PRIVATE KEY|\$2\$\.[0-9a-f]{8}|https?://[^\s\"']+/p/ad/"
    r"|://[^\s/\"'@:]+:[^\s/\"'@]+@",
    re.IGNORECASE,
)

_NO_TOML = 'look for a missing quote, bracket or equals sign; texts stand in quotes, as in name = "fir"'
_BACKSLASH = r"write a text with backslashes in single quotes, as in user = 'CORP\ops'"


class ClusterFileError(OperatorError):
    """A cluster file that cannot be used. `path`, `line` (from 1) and `key` (dotted) say where, as far as known."""

    def __init__(
        self, path: Path, problem: str, *, line: int | None = None, key: str | None = None, **parts: str | None
    ) -> None:
        place = f"{path}, line {line}" if line else str(path)
        super().__init__(f"{place}: {f'`{key}`: ' if key else ''}{problem}", **parts)
        self.path = path
        self.line = line
        self.key = key


def cluster_names() -> list[str]:
    """The names of the cluster files in the configuration directory, sorted."""
    return sorted(file.stem for file in paths.config_dir().glob("*.toml") if _NAME.fullmatch(file.stem))


def find_cluster_file(name_or_path: str) -> Path:
    """The file that an operator means by a cluster's name or by a path. Raises ClusterFileError when there is none."""
    if _NAME.fullmatch(name_or_path) and (named := paths.cluster_file(name_or_path)).is_file():
        return named
    path = Path(name_or_path).expanduser()
    if path.is_file():
        return path
    if path.is_dir():
        raise ClusterFileError(path, "this is a directory", remedy="name the cluster file inside it")
    names = cluster_names()
    likely = difflib.get_close_matches(name_or_path, names, n=1)
    known = f"; the clusters known here are {', '.join(names)}" if names else "; no cluster file exists yet"
    raise ClusterFileError(
        path,
        "there is no such cluster file",
        tried=f"looked for a cluster called {name_or_path} in {paths.config_dir()} and for a file of that path",
        remedy=f"did you mean {likely[0]}?" if likely else f"check the spelling{known}",
    )


def load_cluster(path: Path) -> Cluster:
    """Read a cluster file. Raises ClusterFileError, which never repeats a value."""
    return _cluster_from(path, _read(path))


def refuse_twins(name: str, path: Path) -> None:
    """Raise ClusterFileError when another file of the configuration directory names the same cluster as `path` does.

    Both would share one journal and one vault. A link to `path` is no other file; files that cannot be read are passed over.
    """
    own = Path(os.path.realpath(path))
    directory = paths.config_dir()
    if own.parent != Path(os.path.realpath(directory)):
        return
    for other in sorted(directory.glob("*.toml")):
        if Path(os.path.realpath(other)) != own and _named(other) == name:
            raise ClusterFileError(
                path,
                f"{other} is called {name} as well",
                key="cluster.name",
                meaning="both would use one journal and one vault, and undo each other's work",
                remedy="give one of them another `name` in its [cluster] table, or remove the one that is a copy",
            )


def _named(path: Path) -> str | None:
    try:
        table = _document(path, _read(path)).get("cluster")
    except ClusterFileError:
        return None
    name = table.get("name") if isinstance(table, dict) else None
    return name if isinstance(name, str) else None


def save_cluster(cluster: Cluster, path: Path) -> None:
    """Write `cluster` to `path`, mode 0600, atomically; comments, order and line ends of an existing file are kept.

    A symlink stays and its target is replaced. Raises ClusterFileError, and then the file is as it was: when the existing
    file is no TOML, when it holds keys that no cluster file has, or when it cannot be written.
    """
    target = Path(os.path.realpath(path))
    before = _read(target) if target.exists() else ""
    try:
        after = _render(cluster, before)
    except (ValueError, TypeError, LookupError) as error:
        if before:
            _document(path, before)
        raise ClusterFileError(
            path,
            "this file is laid out in a way that cannot be edited without losing its comments",
            remedy="write each host as one [[hosts]] table, all of them together, and try again",
        ) from error
    if _cluster_from(path, after) != cluster:
        raise ClusterFileError(path, "the edited file would not say what was meant", meaning="it was left as it was")
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(target, after.encode())
    except OSError as error:
        raise ClusterFileError(path, f"it could not be written: {error.strerror}", meaning="it is as it was") from error


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise ClusterFileError(path, f"it could not be read: {error.strerror}") from error
    if len(data) > _LARGEST:
        raise ClusterFileError(path, "it is larger than 1 MiB", remedy="name a cluster file")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ClusterFileError(path, "it is not UTF-8 text", line=line, remedy="save it as UTF-8") from error


def _cluster_from(path: Path, text: str) -> Cluster:
    text = text.removeprefix(_BOM).replace("\r\n", "\n")
    lines = key_lines(text)
    _refuse_secret_values(path, text, lines)
    document = _document(path, text)
    _refuse_secret_keys(path, document, lines, ())
    if not document:
        raise ClusterFileError(path, "it is empty", remedy="begin with [cluster], `name` and `first`, then [[hosts]]")
    try:
        cluster = Cluster.model_validate(document)
        _check_recipients(cluster)
    except ValidationError as error:
        raise _explain(path, error.errors(include_input=False, include_url=False)[0], lines) from None
    return cluster


def _document(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text.removeprefix(_BOM))
    except RecursionError as error:
        raise ClusterFileError(path, "it is nested too deeply") from error
    except tomllib.TOMLDecodeError as error:
        problem, _, place = str(error).partition(" (at ")
        found = re.match(r"line (\d+)", place)
        line = int(found.group(1)) if found else len(text.rstrip().splitlines()) or 1
        raise ClusterFileError(
            path,
            f"this is not TOML: {problem[:1].lower()}{problem[1:]}",
            line=line,
            remedy=_BACKSLASH if "'\\'" in problem or "escape" in problem.lower() else _NO_TOML,
        ) from None


def _refuse_secret_values(path: Path, text: str, lines: Mapping[KeyPath, int]) -> None:
    found = _SECRET_VALUE.search(text)
    if not found:
        return
    line = text.count("\n", 0, found.start()) + 1
    key = next((place for place, start in reversed(list(lines.items())) if start == line), None)
    raise ClusterFileError(
        path,
        "this looks like a secret",
        line=line,
        key=_dotted(key) if key else None,
        meaning="cluster files hold no secrets, and this one may have been read or copied already",
        remedy="remove it and renew the secret; secrets are prompted for, or read with --secrets -",
    )


def _refuse_secret_keys(path: Path, value: object, lines: dict[KeyPath, int], at: KeyPath) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            if _SECRET_KEY.search(key.lower().replace("-", "_")):
                raise ClusterFileError(
                    path,
                    "this key looks like a secret, and cluster files hold none",
                    line=line_of(lines, (*at, key)),
                    key=_dotted((*at, key)),
                    remedy="remove it; secrets are prompted for, taken from the keyring, or read with --secrets -",
                )
            _refuse_secret_keys(path, inner, lines, (*at, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _refuse_secret_keys(path, inner, lines, (*at, index))


def _check_recipients(cluster: Cluster) -> None:
    seen: set[str] = set()
    for index, recipient in enumerate(cluster.vault.recipients):
        problem = "this recipient is listed twice" if recipient in seen else recipient_problem(recipient)
        if problem:
            error = misplaced(("vault", "recipients", index), problem)
            raise ValidationError.from_exception_data("Cluster", [{"type": error, "input": None}])
        seen.add(recipient)


def _explain(path: Path, error: ErrorDetails, lines: dict[KeyPath, int]) -> ClusterFileError:
    place: KeyPath = tuple(error["loc"])
    context = error.get("ctx", {})
    kind = error["type"]
    if kind == "misplaced":
        place = (*place, *context["path"])
    fields, expected = _schema(place)
    if kind == "extra_forbidden":
        likely = difflib.get_close_matches(str(place[-1]), fields, n=1)
        problem = "there is no such key" + (f"; did you mean `{likely[0]}`?" if likely else "")
        expected = f"one of {', '.join(fields)}"
    elif kind == "missing":
        problem = "this key is missing"
    elif kind == "misplaced":
        problem = context["problem"]
    else:
        problem = "this value cannot be used"
    return ClusterFileError(
        path,
        problem,
        line=line_of(lines, place),
        key=_dotted(place),
        remedy=f"expected: {expected}" if expected else None,
    )


def _schema(place: KeyPath) -> tuple[list[str], str | None]:
    """The keys that stand beside the last one of `place`, and what that one is expected to be."""
    model: type[BaseModel] | None = Cluster
    fields: list[str] = []
    expected: str | None = None
    for name in place:
        if isinstance(name, int):
            continue
        if model is None:
            return [], expected
        fields = list(model.model_fields)
        field = model.model_fields.get(name)
        if field is None:
            return fields, None
        expected = A_RECIPIENT if name == "recipients" and isinstance(place[-1], int) else field.description
        model = _table_of(field.annotation)
    return fields, expected


def _table_of(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _table_of(inner))), None)


def _dotted(place: KeyPath) -> str:
    """`hosts[2].port`; elements are counted from 1, as a reader of the file counts them."""
    text = ""
    for name in place:
        text += f"[{name + 1}]" if isinstance(name, int) else f".{name}" if text else name
    return text


def _render(cluster: Cluster, before: str) -> str:
    from tui.toml_edit import edited

    bom = _BOM if before.startswith(_BOM) else ""
    body = before.removeprefix(_BOM)
    newline = "\r\n" if "\r\n" in body else "\n"
    after = edited(body.replace("\r\n", "\n"), wanted=_wanted(cluster), known=cluster.model_dump(mode="json"))
    return bom + after.replace("\n", newline)


def _wanted(cluster: Cluster) -> dict[str, Any]:
    """What a file must say: everything that is not what its absence means."""
    wanted = cluster.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    for host, table in zip(cluster.hosts, wanted["hosts"], strict=True):
        table.pop("port", None)
        if host.port != default_port(host.transport, tls=host.tls):
            table["port"] = host.port
    return wanted
