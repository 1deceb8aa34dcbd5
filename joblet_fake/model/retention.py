"""How much a server keeps of jobs that are over: a real one keeps all, a fake may run for days."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from joblet_fake.model.job import CANCELED, COMPLETED, FAILED, STOPPED

if TYPE_CHECKING:
    from collections.abc import Callable

    from joblet_fake.model.job import Job
    from joblet_fake.model.jobs import Jobs
    from joblet_fake.model.model import Model

OVER: Final = frozenset({COMPLETED, FAILED, STOPPED, CANCELED})


class Retention:
    """Forgets the oldest jobs that are over, with their logs and histories, beyond a bound.

    A job that runs or waits is never forgotten, nor is the last one that ended. Workflows that
    are over go too, except for the first, which RunJob asks for (JOB-WF-30).

    Args:
        model: the server, whose lock is held.
        jobs: how many jobs are kept at most that are over, and workflows; None for all.
        size: how many bytes of output and uploads they may have; None for any.

    Attributes:
        listener: told of each job that is forgotten, and of the bytes that went with it.
    """

    def __init__(self, model: Model, jobs: int | None, size: int | None) -> None:
        self._model = model
        self._jobs = jobs
        self._size = size
        self.listener: Callable[[Job, int], None] | None = None
        self._store: Jobs | None = None
        self._live: dict[Job, None] = {}
        self._over: dict[Job, int] = {}
        self._bytes = 0

    def added(self, job: Job) -> None:
        """Have an eye on a job that is new."""
        if self._jobs is not None or self._size is not None:
            self._live[job] = None
            self.settle()

    def settle(self) -> None:
        """Forget what is too much; called for each job that comes or ends."""
        if self._jobs is None and self._size is None:
            return
        store = self._model.jobs
        if self._store is not store:
            self._begin(store)
        for job in [job for job in self._live if _is_over(job) or not self._is_kept(job)]:
            del self._live[job]
            self._over[job] = job.size
            self._bytes += job.size
        if not self._too_much:
            return
        if len(self._live) + len(self._over) > len(store.buffered):
            # Some were deleted for good.
            for job in [job for job in self._over if not self._is_kept(job)]:
                self._bytes -= self._over.pop(job)
        while len(self._over) > 1 and self._too_much:
            job = next(iter(self._over))
            size = self._over.pop(job)
            self._bytes -= size
            self._forget(job)
            if self.listener is not None:
                self.listener(job, size)

    def workflow_added(self) -> None:
        """Forget the workflows that are too much."""
        if self._jobs is not None:
            self._model.workflows.forget_beyond(self._jobs)

    def _begin(self, jobs: Jobs) -> None:
        """Look at all jobs anew, since they are others after a reset or a restore."""
        self._store = jobs
        # Those that were deleted are still in memory (JOB-DEL-06).
        every = dict.fromkeys((*jobs.buffered, *jobs.stored))
        self._live = dict.fromkeys(
            sorted(every, key=lambda job: (job.statuses[-1][0], job.number)),
        )
        self._over = {}
        self._bytes = 0

    def _is_kept(self, job: Job) -> bool:
        jobs = self._model.jobs
        return any(index.exact(job.uuid) is job for index in (jobs.buffered, jobs.stored))

    @property
    def _too_much(self) -> bool:
        return (self._jobs is not None and len(self._over) > self._jobs) or (
            self._size is not None and self._bytes > self._size
        )

    def _forget(self, job: Job) -> None:
        jobs = self._model.jobs
        for index in (jobs.stored, jobs.buffered):
            index.remove(job.uuid)
        self._model.collectors.drop(job.uuid)
        self._model.launcher.forget(job)
        self._model.history.forget(job.uuid)
        job.erased = True
        # Whoever still reads its log has all of it, and gets to the end.
        job.touch()


def _is_over(job: Job) -> bool:
    return job.status in OVER and job.process is None and job.stopping is None
