"""Stored samples: what is written when, what a query finds, what a deletion leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from puppets import Stage

from joblet_fake.model import Job, JobSpec, Kind, Refusal
from joblet_fake.model.ranges import Range
from joblet_fake.model.seeding import Past, add_job

if TYPE_CHECKING:
    from joblet_fake.model.metrics_history import MetricRecord

START = 1_767_225_600


@pytest.fixture
def stage() -> Stage:
    return Stage("immediate")


def query(stage: Stage, job_id: str, **fields: int) -> list[MetricRecord]:
    return list(stage.model.history.metrics.query(job_id, Range(**fields)))


def numbers(stage: Stage, job_id: str, **fields: int) -> list[int]:
    return [record.sequence for record in query(stage, job_id, **fields)]


def refused(stage: Stage, job_id: str) -> str:
    with pytest.raises(Refusal) as caught:
        query(stage, job_id)
    assert caught.value.kind is Kind.INTERNAL
    return caught.value.text


def delete(stage: Stage, job_id: str) -> tuple[bool, str]:
    with stage.model.change():
        return stage.model.history.delete(job_id)


def run(stage: Stage, seconds: float) -> Job:
    job = stage.run()
    stage.clock.advance(seconds)
    stage.puppet(job).exit()
    return job


def test_samples_are_stored_as_they_are_taken_with_seconds_for_times(stage: Stage) -> None:
    """PER-37, PER-46: visible while the job runs."""
    job = stage.run()
    assert [(record.timestamp, record.sequence) for record in query(stage, job.uuid)] == [
        (START, 0)
    ]
    stage.clock.advance(11)

    records = query(stage, job.uuid)
    assert [record.timestamp for record in records] == [START, START + 5, START + 10]
    assert {record.job_id for record in records} == {job.uuid}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"start": START + 5}, [1, 2]),
        ({"end": START + 5}, [0, 1]),
        ({"start": START + 6}, [2]),
        # a true time in ns hides everything, or nothing (PER-37)
        ({"start": START * 10**9}, []),
        ({"end": START * 10**9}, [0, 1, 2]),
        ({"limit": 1, "offset": 1}, [1]),
        ({"start": START + 1, "limit": 5, "offset": 1}, [2]),
    ],
)
def test_ranges_are_those_of_logs(
    stage: Stage, fields: dict[str, int], expected: list[int]
) -> None:
    """PER-36."""
    assert numbers(stage, run(stage, 12).uuid, **fields) == expected


def test_what_was_never_stored_is_not_found(stage: Stage) -> None:
    """PER-35: prefixes and the folder itself too."""
    job = run(stage, 1)
    for job_id in ("", ".", "..", "nope", job.uuid[:8], job.uuid.upper(), f"../logs/{job.uuid}"):
        assert (
            refused(stage, job_id) == f"failed to read metrics: no metrics found for job {job_id}"
        )


@pytest.mark.parametrize("form", ["{}/", "/{}", "./{}", "x/../{}", "../metrics/{}"])
def test_an_id_is_a_path(stage: Stage, form: str) -> None:
    """PER-22, for samples."""
    job = run(stage, 1)

    assert [each.job_id for each in query(stage, form.format(job.uuid))] == [job.uuid]


def test_a_name_that_no_file_can_have_is_refused_by_the_system(stage: Stage) -> None:
    """PER-87."""
    job = run(stage, 1)
    for job_id, problem in (
        ("x" * 256, "file name too long"),
        ("a\0", "invalid argument"),
        (f"{job.uuid}/metrics.jsonl.gz", "not a directory"),
    ):
        path = f"/opt/joblet/metrics/{job_id}/metrics.jsonl.gz"
        assert refused(stage, job_id) == (
            f"error reading metrics: failed to open metrics file: open {path}: {problem}"
        )


def test_deleting_a_job_deletes_its_samples(stage: Stage) -> None:
    """JOB-DEL-06."""
    job = run(stage, 1)
    stage.delete(job)

    assert "no metrics found" in refused(stage, job.uuid)


def test_a_running_job_whose_history_is_deleted_goes_on_with_its_numbers(stage: Stage) -> None:
    """PER-90."""
    job = stage.run()
    stage.clock.advance(6)
    assert delete(stage, job.uuid) == (True, "Job deleted successfully")
    assert "no metrics found" in refused(stage, job.uuid)
    stage.clock.advance(5)

    assert numbers(stage, job.uuid) == [2]


def test_deleted_under_another_spelling_later_samples_are_lost(stage: Stage) -> None:
    """PER-90."""
    job = stage.run()
    delete(stage, f"x/../{job.uuid}")
    stage.clock.advance(60)

    assert "no metrics found" in refused(stage, job.uuid)


def test_a_deletion_elsewhere_leaves_everything(stage: Stage) -> None:
    job = run(stage, 1)
    for job_id in ("nope", "..", job.uuid[:8], f"y/{job.uuid}", f"{job.uuid}/metrics.jsonl.gz"):
        delete(stage, job_id)

    assert numbers(stage, job.uuid) == [0]


def test_samples_survive_a_restart(stage: Stage) -> None:
    """JOB-RST-02; what runs on then is measured by nobody."""
    job = stage.run()
    stage.clock.advance(6)
    with stage.clock.lock:
        stage.model.restart()
    stage.clock.advance(60)

    assert numbers(stage, job.uuid) == [0, 1]


def fill(stage: Stage, *, full: bool) -> None:
    with stage.model.change():
        stage.model.disk_full = full


def test_a_sample_that_a_full_disk_does_not_take_is_the_end_of_them(stage: Stage) -> None:
    """FAULT-08."""
    job, between = stage.run(), stage.run()
    stage.clock.advance(6)
    fill(stage, full=True)
    stage.clock.advance(1)
    fill(stage, full=False)
    stage.clock.advance(5)
    assert numbers(stage, job.uuid) == [0, 1, 2]
    delete(stage, between.uuid)
    fill(stage, full=True)
    stage.clock.advance(5)
    fill(stage, full=False)
    stage.clock.advance(10)

    assert numbers(stage, job.uuid) == [0, 1, 2]
    # Nothing was stored of this one, so nothing was cut.
    assert numbers(stage, between.uuid) == [4, 5]


def test_samples_that_persistence_never_got_are_no_failed_writes(stage: Stage) -> None:
    job = stage.run()
    fill(stage, full=True)
    with stage.model.change():
        stage.model.persist_state = "gone"
    stage.clock.advance(12)
    fill(stage, full=False)
    with stage.model.change():
        stage.model.persist_state = "up"
    stage.clock.advance(3)

    assert numbers(stage, job.uuid) == [0, 3]


def test_a_disk_that_is_full_takes_no_samples_of_a_job_that_a_test_puts_there(
    stage: Stage,
) -> None:
    fill(stage, full=True)
    with stage.model.change():
        past = Past(status="RUNNING", start_ns=(START - 3600) * 10**9)
        job = add_job(stage.model, JobSpec("x"), past)
    stage.clock.advance(6)
    assert "no metrics found" in refused(stage, job.uuid)
    fill(stage, full=False)
    stage.clock.advance(5)
    assert numbers(stage, job.uuid) == [2]


def test_a_reset_forgets_them(stage: Stage) -> None:
    job = run(stage, 1)
    with stage.clock.lock:
        stage.model.clear()

    assert "no metrics found" in refused(stage, job.uuid)


def test_a_million_samples_are_not_read_for_the_last_ones(stage: Stage) -> None:
    job = stage.run()
    stage.clock.advance(days=60)
    last = 60 * 86_400 // 5

    assert numbers(stage, job.uuid, offset=last) == [last]
    assert numbers(stage, job.uuid, start=START + 60 * 86_400) == [last]


def test_a_job_that_was_put_there_has_samples_of_its_life(stage: Stage) -> None:
    def put(**past: Any) -> str:
        with stage.model.change():
            return add_job(stage.model, JobSpec("x"), Past(**past)).uuid

    began, ended = (START - 3600) * 10**9, (START - 3588) * 10**9
    done = put(status="COMPLETED", start_ns=began, end_ns=ended)
    assert [each.timestamp for each in query(stage, done)] == [
        START - 3600, START - 3595, START - 3590,
    ]  # fmt: skip
    running = put(status="RUNNING", start_ns=began)
    assert [each.timestamp for each in query(stage, running)] == [START]
    planned = put(status="SCHEDULED", start_ns=began, due_ns=began * 2)
    assert "no metrics found" in refused(stage, planned)
