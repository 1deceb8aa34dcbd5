"""The clock: three ways in which time passes, one order in which things happen."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from joblet_fake.clock import NANOS, Clock


def test_a_frozen_clock_starts_with_2026_and_stands_still() -> None:
    clock = Clock("frozen")

    time.sleep(0.01)

    assert clock.now() == datetime(2026, 1, 1, tzinfo=UTC)


def test_a_flowing_clock_shows_real_time_and_can_be_jumped() -> None:
    clock = Clock("flowing")
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=1)

    clock.advance(hours=1)

    ahead = clock.now() - datetime.now(UTC)
    assert timedelta(minutes=59) < ahead < timedelta(minutes=61)


def test_start_says_when_time_begins_in_any_zone() -> None:
    start = datetime(2030, 5, 1, 12, tzinfo=timezone(timedelta(hours=2)))

    assert Clock("frozen", start=start).now() == datetime(2030, 5, 1, 10, tzinfo=UTC)


def test_a_start_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="give an aware datetime"):
        Clock("frozen", start=datetime(2030, 1, 1))  # noqa: DTZ001 - the mistake itself


def test_an_unknown_mode_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="one of flowing, frozen, skipping"):
        Clock("stopped")


def test_time_moves_only_forward() -> None:
    with pytest.raises(ValueError, match="only moves forward"):
        Clock("frozen").advance(-1)


@given(st.lists(st.integers(0, 1000), max_size=30), st.integers(0, 1200))
def test_advance_fires_what_is_due_in_order_and_at_its_moment(
    delays: list[int],
    distance: int,
) -> None:
    clock = Clock("frozen")
    start = clock.now()
    fired: list[tuple[float, int]] = []
    for number, delay in enumerate(delays):
        clock.call_later(
            delay,
            lambda number=number: fired.append(((clock.now() - start).total_seconds(), number)),
        )

    clock.advance(distance)

    assert fired == sorted((delay, n) for n, delay in enumerate(delays) if delay <= distance)
    assert clock.now() == start + timedelta(seconds=distance)


def test_what_a_timer_asks_for_is_fired_in_the_same_advance() -> None:
    clock = Clock("frozen")
    seen: list[str] = []

    def again() -> None:
        seen.append(f"{clock.now():%S}")
        if len(seen) < 5:
            clock.call_later(10, again)

    clock.call_later(10, again)
    clock.advance(minutes=1)

    assert seen == ["10", "20", "30", "40", "50"]


def test_a_cancelled_timer_never_fires() -> None:
    clock = Clock("frozen")
    fired: list[int] = []
    timer = clock.call_later(1, lambda: fired.append(1))

    timer.cancel()
    clock.run_until_idle()

    assert not fired


def test_run_until_idle_goes_to_the_last_timer() -> None:
    clock = Clock("frozen")
    clock.call_later(3600, lambda: clock.call_later(3600, lambda: None))

    clock.run_until_idle()

    assert clock.now() == datetime(2026, 1, 1, 2, tzinfo=UTC)


def test_run_until_idle_gives_up_on_what_repeats_for_ever() -> None:
    clock = Clock("frozen")

    def again() -> None:
        clock.call_later(3600, again)

    again()

    with pytest.raises(TimeoutError, match="something repeats"):
        clock.run_until_idle(limit=86_400)


def test_run_until_stops_at_the_first_moment_that_fits() -> None:
    clock = Clock("frozen")
    fired: list[int] = []
    for second in range(1, 10):
        clock.call_later(second, lambda second=second: fired.append(second))

    clock.run_until(lambda: len(fired) == 3)

    assert fired == [1, 2, 3]


def test_run_until_says_when_nothing_more_is_due() -> None:
    with pytest.raises(TimeoutError, match="nothing more is due"):
        Clock("frozen").run_until(lambda: False)


def test_advance_inside_a_timer_is_refused() -> None:
    clock = Clock("frozen")
    clock.call_later(1, lambda: clock.advance(1))

    with pytest.raises(RuntimeError, match="advance it from outside"):
        clock.advance(2)


def test_a_timer_that_fails_leaves_the_clock_usable() -> None:
    clock = Clock("frozen")
    clock.call_later(1, lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        clock.advance(2)

    clock.advance(5)

    assert clock.now() > datetime(2026, 1, 1, 0, 0, 5, tzinfo=UTC)


def test_many_threads_can_ask_for_timers_while_another_advances() -> None:
    clock = Clock("frozen")
    fired: list[int] = []
    threads = [
        threading.Thread(
            target=lambda: [clock.call_later(0.5, lambda: fired.append(1)) for _ in range(200)],
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for _ in range(20):
        clock.advance(1)
    for thread in threads:
        thread.join()
    clock.advance(1)

    assert len(fired) == 800


def test_skip_moves_a_skipping_clock_alone() -> None:
    skipping, frozen = Clock("skipping"), Clock("frozen")
    for clock in (skipping, frozen):
        clock.call_later(60, lambda: None)

    assert skipping.skip()
    assert not frozen.skip()
    assert (skipping.now() - frozen.now()).total_seconds() == 60


def test_a_clock_that_is_set_wrong_shows_it_and_keeps_delays() -> None:
    clock = Clock("frozen")
    fired: list[tuple[str, int]] = []
    start = clock.now_ns()

    def note(name: str) -> None:
        fired.append((name, (clock.now_ns() - start) // NANOS))

    clock.call_later(10, lambda: note("delay"))
    clock.call_at(start + 100 * NANOS, lambda: note("moment"))

    clock.skew(50)
    assert (clock.now_ns() - start) // NANOS == 50
    clock.advance(20)
    assert fired == [("delay", 60)]
    clock.advance(30)
    assert fired == [("delay", 60), ("moment", 100)]
    clock.skew(-50)
    assert (clock.now_ns() - start) // NANOS == 0
    clock.skew(0)
    assert (clock.now_ns() - start) // NANOS == 50


def test_setting_a_clock_past_a_moment_makes_it_due() -> None:
    clock = Clock("frozen")
    fired: list[int] = []
    clock.call_at(clock.now_ns() + 10 * NANOS, lambda: fired.append(1))

    clock.skew(11)

    assert fired == [1]


def test_a_clock_is_not_set_by_its_own_timers() -> None:
    clock = Clock("frozen")
    clock.call_later(1, lambda: clock.skew(5))

    with pytest.raises(RuntimeError, match="set it from outside"):
        clock.advance(1)


@pytest.mark.parametrize("offset", [3600, -3600])
def test_a_flowing_clock_that_is_set_wrong_flows_on(offset: int) -> None:
    clock = Clock("flowing")
    before = clock.now_ns()
    clock.skew(offset)

    assert 0 <= clock.now_ns() - before - offset * NANOS < 60 * NANOS
    clock.skew(0)
    assert 0 <= clock.now_ns() - before < 60 * NANOS
