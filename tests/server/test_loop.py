"""The loop that all fakes of a process share."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from joblet_fake import FakeJoblet
from joblet_fake.server import check_thread, shared_loop

if TYPE_CHECKING:
    from collections.abc import Callable


async def on_loop(use: Callable[[], object]) -> BaseException | None:
    try:
        use()
    except Exception as error:  # noqa: BLE001 - handed to the test
        return error
    return None


def test_a_process_has_one_loop_on_a_daemon_thread() -> None:
    loops = {shared_loop() for _ in range(3)}
    threads = [thread for thread in threading.enumerate() if thread.name == "joblet-fake"]

    assert len(loops) == len(threads) == 1
    assert threads[0].daemon


def test_work_gives_its_result_and_its_error() -> None:
    async def fine() -> int:
        return 7

    async def broken() -> None:
        raise ZeroDivisionError

    assert shared_loop().run(fine()) == 7
    with pytest.raises(ZeroDivisionError):
        shared_loop().run(broken())


def test_work_that_takes_too_long_is_cancelled() -> None:
    ended = threading.Event()

    async def forever() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    with pytest.raises(TimeoutError):
        shared_loop().run(forever(), timeout=0.02)

    assert ended.wait(5)


def test_actions_asked_for_from_threads_all_happen_in_order() -> None:
    loop = shared_loop()
    done: list[int] = []
    over = threading.Event()
    for number in range(1000):
        loop.soon(lambda number=number: done.append(number))  # type: ignore[misc]  # a default
    loop.soon(over.set)

    assert over.wait(5)
    assert done == list(range(1000))


USES: dict[str, Callable[[FakeJoblet], object]] = {
    "rpc": lambda fake: fake.rpc("ListJobs"),
    "start": lambda _: FakeJoblet().start(),
    "channel": lambda fake: fake.channel(),
    "advance": lambda fake: fake.clock.advance(1),
    "run_until": lambda fake: fake.clock.run_until(lambda: False),
    "run_until_idle": lambda fake: fake.clock.run_until_idle(),
    "jobs.wait": lambda fake: fake.jobs.wait("x"),
    "calls.wait_for": lambda fake: fake.calls.wait_for("RunJob"),
}


@pytest.mark.parametrize("use", USES)
def test_what_would_wait_for_itself_is_refused_at_once(joblet: FakeJoblet, use: str) -> None:
    error = shared_loop().run(on_loop(lambda: USES[use](joblet)), timeout=10)

    assert isinstance(error, RuntimeError)
    assert "wait for itself" in str(error)
    # And it goes on as if nothing had been.
    assert list(joblet.rpc("ListJobs").jobs) == []


def test_elsewhere_nothing_is_refused() -> None:
    shared_loop()
    check_thread()
