"""The table of facts, and which of them cases cover.

`python -m joblet_conformance.facts` marks those in the table as recorded that recordings prove.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from joblet_conformance.case import Case
    from joblet_conformance.recording import Recording

EVIDENCE: Final = ("recorded", "seen", "read")
"""How a fact is known, the strongest first: a recording shows it, somebody saw it, it was read."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact.

    Attributes:
        id: such as `JOB-RUN-10`.
        says: the fact, in a sentence or two.
        generations: the behaviour generations that it holds for.
        evidence: one of `EVIDENCE`, as the table has it.
    """

    id: str
    says: str
    generations: tuple[str, ...]
    evidence: str


def facts_file() -> Path:
    """Give the table's file, which is in a clone and not in what is installed."""
    return Path(__file__).parents[2] / "docs" / "facts.toml"


def read_facts(path: Path | None = None) -> dict[str, Fact]:
    """Give the table of facts, by id.

    Raises:
        OSError: it is not there.
        ValueError: an entry is none.
    """
    told = tomllib.loads((path or facts_file()).read_text())
    try:
        return {
            fact_id: Fact(fact_id, entry["says"], tuple(entry["generations"]), entry["evidence"])
            for fact_id, entry in told.items()
        }
    except (KeyError, TypeError) as error:
        raise ValueError(f"facts: {error}") from None


def uncovered_reasons() -> dict[str, str]:
    """Give the reason of each fact, or group of facts such as `RNX`, that has no case, by id."""
    told = tomllib.loads((Path(__file__).parent / "uncovered.toml").read_text())
    return {fact_id: entry["reason"] for fact_id, entry in told.items()}


def reason_of(fact_id: str, reasons: Mapping[str, str]) -> str:
    """Give the reason why a fact has no case, its own or its group's; empty if there is none.

    >>> reason_of("RNX-04", {"RNX": "a client's own behaviour"})
    "a client's own behaviour"
    """
    return reasons.get(fact_id) or reasons.get(fact_id.rpartition("-")[0], "")


def covering(cases: Iterable[Case]) -> dict[str, list[str]]:
    """Give the ids of the cases that cover each fact, by the fact's id."""
    found: dict[str, list[str]] = {}
    for case in cases:
        for fact_id in case.facts:
            found.setdefault(fact_id, []).append(case.id)
    return found


def recorded(cases: Iterable[Case], recordings: Mapping[str, Recording]) -> set[str]:
    """Give the facts that cases cover which a real server was recorded in."""
    return {
        fact_id
        for case in cases
        if case.id in recordings and recordings[case.id].runs
        for fact_id in case.facts
    }


def marked(table: str, proven: Container[str]) -> str:
    r"""Give the table's text with the facts that recordings prove marked as recorded.

    >>> marked('[PER-42]\nsays = "Yes."\nevidence = "seen"\n', {"PER-42"}).splitlines()[-1]
    'evidence = "recorded"'

    Args:
        table: the text.
        proven: the ids of those facts; of the others one that says so was seen at least.
    """

    def evidence(match: re.Match[str]) -> str:
        head, fact_id, word = match.group("head", "id", "word")
        if fact_id in proven:
            word = EVIDENCE[0]
        elif word == EVIDENCE[0]:
            word = EVIDENCE[1]
        return f'{head}evidence = "{word}"'

    return re.sub(
        r'(?P<head>^\[(?P<id>[^\]]+)\]\n(?:(?!\[|evidence).*\n)*)evidence = "(?P<word>\w+)"',
        evidence,
        table,
        flags=re.MULTILINE,
    )


def _mark() -> None:
    import joblet_conformance.cases  # noqa: F401, PLC0415 - makes them known
    from joblet_conformance.case import CASES  # noqa: PLC0415 - only a run as a program needs it
    from joblet_conformance.recording import read_recordings  # noqa: PLC0415 - as above

    path = facts_file()
    path.write_text(marked(path.read_text(), recorded(CASES, read_recordings("2.3.1"))))


if __name__ == "__main__":
    _mark()
