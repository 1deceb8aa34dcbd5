from __future__ import annotations

from joblet_fake.model import Job, JobSpec
from joblet_fake.model.job import FINISHED


def a_job() -> Job:
    return Job("a", JobSpec("work"), "INITIALIZING", start_ns=0)


def test_every_visible_change_counts_and_is_told() -> None:
    job = a_job()
    told: list[tuple[int, str]] = []
    leave = job.watch(lambda: told.append((job.revision, job.status)))
    job.become("RUNNING", 5)
    job.touch()
    leave()
    leave()
    job.become("COMPLETED", 6)
    assert told == [(1, "RUNNING"), (2, "RUNNING")]
    assert job.statuses == [(5, "RUNNING"), (6, "COMPLETED")]


def test_a_watcher_may_leave_while_it_is_told() -> None:
    job = a_job()
    told = []
    leave = job.watch(lambda: (told.append("first"), leave()))
    job.watch(lambda: told.append("second"))
    job.touch()
    job.touch()
    assert told == ["first", "second", "second"]


def test_cancelled_is_not_finished() -> None:
    """JOB-LOG-16: it does not end a stream."""
    assert frozenset({"COMPLETED", "FAILED", "STOPPED"}) == FINISHED


def test_two_jobs_are_equal_only_when_they_are_the_same() -> None:
    assert a_job() != a_job()
    assert len({a_job(), a_job()}) == 2
