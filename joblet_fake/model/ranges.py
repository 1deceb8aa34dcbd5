"""Which of stored records a query asks for."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """The part of a store that a query asks for (PER-25, PER-26).

    Attributes:
        start: the lowest timestamp, inclusive; 0 or less for no bound.
        end: the highest timestamp, inclusive; 0 or less for no bound.
        limit: the most records to give; 0 or less for all.
        offset: how many matching records to skip; 0 or less for none.
    """

    start: int = 0
    end: int = 0
    limit: int = 0
    offset: int = 0

    def numbers(
        self,
        runs: Iterable[tuple[int, int]],
        timestamp: Callable[[int], int],
        *,
        ordered: bool = True,
    ) -> Iterator[int]:
        """Give the numbers of the records, in the order of the runs.

        Args:
            runs: the numbers that are stored: firsts, and ones past the last.
            timestamp: gives a record's timestamp, in the bounds' unit.
            ordered: whether timestamps never go back within a run: then what lies before a bound
                or an offset is not looked at.

        >>> wanted = Range(start=20, end=70, offset=1)
        >>> list(wanted.numbers([(0, 3), (5, 9)], lambda number: number * 10))
        [5, 6, 7]
        """
        skip = max(self.offset, 0)
        left = self.limit if self.limit > 0 else None
        for low, high in runs:
            found = (
                self._bisected(low, high, timestamp)
                if ordered
                else [number for number in range(low, high) if self._holds(timestamp(number))]
            )
            skipped = min(skip, len(found))
            skip -= skipped
            for number in found[skipped:]:
                if left is not None:
                    if not left:
                        return
                    left -= 1
                yield number

    def _bisected(self, low: int, high: int, timestamp: Callable[[int], int]) -> range:
        if self.start > 0:
            low = bisect_left(range(high), self.start, lo=low, key=timestamp)
        if self.end > 0:
            high = bisect_right(range(high), self.end, lo=low, key=timestamp)
        return range(low, max(low, high))

    def _holds(self, timestamp: int) -> bool:
        return timestamp >= self.start and (self.end <= 0 or timestamp <= self.end)
