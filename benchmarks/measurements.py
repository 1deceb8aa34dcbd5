"""All measurements, by name; each is made in a process of its own."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks import (
    cycle,
    followers,
    history,
    logs,
    memory,
    plugin,
    populated,
    ranges,
    rules,
    store,
    system,
    timers,
    unary,
)
from benchmarks.child import Child

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.harness import Result

MEASUREMENTS: Final[dict[str, Callable[[int], list[Result]]]] = {
    "cycle": cycle.measure,
    "unary": unary.measure,
    "logs": logs.measure,
    "plugin": plugin.measure,
    "store": store.measure,
    "rules": rules.measure,
    "followers": followers.measure,
    "timers": timers.measure,
    "history": history.measure,
    "ranges": ranges.measure,
    "memory": memory.measure,
    "populate": populated.measure,
    "system": system.measure,
}


@dataclass(frozen=True, slots=True)
class Measuring:
    """One measurement, to be made in a process that has done nothing else."""

    name: str

    def results(self, rounds: int) -> list[Result]:
        """Make it."""
        return MEASUREMENTS[self.name](rounds)


@contextmanager
def measuring(name: str) -> Iterator[Measuring]:
    """Give a measurement, as a child holds it."""
    yield Measuring(name)


def measure(name: str, rounds: int, attempts: int) -> list[Result]:
    """Make one measurement in a process of its own, again while its controls are off.

    Args:
        name: which one.
        rounds: how many rounds count.
        attempts: how often at most. The results are the last attempt's: which one that is
            depends on the controls alone, never on what the fake took.
    """
    results: list[Result] = []
    for _ in range(attempts):
        with Child(measuring, name=name) as child:
            results = child.ask("results", rounds)
        if all(result.valid for result in results):
            break
    return results
