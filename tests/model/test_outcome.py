from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from joblet_fake.model.outcome import Outcome, drive

if TYPE_CHECKING:
    from collections.abc import Generator


def test_a_value_that_comes_later_is_told_once() -> None:
    outcome: Outcome[int] = Outcome()
    told: list[int] = []
    outcome.on_done(lambda: told.append(outcome.result()))
    outcome.resolve(3)
    outcome.on_done(lambda: told.append(outcome.result() + 1))
    assert told == [3, 4]


def test_a_value_that_is_there_is_there_at_once() -> None:
    assert Outcome.of(3).then(str).result() == "3"


def test_what_is_not_there_has_no_result() -> None:
    with pytest.raises(RuntimeError, match="not there yet"):
        Outcome().result()


@pytest.mark.parametrize("again", [lambda o: o.resolve(1), lambda o: o.fail(KeyError())])
def test_an_outcome_is_settled_once(again: object) -> None:
    outcome = Outcome.of(0)
    with pytest.raises(RuntimeError, match="there already"):
        again(outcome)  # type: ignore[operator]
    assert outcome.result() == 0


def test_an_error_passes_through_then() -> None:
    outcome: Outcome[int] = Outcome()
    changed = outcome.then(lambda value: value + 1)
    outcome.fail(KeyError("gone"))
    with pytest.raises(KeyError, match="gone"):
        changed.result()


def test_an_error_in_the_change_is_the_changed_ones() -> None:
    changed = Outcome.of(0).then(lambda value: 1 // value)
    with pytest.raises(ZeroDivisionError):
        changed.result()


def test_one_class_of_errors_is_turned_into_another() -> None:
    def recovered(error: Exception) -> Outcome[int]:
        outcome: Outcome[int] = Outcome()
        changed = outcome.recover(KeyError, lambda error: ValueError(f"from {error}"))
        outcome.fail(error)
        return changed

    with pytest.raises(ValueError, match="from 'a'"):
        recovered(KeyError("a")).result()
    with pytest.raises(TypeError):
        recovered(TypeError()).result()
    assert Outcome.of(1).recover(KeyError, lambda error: error).result() == 1


def test_an_error_of_whoever_is_told_is_not_the_values() -> None:
    """It reaches whoever settles, and the value stays."""
    outcome: Outcome[int] = Outcome()
    changed = outcome.then(lambda value: value)

    def broken() -> None:
        raise KeyError("mine")

    changed.on_done(broken)
    with pytest.raises(KeyError, match="mine"):
        outcome.resolve(5)
    assert changed.result() == 5


def test_a_driven_generator_goes_on_when_what_it_waits_for_is_there() -> None:
    first: Outcome[None] = Outcome()
    second: Outcome[None] = Outcome()
    steps: list[str] = []

    def work() -> Generator[Outcome[None], None, int]:
        steps.append("began")
        yield Outcome.of(None)
        yield first
        steps.append("went on")
        yield second
        return 42

    result = drive(work())
    assert (steps, result.done) == (["began"], False)
    first.resolve(None)
    assert (steps, result.done) == (["began", "went on"], False)
    second.resolve(None)
    assert result.result() == 42


@pytest.mark.parametrize("at_once", [True, False])
def test_an_error_that_it_waits_for_is_its_own(*, at_once: bool) -> None:
    waits: Outcome[None] = Outcome()
    cleaned: list[str] = []

    def work() -> Generator[Outcome[None], None, None]:
        try:
            yield waits
        finally:
            cleaned.append("up")

    if at_once:
        waits.fail(ValueError("no"))
    result = drive(work())
    if not at_once:
        waits.fail(ValueError("no"))
    with pytest.raises(ValueError, match=r"^no$"):
        result.result()
    assert cleaned == ["up"]


def test_an_error_that_it_raises_is_its_own_too() -> None:
    def work() -> Generator[Outcome[None], None, None]:
        yield Outcome.of(None)
        raise ValueError("no")

    with pytest.raises(ValueError, match=r"^no$"):
        drive(work()).result()


def test_what_comes_of_something_untimed_is_untimed() -> None:
    untimed: Outcome[int] = Outcome(timed=False)

    assert Outcome().timed
    assert not untimed.then(str).timed
    assert not untimed.recover(ValueError, lambda error: error).timed
