"""A call's turn on the clock: what it waits for, and how it gets there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from joblet_fake.services import StatusError

if TYPE_CHECKING:
    from collections.abc import Callable

    from joblet_fake.exchange import Call
    from joblet_fake.model.outcome import Outcome
    from joblet_fake.server.backend import Backend, Waker

LATEST: Final = 60_000_000_000
"""Clock nanoseconds that a call takes at most: deletions that a persist service does not answer."""


class Turn:
    """What one call does to the clock, and waits for.

    It waits for code of the test that it has set to work, such as the first step of its job's
    program; never for other code, which may itself be waiting for this call.

    Args:
        backend: whose clock it is.
        call: the call.
    """

    __slots__ = ("_backend", "_call", "_clock")

    def __init__(self, backend: Backend, call: Call) -> None:
        self._backend = backend
        self._call = call
        self._clock = backend.clock

    async def skip(self) -> None:
        """Let a skipping clock get to what is due next, once nobody works for this moment."""
        if not self._call.inside:
            await self._until(lambda: not self._clock.holds)
        self._backend.fire(self._skip)
        await self.free()

    def _skip(self) -> bool:
        with self._clock.holds.caused_by(self._call):
            return self._clock.skip()

    async def free(self) -> None:
        """Wait until the code that the call has set to work waits, or is over.

        Raises:
            StatusError: the server stops.
        """
        holds = self._clock.holds
        if holds:
            await self._until(lambda: not holds.open_for(self._call))

    async def _until(self, free: Callable[[], bool]) -> None:
        if free():
            return
        with self._backend.waker() as waker:
            unwatch = self._clock.holds.on_release(waker.wake)
            try:
                while not free():
                    await waker.wait_for_code()
            finally:
                unwatch()

    async def done(self, outcome: Outcome[Any]) -> None:
        """Wait until an outcome is there.

        Raises:
            StatusError: the server stops, or nobody moves a frozen clock.
        """
        if outcome.done:
            return
        clock, holds = self._clock, self._clock.holds
        # A call that a program makes can't wait for a clock that waits for the program.
        alone = clock.mode == "frozen" or (clock.mode == "skipping" and self._call.inside)
        with self._backend.waker() as waker:
            unwatch = holds.on_release(waker.wake)
            try:
                with clock.lock:
                    outcome.on_done(waker.wake)
                latest = clock.now_ns() + LATEST
                while not outcome.done:
                    if holds.open_for(self._call):
                        await waker.wait_for_code()
                    elif not alone:
                        await waker.wait()
                    elif (
                        outcome.timed and (due := clock.next_event()) is not None and due <= latest
                    ):
                        # Only the caller could move this clock, and it waits for us: the call
                        # itself takes its time off the clock.
                        with holds.caused_by(self._call):
                            clock.step()
                    elif self._backend.launcher.busy:
                        await waker.wait_shortly()
                    else:
                        await waker.wait()
            finally:
                unwatch()

    async def wait(self, waker: Waker) -> None:
        """Wait for news that time brings.

        Raises:
            StatusError: the server stops, nobody moves a frozen clock, or a program of the test
                waits for what could only come after it.
        """
        if not self._call.inside or self._clock.mode == "flowing":
            await waker.wait()
        elif self._clock.mode == "skipping" and self._clock.next_due() is not None:
            await self.skip()
        else:
            raise StatusError(
                "ABORTED",
                "joblet-fake: a program makes this call, which waits for the clock, and the clock "
                "waits for the program: let time pass with `yield Sleep(seconds)` before",
            )
