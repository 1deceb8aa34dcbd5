"""Holds: time waits for code that works outside of the lock, and nobody waits in a circle."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from joblet_fake.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable


class Code:
    """Code that works on threads of its own when a timer fires, and notes what it did when."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.start = clock.now()
        self.done: list[tuple[float, str]] = []
        self.threads: list[threading.Thread] = []

    def at(self, delay: float, name: str, work: Callable[[], object] = lambda: None) -> None:
        self.clock.call_later(delay, lambda: self._begin(name, work))

    def _begin(self, name: str, work: Callable[[], object]) -> None:
        hold = self.clock.hold()

        def run() -> None:
            failure: BaseException | None = None
            try:
                work()
            except RuntimeError as error:
                failure = error
            with self.clock.at_moment_of(hold):
                self.done.append(((self.clock.now() - self.start).total_seconds(), name))
            self.clock.let_go(hold, failure)

        thread = threading.Thread(target=run)
        self.threads.append(thread)
        thread.start()


def slowly() -> None:
    time.sleep(0.005)


def test_advance_waits_for_code_that_it_set_to_work_before_time_goes_on() -> None:
    clock = Clock("frozen")
    code = Code(clock)
    seen: list[float] = []

    def look() -> None:
        slowly()
        seen.append((clock.now() - code.start).total_seconds())

    for second in (1, 2, 3):
        code.at(second, "work", look)
    clock.advance(10)

    assert seen == [1, 2, 3]
    assert code.done == [(1, "work"), (2, "work"), (3, "work")]
    assert clock.now() - code.start == timedelta(seconds=10)


@settings(deadline=None)  # threads have their turns when the machine has time
@given(st.lists(st.integers(0, 3), max_size=8), st.sampled_from(["frozen", "skipping"]))
def test_code_that_is_due_at_one_moment_works_one_after_another(
    delays: list[int], mode: str
) -> None:
    clock = Clock(mode)
    code = Code(clock)
    at_work = threading.Semaphore(1)

    def alone() -> None:
        assert at_work.acquire(blocking=False)
        time.sleep(0)
        at_work.release()

    for number, delay in enumerate(delays):
        code.at(delay, str(number), alone)
    clock.run_until_idle()

    order = sorted(range(len(delays)), key=lambda number: delays[number])
    assert code.done == [(delays[number], str(number)) for number in order]


def test_a_flowing_clock_lets_code_take_no_time() -> None:
    clock = Clock("flowing")
    moments: list[int] = []

    def begin() -> None:
        hold = clock.hold()

        def run() -> None:
            slowly()
            with clock.at_moment_of(hold):
                moments.append(clock.now_ns() - hold.moment)
            clock.let_go(hold)

        threading.Thread(target=run).start()

    clock.call_later(5, begin)
    clock.advance(10)

    assert moments == [0]


def test_what_code_asks_for_happens_at_its_moment_in_the_same_advance() -> None:
    clock = Clock("frozen")
    code = Code(clock)
    code.at(1, "first", lambda: code.at(2, "second"))

    clock.advance(5)

    assert code.done == [(1, "first"), (3, "second")]


def test_code_that_fails_is_told_by_whoever_moves_time_and_leaves_time_there() -> None:
    clock = Clock("frozen")
    code = Code(clock)

    def fail() -> None:
        raise RuntimeError("broken")

    code.at(1, "fails", fail)
    code.at(2, "later")
    with pytest.raises(RuntimeError, match="broken"):
        clock.advance(5)
    assert clock.now() - code.start == timedelta(seconds=1)

    clock.advance(5)

    assert code.done[-1] == (2, "later")


def test_code_that_fails_while_nobody_moves_time_is_told_of_otherwise() -> None:
    clock = Clock("frozen")
    failures: list[BaseException] = []
    clock.holds.failed = failures.append
    code = Code(clock)

    def fail() -> None:
        raise RuntimeError("broken")

    with clock.by_hand():
        code.at(0, "fails", fail)

    assert [str(failure) for failure in failures] == ["broken"]


