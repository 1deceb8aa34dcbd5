"""The feed of StreamSystemMetrics: a snapshot at once, then one at every tick."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from joblet_fake.clock import seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from joblet_fake.clock import Clock, Timer
    from joblet_fake.model.host import Host
    from joblet_fake.model.host_snapshot import Snapshot

DEFAULT_INTERVAL: Final = 5
"""Seconds between two messages when a client does not say (MON-06)."""

KEPT: Final = 10_000
"""Messages that wait for a slow reader at most; a real server's ticker drops what is more."""


class MetricsFeed:
    """Snapshots at ticks that count from the beginning of the call (MON-07, MON-27).

    Args:
        host: whose.
        clock: when.
        interval: seconds; 0 and less are 5 (MON-06).

    Attributes:
        ended: whether the host is forgotten; nothing else ends it (MON-09).
    """

    def __init__(self, host: Host, clock: Clock, interval: int) -> None:
        self.ended = False
        self._host = host
        self._clock = clock
        self._interval = seconds(interval if interval > 0 else DEFAULT_INTERVAL)
        self._ready: deque[Snapshot] = deque([host.latest()])
        self._wake: Callable[[], None] | None = None
        self._next = clock.now_ns()
        self._timer: Timer | None = None
        self._arm()

    def take(self, limit: int) -> list[Snapshot]:
        """Give the snapshots that are ready."""
        return [self._ready.popleft() for _ in range(min(limit, len(self._ready)))]

    def subscribe(self, wake: Callable[[], None]) -> None:
        """Tell a callback of every tick."""
        self._wake = wake
        self._host.readers[self._end] = None

    def close(self) -> None:
        """Stop ticking."""
        self._wake = None
        self._host.readers.pop(self._end, None)
        if self._timer is not None:
            self._timer.cancel()

    def _arm(self) -> None:
        self._next += self._interval
        self._timer = self._clock.call_at(self._next, self._tick, repeats=True)

    def _tick(self) -> None:
        self._arm()
        if len(self._ready) >= KEPT:
            return
        self._ready.append(self._host.latest())
        if self._wake is not None:
            self._wake()

    def _end(self) -> None:
        self.ended = True
        if self._wake is not None:
            self._wake()
