from __future__ import annotations

from itertools import permutations

import pytest

from benchmarks.harness import ADDED, RATE, TIME, Scale, Spread, Target, Times, alternate, compare
from benchmarks.table import cells, markdown, notes


def times(bare: float, fake: float, control: float, rounds: int = 5) -> Times:
    return Times([bare] * rounds, [fake] * rounds, [control] * rounds)


def test_a_spread_is_the_median_between_the_quartiles() -> None:
    assert Spread.of([5, 1, 4, 2, 3]) == Spread(2, 3, 4)
    assert Spread.of([1, 2]) == Spread(1.25, 1.5, 1.75)
    assert Spread.of([7]) == Spread(7, 7, 7)


def test_rounds_are_compared_one_by_one_and_not_their_sums() -> None:
    """One round in which the machine was slow for both sides changes nothing."""
    slow = Times([1, 1, 100], [1.1, 1.1, 110], [1, 1, 100])

    assert compare("", slow, TIME).value == Spread(*[pytest.approx(1.1)] * 3)


def test_each_scale_has_the_fake_over_the_bare_server() -> None:
    slower = times(2.0, 2.5, 2.0)

    assert compare("", slower, TIME).value.middle == 1.25
    assert compare("", slower, RATE).value.middle == 0.8
    assert compare("", slower, ADDED).value.middle == 500


@pytest.mark.parametrize(
    ("control", "valid"), [(2.0, True), (2.05, True), (1.95, True), (2.07, False), (1.93, False)]
)
@pytest.mark.parametrize("scale", [TIME, RATE])
def test_a_control_that_is_off_makes_a_result_invalid(
    *, control: float, valid: bool, scale: Scale
) -> None:
    result = compare("", times(2.0, 2.0, control), scale, target=Target(1.0, at_most=True))

    assert result.valid is valid
    assert result.verdict == ("met" if valid else "invalid")


def test_a_target_is_met_by_the_median() -> None:
    assert compare("", times(1, 1.1, 1), TIME, target=Target(1.1, at_most=True)).verdict == "met"
    assert compare("", times(1, 1.2, 1), TIME, target=Target(1.1, at_most=True)).verdict == "missed"
    assert compare("", times(1, 1.2, 1), RATE, target=Target(0.9, at_most=False)).verdict == (
        "missed"
    )
    assert not compare("", times(1, 9.9, 1), TIME).verdict


def test_sides_alternate_and_the_first_round_does_not_count() -> None:
    turns = []
    taken = iter(range(1000))

    def side(name: str) -> float:
        turns.append(name)
        return next(taken)

    counted = alternate(
        lambda: side("bare"), lambda: side("fake"), lambda: side("control"), rounds=3, slices=2
    )

    assert [len(seconds) for seconds in (counted.bare, counted.fake, counted.control)] == [3, 3, 3]
    assert len(turns) == (3 + 1) * 2 * 3
    in_turns = [turns[start : start + 3] for start in range(0, len(turns), 3)]
    assert {tuple(turn) for turn in in_turns} == {*permutations(["bare", "fake", "control"])}
    # A round is the sum of its slices: the last six numbers are the last round's.
    assert counted.bare[-1] + counted.fake[-1] + counted.control[-1] == sum(range(18, 24))


def test_a_row_says_what_was_compared_and_how_it_came_out() -> None:
    result = compare(
        "calls", times(1, 1, 1), RATE, over="TLS", bare="9 calls/s", note="one was slow"
    )

    assert cells(result) == (
        *("calls", "TLS", "9 calls/s", "rate"),
        *("1.000 [1.000, 1.000]", "1.000 [1.000, 1.000]", "", ""),
    )
    assert markdown([result]).count("\n") == 2
    assert notes([result]) == ["calls, TLS: one was slow"]
