"""Every fact that is cited stands in the table of facts, and the table is well-formed."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "docs" / "facts.toml"
FACTS: dict[str, dict[str, Any]] = tomllib.loads(TABLE.read_text("utf-8"))
FOLDERS = ("benchmarks", "conformance", "docs", "examples", "joblet_fake", "pytest_joblet", "tests")
SUFFIXES = {".md", ".py", ".toml"}
ID = re.compile(r"([A-Z]+(?:-[A-Z]+)?)-(\d\d)([a-z]?)")
KEYS = {"says", "generations", "evidence"}
KNOWN = ("2.3", "2.5", "2.6")
# What has an id's shape and is none.
OTHERS = {"UTF-16", "UTF-32"}


def group(fact: str) -> str:
    return fact.rpartition("-")[0]


def citation() -> re.Pattern[str]:
    """Give what finds ids: of a known group with any number, of any group with two digits."""
    known = "|".join(sorted({re.escape(group(fact)) for fact in FACTS}, key=len, reverse=True))
    return re.compile(
        rf"(?<![\w-])(?P<first>(?:{known})-\d+[a-z]?|[A-Z][A-Z0-9]*(?:-[A-Z]+)*-\d\d[a-z]?)"
        r"(?:\.\.(?P<last>\d+[a-z]?))?(?![\w-])"
    )


CITATION = citation()


def cited(line: str) -> Iterator[str]:
    """Give the ids in a line, both ends of a range."""
    for found in CITATION.finditer(line):
        first, last = found["first"], found["last"]
        if first not in OTHERS:
            yield first
        if last:
            yield f"{group(first)}-{last}"


def sources() -> Iterator[Path]:
    yield from ROOT.glob("*.md")
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            inside = path.relative_to(ROOT).parts
            # The ids below are wrong on purpose.
            if path.suffix in SUFFIXES and "node_modules" not in inside and path != Path(__file__):
                yield path


def unknown() -> Iterator[str]:
    """Give `file:line: id` of each id that the table lacks; sentences of the table count."""
    for path in sources():
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            for fact in cited(line):
                if fact not in FACTS:
                    yield f"{path.relative_to(ROOT)}:{number}: {fact}"


def flaws(fact: str, entry: dict[str, Any]) -> Iterator[str]:
    """Give what is wrong with an entry: the id, the keys, or a key's value."""
    if not ID.fullmatch(fact):
        yield "id"
    if set(entry) - {"about"} != KEYS:
        yield "keys"
    for key, right in (
        ("about", lambda text: text and text == text.strip()),
        ("says", lambda text: text == text.strip() and text.endswith(".")),
        ("generations", lambda some: some and some == [one for one in KNOWN if one in some]),
        ("evidence", lambda word: word in {"recorded", "seen", "read"}),
    ):
        if key in entry and not right(entry[key]):
            yield key


def test_every_cited_fact_is_in_the_table() -> None:
    wrong = list(unknown())

    assert not wrong, "\n".join(["not in docs/facts.toml:", *wrong])


def test_the_code_cites_facts() -> None:
    found = {
        fact
        for path in sources()
        if path != TABLE
        for fact in cited(path.read_text("utf-8"))
        if fact in FACTS
    }

    assert len(found) > 100


@pytest.mark.parametrize(
    ("line", "ids"),
    [
        ("answers at once (JOB-RUN-61).", ["JOB-RUN-61"]),
        ("`JOB-STP-07a`, SRV-21; AUTH-07", ["JOB-STP-07a", "SRV-21", "AUTH-07"]),
        ("paths (JOB-RUN-70..73).", ["JOB-RUN-70", "JOB-RUN-73"]),
        ("a mistyped group: JOB-RNU-10, PRE-20, NETS-01", ["JOB-RNU-10", "PRE-20", "NETS-01"]),
        ("a mistyped number: JOB-RUN-7, NET-100, PER-20b", ["JOB-RUN-7", "NET-100", "PER-20b"]),
        ("UTF-8, UTF-16, SHA-256, 2026-01-01, [A-Za-z0-9], X.509-3, CVE-2024-1", []),
    ],
)
def test_ids_are_found_wherever_they_stand(line: str, ids: list[str]) -> None:
    assert list(cited(line)) == ids


def test_every_fact_has_its_keys_and_nothing_else() -> None:
    wrong = [f"{fact}: {flaw}" for fact, entry in FACTS.items() for flaw in flaws(fact, entry)]

    assert not wrong, "\n".join(["in docs/facts.toml:", *wrong])


@pytest.mark.parametrize(
    ("change", "flaw"),
    [
        ({}, []),
        ({"about": "RunJob"}, []),
        ({"about": ""}, ["about"]),
        ({"says": "No full stop"}, ["says"]),
        ({"says": ""}, ["says"]),
        ({"generations": []}, ["generations"]),
        ({"generations": ["2.4"]}, ["generations"]),
        ({"generations": ["2.5", "2.3"]}, ["generations"]),
        ({"evidence": "heard"}, ["evidence"]),
        ({"note": "more"}, ["keys"]),
    ],
)
def test_a_flawed_fact_is_noticed(change: dict[str, Any], flaw: list[str]) -> None:
    sound = {"says": "It is.", "generations": ["2.3", "2.6"], "evidence": "seen"}

    assert list(flaws("JOB-RUN-10", sound | change)) == flaw


def test_a_fact_without_a_key_or_a_proper_id_is_noticed() -> None:
    assert list(flaws("JOB-RUN-1", {"says": "It is."})) == ["id", "keys"]


def test_no_two_facts_say_the_same() -> None:
    said: dict[str, str] = {}
    for fact, entry in FACTS.items():
        assert said.setdefault(entry["says"], fact) == fact


def test_the_table_is_sorted_by_group_and_number() -> None:
    places = [found.groups() for fact in FACTS if (found := ID.fullmatch(fact))]

    assert places == sorted(places)
