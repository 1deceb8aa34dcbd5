"""The event loop that serves all fakes of a process, on one background thread."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")


class ForkError(RuntimeError):
    """A fake was used in a forked child of the process that started it."""


class Loop:
    """One asyncio loop on a daemon thread, made when the first fake starts."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._loop = asyncio.new_event_loop()
        self._pending: list[Callable[[], None]] = []
        self._pending_lock = threading.Lock()
        self._thread = threading.Thread(target=self._serve, name="joblet-fake", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    @property
    def here(self) -> bool:
        """Whether the caller is on the loop's own thread."""
        return threading.get_ident() == self._thread.ident

    def run(self, work: Coroutine[Any, Any, T], timeout: float = 60) -> T:
        """Do some work on the loop and wait for it.

        Args:
            work: the coroutine.
            timeout: real seconds to wait at most.

        Raises:
            RuntimeError: called on the loop's own thread, where waiting would be for ever.
            ForkError: called in a forked child.
        """
        self.check()
        if self.here:
            work.close()
            raise RuntimeError(
                "this call would wait for itself: it was made on the fake's own thread"
            )
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout)

    def soon(self, action: Callable[[], None]) -> None:
        """Have an action done on the loop; actions asked for close together share one wake-up."""
        with self._pending_lock:
            first = not self._pending
            self._pending.append(action)
        if first:
            self._loop.call_soon_threadsafe(self._flush)

    def _flush(self) -> None:
        with self._pending_lock:
            actions, self._pending = self._pending, []
        for action in actions:
            action()

    def later(self, delay: float, action: Callable[[], None]) -> asyncio.TimerHandle:
        """Have an action done on the loop after real seconds; only from the loop's own thread."""
        return self._loop.call_later(delay, action)

    def check(self) -> None:
        """Refuse the use in a forked child, where gRPC can't work.

        Raises:
            ForkError: this is not the process that made the loop.
        """
        if os.getpid() != self.pid:
            raise ForkError(
                "this process was forked from one that runs a joblet fake; gRPC does not survive "
                "a fork. Start the child with the 'spawn' method, or give it the fake's address",
            )


_lock = threading.Lock()
_shared: list[Loop] = []


def shared_loop() -> Loop:
    """Give the process's loop; the first call makes it.

    Raises:
        ForkError: the process was forked from one that has a loop.
    """
    with _lock:
        if not _shared:
            _shared.append(Loop())
        loop = _shared[0]
    loop.check()
    return loop
