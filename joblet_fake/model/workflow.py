"""One workflow: its jobs, and what its status follows from."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from joblet_fake.model import job as words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from joblet_fake.model.copying import Copying

PENDING: Final = "PENDING"
TERMINAL: Final = frozenset({words.COMPLETED, words.FAILED, words.STOPPED, words.CANCELED})
"""The statuses after which a dependency can't come to another one (JOB-WF-12)."""


@dataclass(slots=True, eq=False)
class WorkflowJob:
    """A job's place in a workflow.

    Attributes:
        name: its name in the workflow's file.
        requires: the status that each job it waits for must have had last.
        status: what the workflow last saw of it.
        uuid: the job that was started for it; "" until then.
        may_start: whether its requirements were found met.
    """

    name: str
    requires: Mapping[str, str]
    status: str = PENDING
    uuid: str = ""
    may_start: bool = False

    def copied(self, copying: Copying) -> WorkflowJob:
        """Give one that stands as this one does."""
        return copying.note(self, replace(self))


@dataclass(slots=True, eq=False)
class Workflow:
    """One workflow.

    Attributes:
        uuid: its id.
        yaml: the file as it was sent; "" if it was not (JOB-WF-21).
        created_ns: when it was made, nanoseconds since 1970.
        jobs: its jobs, by name until they are started and by id from then on; only `rename` changes
            which.
        total: how many jobs it has.
        status: PENDING, RUNNING, COMPLETED, FAILED or CANCELED (JOB-WF-14).
        completed: how many jobs are COMPLETED.
        failed: how many are FAILED, those that could not be started among them.
        canceled: how many were cancelled since a dependency ended otherwise.
        started_ns: when the first job was seen running; None until then.
        completed_ns: when all jobs had ended; None until then.
        pending: those of the jobs that nothing was seen of, in the same order.
    """

    uuid: str
    yaml: str
    created_ns: int
    jobs: dict[str, WorkflowJob]
    total: int = 0
    status: str = PENDING
    completed: int = 0
    failed: int = 0
    canceled: int = 0
    started_ns: int | None = None
    completed_ns: int | None = None
    pending: dict[str, WorkflowJob] = field(default_factory=dict)
    _by_name: dict[str, WorkflowJob] = field(default_factory=dict)
    _dependents: dict[str, list[WorkflowJob]] = field(default_factory=dict)
    _open: int = 0

    def __post_init__(self) -> None:
        self.total = self._open = len(self.jobs)
        self.pending = dict(self.jobs)
        self._by_name = dict(self.jobs)
        for job in self.jobs.values():
            for name in job.requires:
                self._dependents.setdefault(name, []).append(job)

    def copied(self, copying: Copying) -> Workflow:
        """Give one with copies of the jobs."""
        made = copying.note(self, copy(self))
        made.jobs = {key: copying.of(job) for key, job in self.jobs.items()}
        made.pending = {key: copying.of(job) for key, job in self.pending.items()}
        # Its own kind.
        made._by_name = {name: copying.of(job) for name, job in self._by_name.items()}  # noqa: SLF001
        made._dependents = {  # noqa: SLF001
            name: [copying.of(job) for job in jobs] for name, jobs in self._dependents.items()
        }
        return made

    def rename(self, name: str, uuid: str) -> None:
        """Know a job by its id from now on.

        Args:
            name: what it is known by.
            uuid: the id.
        """
        job = self.jobs.pop(name)
        job.uuid = uuid
        self.jobs[uuid] = job
        if self.pending.pop(name, None) is not None:
            self.pending[uuid] = job

    def see(self, key: str, status: str, now_ns: int) -> list[WorkflowJob]:
        """Take note of a job's status.

        Args:
            key: which of the workflow's jobs.
            status: its status.
            now_ns: when that is seen, nanoseconds since 1970.

        Returns:
            The jobs that are cancelled by it (JOB-WF-12).
        """
        job = self.jobs[key]
        self._become(key, job, status)
        if status == words.RUNNING and self.started_ns is None:
            self.started_ns = now_ns
        canceled = self._cancel(job) if status in TERMINAL else []
        self._judge(now_ns)
        return canceled

    def _become(self, key: str, job: WorkflowJob, status: str) -> None:
        self._count(job.status, -1)
        self._count(status, 1)
        job.status = status
        if status != PENDING:
            self.pending.pop(key, None)

    def _count(self, status: str, more: int) -> None:
        if status in TERMINAL:
            self._open -= more
        if status == words.COMPLETED:
            self.completed += more
        elif status == words.FAILED:
            self.failed += more

    def _cancel(self, ended: WorkflowJob) -> list[WorkflowJob]:
        """Cancel what waits for a status that can't come, and what waits for that, and so on.

        Args:
            ended: the job that has come to its end: nothing else has changed for the others.
        """
        canceled: list[WorkflowJob] = []
        news = [ended]
        while news:
            others = [job for each in news for job in self._dependents.get(each.name, ())]
            news = []
            for job in others:
                if job.status == PENDING and self._vain(job):
                    # Nothing is started of what waits: it is known by its name still.
                    self._become(job.uuid or job.name, job, words.CANCELED)
                    news.append(job)
            canceled += news
        self.canceled += len(canceled)
        return canceled

    def _vain(self, job: WorkflowJob) -> bool:
        for name, wanted in job.requires.items():
            other = self._by_name.get(name)
            if other is None or (other.status in TERMINAL and other.status != wanted):
                return True
        return False

    def _judge(self, now_ns: int) -> None:
        if not self._open:
            if self.canceled:
                self.status = words.CANCELED
            elif self.failed or self.completed < self.total:
                self.status = words.FAILED
            else:
                self.status = words.COMPLETED
            if self.completed_ns is None:
                self.completed_ns = now_ns
        elif self.started_ns is not None:
            self.status = words.RUNNING
        else:
            self.status = PENDING
