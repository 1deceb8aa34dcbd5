"""Alternating rounds, their statistics, and the control that tells whether a run says anything."""

from __future__ import annotations

import gc
import itertools
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BARE: Final = "bare"
FAKE: Final = "fake"
CONTROL: Final = "control"
"""The second bare side of an A/A comparison."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some values, between their quartiles."""

    low: float
    middle: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Give the spread of at least one value.

        >>> Spread.of([4, 1, 3, 2, 5])
        Spread(low=2.0, middle=3.0, high=4.0)
        """
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        return cls(*statistics.quantiles(values, n=4, method="inclusive"))


@dataclass(frozen=True, slots=True)
class Scale:
    """How two sides of a round are compared.

    Attributes:
        name: what is told.
        compare: takes a side's seconds and those of the bare side.
        ideal: what two equal sides give.
        tolerance: how far from that the control's median may be.
        form: how a value is written.
    """

    name: str
    compare: Callable[[float, float], float]
    ideal: float
    tolerance: float
    form: str


def _time(side: float, bare: float) -> float:
    return side / bare


def _rate(side: float, bare: float) -> float:
    return bare / side


def _added(side: float, bare: float) -> float:
    return (side - bare) * 1e3


TIME: Final = Scale("time", _time, 1.0, 0.03, "{:.3f}")
RATE: Final = Scale("rate", _rate, 1.0, 0.03, "{:.3f}")
ADDED: Final = Scale("added ms", _added, 0.0, 0.2, "{:+.2f}")


@dataclass(frozen=True, slots=True)
class Target:
    """What a measurement should reach: at most, or at least, a value."""

    limit: float
    at_most: bool

    def met(self, value: float) -> bool:
        """Tell whether a value reaches it."""
        return value <= self.limit if self.at_most else value >= self.limit

    def __str__(self) -> str:
        return f"{'≤' if self.at_most else '≥'} {self.limit:g}"


@dataclass(frozen=True, slots=True)
class Times:
    """The seconds of each side, round by round.

    Attributes:
        bare: a bare server's.
        fake: the fake's.
        control: a second bare server's.
    """

    bare: list[float]
    fake: list[float]
    control: list[float]

    @property
    def middle_of_bare(self) -> float:
        """The bare side's median."""
        return statistics.median(self.bare)


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table.

    Attributes:
        what: what was measured.
        over: the kind of channel, or what else tells it from its sisters.
        bare: what the bare side took, in its own unit.
        value: the fake compared with the bare side.
        control: a second bare side compared with the first.
        scale: how they were compared.
        target: what should be reached; None where there is none.
        rounds: how many.
        note: what else was seen.
    """

    what: str
    over: str
    bare: str
    value: Spread
    control: Spread
    scale: Scale
    target: Target | None
    rounds: int
    note: str = ""

    @property
    def valid(self) -> bool:
        """Whether the control says that equal sides came out equal."""
        return abs(self.control.middle - self.scale.ideal) <= self.scale.tolerance

    @property
    def verdict(self) -> str:
        """Say whether the target is met, unless the control says that nobody can tell."""
        if not self.valid:
            return "invalid"
        if self.target is None:
            return ""
        return "met" if self.target.met(self.value.middle) else "missed"


def alternate(
    bare: Callable[[], float],
    fake: Callable[[], float],
    control: Callable[[], float],
    rounds: int,
    slices: int = 1,
) -> Times:
    """Run the three sides by turns, in each of their orders as often as in any other.

    Args:
        bare: does a slice of a side's work, and gives the seconds that count.
        fake: likewise.
        control: likewise.
        rounds: how many rounds count, after one that does not.
        slices: how many turns make a round. What else the machine does then meets all three sides
            of a round, and not one of them.
    """
    sides = (bare, fake, control)
    times: tuple[list[float], ...] = ([], [], [])
    # All orders, so that none always comes after another and pays for what that left behind.
    orders = itertools.cycle(itertools.permutations(range(len(sides))))
    for _ in range(rounds + 1):
        gc.collect()
        sums = [0.0] * len(sides)
        for order in itertools.islice(orders, slices):
            for place in order:
                sums[place] += sides[place]()
        for taken, seconds in zip(times, sums, strict=True):
            taken.append(seconds)
    return Times(*(taken[1:] for taken in times))


def compare(
    what: str,
    times: Times,
    scale: Scale,
    *,
    over: str = "",
    bare: str = "",
    target: Target | None = None,
    note: str = "",
) -> Result:
    """Compare the sides round by round.

    Args:
        what: what was measured.
        times: the rounds.
        scale: how sides are compared.
        over: the kind of channel.
        bare: what the bare side took, for people.
        target: what should be reached.
        note: what else was seen.
    """
    return Result(
        what=what,
        over=over,
        bare=bare,
        value=Spread.of([*map(scale.compare, times.fake, times.bare)]),
        control=Spread.of([*map(scale.compare, times.control, times.bare)]),
        scale=scale,
        target=target,
        rounds=len(times.bare),
        note=note,
    )
