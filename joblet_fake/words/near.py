"""Right spellings of a word that is none."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def near(word: str, possible: Iterable[str]) -> str:
    """Give the nearest right spellings of a word, or all of them when none is near.

    >>> near("Sigkil", ["SIGKILL", "SIGTERM"])
    "near: 'SIGKILL'"
    >>> near("9", ["SIGKILL", "SIGTERM"])
    'it is one of SIGKILL, SIGTERM'
    """
    every = tuple(possible)
    plain = {one.lower(): one for one in every}
    found = get_close_matches(word.lower(), plain, n=3, cutoff=0.6)
    if found:
        return f"near: {', '.join(repr(plain[one]) for one in found)}"
    return f"it is one of {', '.join(every)}"
