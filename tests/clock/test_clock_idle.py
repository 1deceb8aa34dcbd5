"""What keeps a clock from being idle, and what does not."""

from __future__ import annotations

import pytest

from joblet_fake.clock import NANOS, Clock


def test_what_repeats_by_itself_fires_on_the_way_and_does_not_keep_the_clock_going() -> None:
    clock = Clock("frozen")
    ticks: list[float] = []
    start = clock.now_ns()

    def tick() -> None:
        ticks.append((clock.now_ns() - start) / NANOS)
        clock.call_at(clock.now_ns() + 5 * NANOS, tick, repeats=True)

    clock.call_at(start + 5 * NANOS, tick, repeats=True)
    clock.call_later(12, lambda: None)
    clock.run_until_idle()

    assert ticks == [5, 10]
    assert clock.now_ns() == start + 12 * NANOS


def test_what_repeats_as_an_event_of_its_own_is_given_up() -> None:
    clock = Clock("frozen")

    def again() -> None:
        clock.call_later(5, again)

    again()
    with pytest.raises(TimeoutError, match="something repeats"):
        clock.run_until_idle(limit=60)


def test_a_cancelled_timer_does_not_keep_the_clock_going() -> None:
    clock = Clock("frozen")
    start = clock.now_ns()
    clock.call_later(60, lambda: None).cancel()
    clock.call_at(start + NANOS, lambda: None, repeats=True)
    clock.run_until_idle()

    assert clock.now_ns() == start
