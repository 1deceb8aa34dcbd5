"""The event loop that serves all fakes of a process, on one background thread."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from joblet_fake.server import fork

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
            TimeoutError: it took longer.
        """
        try:
            self.check()
        except BaseException:
            work.close()
            raise
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(timeout)
        except BaseException:
            # Ctrl-C, or the time is up: nobody will look after the work any more.
            future.cancel()
            raise

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
        """Refuse to wait for the loop where that would be for ever.

        Raises:
            ForkError: this is a forked child of the process that made the loop.
            RuntimeError: this is the loop's own thread.
        """
        if self.forked:
            raise ForkError(
                "this process was forked from one that runs a joblet fake; gRPC does not survive "
                "a fork. Start the child with the 'spawn' method, or give it the fake's address",
            )
        if self.here:
            raise RuntimeError(
                "this call would wait for itself: it was made on the fake's own thread",
            )

    @property
    def forked(self) -> bool:
        """Whether this process was forked from the one that made the loop."""
        return os.getpid() != self.pid


_lock = threading.Lock()
_shared: list[Loop] = []


def shared_loop() -> Loop:
    """Give the process's loop; the first call makes it.

    Raises:
        ForkError: the process was forked from one that has a loop.
        RuntimeError: the caller is on the loop's own thread, where it must not wait.
    """
    check_thread()
    with _lock:
        if not _shared:
            _shared.append(Loop())
        return _shared[0]


def check_thread() -> None:
    """Refuse what would wait for the fake where that would be for ever; makes no loop.

    Raises:
        ForkError: the process was forked from one that has a loop.
        RuntimeError: the caller is on the loop's own thread.
    """
    if _shared:
        _shared[0].check()


def forked() -> bool:
    """Tell whether this process was forked from one that has a loop."""
    return bool(_shared) and _shared[0].forked


def _in_child() -> None:
    global _lock  # noqa: PLW0603 - its holder can be a thread that a forked child does not have
    _lock = threading.Lock()
    fork.let_go()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
