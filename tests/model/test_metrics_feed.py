"""GetJobMetrics' stream: stored samples, those in memory, new ones, and how long it waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from puppets import Stage

if TYPE_CHECKING:
    from joblet_fake.model import Job
    from joblet_fake.model.metrics_feed import Shown

START = 1_767_225_600 * 10**9


class Reader:
    """Someone who reads a metrics stream as the server does: takes when woken."""

    def __init__(self, stage: Stage, text: str, *, limit: int = 64) -> None:
        self._stage = stage
        self._limit = limit
        self.got: list[tuple[str, int]] = []
        self.ended_at: float | None = None
        with stage.model.change():
            self.feed = stage.model.follow_metrics(text)
            self.feed.subscribe(self.read)
        self.read()

    def read(self) -> None:
        while self.ended_at is None:
            taken = self.feed.take(self._limit)
            self.got += [self._told(shown) for shown in taken]
            if self.feed.ended:
                self.ended_at = (self._stage.clock.now_ns() - START) / 1e9
                self.feed.close()
            elif not taken:
                return

    @staticmethod
    def _told(shown: Shown) -> tuple[str, int]:
        return "stored" if shown.stored else "live", shown.sample.number


def stored(*numbers: int) -> list[tuple[str, int]]:
    return [("stored", number) for number in numbers]


def live(*numbers: int) -> list[tuple[str, int]]:
    return [("live", number) for number in numbers]


def run(stage: Stage, seconds: float) -> Job:
    job = stage.run()
    stage.clock.advance(seconds)
    stage.puppet(job).exit()
    stage.clock.advance(1)
    return job


@pytest.mark.parametrize("pace", ["immediate", "real"])
def test_a_finished_job_is_read_from_its_history_and_ends_at_once(pace: str) -> None:
    """JOB-MET-21, PER-52; by a prefix too (JOB-MET-24)."""
    stage = Stage(pace)
    job = run(stage, 11)
    for text in (job.uuid, job.uuid[:8]):
        reader = Reader(stage, text)
        assert reader.got == stored(0, 1, 2)
        assert reader.ended_at is not None


def test_a_running_job_is_read_from_both_and_then_live() -> None:
    """JOB-MET-22: what is stored comes twice."""
    stage = Stage("immediate")
    job = stage.run()
    stage.clock.advance(6)
    reader = Reader(stage, job.uuid)
    assert reader.got == [*stored(0, 1), *live(0, 1)]
    stage.clock.advance(5)
    assert reader.got[4:] == live(2)
    stage.puppet(job).exit()
    assert reader.ended_at == 11


def test_few_are_given_at_a_time_where_few_are_asked_for() -> None:
    stage = Stage("immediate")
    job = stage.run()
    stage.clock.advance(61)
    reader = Reader(stage, job.uuid, limit=3)

    assert reader.got == [*stored(*range(13)), *live(*range(13))]


def test_memory_keeps_the_last_hundred() -> None:
    """JOB-MET-21."""
    stage = Stage("immediate")
    job = stage.run()
    stage.clock.advance(5 * 150)
    reader = Reader(stage, job.uuid)

    assert reader.got == [*stored(*range(151)), *live(*range(51, 151))]


@pytest.mark.parametrize(
    ("runs", "ends"),
    # Looks every two seconds after the last sample, and then six seconds of patience: from
    # recordings. The first sample is taken at 0.15.
    [(0.5, 8.15), (1.9, 10.15), (4.0, 12.15), (6.0, 13.15)],
)
def test_a_running_jobs_stream_ends_when_a_real_one_does(runs: float, ends: float) -> None:
    """JOB-MET-21: six to eight seconds after the job."""
    stage = Stage("real")
    job = stage.run()
    reader = Reader(stage, job.uuid)
    stage.clock.advance(runs)
    stage.puppet(job).exit()
    stage.clock.run_until(lambda: reader.ended_at)
    finished = 0.15 + runs + 0.3

    assert reader.ended_at is not None
    assert finished + 6 <= reader.ended_at <= finished + 8
    assert round(reader.ended_at, 3) == ends


def test_samples_of_other_jobs_put_the_looks_off() -> None:
    """As on a real server, where all samples go one way."""
    stage = Stage("real")
    job = stage.run()
    reader = Reader(stage, job.uuid)
    stage.clock.advance(1)
    other = stage.run()
    stage.clock.advance(0.2)
    stage.puppet(job).exit()
    stage.clock.run_until(lambda: reader.ended_at)
    begun = {status: at for at, status in other.statuses}["RUNNING"]

    # Without the other one's sample it would have looked at 2.15.
    assert reader.ended_at == pytest.approx((begun - START) / 1e9 + 2 + 6 + 0.5, abs=0.5)


@pytest.mark.parametrize(("pace", "seconds"), [("immediate", 0), ("real", 6)])
def test_who_has_no_process_is_waited_for_in_vain(pace: str, seconds: float) -> None:
    """JOB-MET-21, JOB-MET-24: unknown, planned, cancelled and deleted jobs, OK and empty."""
    stage = Stage(pace)
    planned = stage.run(schedule="2026-02-01T00:00:00Z")
    canceled = stage.run(schedule="2026-02-01T00:00:00Z")
    stage.stop(canceled)
    deleted = run(stage, 6)
    stage.delete(deleted)
    began = (stage.clock.now_ns() - START) / 1e9
    readers = [Reader(stage, text) for text in ("nope", planned.uuid, canceled.uuid, deleted.uuid)]
    stage.clock.advance(6.5)

    assert [reader.got for reader in readers] == [[]] * 4
    assert [round((reader.ended_at or 0) - began, 3) for reader in readers] == [seconds] * 4


def test_a_job_without_its_history_is_read_from_memory() -> None:
    """PER-52."""
    stage = Stage("real")
    job = run(stage, 6)
    with stage.model.change():
        stage.model.history.delete(job.uuid)
    began = (stage.clock.now_ns() - START) / 1e9
    reader = Reader(stage, job.uuid)
    stage.clock.advance(10)

    assert reader.got == live(0, 1)
    assert reader.ended_at == pytest.approx(began + 6)


def test_a_job_of_before_a_restart_is_read_from_its_history_and_then_waited_for() -> None:
    """JOB-RST-02; by a prefix nothing is found."""
    stage = Stage("real")
    job = run(stage, 6)
    with stage.clock.lock:
        stage.model.restart()
    began = (stage.clock.now_ns() - START) / 1e9
    whole, prefix = Reader(stage, job.uuid), Reader(stage, job.uuid[:8])
    stage.clock.advance(10)

    assert (whole.got, prefix.got) == (stored(0, 1), [])
    assert (whole.ended_at, prefix.ended_at) == (pytest.approx(began + 6),) * 2


def test_a_deleted_job_ends_its_readers_after_a_while() -> None:
    stage = Stage("real")
    job = stage.run()
    reader = Reader(stage, job.uuid)
    stage.stop(job)
    stage.delete(job)
    stage.clock.advance(10)

    assert reader.got == [*stored(0), *live(0)]
    assert reader.ended_at is not None


@pytest.mark.parametrize("pace", ["immediate", "real"])
def test_a_reset_ends_every_reader(pace: str) -> None:
    stage = Stage(pace)
    job = stage.run()
    planned = stage.run(schedule="2026-02-01T00:00:00Z")
    readers = [Reader(stage, text) for text in (job.uuid, planned.uuid)]
    with stage.clock.lock:
        stage.model.clear()

    assert None not in [reader.ended_at for reader in readers]
    assert stage.clock.next_due() is None


def test_a_reader_that_leaves_leaves_nothing_behind() -> None:
    stage = Stage("real")
    job = stage.run()
    stage.clock.advance(0.05)  # until the job has its volumes
    reader = Reader(stage, job.uuid)
    reader.feed.close()
    reader.feed.close()

    assert stage.clock.next_due() is None
    stage.clock.advance(60)
    assert reader.got == [*stored(0), *live(0)]


def test_an_open_stream_is_no_reason_for_the_clock_to_go_on() -> None:
    stage = Stage("real")
    job = stage.run()
    stage.clock.advance(0.05)  # until the job has its volumes
    reader = Reader(stage, job.uuid)
    before = stage.clock.now_ns()
    stage.clock.run_until_idle()

    assert stage.clock.now_ns() == before
    assert reader.ended_at is None
