"""Moving the clock: where it is refused, and how a task does it."""

from __future__ import annotations

import asyncio

import pytest

from joblet_fake.clock import Clock


@pytest.mark.parametrize("verb", ["advance", "run_until_idle", "run_until"])
def test_moving_is_refused_where_it_would_block_its_own_effects(verb: str) -> None:
    def check() -> None:
        raise RuntimeError("the fake's own thread")

    clock = Clock("frozen", check=check)
    clock.call_later(1, lambda: None)
    before = clock.now()

    with pytest.raises(RuntimeError, match="own thread"):
        clock.run_until(lambda: True) if verb == "run_until" else getattr(clock, verb)()

    assert clock.now() == before
    # What the server itself does with time is not asked about.
    assert clock.step()


def test_step_moves_any_clock_to_its_next_timer() -> None:
    for mode in ("flowing", "frozen", "skipping"):
        clock = Clock(mode)
        fired: list[int] = []
        clock.call_later(60, lambda fired=fired: fired.append(1))  # type: ignore[misc]  # a default

        assert clock.step()
        assert not clock.step()
        assert fired == [1]


def test_other_tasks_get_their_turn_while_one_runs_the_clock() -> None:
    clock = Clock("frozen")
    turns: list[str] = []

    async def work() -> None:
        async def other() -> None:
            while len(turns) < 3:
                turns.append(f"{clock.now():%S}")
                await asyncio.sleep(0)

        task = asyncio.create_task(other())
        for second in range(1, 6):
            clock.call_later(second, lambda: None)
        await clock.run_until_async(lambda: clock.now().second == 5)
        await task

    asyncio.run(work())

    assert len(set(turns)) == 3


def test_a_task_that_waits_for_nothing_due_is_told_so() -> None:
    with pytest.raises(TimeoutError, match="nothing more is due"):
        asyncio.run(Clock("frozen").run_until_async(lambda: False))


def test_a_task_does_not_go_beyond_its_limit() -> None:
    clock = Clock("frozen")
    clock.call_later(60, lambda: None)

    with pytest.raises(TimeoutError, match="behind the limit"):
        asyncio.run(clock.run_until_async(lambda: False, limit=59))


def test_whoever_listens_to_moves_can_stop_listening() -> None:
    clock = Clock("frozen")
    moves: list[int] = []
    stop = clock.on_move(lambda: moves.append(1))
    clock.advance(1)

    stop()
    clock.advance(1)

    assert moves == [1]
