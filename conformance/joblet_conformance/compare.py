"""Two transcripts side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from joblet_conformance.normalise import LOADED, alike, normalised
from joblet_conformance.plain import leaves, path_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from joblet_conformance.normalise import Normaliser, Tolerance
    from joblet_conformance.plain import Path, Plain

ABSENT = "(nothing)"


@dataclass(frozen=True, slots=True)
class Difference:
    """One leaf that differs.

    Attributes:
        step: the number of the step, from 0.
        method: the step's method.
        where: which leaf of it.
        real: what the recording has.
        ours: what the target said.
    """

    step: int
    method: str
    where: str
    real: Plain
    ours: Plain

    def __str__(self) -> str:
        return (
            f"step {self.step} {self.method}, {self.where}: real {self.real!r}, here {self.ours!r}"
        )


class Baseline:
    """A raw transcript that others are compared with, normalised once.

    Args:
        real: the steps of a recording.
        normalisers: what the case declares to differ between runs of the real thing.
    """

    def __init__(
        self, real: list[dict[str, Plain]], normalisers: Iterable[Normaliser] = ()
    ) -> None:
        self._real = real
        self._normalisers = tuple(normalisers)
        self._leaves = dict(leaves(normalised(real, self._normalisers)))

    def differences(
        self, ours: list[dict[str, Plain]], tolerance: Tolerance = LOADED
    ) -> list[Difference]:
        """Give every leaf that differs in another raw transcript, in order."""
        left, right = self._leaves, dict(leaves(normalised(ours, self._normalisers)))
        found = []
        for path in [*left, *(path for path in right if path not in left)]:
            one, other = left.get(path, ABSENT), right.get(path, ABSENT)
            if not alike(one, other, tolerance):
                found.append((path, one, other))
        found.sort(key=lambda each: _order(each[0]))
        return [_difference(path, one, other, self._real, ours) for path, one, other in found]


def compare(
    real: list[dict[str, Plain]],
    ours: list[dict[str, Plain]],
    normalisers: Iterable[Normaliser] = (),
    tolerance: Tolerance = LOADED,
) -> list[Difference]:
    """Give every leaf that differs between two raw transcripts, placeholders put in first.

    Args:
        real: the steps of a recording.
        ours: the steps of a target.
        normalisers: what the case declares to differ between runs of the real thing.
        tolerance: how far apart times may be.
    """
    return Baseline(real, normalisers).differences(ours, tolerance)


def _order(path: Path) -> tuple[int, ...]:
    return (int(path[0]),) if path else (-1,)


def _difference(
    path: Path,
    one: Plain,
    other: Plain,
    real: list[dict[str, Plain]],
    ours: list[dict[str, Plain]],
) -> Difference:
    if not path:
        return Difference(0, "", "all steps", one, other)
    place = int(path[0])
    steps = real if place < len(real) else ours
    return Difference(place, steps[place]["method"], path_text(path[1:]), one, other)
