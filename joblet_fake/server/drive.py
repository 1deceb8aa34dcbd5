"""What makes time pass: real time for a flowing clock, idleness for a skipping one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from joblet_fake.clock import Clock
    from joblet_fake.server.loop import Loop

QUIET: Final = 0.005
"""Real seconds without any traffic after which waiting clients are taken to wait for the clock."""


class Drive:
    """Fires what is due on a server's clock, from the loop's thread.

    Args:
        clock: the clock.
        loop: where it happens.
        fire: fires what is due now, and keeps errors.
    """

    def __init__(
        self, clock: Clock, loop: Loop, fire: Callable[[Callable[[], object]], None]
    ) -> None:
        self._clock = clock
        self._loop = loop
        self._fire = fire
        self._handle: asyncio.TimerHandle | None = None
        self._busy = 0
        self._waiting = 0
        self._traffic = 0
        self._stopped = False
        if clock.mode == "flowing":
            clock.drive(lambda: loop.soon(self._arm))
        self._unwatch: Callable[[], object] = lambda: None
        if clock.mode == "skipping":
            self._unwatch = clock.holds.on_release(lambda: loop.soon(self._look))

    def stop(self) -> None:
        """Let time stand still."""
        self._stopped = True
        self._clock.drive(None)
        self._unwatch()
        if self._handle is not None:
            self._handle.cancel()

    def _arm(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        delay = self._clock.delay_ns()
        if delay is not None and not self._stopped:
            # Longer waits than a day are taken in steps: event loops limit a single one.
            self._handle = self._loop.later(min(delay / 1e9, 86_400), self._due)

    def _due(self) -> None:
        self._fire(self._clock.settle)
        self._arm()

    # Skipping: only from the loop's thread

    def enter(self) -> None:
        """A call is being worked on."""
        self._busy += 1
        self._traffic += 1

    def leave(self) -> None:
        """It is answered."""
        self._busy -= 1
        self._look()

    def wait(self) -> None:
        """A call that is being worked on begins to wait for the model."""
        self._busy -= 1
        self._waiting += 1
        self._look()

    def wake(self) -> None:
        """It goes on."""
        self._waiting -= 1
        self._busy += 1
        self._traffic += 1

    def _look(self) -> None:
        if self._clock.mode == "skipping" and self._waiting and not self._busy:
            seen = self._traffic
            self._loop.later(QUIET, lambda: self._skip(seen))

    def _skip(self, seen: int) -> None:
        if self._stopped or self._busy or not self._waiting or seen != self._traffic:
            return
        if self._clock.holds:
            # Code of the test works for this moment; its end has us look again.
            return
        self._traffic += 1
        if self._clock.next_due() is not None:
            self._fire(self._clock.skip)
            self._look()
