"""Jobs that a test puts on a server, in any state, as if they had been run there."""

from __future__ import annotations

import uuid as ids
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from joblet_fake.model import job as words
from joblet_fake.model.collector import Collector
from joblet_fake.model.gotime import rfc3339
from joblet_fake.model.job import Job, JobSpec
from joblet_fake.model.process import LaunchError
from joblet_fake.model.usage import readings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from joblet_fake.model.model import Model
    from joblet_fake.model.usage import Metrics

STATUSES: Final = (
    words.INITIALIZING,
    words.RUNNING,
    words.COMPLETED,
    words.FAILED,
    words.STOPPED,
    words.SCHEDULED,
    words.CANCELED,
)
"""The statuses that a job of generation 2.3 can have."""

ENDED: Final = (words.COMPLETED, words.FAILED)
"""The statuses with an end time and an exit code (JOB-STA-07)."""

UNPLANNED: Final = (words.SCHEDULED, words.CANCELED)
"""The statuses before a job ever ran."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What is to have become of a job.

    Args:
        status: one of `STATUSES`.
        exit_code: None for the status's own: 1 for FAILED, else 0.
        start_ns: when it was submitted, nanoseconds since 1970.
        end_ns: when it ended; None for one second later, or for never.
        due_ns: when it is due, or was; None for a job that was not scheduled.
        output: what it wrote: nanoseconds since 1970, bytes, `"stdout"` or `"stderr"`.
        uuid: its id; None for the next one.
        usage: what it used of its host all the time; None for what is made up.

    Raises:
        ValueError: no real job was ever so; the message says what goes together.
    """

    status: str = words.COMPLETED
    exit_code: int | None = None
    start_ns: int
    end_ns: int | None = None
    due_ns: int | None = None
    output: tuple[tuple[int, bytes, str], ...] = ()
    uuid: str | None = None
    usage: Metrics | None = None

    def __post_init__(self) -> None:
        status, code = self.status, self.exit_code
        if status not in STATUSES:
            raise ValueError(f"status {status!r}: it is one of {', '.join(STATUSES)}")
        if code is not None and (
            (status == words.COMPLETED and code != 0) or (status == words.FAILED and code == 0)
        ):
            raise ValueError(
                f"a job that is {status} with exit code {code}: COMPLETED goes with 0, FAILED with "
                "any other",
            )
        if status not in ENDED and (code or self.end_ns is not None):
            raise ValueError(
                f"a job that is {status} has neither an end time nor an exit code (JOB-STA-07): "
                f"these go with {' and '.join(ENDED)}",
            )
        if self.end_ns is not None and self.end_ns < self.start_ns:
            raise ValueError("a job can't end before it was submitted")
        if status == words.SCHEDULED and self.due_ns is None:
            raise ValueError("a job that is SCHEDULED needs the time at which it is due")
        if status in UNPLANNED and self.output:
            raise ValueError(f"a job that is {status} has never written anything")
        if self.uuid is not None:
            check_id(self.uuid)


def check_id(uuid: str) -> None:
    """Check that an id is one that a job can have.

    Raises:
        ValueError: it is not.
    """
    try:
        right = str(ids.UUID(uuid)) == uuid
    except ValueError:
        right = False
    if not right:
        raise ValueError(f"uuid {uuid!r}: ids are lower-case UUIDs with hyphens (JOB-RUN-60)")


def add_job(model: Model, spec: JobSpec, past: Past) -> Job:
    """Put a job on a server; one that is RUNNING runs its program from now on.

    Args:
        model: the server, whose lock is held.
        spec: what was asked for.
        past: what is to have become of it.

    Raises:
        ValueError: a job with that id is there already, or it is to be running and can't be
            started.
    """
    uuid = past.uuid or model.new_uuid()
    if model.jobs.buffered.exact(uuid) is not None:
        raise ValueError(f"a job with the id {uuid} is there already")
    job = model.lifecycle.seeded(uuid, spec, past.start_ns)
    job.explanation = "put there by the test"
    if past.usage is not None:
        job.usage.note(past.start_ns, past.usage)
    if past.due_ns is not None:
        job.scheduled_time = rfc3339(past.due_ns)
    elif past.status == words.CANCELED:
        job.scheduled_time = rfc3339(past.start_ns)
    _write(model, job, past.output)
    if past.status in ENDED:
        failed = past.status == words.FAILED
        job.exit_code = int(failed) if past.exit_code is None else past.exit_code
        job.end_ns = past.start_ns + 10**9 if past.end_ns is None else past.end_ns
    if past.status == words.RUNNING:
        try:
            model.lifecycle.adopt(job)
        except LaunchError as error:
            model.networks.detach(job.uuid)
            for index in (model.jobs.stored, model.jobs.buffered):
                index.remove(job.uuid)
            raise ValueError(f"this job can't be running: {error}") from None
    else:
        # A launch that failed (JOB-RUN-81) was never running.
        if past.status in (*ENDED, words.STOPPED) and job.exit_code != -1:
            job.become(words.RUNNING, past.start_ns)
        job.become(past.status, past.start_ns if job.end_ns is None else job.end_ns)
    if past.status in (*ENDED, words.STOPPED):
        ended = job.end_ns or max((at for at, _, _ in past.output), default=past.start_ns)
        model.collectors.begin(job, past.start_ns, ended)
    if past.status == words.SCHEDULED and past.due_ns is not None:
        model.lifecycle.wait_for(job, past.due_ns)
    return job


def add_history(
    model: Model, uuid: str | None, lines: Sequence[bytes], metrics: Sequence[Metrics], at_ns: int
) -> str:
    """Lay down what is stored of a job that the server does not know.

    Args:
        model: the server, whose lock is held.
        uuid: the job's id; None for the next one.
        lines: what it wrote, each a record of its own.
        metrics: what it used, a sample every five seconds.
        at_ns: when it wrote, and its first sample was taken, nanoseconds since 1970.

    Returns:
        The id.

    Raises:
        ValueError: nothing is said, the id can't be one, or the server knows such a job or has
            its history.
    """
    if not lines and not metrics:
        raise ValueError(
            "say lines, metrics, or both: nothing is stored of a job that left none (PER-20)"
        )
    if uuid is None:
        uuid = model.new_uuid()
    check_id(uuid)
    if any(index.exact(uuid) for index in (model.jobs.stored, model.jobs.buffered)):
        raise ValueError(
            f"the server knows job {uuid}, and stores what it writes: jobs.add(..., stdout=...) "
            "puts a job there that has written"
        )
    if model.history.has(uuid) or model.history.metrics.has(uuid):
        raise ValueError(f"a history of job {uuid} is there already: remove() it before")
    job = Job(uuid, JobSpec(""), words.COMPLETED, start_ns=at_ns)
    for line in lines:
        job.log.append(line, at_ns)
    if lines:
        model.history.lay_down(uuid, job.log)
    if metrics:
        collector = Collector.of_past(job, model.clock, at_ns, readings(metrics))
        model.history.metrics.lay_down(collector)
    return uuid


def _write(model: Model, job: Job, output: Iterable[tuple[int, bytes, str]]) -> None:
    for at, data, stream in output:
        start = len(job.log)
        job.log.append(data, at, stream)
        model.history.store(job.uuid, job.log, start, len(job.log))
