"""What a reader of a job's log gets: history, then the buffer again, then what comes."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from joblet_fake.model.errors import Kind, Refusal
from joblet_fake.model.job import CANCELED, FINISHED

if TYPE_CHECKING:
    from collections.abc import Callable

    from joblet_fake.clock import Timer
    from joblet_fake.model.job import Job
    from joblet_fake.model.model import Model


class LogFeed:
    """One reader's log stream, as generation 2.3 puts it together (JOB-LOG-20, PER-50).

    Stored history is asked for with the id as sent, so only the whole id finds it; the buffer is
    found by a prefix too. That is why a reader of a running job gets the early output twice, and
    one that used a prefix gets it once (JOB-UID-03).

    Args:
        model: the model, whose lock is held.
        text: the id or prefix as the reader sent it.
    """

    def __init__(self, model: Model, text: str) -> None:
        self._model = model
        # Read lazily: a thousand readers of a long log must not hold a thousand copies.
        self._history = model.history.chunks(text)
        self._at = 0
        self._wake: Callable[[], None] | None = None
        self._unsubscribe: list[Callable[[], None]] = []
        self._draining: Timer | None = None
        self._error: Refusal | None = None
        self.ended = False
        self._job: Job | None = None
        self._live = False
        exact = model.jobs.stored.exact(text)
        if exact is not None and exact.status in FINISHED and model.history.has(text):
            return
        self._job = model.jobs.buffered.find(text)
        if self._job is None:
            self._error = Refusal(Kind.NOT_FOUND, f"job not found: {text}")
            return
        self._live = not self._over(self._job)
        if "logs-once" in model.quirks:
            # All of it is in memory.
            self._history = iter(())

    def take(self, limit: int) -> list[bytes]:
        """Give the next chunks; the stream's error is raised after the last.

        Args:
            limit: the most chunks to give.

        Raises:
            Refusal: the job is unknown; its stored history, if any, came before (JOB-RST-02).
        """
        taken = list(islice(self._history, limit))
        if self._job is not None:
            log = self._job.log
            end = min(len(log), self._at + limit - len(taken))
            taken += [log.chunk(number) for number in range(self._at, end)]
            self._at = end
        if not taken and self._error is not None:
            raise self._error
        self.ended = not self._live and self._error is None and len(taken) < limit
        return taken

    def subscribe(self, wake: Callable[[], None]) -> None:
        """Tell a callback of new output and of the end."""
        self._wake = wake
        if self._job is not None and self._live:
            self._unsubscribe = [self._job.log.follow(wake), self._job.watch(self._changed)]
            # The job may have ended between the opening of the stream and now.
            self._changed()

    def close(self) -> None:
        """Stop following."""
        self._wake = None
        self._live = False
        if self._draining is not None:
            self._draining.cancel()
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._unsubscribe = []

    def _gone(self, job: Job) -> bool:
        return self._model.jobs.stored.exact(job.uuid) is not job

    def _over(self, job: Job) -> bool:
        canceled = job.status == CANCELED and "canceled-ends-logs" in self._model.quirks
        return job.status in FINISHED or canceled or self._gone(job)

    def _changed(self) -> None:
        job = self._job
        if job is None or not self._live or not self._over(job):
            return
        if self._gone(job):
            # Nothing more can come of a deleted job (JOB-LOG-23).
            self._end()
        elif self._draining is None:
            # Trailing output gets out before the stream ends (JOB-LOG-14).
            self._draining = self._model.clock.call_later(self._model.pace.drain, self._end)

    def _end(self) -> None:
        self._live = False
        if self._draining is not None:
            self._draining.cancel()
        if self._wake is not None:
            self._wake()
