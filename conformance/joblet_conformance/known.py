"""Differences that are known: listed with a reason, and refused when they are gone."""

from __future__ import annotations

import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from joblet_conformance.compare import Difference

REASONS: Final = {
    "random": "the real server's outcome is random, and no normaliser can say how",
    "environment": "the recorded machine could not do it",
    "transport": "gRPC's core makes it impossible in Python",
    "deliberate": "the fake differs on purpose",
}


@dataclass(frozen=True, slots=True)
class Known:
    """One listed difference: exactly which leaves differ, and which expectations do not hold.

    Attributes:
        case: the case in which it shows.
        fact: the fact that it is about.
        reason: one of `REASONS`.
        why: a sentence.
        leaves: the leaves that differ, each as its step's number, a blank and its path, such as
            `"0 messages[0].outcome"`.
        unmet: what of the fact does not hold, each as often as the case expects it, such as
            `"the code"`.
    """

    case: str
    fact: str
    reason: str
    why: str
    leaves: tuple[str, ...]
    unmet: tuple[str, ...] = ()

    def beyond(
        self, unmet: Iterable[str], differences: Iterable[Difference]
    ) -> tuple[list[str], list[Difference]]:
        """Give what is not listed of what a case found: unmet expectations, and differences."""
        left = Counter(self.unmet)
        unlisted = []
        for text in unmet:
            what = self._what(text)
            if what is None or not left[what]:
                unlisted.append(text)
            else:
                left[what] -= 1
        return unlisted, [each for each in differences if _leaf(each) not in self.leaves]

    def gone(
        self, unmet: Iterable[str], differences: Iterable[Difference], *, compared: bool
    ) -> list[str]:
        """Give what is listed and differs no longer; of leaves only if they were compared."""
        there = {_leaf(each) for each in differences} if compared else set(self.leaves)
        found = Counter(what for text in unmet if (what := self._what(text)) is not None)
        lost = Counter(self.unmet) - found
        return [leaf for leaf in self.leaves if leaf not in there] + sorted(lost.elements())

    def _what(self, text: str) -> str | None:
        """Give which of the listed expectations a text is about."""
        return next((w for w in self.unmet if text.startswith(f"{self.fact}: {w} is ")), None)


def _leaf(difference: Difference) -> str:
    return f"{difference.step} {difference.where}"


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
            leaves, unmet = tuple(entry.pop("leaves")), tuple(entry.pop("unmet", ()))
            known = Known(**entry, leaves=leaves, unmet=unmet)
        except KeyError as error:
            raise ValueError(f"{file.name}: {entry}: {error} is missing") from None
        except TypeError as error:
            raise ValueError(f"{file.name}: {entry}: {error}") from None
        if not known.leaves:
            raise ValueError(f"{file.name}: {known.case} names no leaf that differs")
        if known.reason not in REASONS:
            raise ValueError(
                f"{file.name}: {known.case}: reason {known.reason!r} is none of "
                f"{', '.join(REASONS)}; 'not implemented' is none either",
            )
        if known.case in listed:
            raise ValueError(f"{file.name}: {known.case} is listed twice")
        listed[known.case] = known
    return listed
