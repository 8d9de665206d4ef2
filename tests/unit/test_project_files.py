"""What the project files promise one another: the README's commands are CI's, its pictures exist, and the tested versions are complete."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_picture_and_file_that_the_readme_links_to_exists() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert len(links) >= 2
    assert [link for link in links if not (ROOT / unquote(link)).is_file()] == []


def test_ci_runs_what_the_readme_tells_a_newcomer_to_run() -> None:
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert ".venv/bin/python -m tests\n" in README
    assert ci.rstrip().endswith(".venv/bin/python -m tests")
    for document in (README, ci):
        assert re.search(r"pip install .*constraint.* constraints\.txt|pip install .*-c constraints\.txt", document)


def test_every_dependency_has_a_tested_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [name for names in project["optional-dependencies"].values() for name in names]
    wanted = {_canonical(re.split(r"[<>=\[ ]", name)[0]) for name in (*project["dependencies"], *extras)}
    tested = {_canonical(line.partition("==")[0]) for line in (ROOT / "constraints.txt").read_text().splitlines()}
    assert wanted - tested == set()


def test_no_tested_version_names_where_it_came_from() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="ascii").splitlines()
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line)] == []
