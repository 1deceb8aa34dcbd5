"""`joblet.jobs`: jobs that a test puts there, in any state, seen by clients as real ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from joblet_fake import FakeJoblet

if TYPE_CHECKING:
    from collections.abc import Iterator

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def joblet() -> Iterator[FakeJoblet]:
    with FakeJoblet(clock="frozen") as fake:
        yield fake


@pytest.mark.parametrize(
    ("status", "more", "exit_code", "has_end"),
    [
        ("COMPLETED", {}, 0, True),
        ("FAILED", {}, 1, True),
        ("FAILED", {"exit_code": -1}, -1, True),
        ("STOPPED", {}, 0, False),
        ("CANCELED", {}, 0, False),
        ("INITIALIZING", {}, 0, False),
        ("RUNNING", {}, 0, False),
        ("SCHEDULED", {"due": NOON}, 0, False),
    ],
)
def test_a_client_sees_a_job_in_any_state(
    joblet: FakeJoblet, status: str, more: dict[str, Any], exit_code: int, has_end: object
) -> None:
    joblet.programs.on("train").sleeps(60)
    job = joblet.jobs.add("train", ["--fast"], status=status, environment={"A": "1"}, **more)

    seen = joblet.rpc("GetJobStatus", uuid=job.uuid)

    assert (seen.status, seen.exit_code, bool(seen.end_time)) == (status, exit_code, has_end)
    assert (seen.command, list(seen.args), dict(seen.environment)) == (
        "train", ["--fast"], {"A": "1"},
    )  # fmt: skip
    assert seen.network == "bridge"
    assert [each.uuid for each in joblet.rpc("ListJobs").jobs] == [job.uuid]


def test_its_output_is_in_the_log_and_in_the_history(joblet: FakeJoblet) -> None:
    job = joblet.jobs.add("train", stdout="epoch 1\n", stderr=b"\xff", started=NOON)

    assert [chunk.payload for chunk in joblet.rpc("GetJobLogs", uuid=job.uuid)] == [
        b"epoch 1\n",
        b"\xff",
    ]
    lines = list(joblet.rpc("QueryLogs", job_uuid=job.uuid))
    assert [line.content for line in lines] == [b"epoch 1\n", b"\xff"]
    assert lines[0].timestamp == NOON.timestamp() * 1e9


def test_times_are_those_that_were_said(joblet: FakeJoblet) -> None:
    job = joblet.jobs.add("train", started=NOON, ended=NOON + timedelta(hours=2))
    seen = joblet.rpc("GetJobStatus", uuid=job.uuid)

    assert (seen.start_time, seen.end_time) == ("2026-01-01T12:00:00Z", "2026-01-01T14:00:00Z")


def test_a_running_job_runs_its_program_from_now_on(joblet: FakeJoblet) -> None:
    joblet.programs.on("train").sleeps(60).prints("done\n").exits(3)
    job = joblet.jobs.add("train", status="RUNNING", stdout="before\n", started=NOON)

    joblet.clock.advance(seconds=60)

    assert (job.status, job.exit_code, job.stdout) == ("FAILED", 3, "before\ndone\n")


def test_a_running_job_can_be_stopped(joblet: FakeJoblet) -> None:
    job = joblet.jobs.add("sleep", ["100"], status="RUNNING")
    joblet.rpc("StopJob", uuid=job.uuid)

    assert [status for _, status in job.statuses][-2:] == ["STOPPED", "FAILED"]


def test_a_scheduled_job_runs_when_it_is_due_or_is_cancelled(joblet: FakeJoblet) -> None:
    job = joblet.jobs.add("echo", ["late"], status="SCHEDULED", due=NOON)
    other = joblet.jobs.add("echo", status="SCHEDULED", due=NOON)
    joblet.rpc("StopJob", uuid=other.uuid)
    joblet.clock.advance(hours=12)

    assert (job.status, job.stdout) == ("COMPLETED", "late\n")
    assert other.status == "CANCELED"
    assert joblet.rpc("GetJobStatus", uuid=job.uuid).scheduled_time == "2026-01-01T12:00:00Z"


def test_a_job_that_never_left_initializing_can_not_be_deleted(joblet: FakeJoblet) -> None:
    """JOB-DEL-04, JOB-SM-13: the state that only a restart ends."""
    job = joblet.jobs.add("train", status="INITIALIZING")
    with pytest.raises(grpc.RpcError) as caught:
        joblet.rpc("JobService.DeleteJob", uuid=job.uuid)
    assert "(status: INITIALIZING) - stop the job first" in (caught.value.details() or "")  # type: ignore[attr-defined]


def test_a_job_that_could_not_be_running_is_refused(joblet: FakeJoblet) -> None:
    with pytest.raises(
        ValueError, match=r"can't be running: .* no IP pool found for network: moon"
    ):
        joblet.jobs.add("train", status="RUNNING", network="moon")
    assert list(joblet.jobs) == []


def test_predicates_choose_the_program_of_a_running_job_too(joblet: FakeJoblet) -> None:
    joblet.programs.on("train", when=lambda _job: not joblet.jobs).exits(4)
    assert joblet.jobs.add("train", status="RUNNING").exit_code == 4


def test_an_id_can_be_chosen_once(joblet: FakeJoblet) -> None:
    uuid = "00000000-0000-4000-8000-000000000001"
    assert joblet.jobs.add("a", uuid=uuid).uuid == uuid
    with pytest.raises(ValueError, match=f"id {uuid} is there already"):
        joblet.jobs.add("a", uuid=uuid)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"status": "DONE"}, "it is one of INITIALIZING, RUNNING, COMPLETED"),
        ({"exit_code": 1}, "COMPLETED goes with 0"),
        ({"status": "FAILED", "exit_code": 0}, "FAILED with any other"),
        ({"status": "STOPPED", "exit_code": -1}, "neither an end time nor an exit code"),
        ({"status": "RUNNING", "ended": NOON}, "neither an end time nor an exit code"),
        ({"started": NOON, "ended": NOON - timedelta(1)}, "end before it was submitted"),
        ({"status": "SCHEDULED"}, "needs the time at which it is due"),
        ({"status": "CANCELED", "stdout": "x"}, "has never written anything"),
        ({"started": datetime(2026, 1, 1)}, "has no time zone"),  # noqa: DTZ001 - on purpose
        ({"uuid": "ABC"}, "ids are lower-case UUIDs"),
    ],
)
def test_what_no_real_job_ever_was_is_refused(
    joblet: FakeJoblet, more: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        joblet.jobs.add("train", **more)
    assert list(joblet.jobs) == []


@pytest.mark.parametrize(
    ("asked", "between"),
    [
        ({"status": "COMPLETED"}, ["RUNNING"]),
        ({"status": "FAILED"}, ["RUNNING"]),
        ({"status": "STOPPED"}, ["RUNNING"]),
        ({"status": "FAILED", "exit_code": -1}, []),
    ],
)
def test_a_job_of_the_past_has_been_running_unless_its_launch_failed(
    joblet: FakeJoblet, asked: dict[str, Any], between: list[str]
) -> None:
    """JOB-RUN-81."""
    job = joblet.jobs.add("train", **asked)

    assert [status for _, status in job.statuses] == ["INITIALIZING", *between, asked["status"]]


def test_a_field_that_run_job_does_not_have_is_refused(joblet: FakeJoblet) -> None:
    with pytest.raises(TypeError, match=r"no argument volume; near: 'volumes'"):
        joblet.jobs.add("train", volume="data")


# A running job whose command nobody knows


def test_a_running_job_that_no_program_knows_hangs_until_it_is_stopped(joblet: FakeJoblet) -> None:
    job = joblet.jobs.add("train", ["--fast"], status="RUNNING")
    joblet.clock.advance(days=30)

    assert joblet.rpc("GetJobStatus", uuid=job.uuid).status == "RUNNING"
    assert job.explanation == (
        "nothing was run: no program knows 'train'; the test put the job there as RUNNING, so that "
        "it hangs until it is stopped"
    )
    joblet.rpc("StopJob", uuid=job.uuid)
    assert [status for _, status in job.statuses][-2:] == ["STOPPED", "FAILED"]


def test_it_hangs_on_after_a_restore(joblet: FakeJoblet) -> None:
    job_id = joblet.jobs.add("train", status="RUNNING").uuid
    snapshot = joblet.snapshot()
    joblet.rpc("StopJob", uuid=job_id)
    joblet.restore(snapshot)
    joblet.clock.advance(60)
    assert joblet.jobs[job_id].status == "RUNNING"
    joblet.rpc("StopJob", uuid=job_id)
    assert joblet.jobs[job_id].status == "FAILED"


def test_it_hangs_where_unknown_commands_are_not_found(joblet: FakeJoblet) -> None:
    """A job that is running was found."""
    joblet.programs.default(unknown="not found")
    joblet.clock.advance(1)
    assert joblet.jobs.add("train", status="RUNNING").status == "RUNNING"
    assert joblet.jobs.add("true", status="RUNNING").status == "COMPLETED"


def test_what_the_test_says_of_unknown_commands_counts(joblet: FakeJoblet) -> None:
    joblet.programs.default().sleeps(5).exits(7)
    job = joblet.jobs.add("train", status="RUNNING")
    joblet.clock.advance(5)
    assert (job.status, job.exit_code) == ("FAILED", 7)


def test_only_what_was_put_there_hangs(joblet: FakeJoblet) -> None:
    joblet.jobs.add("train", status="RUNNING")
    job_id = joblet.rpc("RunJob", command="train").job_uuid
    assert joblet.jobs[job_id].status == "COMPLETED"


# Removing


def test_a_removed_job_is_gone_for_clients_too(joblet: FakeJoblet) -> None:
    """JOB-DEL-06: with its history, and not with its output in memory."""
    job = joblet.jobs.add("train", stdout="x")
    other = joblet.jobs.add("train", status="CANCELED")
    joblet.jobs.remove(job.uuid)
    del joblet.jobs[other.uuid]

    assert list(joblet.jobs) == []
    assert len(joblet.rpc("ListJobs").jobs) == 0
    assert job.uuid not in joblet.history
    assert [chunk.payload for chunk in joblet.rpc("GetJobLogs", uuid=job.uuid)] == [b"x"]


@pytest.mark.parametrize(
    ("status", "more"),
    [("RUNNING", {}), ("SCHEDULED", {"due": NOON}), ("INITIALIZING", {})],
)
def test_a_job_that_is_not_over_is_not_removed(
    joblet: FakeJoblet, status: str, more: dict[str, Any]
) -> None:
    """JOB-DEL-03, JOB-DEL-04."""
    job = joblet.jobs.add("train", status=status, **more)
    with pytest.raises(
        ValueError, match=rf"would refuse it: .*\(status: {status}\) - stop the job"
    ):
        joblet.jobs.remove(job.uuid)
    assert job.uuid in joblet.jobs


def test_a_job_that_is_not_there_can_not_be_removed(joblet: FakeJoblet) -> None:
    job = joblet.jobs.add("train")
    with pytest.raises(KeyError, match=f"no job 'x' on this server; its jobs: {job.uuid}"):
        joblet.jobs.remove("x")


def test_a_job_that_is_removed_while_persist_hangs_keeps_its_history(joblet: FakeJoblet) -> None:
    """PER-74: for ten seconds core waits, and gives up."""
    job = joblet.jobs.add("train", stdout="x")
    joblet.faults.server.hang("persist")
    joblet.jobs.remove(job.uuid)
    assert job.uuid not in joblet.jobs
    joblet.clock.advance(11)
    joblet.faults.server.resume("persist")
    assert joblet.history[job.uuid].stdout == "x"
