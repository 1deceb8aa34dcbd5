"""The table of facts, and which of them cases cover."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from joblet_conformance.case import Case

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


OTHERWISE: Final = ("deliberate", "not built")
"""Why the fake does otherwise than a fact says that a client could observe."""


def uncovered_reasons() -> dict[str, str]:
    """Give the reason of each fact, or group of facts such as `RNX`, that has no case, by id."""
    return {fact_id: entry["reason"] for fact_id, entry in _uncovered().items()}


def done_otherwise() -> dict[str, str]:
    """Give which of `OTHERWISE` it is, of each fact that the fake does not do, by id.

    Raises:
        ValueError: it is none of them.
    """
    told = {key: each["otherwise"] for key, each in _uncovered().items() if "otherwise" in each}
    wrong = sorted(set(told.values()) - set(OTHERWISE))
    if wrong:
        raise ValueError(f"uncovered.toml: otherwise is {' or '.join(OTHERWISE)}, not {wrong}")
    return told


def _uncovered() -> dict[str, dict[str, str]]:
    told: dict[str, dict[str, str]] = tomllib.loads(
        (Path(__file__).parent / "uncovered.toml").read_text()
    )
    return told


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
