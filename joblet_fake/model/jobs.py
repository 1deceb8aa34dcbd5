"""The jobs that a server knows, and how an id finds one."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from joblet_fake.model.copying import Copying
    from joblet_fake.model.job import Job

UUID_LENGTH: Final = 36


class Index:
    """Jobs by id, found by the whole id or by a prefix that fits exactly one.

    >>> index = Index()
    >>> index.find("ab") is None
    True
    """

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._sorted: list[str] = []

    def __len__(self) -> int:
        return len(self._jobs)

    def __iter__(self) -> Iterator[Job]:
        """Give the jobs in the order of their ids, which says nothing of their age."""
        return iter([self._jobs[uuid] for uuid in self._sorted])

    def copied(self, copying: Copying) -> Index:
        """Give one with copies of the jobs."""
        made = copying.note(self, Index())
        made._jobs = {uuid: copying.of(job) for uuid, job in self._jobs.items()}  # noqa: SLF001 - its own kind
        made._sorted = self._sorted.copy()  # noqa: SLF001
        return made

    def add(self, job: Job) -> None:
        """Add a job, or put it in the place of one with its id."""
        if job.uuid not in self._jobs:
            insort(self._sorted, job.uuid)
        self._jobs[job.uuid] = job

    def remove(self, uuid: str) -> None:
        """Take a job out, if it is there."""
        if self._jobs.pop(uuid, None) is not None:
            del self._sorted[bisect_left(self._sorted, uuid)]

    def exact(self, uuid: str) -> Job | None:
        """Give the job with this id."""
        return self._jobs.get(uuid)

    def find(self, text: str) -> Job | None:
        """Give the job with this id, or the only one whose id begins so (JOB-UID-01).

        Args:
            text: an id or a prefix of one; the empty text fits when there is exactly one job.
        """
        job = self._jobs.get(text)
        if job is not None or len(text) >= UUID_LENGTH:
            return job
        place = bisect_left(self._sorted, text)
        matches = [uuid for uuid in self._sorted[place : place + 2] if uuid.startswith(text)]
        return self._jobs[matches[0]] if len(matches) == 1 else None


class Jobs:
    """The job store, and beside it the buffers, which outlive a deleted job (JOB-DEL-06).

    Attributes:
        stored: the jobs that status, list, stop and delete know.
        buffered: the jobs whose output is still in memory; deleted ones are among them.
        listener: told of every new job and of each visible change of one.
    """

    def __init__(self, listener: Callable[[Job], None] | None = None) -> None:
        self.stored = Index()
        self.buffered = Index()
        self.listener = listener

    def add(self, job: Job) -> None:
        """Record a new job."""
        self.stored.add(job)
        self.buffered.add(job)
        self._listen(job)

    def copied(self, copying: Copying) -> Jobs:
        """Give a store with copies of the jobs, to which nobody listens."""
        made = copying.note(self, Jobs())
        made.stored, made.buffered = copying.of(self.stored), copying.of(self.buffered)
        return made

    def listen(self, listener: Callable[[Job], None] | None) -> None:
        """Have a listener told of the jobs that are there, and of what becomes of them."""
        self.listener = listener
        if listener is not None:
            for job in dict.fromkeys((*self.buffered, *self.stored)):
                self._listen(job)

    def _listen(self, job: Job) -> None:
        listener = self.listener
        if listener is not None:
            listener(job)
            job.watch(lambda: listener(job))
