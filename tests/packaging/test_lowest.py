from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LINE = re.compile(r"([A-Za-z-]+)\s*(>=|==)\s*([\d.]+)$")


def bounds(lines: list[str], operator: str) -> dict[str, tuple[int, ...]]:
    """Give each distribution's version, with the zeros at its end left out."""
    found = {}
    for line in lines:
        match = LINE.match(line)
        if match is not None and match[2] == operator:
            found[match[1]] = tuple(map(int, re.sub(r"(\.0)+$", "", match[3]).split(".")))
    return found


def test_every_dependency_has_a_lowest_version_and_no_highest() -> None:
    dependencies = PROJECT["dependencies"]
    assert len(bounds(dependencies, ">=")) == len(dependencies)


def test_the_lowest_versions_stated_are_those_tested() -> None:
    pinned = bounds((ROOT / "tests" / "lowest.txt").read_text().splitlines(), "==")
    stated = bounds(PROJECT["dependencies"], ">=")
    assert {name: pinned.get(name) for name in stated} == stated
