"""What a reader of a job's log gets: history, then the buffer again, then what comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from joblet_fake.model.errors import Kind, Refusal
from joblet_fake.model.job import FINISHED

if TYPE_CHECKING:
    from collections.abc import Callable

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
        self._history = list(model.history.chunks(text))
        self._at = 0
        self._wake: Callable[[], None] | None = None
        self._unsubscribe: list[Callable[[], None]] = []
        self._draining = False
        self._error: Refusal | None = None
        self.ended = False
        exact = model.jobs.stored.exact(text)
        self._job: Job | None = None
        if self._history and exact is not None and exact.status in FINISHED:
            self._live = False
            return
        self._job = model.jobs.buffered.find(text)
        if self._job is None:
            self._error = Refusal(Kind.NOT_FOUND, f"job not found: {text}")
        self._live = self._job is not None and not self._over(self._job)

    def take(self, limit: int) -> list[bytes]:
        """Give the next chunks; raises the stream's error after the last."""
        if self._history:
            taken = self._history[:limit]
            del self._history[:limit]
        elif self._job is not None:
            end = min(len(self._job.log), self._at + limit)
            taken = [self._job.log.chunk(number) for number in range(self._at, end)]
            self._at = end
        else:
            taken = []
        if not taken and self._error is not None:
            raise self._error
        if not self._live and self._error is None and not self._history:
            self.ended = self._job is None or self._at == len(self._job.log)
        return taken

    def subscribe(self, wake: Callable[[], None]) -> None:
        """Tell a callback of new output and of the end."""
        self._wake = wake
        if self._job is not None and self._live:
            self._unsubscribe = [self._job.log.follow(wake), self._job.watch(self._changed)]

    def close(self) -> None:
        """Stop following."""
        self._wake = None
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._unsubscribe = []

    def _over(self, job: Job) -> bool:
        return job.status in FINISHED or self._model.jobs.stored.exact(job.uuid) is not job

    def _changed(self) -> None:
        job = self._job
        if job is None or self._draining or not self._over(job):
            return
        self._draining = True
        if job.status in FINISHED and self._model.jobs.stored.exact(job.uuid) is job:
            # Trailing output gets out before the stream ends (JOB-LOG-14).
            self._model.clock.call_later(self._model.pace.drain, self._end)
        else:
            self._end()

    def _end(self) -> None:
        self._live = False
        if self._wake is not None:
            self._wake()
