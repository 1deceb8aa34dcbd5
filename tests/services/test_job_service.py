"""JobService over real gRPC: what each method answers."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from joblet_fake import FakeJoblet

if TYPE_CHECKING:
    from collections.abc import Iterator

UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@pytest.fixture
def frozen() -> Iterator[FakeJoblet]:
    with FakeJoblet(clock="frozen", tls=False) as joblet:
        yield joblet
        joblet.check()


def refused(call: Any) -> tuple[str, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    error: Any = caught.value
    return error.code().name, error.details()


def set_fields(message: Any) -> set[str]:
    return {field.name for field, _ in message.ListFields()}


def run(joblet: FakeJoblet, *words: str, **fields: object) -> str:
    job_id: str = joblet.rpc("RunJob", command=words[0], args=words[1:], **fields).job_uuid
    return job_id


# RunJob


def test_run_job_answers_an_id_and_running_and_nothing_else(frozen: FakeJoblet) -> None:
    """JOB-RUN-59, JOB-RUN-60."""
    answer = frozen.rpc("RunJob", command="echo", args=["hi"], name="mine", max_cpu=50)

    assert UUID4.fullmatch(answer.job_uuid)
    assert answer.status == "RUNNING"
    assert set_fields(answer) == {"job_uuid", "status"}


def test_every_field_of_a_job_is_echoed_or_dropped_as_on_a_real_server(
    frozen: FakeJoblet,
) -> None:
    """JOB-RUN-31, JOB-RUN-32, JOB-RUN-50, JOB-RUN-53 to -56, JOB-STA-02 to -04."""
    job_id = run(
        frozen,
        "sleep",
        "60",
        "",
        name="mine",
        max_cpu=20_000,
        cpu_cores="0-3,5",
        max_memory=64,
        max_io_bps=1000,
        uploads=[{"path": "a.txt", "content": b"x", "mode": 0o600}],
        environment={"A": "1"},
        secret_environment={"TOKEN": "geheim"},
        volumes=[],
        runtime="",
        work_dir="/tmp",
        gpu_count=2,
        gpu_memory_mb=1000,
    )

    status = frozen.rpc("GetJobStatus", uuid=job_id)

    assert set_fields(status) == {
        "uuid",
        "command",
        "args",
        "max_memory",
        "max_io_bps",
        "status",
        "start_time",
        "environment",
        "secret_environment",
        "network",
        "node_id",
    }
    assert list(status.args) == ["60", ""]
    assert (status.max_memory, status.max_io_bps, status.network) == (64, 1000, "bridge")
    assert dict(status.environment) == {"A": "1"}
    assert dict(status.secret_environment) == {"TOKEN": "***"}
    assert status.start_time == "2026-01-01T00:00:00Z"
    # What was sent is still there for the test to see.
    job = frozen.jobs[job_id]
    assert (job.name, job.secret_environment) == ("mine", {"TOKEN": "geheim"})


def test_kept_limits_runtime_and_volumes_are_echoed_as_sent(frozen: FakeJoblet) -> None:
    job_id = run(
        frozen, "true", max_cpu=100, cpu_cores=" 0 , 1 ", runtime="python:3.11", volumes=["data"]
    )

    status = frozen.rpc("GetJobStatus", uuid=job_id)

    assert (status.max_cpu, status.cpu_cores) == (100, " 0 , 1 ")
    assert (status.runtime, list(status.volumes)) == ("python:3.11", ["data"])
    # A runtime that is not there lets the job fail, after RunJob's answer (JOB-RUN-63).
    assert (status.status, status.exit_code) == ("FAILED", 1)


@pytest.mark.parametrize(
    ("words", "status", "code"),
    [
        (["true"], "COMPLETED", 0),
        (["sh", "-c", "exit 3"], "FAILED", 3),
        (["sh", "-c", "kill -9 $$; echo alive"], "COMPLETED", 0),
    ],
)
def test_a_job_ends_with_its_commands_code(
    frozen: FakeJoblet, words: list[str], status: str, code: int
) -> None:
    """JOB-SM-12."""
    answer = frozen.rpc("GetJobStatus", uuid=run(frozen, *words))

    assert (answer.status, answer.exit_code) == (status, code)
    assert answer.end_time == "2026-01-01T00:00:00Z"


def test_uploads_lie_in_the_work_folder(frozen: FakeJoblet) -> None:
    """JOB-RUN-70, JOB-RUN-72: cleaned paths, later ones overwrite."""
    job_id = run(
        frozen,
        "cat",
        "b",
        "c/d",
        uploads=[
            {"path": "b", "content": b"first"},
            {"path": "/b", "content": b"second\n"},
            {"path": "x/../c/d", "content": b"third\n"},
        ],
    )

    assert frozen.jobs[job_id].stdout == "second\nthird\n"


def test_environment_and_secrets_reach_the_process_secrets_last(frozen: FakeJoblet) -> None:
    """JOB-RUN-21."""
    job_id = run(
        frozen,
        "sh",
        "-c",
        "echo $A $B",
        environment={"A": "plain", "B": "plain"},
        secret_environment={"B": "secret"},
    )

    assert frozen.jobs[job_id].stdout == "plain secret\n"


# Schedules


def test_a_scheduled_job_waits_for_its_time_and_keeps_its_submission_time(
    frozen: FakeJoblet,
) -> None:
    """JOB-RUN-43, JOB-STA-05, JOB-STA-06, JOB-SM-08."""
    answer = frozen.rpc(
        "RunJob", command="echo", args=["hi"], schedule="2026-01-01T03:00:00.75+02:00"
    )
    waiting = frozen.rpc("GetJobStatus", uuid=answer.job_uuid)
    assert (answer.status, waiting.status) == ("SCHEDULED", "SCHEDULED")
    assert waiting.scheduled_time == "2026-01-01T03:00:00+02:00"
    assert waiting.start_time == "2026-01-01T00:00:00Z"

    frozen.clock.advance(hours=2)

    done = frozen.rpc("GetJobStatus", uuid=answer.job_uuid)
    assert (done.status, done.start_time) == ("COMPLETED", "2026-01-01T00:00:00Z")
    assert (done.scheduled_time, done.end_time) == (
        "2026-01-01T03:00:00+02:00",
        "2026-01-01T01:00:00Z",
    )


def test_a_schedule_in_the_past_is_answered_scheduled_and_runs_at_once(
    frozen: FakeJoblet,
) -> None:
    """JOB-RUN-43."""
    answer = frozen.rpc("RunJob", command="true", schedule="2020-01-01T00:00:00Z")

    assert answer.status == "SCHEDULED"
    assert frozen.jobs[answer.job_uuid].status == "COMPLETED"


def test_stopping_a_scheduled_job_cancels_it(frozen: FakeJoblet) -> None:
    """JOB-STP-04, JOB-STA-09."""
    job_id = run(frozen, "true", schedule="2026-01-02T00:00:00Z")

    frozen.rpc("StopJob", uuid=job_id)
    frozen.clock.advance(days=2)

    status = frozen.rpc("GetJobStatus", uuid=job_id)
    assert (status.status, status.end_time, status.exit_code) == ("CANCELED", "", 0)


# GetJobStatus and ListJobs


def test_a_prefix_that_fits_one_job_finds_it(frozen: FakeJoblet) -> None:
    """JOB-UID-01, JOB-UID-05."""
    job_id = run(frozen, "true")
    for prefix in ("", job_id[:1], job_id[:8], job_id):
        assert frozen.rpc("GetJobStatus", uuid=prefix).uuid == job_id
    assert refused(lambda: frozen.rpc("GetJobStatus", uuid=job_id.upper()))[0] == "NOT_FOUND"

    run(frozen, "true")

    assert refused(lambda: frozen.rpc("GetJobStatus", uuid="")) == ("NOT_FOUND", "job  not found")


def test_a_status_shows_each_change(frozen: FakeJoblet) -> None:
    """Its bytes are kept between changes, and never longer."""
    job_id = run(frozen, "sleep", "60")
    first = frozen.rpc("GetJobStatus", uuid=job_id)
    assert frozen.rpc("GetJobStatus", uuid=job_id) == first

    frozen.clock.advance(60)

    last = frozen.rpc("GetJobStatus", uuid=job_id)
    assert (first.status, last.status) == ("RUNNING", "COMPLETED")


def test_the_list_holds_every_job_and_shows_secrets(frozen: FakeJoblet) -> None:
    """JOB-LST-01, JOB-LST-03, JOB-LST-04."""
    assert list(frozen.rpc("ListJobs").jobs) == []
    running = run(frozen, "sleep", "9", secret_environment={"S": "open"}, volumes=["v"])
    done = run(frozen, "true")
    planned = run(frozen, "true", schedule="2027-01-01T00:00:00Z")
    with pytest.raises(grpc.RpcError):
        run(frozen, "true", network="host")

    jobs = {job.uuid: job for job in frozen.rpc("ListJobs").jobs}

    assert {job.status for job in jobs.values()} == {
        "RUNNING",
        "COMPLETED",
        "SCHEDULED",
        "FAILED",
    }
    assert {running, done, planned} < jobs.keys()
    assert dict(jobs[running].secret_environment) == {"S": "open"}
    assert {job.node_id for job in jobs.values()} == {jobs[done].node_id}
    assert "network" not in set_fields(jobs[running])


def test_the_list_is_not_in_the_order_of_submission(frozen: FakeJoblet) -> None:
    """JOB-LST-02: a client that relies on an order fails here too, each time alike."""
    submitted = [run(frozen, "true") for _ in range(12)]

    listed = [[job.uuid for job in frozen.rpc("ListJobs").jobs] for _ in range(3)]

    assert listed[0] != submitted
    assert sorted(listed[0]) == sorted(submitted)
    assert listed[0] == listed[1] == listed[2]


# StopJob


def test_a_stopped_job_is_stopped_and_then_failed(frozen: FakeJoblet) -> None:
    """JOB-STP-01, JOB-STP-07: the answer says nothing, and the late result overwrites STOPPED."""
    job_id = run(frozen, "sleep", "60")

    answer = frozen.rpc("StopJob", uuid=job_id)

    assert set_fields(answer) == {"uuid"}
    assert [status for _, status in frozen.jobs[job_id].statuses] == [
        "INITIALIZING",
        "RUNNING",
        "STOPPED",
        "FAILED",
    ]
    status = frozen.rpc("GetJobStatus", uuid=job_id)
    assert (status.exit_code, status.end_time) == (-1, "2026-01-01T00:00:00Z")


def test_at_real_pace_a_stop_takes_its_time_off_the_clock() -> None:
    """JOB-STP-05 in the time that timing.md gives, on a clock that only this call could move."""
    with FakeJoblet(clock="frozen", pace="real", tls=False) as joblet:
        job_id = run(joblet, "sleep", "60")
        joblet.clock.advance(1)
        before = joblet.clock.now()

        joblet.rpc("StopJob", uuid=job_id, timeout=10)

        assert joblet.jobs[job_id].status == "STOPPED"
        assert timedelta(seconds=0.1) < joblet.clock.now() - before < timedelta(seconds=0.2)
        joblet.clock.advance(1)
        assert joblet.jobs[job_id].status == "FAILED"


def test_stop_is_refused_for_what_does_not_run_and_for_a_prefix(frozen: FakeJoblet) -> None:
    """JOB-STP-02, JOB-STP-03, JOB-UID-04."""
    job_id = run(frozen, "true")

    assert refused(lambda: frozen.rpc("StopJob", uuid=job_id)) == (
        "INTERNAL",
        f"job stop failed: job is not running: {job_id} (status: COMPLETED)",
    )
    assert refused(lambda: frozen.rpc("StopJob", uuid=job_id[:8])) == (
        "INTERNAL",
        f"job stop failed: job not found: {job_id[:8]}",
    )


# DeleteJob and DeleteAllJobs


def test_a_deleted_job_is_gone_and_its_buffer_still_readable(frozen: FakeJoblet) -> None:
    """JOB-DEL-01, JOB-DEL-02, JOB-DEL-06, JOB-UID-03."""
    job_id = run(frozen, "echo", "kept")

    answer = frozen.rpc("JobService.DeleteJob", uuid=job_id)

    assert (answer.uuid, answer.success, answer.message) == (
        job_id,
        True,
        "Job deleted successfully",
    )
    assert list(frozen.rpc("ListJobs").jobs) == []
    assert refused(lambda: frozen.rpc("JobService.DeleteJob", uuid=job_id))[0] == "INTERNAL"
    for text in (job_id, job_id[:8], ""):
        chunks = [chunk.payload for chunk in frozen.rpc("GetJobLogs", uuid=text)]
        assert chunks == [b"kept\n"]


def test_running_and_scheduled_jobs_are_not_deleted(frozen: FakeJoblet) -> None:
    """JOB-DEL-03."""
    running = run(frozen, "sleep", "60")
    planned = run(frozen, "true", schedule="2027-01-01T00:00:00Z")
    for job_id, status in ((running, "RUNNING"), (planned, "SCHEDULED")):
        assert refused(lambda job_id=job_id: frozen.rpc("JobService.DeleteJob", uuid=job_id)) == (
            "INTERNAL",
            (
                f"job deletion failed: cannot delete job {job_id} (status: {status}) "
                "- stop the job first"
            ),
        )


def test_a_job_deleted_right_after_its_stop_comes_back() -> None:
    """JOB-DEL-05: the late result is written into the list again."""
    with FakeJoblet(clock="frozen", pace="real", tls=False) as joblet:
        job_id = run(joblet, "sleep", "60")
        joblet.clock.advance(1)
        joblet.rpc("StopJob", uuid=job_id)
        joblet.rpc("JobService.DeleteJob", uuid=job_id)
        assert refused(lambda: joblet.rpc("GetJobStatus", uuid=job_id))[0] == "NOT_FOUND"

        joblet.clock.advance(1)

        assert joblet.rpc("GetJobStatus", uuid=job_id).status == "FAILED"


def test_delete_all_jobs_counts_what_it_did_and_takes_the_buffers_too(
    frozen: FakeJoblet,
) -> None:
    """JOB-DEL-07, JOB-DEL-09."""
    assert frozen.rpc("DeleteAllJobs").message == (
        "Successfully deleted 0 jobs, skipped 0 running/scheduled jobs"
    )
    gone = run(frozen, "echo", "x")
    canceled = run(frozen, "true", schedule="2027-01-01T00:00:00Z")
    frozen.rpc("StopJob", uuid=canceled)
    kept = run(frozen, "sleep", "9")

    answer = frozen.rpc("DeleteAllJobs")

    assert (answer.success, answer.deleted_count, answer.skipped_count) == (True, 2, 1)
    assert answer.message == "Successfully deleted 2 jobs, skipped 1 running/scheduled jobs"
    assert [job.uuid for job in frozen.rpc("ListJobs").jobs] == [kept]
    assert refused(lambda: list(frozen.rpc("GetJobLogs", uuid=gone))) == (
        "NOT_FOUND",
        f"job not found: {gone}",
    )


# CancelJob


@pytest.mark.parametrize("role", ["admin", "viewer", "nobody"])
def test_cancel_job_is_declared_and_has_no_handler(joblet: FakeJoblet, role: str) -> None:
    """JOB-CAN-01: whatever the job and the role."""
    assert refused(lambda: joblet.rpc("CancelJob", role=role, uuid="x")) == (
        "UNIMPLEMENTED",
        "method CancelJob not implemented",
    )


# The clock's zone


def test_a_schedule_in_utc_keeps_its_z_and_plus_zero_becomes_z() -> None:
    """JOB-STA-05."""
    start = datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    with FakeJoblet(clock="frozen", start=start, tls=False) as joblet:
        assert joblet.clock.now() == datetime(2026, 1, 1, tzinfo=UTC)
        for sent in ("2027-01-01T00:00:00Z", "2027-01-01T00:00:00+00:00"):
            status = joblet.rpc("GetJobStatus", uuid=run(joblet, "true", schedule=sent))
            assert status.scheduled_time == "2027-01-01T00:00:00Z"
