"""(h) A frozen clock that is moved over very many timers, and a heap of no more than them."""

from __future__ import annotations

import heapq
import random
import time
from typing import TYPE_CHECKING, Final

from benchmarks.harness import TIME, alternate, compare
from joblet_fake import Clock

if TYPE_CHECKING:
    from benchmarks.harness import Result

MANY: Final = 100_000
SPAN: Final = 86_400.0
"""Clock seconds over which the timers are spread."""


def measure(rounds: int, many: int = MANY) -> list[Result]:
    """Measure it; the bare side pops the same moments from a heap, and calls the same function.

    Args:
        rounds: how many rounds count.
        many: how many timers there are.
    """
    chance = random.Random(0)
    delays = [chance.random() * SPAN for _ in range(many)]
    times = alternate(
        lambda: _of_a_heap(delays), lambda: _of_a_clock(delays), lambda: _of_a_heap(delays), rounds
    )
    fake = sorted(times.fake)
    return [
        compare(
            f"{many:,} timers, one advance",
            times,
            TIME,
            over="over a bare heap",
            bare=f"{times.middle_of_bare * 1e3:.1f} ms",
            note=(
                f"the clock takes {fake[len(fake) // 2]:.2f} s "
                f"({fake[0]:.2f} to {fake[-1]:.2f}), about a second is aimed at"
            ),
        )
    ]


class Rung:
    """Counts what has been called."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        """Count."""
        self.times += 1

    def check(self, many: int) -> None:
        """Raise if too few were called.

        Raises:
            RuntimeError: that is so.
        """
        if self.times != many:
            raise RuntimeError(f"{self.times} of {many} timers rang")


def _of_a_clock(delays: list[float]) -> float:
    clock, rung = Clock("frozen"), Rung()
    for delay in delays:
        clock.call_later(delay, rung)
    start = time.perf_counter()
    clock.advance(SPAN)
    taken = time.perf_counter() - start
    rung.check(len(delays))
    return taken


def _of_a_heap(delays: list[float]) -> float:
    rung = Rung()
    heap = [(delay, number, rung) for number, delay in enumerate(delays)]
    heapq.heapify(heap)
    start = time.perf_counter()
    while heap:
        heapq.heappop(heap)[2]()
    taken = time.perf_counter() - start
    rung.check(len(delays))
    return taken