def test_a_failure_raised_to_a_thread_that_is_not_the_tests_is_told_of_as_well() -> None:
    clock = Clock("frozen")
    failures: list[BaseException] = []
    clock.holds.failed = failures.append
    code = Code(clock)
    raised: list[BaseException] = []

    def fail() -> None:
        raise RuntimeError("broken")

    def app() -> None:
        try:
            clock.advance(5)
        except RuntimeError as error:
            raised.append(error)

    code.at(1, "fails", fail)
    worker = threading.Thread(target=app)
    worker.start()
    worker.join(10)

    assert raised == failures
    assert [str(failure) for failure in failures] == ["broken"]


def test_a_failure_raised_to_the_test_itself_is_told_of_there_alone() -> None:
    clock = Clock("frozen")
    failures: list[BaseException] = []
    clock.holds.failed = failures.append
    code = Code(clock)

    def fail() -> None:
        raise RuntimeError("broken")

    code.at(1, "fails", fail)
    with pytest.raises(RuntimeError, match="broken"):
        clock.advance(5)
    code.at(1, "fails", fail)
    with pytest.raises(RuntimeError, match="broken"):
        asyncio.run(clock.advance_async(5))

    assert failures == []


@pytest.mark.parametrize("given_up", ["by a task of another thread", "by a cancelled task"])
def test_a_failure_that_no_task_of_the_test_awaits_is_told_of(given_up: str) -> None:
    clock = Clock("frozen")
    failures: list[BaseException] = []
    told = threading.Event()
    clock.holds.failed = lambda failure: (failures.append(failure), told.set())[0]
    code = Code(clock)
    go, begun = threading.Event(), threading.Event()

    def fail() -> None:
        begun.set()
        assert go.wait(10)
        raise RuntimeError("broken")

    async def cancels() -> None:
        task = asyncio.create_task(clock.advance_async(5))
        await asyncio.to_thread(begun.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go.set()

    def app() -> None:
        go.set()
        with pytest.raises(RuntimeError, match="broken"):
            asyncio.run(clock.advance_async(5))

    code.at(1, "fails", fail)
    if given_up == "by a cancelled task":
        asyncio.run(cancels())
    else:
        worker = threading.Thread(target=app)
        worker.start()
        worker.join(10)

    assert told.wait(10)
    assert [str(failure) for failure in failures] == ["broken"]


def test_several_failures_of_one_moment_are_told_together() -> None:
    clock = Clock("frozen")
    code = Code(clock)

    def fail(text: str) -> None:
        raise RuntimeError(text)

    def begin_two() -> None:
        for text in ("one", "two"):
            code._begin(text, lambda text=text: fail(text))  # type: ignore[misc]  # a default

    clock.call_later(1, begin_two)
    with pytest.raises(RuntimeError) as caught:
        clock.advance(1)

    (note,) = caught.value.__notes__
    assert {str(caught.value), note.partition("RuntimeError('")[2][:3]} == {"one", "two"}


def test_a_change_by_hand_waits_for_what_it_set_to_work_and_nothing_else() -> None:
    clock = Clock("frozen")
    code = Code(clock)
    go = threading.Event()
    code.at(0, "other", lambda: go.wait(10))
    with clock.lock:
        clock.settle()
    assert clock.holds

    with clock.by_hand():
        code.at(0, "own", slowly)

    assert [name for _, name in code.done] == ["own"]
    go.set()
    clock.advance()
    assert [name for _, name in code.done] == ["own", "other"]


def test_what_follows_from_code_is_waited_for_too() -> None:
    clock = Clock("frozen")
    code = Code(clock)

    with clock.by_hand():
        code.at(0, "first", lambda: code.at(0, "second", slowly))

    assert [name for _, name in code.done] == ["first", "second"]


def test_something_long_is_done_in_parts_between_which_others_get_the_lock() -> None:
    clock = Clock("frozen")
    done: list[tuple[int, float]] = []
    start = clock.now()
    asked: list[int] = []

    def part(number: int) -> None:
        asked.append(number)
        done.append((number, (clock.now() - start).total_seconds()))
        time.sleep(0.002)
        if number:
            clock.call_later(0, lambda: clock.aside(lambda: part(number - 1)))

    clock.call_later(1, lambda: clock.aside(lambda: part(20)))
    clock.call_later(1, lambda: done.append((99, 1.0)))
    threading.Thread(target=clock.advance, args=(5,)).start()
    between = 0
    while not asked:
        time.sleep(0)
    while asked[-1]:
        with clock.lock:
            between += bool(clock.holds) and asked[-1] > 0
    clock.advance()

    assert done == [(20, 1.0), (99, 1.0), *((number, 1.0) for number in range(19, -1, -1))]
    assert between > 1


def test_there_is_no_moment_without_a_hold_between_two_that_follow_from_each_other() -> None:
    """Whoever looks whether code works does so without the lock."""
    clock = Clock("frozen")
    seen: list[bool] = []

    def look() -> None:
        seen.append(bool(clock.holds))

    with clock.lock:
        hold = clock.hold()
    clock.call_later(0, look)
    clock.let_go(hold)

    assert seen == [True]
    assert not clock.holds


def test_letting_go_twice_is_as_good_as_once() -> None:
    clock = Clock("frozen")
    with clock.lock:
        first, second = clock.hold(), clock.hold()
    clock.let_go(first)
    clock.let_go(first, RuntimeError("too late to matter"))

    assert clock.holds
    clock.let_go(second)
    clock.advance(1)


def test_whoever_listens_is_told_of_every_end_until_it_stops() -> None:
    clock = Clock("frozen")
    told: list[int] = []
    stop = clock.holds.on_release(lambda: told.append(1))
    with clock.lock:
        first, second = clock.hold(), clock.hold()
    clock.let_go(first)
    stop()
    clock.let_go(second)

    assert told == [1]


def test_two_threads_that_advance_do_so_one_after_another() -> None:
    clock = Clock("frozen")
    code = Code(clock)
    for second in range(1, 21):
        code.at(second, "tick", slowly)
    threads = [threading.Thread(target=clock.advance, args=(10,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert clock.now() - code.start == timedelta(seconds=20)
    assert [at for at, _ in code.done] == list(range(1, 21))


@pytest.mark.parametrize("verb", ["advance_async", "run_until_idle_async", "run_until_async"])
def test_the_awaitable_twins_let_the_loop_go_on_while_code_works(verb: str) -> None:
    clock = Clock("frozen")
    code = Code(clock)

    async def work() -> None:
        loop = asyncio.get_running_loop()

        def needs_the_loop() -> None:
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result(10)

        code.at(1, "asked", needs_the_loop)
        match verb:
            case "advance_async":
                await clock.advance_async(seconds=1)
            case "run_until_idle_async":
                await clock.run_until_idle_async()
            case _:
                await clock.run_until_async(lambda: bool(code.done))

    asyncio.run(work())

    assert code.done == [(1, "asked")]


def test_run_until_waits_for_code_before_it_says_that_nothing_is_due() -> None:
    clock = Clock("frozen")
    code = Code(clock)
    code.at(0, "first", lambda: (slowly(), code.at(5, "second")))
    with clock.lock:
        clock.settle()

    clock.run_until(lambda: len(code.done) == 2)

    assert code.done == [(0, "first"), (5, "second")]


def test_a_step_waits_for_nobody() -> None:
    clock = Clock("frozen")
    code = Code(clock)
    go = threading.Event()
    code.at(1, "first", lambda: go.wait(10))
    code.at(2, "second")

    assert clock.step()
    assert clock.step()
    assert clock.now() - code.start == timedelta(seconds=2)
    go.set()
    clock.advance()
    # What was worked for the first second is done at a moment that is not past.
    assert sorted(code.done) == [(2, "first"), (2, "second")]
