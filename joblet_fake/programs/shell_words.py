"""The words that a shell makes of what a script says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

BLANKS: Final = (" ", "\t", "\n")
"""Where unquoted values are split."""


class Words:
    """Words in the making."""

    def __init__(self) -> None:
        self._words: list[str] = []
        self._current: str | None = None

    def join(self, text: str) -> None:
        """Add to the current word."""
        self._current = (self._current or "") + text

    def split(self, text: str) -> None:
        """Add words that blanks part; the first and the last may touch their neighbours."""
        if text[:1] in BLANKS:
            self._end()
        for place, part in enumerate(re.findall(r"[^ \t\n]+", text)):
            if place:
                self._end()
            self.join(part)
        if text[-1:] in BLANKS:
            self._end()

    def each(self, texts: Iterable[str]) -> None:
        """Add words that stay apart; the first and the last may touch their neighbours."""
        for place, text in enumerate(texts):
            if place:
                self._end()
            self.join(text)

    def all(self) -> list[str]:
        """Give the words."""
        self._end()
        return self._words

    def _end(self) -> None:
        if self._current is not None:
            self._words.append(self._current)
            self._current = None
