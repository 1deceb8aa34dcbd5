"""Large states are made without garbage collections, and are garbage in the end all the same."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING

import pytest

from joblet_fake.model.tenure import FEW, MOST, Tenure

if TYPE_CHECKING:
    from collections.abc import Iterator


class Cyclic:
    def __init__(self) -> None:
        self.own = self


@pytest.fixture
def collected() -> Iterator[list[int]]:
    """The generations of the collections that there are."""
    generations: list[int] = []

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "stop":
            generations.append(info["generation"])

    gc.collect()
    gc.callbacks.append(note)
    yield generations
    gc.callbacks.remove(note)
    gc.collect()


def test_there_is_no_collection_while_many_things_are_made_nor_through_them(
    collected: list[int],
) -> None:
    with Tenure().laying_down():
        made = [[number] for number in range(2 * FEW)]
    assert collected == []
    assert gc.isenabled()
    more = [[number] for number in range(2000)]

    assert set(collected) == {0}
    assert gc.get_freeze_count() == 0
    assert all(gc.is_tracked(each) for each in (made[-1], more[-1]))


def test_two_at_once_pause_it_until_both_are_done() -> None:
    tenure = Tenure()
    with tenure.laying_down():
        with tenure.laying_down():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_collector_that_is_switched_off_stays_so() -> None:
    gc.disable()
    try:
        with Tenure().laying_down():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_what_others_have_frozen_stays_so() -> None:
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        with Tenure().laying_down():
            made = [[number] for number in range(2 * FEW)]
        assert gc.get_freeze_count() >= frozen - 100
        assert made
    finally:
        gc.unfreeze()


def test_a_failure_ends_it() -> None:
    with pytest.raises(ZeroDivisionError), Tenure().laying_down():
        _ = 1 / 0
    assert gc.isenabled()


def test_left_states_do_not_pile_up(collected: list[int]) -> None:
    """After so many, the collector goes through everything once, by its own rules."""
    tenure = Tenure()
    first = Cyclic()
    left = weakref.ref(first)
    del first
    for _ in range(2 * MOST // (4 * FEW)):
        with tenure.laying_down():
            state = [Cyclic() for _ in range(4 * FEW)]
        del state
        _ = [[number] for number in range(10_000)]

    assert 2 in collected
    assert left() is None
