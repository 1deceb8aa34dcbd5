"""What a reader of a job's metrics gets: history, then the samples in memory, then new ones."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from joblet_fake.clock import seconds
from joblet_fake.model.job import FINISHED

if TYPE_CHECKING:
    from collections.abc import Callable

    from joblet_fake.clock import Timer
    from joblet_fake.model.collector import Collector, Sample
    from joblet_fake.model.model import Model

BUFFERED: Final = 100
"""How many samples of a job are kept in memory (JOB-MET-21)."""
DRAIN_POLL: Final = 0.5
"""Clock seconds between two looks of a stream that waits for the last samples."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A sample as a reader gets it.

    Attributes:
        collector: who took it.
        sample: the sample.
        stored: whether it comes from the history, which keeps little of it (JOB-MET-22).
    """

    collector: Collector
    sample: Sample
    stored: bool


class MetricsFeed:
    """One reader's metrics stream, as generation 2.3 puts it together (JOB-MET-21, PER-52).

    A job that has finished and has a history is read from that alone. Otherwise the samples in
    memory follow, then new ones, until nobody takes samples of the job any more; to see that, the
    stream looks from time to time, and then waits a while for what may still come.

    Args:
        model: the model, whose lock is held.
        text: the id or prefix as the reader sent it.
    """

    def __init__(self, model: Model, text: str) -> None:
        self._model = model
        self._clock = model.clock
        self._pace = model.pace
        known = model.jobs.buffered.find(text)
        self._uuid = text if known is None else known.uuid
        self._history = model.history.metrics.samples(self._uuid)
        self._from_history = 0
        self._collector: Collector | None = None
        self._next = 0
        self._live = False
        self._over = False
        self.ended = False
        self._wake: Callable[[], None] | None = None
        self._leave: list[Callable[[], object]] = []
        # The look that is waited for, when that wait began, and when there will be no more.
        self._look: Timer | None = None
        self._since = 0
        self._deadline: int | None = None

    def take(self, limit: int) -> list[Shown]:
        """Give the next samples.

        Args:
            limit: the most to give.
        """
        taken = [Shown(*each, stored=True) for each in islice(self._history, limit)]
        self._from_history += len(taken)
        if len(taken) < limit and not self._live:
            self._go_live()
        collector = self._collector
        if collector is not None and self._live:
            end = min(collector.count(), self._next + limit - len(taken))
            taken += [
                Shown(collector, collector.sample(number), stored=False)
                for number in range(self._next, end)
            ]
            self._next = end
        self.ended = self._over and self._live and len(taken) < limit
        return taken

    def subscribe(self, wake: Callable[[], None]) -> None:
        """Tell a callback of new samples and of the end."""
        self._wake = wake
        self._leave.append(self._model.collectors.read(self._end))

    def close(self) -> None:
        """Stop following."""
        self._wake = None
        self._over = True
        if self._look is not None:
            self._look.cancel()
        for leave in self._leave:
            leave()
        self._leave = []

    def _go_live(self) -> None:
        self._live = True
        job = self._model.jobs.stored.exact(self._uuid)
        if self._from_history and job is not None and job.status in FINISHED:
            self._over = True
            return
        collector = self._collector = self._model.collectors.get(self._uuid)
        if collector is not None:
            self._next = max(0, collector.count() - BUFFERED)
            self._leave.append(collector.follow(self._changed))
        if not self._running and not self._drain():
            return
        self._wait(self._clock.now_ns())

    @property
    def _running(self) -> bool:
        return self._collector is not None and self._collector.stop_ns is None

    def _drain(self) -> bool:
        """Wait a while for the last samples; tell whether that takes any time."""
        self._deadline = self._clock.now_ns() + seconds(self._pace.metrics_drain)
        self._over = not self._pace.metrics_drain
        return not self._over

    def _changed(self) -> None:
        if not self._pace.metrics_poll and not self._running:
            self._end()
        elif self._wake is not None:
            self._wake()

    # Looking, as often as a real server does: every sample of any job begins the wait anew

    def _wait(self, since_ns: int) -> None:
        every = self._pace.metrics_poll if self._deadline is None else DRAIN_POLL
        if self._over or not every:
            return
        self._since = since_ns
        due = since_ns + seconds(every)
        self._look = self._clock.call_at(due, self._looked, repeats=True)

    def _looked(self) -> None:
        now = self._clock.now_ns()
        newest = self._model.collectors.newest(now)
        if newest <= self._since:
            newest = now
            if self._deadline is None and not self._running:
                self._drain()
        if self._deadline is not None and newest >= self._deadline:
            self._end()
        else:
            self._wait(newest)

    def _end(self) -> None:
        self._over = self._live = True
        if self._look is not None:
            self._look.cancel()
        if self._wake is not None:
            self._wake()
