"""Differences that are known: listed with a reason, and refused when they are gone."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

REASONS: Final = {
    "random": "the real server's outcome is random, and no normaliser can say how",
    "environment": "the recorded machine could not do it",
    "transport": "gRPC's core makes it impossible in Python",
    "deliberate": "the fake differs on purpose",
}


@dataclass(frozen=True, slots=True)
class Known:
    """One listed difference.

    Attributes:
        case: the case in which it shows.
        fact: the fact that it is about.
        reason: one of `REASONS`.
        why: a sentence.
    """

    case: str
    fact: str
    reason: str
    why: str


def known_file() -> Path:
    """Give the file that lists them."""
    return Path(__file__).parent / "known_differences.toml"


def read_known(path: Path | None = None) -> dict[str, Known]:
    """Give the listed differences, by case.

    Raises:
        ValueError: an entry is incomplete, listed twice, or has a reason of no kind.
    """
    file = path or known_file()
    listed: dict[str, Known] = {}
    for entry in tomllib.loads(file.read_text()).get("difference", ()):
        try:
            known = Known(**entry)
        except TypeError as error:
            raise ValueError(f"{file.name}: {entry}: {error}") from None
        if known.reason not in REASONS:
            raise ValueError(
                f"{file.name}: {known.case}: reason {known.reason!r} is none of "
                f"{', '.join(REASONS)}; 'not implemented' is none either",
            )
        if known.case in listed:
            raise ValueError(f"{file.name}: {known.case} is listed twice")
        listed[known.case] = known
    return listed
