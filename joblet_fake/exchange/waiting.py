"""Waiting for what happens on other threads: blocking, and for asyncio."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

Watch: TypeAlias = "Callable[[Callable[[], None]], Callable[[], object]]"
"""Has a callback told of all news, from any thread; what it gives ends that."""

QUIET: Final = 0.005
"""Real seconds without news after which `idle` is asked to bring some about."""


def wait_until(
    holds: Callable[[], bool],
    watch: Watch,
    timeout: float,
    *,
    idle: Callable[[], bool] | None = None,
) -> bool:
    """Block until something holds.

    Args:
        holds: asked at first and after all news.
        watch: tells of news, from any thread.
        timeout: real seconds to wait at most.
        idle: brings about news when there has been none for a while, and tells whether it could.

    Returns:
        Whether it holds.
    """
    news = threading.Event()
    unwatch = watch(news.set)
    end = time.monotonic() + timeout
    try:
        while not holds():
            left = end - time.monotonic()
            if left <= 0:
                return False
            if idle is None:
                news.wait(left)
            elif not news.wait(min(left, QUIET)):
                idle()
            news.clear()
        return True
    finally:
        unwatch()


async def wait_until_async(
    holds: Callable[[], bool],
    watch: Watch,
    timeout: float,  # noqa: ASYNC109 - as its twin
    *,
    idle: Callable[[], bool] | None = None,
) -> bool:
    """Wait like `wait_until`, without blocking the running event loop."""
    loop = asyncio.get_running_loop()
    news = asyncio.Event()

    def told() -> None:
        # A loop that has been closed meanwhile has nobody left who waits.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(news.set)

    unwatch = watch(told)
    end = time.monotonic() + timeout
    try:
        while not holds():
            left = end - time.monotonic()
            if left <= 0:
                return False
            try:
                await asyncio.wait_for(news.wait(), left if idle is None else min(left, QUIET))
            except TimeoutError:
                if idle is not None:
                    idle()
            news.clear()
        return True
    finally:
        unwatch()
