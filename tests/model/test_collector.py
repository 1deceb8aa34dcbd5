"""Samples on the clock: when they are taken, how many there are, and what they cost."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from puppets import Stage

from joblet_fake.clock import NANOS
from joblet_fake.model.job import Job, JobSpec
from joblet_fake.model.usage import Metrics, Reading

if TYPE_CHECKING:
    from joblet_fake.model.collector import Collector

START = 1_767_225_600 * NANOS


def collector(stage: Stage, job: Job) -> Collector:
    found = stage.model.collectors.get(job.uuid)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("pace", "seconds", "count"),
    [
        ("immediate", 0, 1), ("immediate", 4.9, 1), ("immediate", 6, 2), ("immediate", 11.5, 3),
        ("real", 0, 1), ("real", 4.8, 2), ("real", 6, 2), ("real", 11.5, 3),
    ],
)  # fmt: skip
def test_a_sample_is_taken_at_the_start_and_then_every_five_seconds(
    pace: str, seconds: float, count: int
) -> None:
    """PER-46: none at the end, which a real server sees 0.3 s late."""
    stage = Stage(pace)
    job = stage.run()
    stage.clock.advance(seconds)
    stage.puppet(job).exit()
    stage.clock.advance(60)
    samples = collector(stage, job)

    assert samples.count() == count
    begun = {status: at for at, status in job.statuses}["RUNNING"]
    assert [samples.sample(number).at_ns for number in range(count)] == [
        begun + number * 5 * NANOS for number in range(count)
    ]


def test_a_job_that_was_never_launched_has_none() -> None:
    stage = Stage("immediate")
    stage.refuse("no")
    with pytest.raises(Exception, match="no"):
        stage.run()
    planned = stage.run(schedule="2026-01-02T00:00:00Z")

    (failed,) = [job for job in stage.model.jobs.stored if job is not planned]
    assert stage.model.collectors.get(failed.uuid) is None
    assert stage.model.collectors.get(planned.uuid) is None


def test_a_job_that_runs_for_a_year_costs_what_one_of_a_second_does() -> None:
    stage = Stage("immediate")
    job = stage.run()
    began = time.perf_counter()
    stage.clock.advance(days=365)
    samples = collector(stage, job)

    assert samples.count() == 365 * 86_400 // 5 + 1
    assert samples.sample(samples.count() - 1).at_ns == START + 365 * 86_400 * NANOS
    assert time.perf_counter() - began < 0.5
    assert stage.clock.next_due() is None


def test_rates_fit_the_totals() -> None:
    stage = Stage("immediate")
    job = stage.run()
    job.usage.note(START, Metrics(disk_write_bytes=0))
    job.usage.note(START + 3 * NANOS, Metrics(disk_write_bytes=5 << 20))
    stage.clock.advance(10)
    samples = [collector(stage, job).sample(number) for number in range(3)]

    assert [sample.rate("write_bytes") for sample in samples] == [0, 1 << 20, 0]
    assert [sample.rate("write_ops") for sample in samples] == [0, 16, 0]


def test_followers_are_told_of_each_sample_and_of_the_stop_and_keep_no_clock_going() -> None:
    stage = Stage("immediate")
    job = stage.run()
    samples = collector(stage, job)
    told: list[int] = []
    leave = samples.follow(lambda: told.append(samples.count()))
    stage.clock.advance(12)
    assert told == [2, 3]
    stage.clock.run_until_idle()
    assert told == [2, 3]
    stage.puppet(job).exit()
    assert told == [2, 3, 3]
    stage.clock.advance(60)
    assert told == [2, 3, 3]

    leave()
    assert stage.clock.next_due() is None


def test_one_that_leaves_is_told_nothing_more() -> None:
    stage = Stage("immediate")
    samples = collector(stage, stage.run())
    told: list[str] = []
    leave_one = samples.follow(lambda: told.append("one"))
    leave_other = samples.follow(lambda: told.append("other"))
    leave_one()
    stage.clock.advance(5)
    assert told == ["other"]
    leave_other()
    assert stage.clock.next_due() is None


def test_a_real_process_is_measured_when_the_clock_says_so() -> None:
    stage = Stage("immediate")
    usage = iter([Reading(user_usec=0), Reading(user_usec=2_000_000, system_usec=500_000)])
    last = Reading(user_usec=2_000_000, system_usec=500_000, memory_bytes=9)
    job = Job("u", JobSpec("x"), "RUNNING", start_ns=START)
    job.usage.probe = lambda: next(usage, last)
    stage.model.collectors.begin(job)
    samples = collector(stage, job)
    stage.clock.advance(14)
    samples.stop()
    stage.clock.advance(60)

    assert samples.count() == 3
    readings = [samples.sample(number).reading for number in range(3)]
    assert [each.cpu_percent for each in readings] == [0.0, 50.0, 0.0]
    assert readings[2].memory_bytes == 9


def test_a_deleted_jobs_samples_are_forgotten() -> None:
    """JOB-MET-24."""
    stage = Stage("immediate")
    job = stage.run()
    stage.puppet(job).exit()
    stage.delete(job)

    assert stage.model.collectors.get(job.uuid) is None


def test_the_newest_sample_of_all_is_known_while_it_matters() -> None:
    stage = Stage("immediate")
    collectors = stage.model.collectors
    first = stage.run()
    stage.clock.advance(2)
    stage.run()
    stage.clock.advance(5)
    assert collectors.newest(stage.clock.now_ns()) == START + 7 * NANOS
    stage.puppet(first).exit()
    stage.clock.advance(100)
    assert collectors.newest(stage.clock.now_ns()) == START + 107 * NANOS
