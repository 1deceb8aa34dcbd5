"""One workflow: its jobs, and what its status follows from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from joblet_fake.model import job as words

if TYPE_CHECKING:
    from collections.abc import Mapping

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


@dataclass(slots=True, eq=False)
class Workflow:
    """One workflow.

    Attributes:
        uuid: its id.
        yaml: the file as it was sent; "" if it was not (JOB-WF-21).
        created_ns: when it was made, nanoseconds since 1970.
        jobs: its jobs, by name until they are started and by id from then on.
        total: how many jobs it has.
        status: PENDING, RUNNING, COMPLETED, FAILED or CANCELED (JOB-WF-14).
        completed: how many jobs are COMPLETED.
        failed: how many are FAILED, those that could not be started among them.
        canceled: how many were cancelled since a dependency ended otherwise.
        started_ns: when the first job was seen running; None until then.
        completed_ns: when all jobs had ended; None until then.
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
    _by_name: dict[str, WorkflowJob] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.total = len(self.jobs)
        self._by_name = dict(self.jobs)

    def see(self, job: WorkflowJob, status: str, now_ns: int) -> list[WorkflowJob]:
        """Take note of a job's status.

        Args:
            job: which of the workflow's jobs.
            status: its status.
            now_ns: when that is seen, nanoseconds since 1970.

        Returns:
            The jobs that are cancelled by it (JOB-WF-12).
        """
        self._count(job.status, -1)
        self._count(status, 1)
        job.status = status
        if status == words.RUNNING and self.started_ns is None:
            self.started_ns = now_ns
        canceled = self._cancel() if status in TERMINAL else []
        self._judge(now_ns)
        return canceled

    def _count(self, status: str, more: int) -> None:
        if status == words.COMPLETED:
            self.completed += more
        elif status == words.FAILED:
            self.failed += more

    def _cancel(self) -> list[WorkflowJob]:
        """Cancel what waits for a status that can't come, and what waits for that, and so on."""
        canceled: list[WorkflowJob] = []
        while True:
            more = [job for job in self.jobs.values() if job.status == PENDING and self._vain(job)]
            if not more:
                self.canceled += len(canceled)
                return canceled
            for job in more:
                job.status = words.CANCELED
            canceled += more

    def _vain(self, job: WorkflowJob) -> bool:
        for name, wanted in job.requires.items():
            other = self._by_name.get(name)
            if other is None or (other.status in TERMINAL and other.status != wanted):
                return True
        return False

    def _judge(self, now_ns: int) -> None:
        if all(job.status in TERMINAL for job in self.jobs.values()):
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
