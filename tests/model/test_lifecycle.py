from __future__ import annotations

import contextlib
import itertools
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from puppets import Reader, Stage

from joblet_fake.model import Job, Kind, Refusal, Upload

if TYPE_CHECKING:
    from collections.abc import Iterator

PACES = ("immediate", "real")
DUE = "2026-01-01T00:01:00Z"
"""A minute after the frozen clock's first moment."""


@pytest.fixture(params=PACES)
def stage(request: pytest.FixtureRequest) -> Stage:
    return Stage(request.param)


@contextlib.contextmanager
def refused(kind: Kind, text: str) -> Iterator[None]:
    with pytest.raises(Refusal) as caught:
        yield
    assert (caught.value.kind, caught.value.text) == (kind, text)


# Running


@pytest.mark.parametrize(("code", "status"), [(0, "COMPLETED"), (3, "FAILED"), (255, "FAILED")])
def test_a_job_runs_to_its_own_exit_code(stage: Stage, code: int, status: str) -> None:
    """Exit codes pass through (JOB-SM-12), the rows of the state table (JOB-SM-13)."""
    job = stage.run()
    assert (job.status, job.exit_code, job.end_ns) == ("RUNNING", 0, None)
    stage.puppet(job).exit(code)
    stage.clock.advance(1)
    assert (job.status, job.exit_code) == (status, code)
    assert job.end_ns is not None
    assert stage.words(job) == ["INITIALIZING", "RUNNING", status]


def test_a_death_by_signal_is_failed_with_minus_one(stage: Stage) -> None:
    """JOB-SM-02."""
    job = stage.run()
    stage.puppet(job).exit(-1)
    stage.clock.advance(1)
    assert (job.status, job.exit_code) == ("FAILED", -1)


def test_the_real_pace_takes_the_measured_times() -> None:
    """RunJob 0.14-0.18 s on bridge, INITIALIZING about 0.05 s of it (JOB-RUN-61, JOB-SM-13)."""
    stage = Stage("real")
    job = stage.run()
    assert stage.seconds(job) == [(0.10, "INITIALIZING"), (0.15, "RUNNING")]
    stage.clock.advance(2)
    stage.puppet(job).exit()
    # The flush pause (JOB-SM-01): still RUNNING until 0.3 s after the end of the process.
    stage.clock.advance(0.299)
    assert job.status == "RUNNING"
    stage.clock.advance(0.001)
    assert job.status == "COMPLETED"


@pytest.mark.parametrize("network", ["none", "isolated"])
def test_a_job_without_an_address_starts_sooner(network: str) -> None:
    """0.11 s on none and isolated (JOB-RUN-61)."""
    stage = Stage("real")
    job = stage.run(network=network)
    assert stage.seconds(job)[-1] == (0.11, "RUNNING")
    assert job.address is None


def test_the_immediate_pace_takes_no_time() -> None:
    stage = Stage()
    job = stage.run()
    stage.puppet(job).exit(1)
    assert {at for at, _ in stage.seconds(job)} == {0.0}
    assert job.status == "FAILED"


def test_what_is_kept_of_a_request() -> None:
    """Limits and cores are replaced, the network named (JOB-RUN-31, -32, -50, -53)."""
    stage = Stage()
    job = stage.run(max_cpu=10_001, cpu_cores="3-1", max_memory=64, args=("a", ""))
    spec = job.spec
    assert (spec.max_cpu, spec.cpu_cores, spec.max_memory) == (0, "", 64)
    assert (spec.network, spec.args) == ("bridge", ("a", ""))
    assert uuid.UUID(job.uuid).version == 4
    assert job.uuid == str(uuid.UUID(job.uuid))


def test_negative_limits_that_a_workflow_lets_through_mean_unset() -> None:
    """JOB-WF-30."""
    stage = Stage()
    spec = stage.run(max_cpu=-1, max_memory=-2, max_io_bps=-3, workflow_uuid="w").spec
    assert (spec.max_cpu, spec.max_memory, spec.max_io_bps) == (0, 0, 0)


@pytest.mark.parametrize("cpu", [101, 200, 10_000])
def test_a_cpu_limit_above_100_is_refused_and_nothing_recorded(cpu: int) -> None:
    """JOB-RUN-30."""
    stage = Stage()
    with refused(Kind.INVALID, "job creation failed: invalid CPU limit: must be between 0-100"):
        stage.submit(max_cpu=cpu)
    assert len(stage.model.jobs.stored) == 0


def test_the_cpu_limit_is_looked_at_before_the_schedule() -> None:
    """JOB-RUN-42."""
    stage = Stage()
    with pytest.raises(Refusal, match="CPU limit"):
        stage.submit(max_cpu=101, schedule="nonsense")


def test_the_same_seed_gives_the_same_ids() -> None:
    """A repeated RunJob makes a second job (JOB-RST-06), with an id of its own."""
    first, second = Stage(), Stage()
    ids = [[stage.run().uuid for _ in range(3)] for stage in (first, second)]
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 3


# Launch failures


def test_a_launch_that_fails_leaves_a_failed_job(stage: Stage) -> None:
    """JOB-RUN-81: INTERNAL, and the job is recorded FAILED with -1."""
    stage.refuse("no space left on device")
    outcome = stage.submit()
    with refused(Kind.INTERNAL, "execution failed: no space left on device"):
        stage.finish(outcome)
    (job,) = stage.model.jobs.stored
    assert (job.status, job.exit_code) == ("FAILED", -1)
    assert job.end_ns is not None
    assert stage.words(job) == ["INITIALIZING", "FAILED"]


@pytest.mark.parametrize("network", ["host", "Bridge", "nowhere", "x" * 300, "a b"])
def test_an_unknown_network_fails_the_launch(stage: Stage, network: str) -> None:
    """JOB-RUN-62, NET-27: names are case-sensitive, and `host` is none."""
    with refused(
        Kind.INTERNAL,
        "execution failed: failed to setup networking: failed to allocate IP: "
        f"no IP pool found for network: {network}",
    ):
        stage.finish(stage.submit(network=network))
    (job,) = stage.model.jobs.stored
    assert (job.status, job.exit_code, job.spec.network) == ("FAILED", -1, network)


def test_a_failed_launch_gives_its_address_back(stage: Stage) -> None:
    """NET-28: a /30 has two addresses."""
    stage.model.networks.create("tiny", "10.9.0.0/30")
    stage.refuse("not today")
    for _ in range(5):
        with pytest.raises(Refusal, match="not today"):
            stage.finish(stage.submit(network="tiny"))


def test_a_launch_failure_takes_a_tenth_of_a_second() -> None:
    """JOB-RUN-61: 0.10 s."""
    stage = Stage("real")
    with pytest.raises(Refusal):
        stage.finish(stage.submit(network="host"))
    (job,) = stage.model.jobs.stored
    assert stage.seconds(job) == [(0.10, "INITIALIZING"), (0.10, "FAILED")]


def test_a_bug_in_a_launch_leaves_nobody_waiting(stage: Stage) -> None:
    """An error that is no refusal reaches the test, and the job does not stay INITIALIZING."""
    stage.refusal = KeyError("a bug")
    with pytest.raises(KeyError, match="a bug"):
        stage.finish(stage.submit())
    (job,) = stage.model.jobs.stored
    assert job.status == "FAILED"


def test_uploads_that_cannot_be_laid_out_fail_the_launch(stage: Stage) -> None:
    """JOB-RUN-70."""
    outcome = stage.submit(uploads=(Upload("d", is_directory=True), Upload("d/x", b"1")))
    with pytest.raises(Refusal, match="failed to create parent directory for d/x: mkdir"):
        stage.finish(outcome)


def test_a_job_finds_its_uploads(stage: Stage) -> None:
    """JOB-RUN-72: duplicates overwrite in order."""
    job = stage.run(uploads=(Upload("a/b", b"1"), Upload("/a/b", b"2"), Upload("../z", b"3")))
    assert job.files == {"a/b": b"2"}


# What the server itself writes


def test_a_missing_volume_warns_and_the_job_runs_on() -> None:
    """JOB-RUN-64, VOL-27; names that could never be volumes are accepted alike (VOL-24)."""
    stage = Stage()
    job = stage.run(volumes=("a b",))
    first, second = job.log.content().decode().splitlines()
    assert first.startswith("[2026-01-01T00:00:00.000Z] [WARN] volume does not exist | ")
    assert 'hostVolumePath="/opt/joblet/volumes/a b/data"' in first
    assert f"jobID={job.uuid}" in first
    assert second.startswith("[2026-01-01T00:00:00.000Z] [WARN] failed to mount volume | ")
    assert 'error="volume a b does not exist at /opt/joblet/volumes/a b/data"' in second
    assert job.status == "RUNNING"


def test_a_volume_that_is_there_says_nothing() -> None:
    """JOB-LOG-30: a healthy job's output has no system lines."""
    stage = Stage()
    stage.model.volumes.create("data", "1MB", "memory", 0)
    assert stage.run(volumes=("data",)).log.content() == b""


def test_a_missing_runtime_fails_the_job_after_the_answer() -> None:
    """JOB-RUN-63: RunJob OK, then FAILED 1 with two lines (JOB-LOG-31)."""
    stage = Stage("real")
    job = stage.run(runtime="python:9.99")
    assert job.status == "RUNNING"
    lines = job.log.content().decode().splitlines()
    assert [line.split(" | ")[0][len("[2026-01-01T00:00:00.000Z] ") :] for line in lines] == [
        "[ERROR] [init] filesystem isolation setup failed",
        "[ERROR] [init] joblet failed",
    ]
    tail = 'failed to resolve runtime path for python:9.99: runtime not found for spec python:9.99"'
    assert all(line.endswith(tail) for line in lines)
    stage.clock.advance(1)
    assert (job.status, job.exit_code) == ("FAILED", 1)
    assert "not installed" in job.explanation


# A full disk


@pytest.mark.parametrize(
    "fields",
    [{}, {"network": "nowhere"}, {"runtime": "python:9.99"}, {"environment": {"A": "\0"}}],
)
def test_a_full_disk_refuses_a_job_at_once_and_before_anything_of_it_is_looked_at(
    stage: Stage, fields: dict[str, Any]
) -> None:
    """FAULT-01."""
    stage.model.disk_full = True
    with pytest.raises(Refusal, match=r"^resource setup failed: failed to create workspace: "):
        stage.submit(**fields)
    with refused(Kind.INVALID, "job creation failed: invalid CPU limit: must be between 0-100"):
        stage.submit(max_cpu=101)
    assert len(stage.model.jobs.stored) == 0
    assert stage.clock.next_due() is None


def test_a_job_that_is_due_on_a_full_disk_initializes_for_ever(stage: Stage) -> None:
    """FAULT-03; the next one is not held up."""
    stage.model.disk_full = True
    job = stage.run(schedule=DUE)
    later = stage.run(schedule="2026-01-01T00:03:00Z")
    stage.clock.advance(100)
    stage.model.disk_full = False
    stage.clock.advance(100)
    assert stage.words(job) == ["SCHEDULED", "INITIALIZING"]
    assert (job.exit_code, job.end_ns, job.log.content()) == (0, None, b"")
    assert "disk was full" in job.explanation
    assert later.status == "RUNNING"
    with refused(Kind.CONFLICT, f"job is not running: {job.uuid} (status: INITIALIZING)"):
        stage.ask_stop(job)


def test_uploads_of_a_scheduled_job_have_no_room_before_their_paths_are_judged(
    stage: Stage,
) -> None:
    """FAULT-04; the schedule is judged before."""
    stage.model.disk_full = True
    uploads = (Upload("/etc/x", b"1"),)
    with pytest.raises(Refusal, match=r"^upload preparation failed: failed to create workspace: "):
        stage.submit(schedule=DUE, uploads=uploads)
    with pytest.raises(Refusal, match=r"^invalid schedule format"):
        stage.submit(schedule="soon", uploads=uploads)
    assert len(stage.model.jobs.stored) == 0


def test_a_job_whose_folder_was_there_fails_as_it_sets_its_root_up(stage: Stage) -> None:
    """FAULT-04."""
    job = stage.run(schedule=DUE, uploads=(Upload("f", b"1"),))
    stage.model.disk_full = True
    stage.clock.advance(62)
    assert stage.words(job) == ["SCHEDULED", "INITIALIZING", "RUNNING", "FAILED"]
    assert job.exit_code == 1
    first, second = job.log.content().decode().splitlines()
    reason = (
        f"filesystem {job.uuid}: operation setup: failed to create essential directories: failed "
        f"to create directory /opt/joblet/jobs/{job.uuid}/etc: "
        f'mkdir /opt/joblet/jobs/{job.uuid}/etc: no space left on device"'
    )
    assert first.endswith(f'error="{reason}')
    assert second.endswith(
        f'error="job isolation setup failed: filesystem : operation isolation: {reason}'
    )


# Scheduled jobs


def test_a_scheduled_job_waits_for_its_time(stage: Stage) -> None:
    """JOB-SM-08, JOB-STA-06: start_time is the submission and never changes."""
    job = stage.run(schedule="2026-01-01T02:01:00.9+02:00")
    assert (job.status, job.scheduled_time) == ("SCHEDULED", "2026-01-01T02:01:00+02:00")
    start = job.start_ns
    stage.clock.advance(60.5)
    assert job.status == "SCHEDULED"
    stage.clock.advance(1)
    assert job.status == "RUNNING"
    stage.puppet(job).exit()
    stage.clock.advance(1)
    assert stage.words(job) == ["SCHEDULED", "INITIALIZING", "RUNNING", "COMPLETED"]
    assert (job.start_ns, job.scheduled_time) == (start, "2026-01-01T02:01:00+02:00")


def test_a_scheduled_job_shows_initializing_for_about_a_seventh_of_a_second() -> None:
    """0.14 s (JOB-SM-13)."""
    stage = Stage("real")
    job = stage.run(schedule=DUE)
    stage.clock.advance(61)
    assert stage.seconds(job) == [(0.0, "SCHEDULED"), (60.0, "INITIALIZING"), (60.15, "RUNNING")]


@pytest.mark.parametrize(("uploads", "took"), [((), 0.003), ((Upload("f", b"1"),), 0.10)])
def test_the_answer_of_a_scheduled_job(uploads: tuple[Upload, ...], took: float) -> None:
    """A few milliseconds, and at least 0.1 s with uploads (JOB-RUN-61)."""
    stage = Stage("real")
    outcome = stage.submit(schedule=DUE, uploads=uploads)
    stage.clock.advance(took - 0.0001)
    assert not outcome.done
    stage.clock.advance(0.0002)
    assert outcome.done


@pytest.mark.parametrize("when", ["2020-01-01T00:00:00Z", "0001-01-01T00:00:00Z"])
@pytest.mark.parametrize("mode", ["frozen", "flowing"])
def test_a_time_in_the_past_is_due_now(when: str, mode: str) -> None:
    """JOB-RUN-43; what the job then does happens now, and not in the past."""
    stage = Stage(mode=mode)
    before = stage.clock.now_ns()
    job = stage.submit(schedule=when).result()
    assert job.status == "RUNNING"
    stage.puppet(job).write(b"hello\n")
    stage.puppet(job).exit()
    assert job.end_ns is not None
    assert job.end_ns >= before
    assert all(at >= before for at, _ in job.statuses)
    assert job.log.second(0) >= before // 10**9


def test_a_time_far_away_has_no_horizon() -> None:
    stage = Stage()
    assert stage.run(schedule="9999-12-31T23:59:59Z").status == "SCHEDULED"


def test_jobs_that_are_due_together_are_launched_one_after_another() -> None:
    """JOB-SM-07: one worker, at least 0.08 s apart."""
    stage = Stage("real")
    jobs = [stage.run(schedule=DUE) for _ in range(3)]
    stage.clock.advance(61)
    begun = sorted(stage.seconds(job)[1][0] for job in jobs)
    assert begun == [60.0, 60.08, 60.16]


def test_the_uploads_of_a_scheduled_job_are_lost() -> None:
    """JOB-RUN-46."""
    stage = Stage()
    job = stage.run(schedule=DUE, uploads=(Upload("f", b"1"),))
    stage.clock.advance(61)
    assert job.files == {}


def test_the_uploads_of_a_scheduled_job_are_judged_once_they_are_received() -> None:
    """JOB-RUN-45: a refusal takes as long as an answer, and records nothing."""
    stage = Stage("real")
    answer = stage.submit(schedule=DUE, uploads=(Upload("../x", b"1"),))
    stage.clock.advance(0.099)
    assert not answer.done
    stage.clock.advance(0.001)
    with refused(
        Kind.INTERNAL,
        "upload preparation failed: upload processing failed: failed to prepare upload session: "
        "upload validation failed: invalid file path ../x: path traversal not allowed",
    ):
        answer.result()
    stage.clock.advance(120)
    assert len(stage.model.jobs.stored) == 0


@pytest.mark.parametrize("schedule", ["10s", "2026-13-01T00:00:00Z"])
def test_a_schedule_that_is_no_time_records_nothing(schedule: str) -> None:
    """JOB-RUN-41."""
    stage = Stage()
    with pytest.raises(Refusal, match=r"^invalid schedule format: parsing time ") as caught:
        stage.submit(schedule=schedule)
    assert caught.value.kind is Kind.INTERNAL
    assert len(stage.model.jobs.stored) == 0


def test_a_launch_failure_of_a_scheduled_job_shows_when_it_is_due(stage: Stage) -> None:
    """JOB-RUN-44."""
    job = stage.run(schedule=DUE, network="host")
    stage.clock.advance(62)
    assert stage.words(job) == ["SCHEDULED", "INITIALIZING", "FAILED"]
    assert job.exit_code == -1
    assert job.end_ns is not None


# Stopping


def test_stop_then_the_monitor_writes_over_it(stage: Stage) -> None:
    """JOB-STP-07: STOPPED without an end and with code 0, then FAILED -1 with an end."""
    job = stage.run()
    before = len(job.statuses)
    stage.stop(job)
    stage.clock.advance(1)
    assert stage.words(job)[before:] == ["STOPPED", "FAILED"]
    assert (job.status, job.exit_code) == ("FAILED", -1)
    assert job.end_ns is not None
    assert stage.puppet(job).signals == ["SIGTERM", "SIGKILL"]


def test_a_process_that_obeys_sigterm_ends_with_its_own_code(stage: Stage) -> None:
    """COMPLETED if it exits with 0 (JOB-STP-07)."""
    job = stage.run()
    stage.puppet(job).obeys = 0
    stage.stop(job)
    stage.clock.advance(1)
    assert stage.words(job)[-2:] == ["STOPPED", "COMPLETED"]
    assert stage.puppet(job).signals == ["SIGTERM"]


@pytest.mark.parametrize(("obeys", "took"), [(None, 0.16), (0, 0.108)])
def test_how_long_stop_takes(obeys: int | None, took: float) -> None:
    """0.16 s with a kill, 0.108 s without (JOB-STP-05); the natural result 0.2-0.25 s later."""
    stage = Stage("real")
    job = stage.run()
    stage.puppet(job).obeys = obeys
    begun = stage.clock.now_ns()
    stage.stop(job)
    assert (stage.clock.now_ns() - begun) / 1e9 == pytest.approx(took)
    assert (job.status, job.exit_code, job.end_ns) == ("STOPPED", 0, None)
    stage.clock.advance(0.25)
    assert job.status in ("FAILED", "COMPLETED")


def test_stop_in_the_flush_pause_is_accepted_and_overwritten() -> None:
    """JOB-STP-07a: 5-10 ms, STOPPED, then the natural result."""
    stage = Stage("real")
    job = stage.run()
    stage.puppet(job).exit(0)
    stage.clock.advance(0.1)
    begun = stage.clock.now_ns()
    stage.stop(job)
    assert 0.005 <= (stage.clock.now_ns() - begun) / 1e9 <= 0.010
    assert job.status == "STOPPED"
    stage.clock.advance(1)
    assert (job.status, job.exit_code) == ("COMPLETED", 0)


def test_a_second_stop_meanwhile_waits_for_the_first() -> None:
    stage = Stage("real")
    job = stage.run()
    first, second = stage.ask_stop(job), stage.ask_stop(job)
    stage.finish(first)
    assert second.done
    assert stage.puppet(job).signals == ["SIGTERM", "SIGKILL"]


@pytest.mark.parametrize("uuid", ["", "nobody", "a" * 10_000, "\0"])
def test_stop_and_delete_of_an_unknown_job(uuid: str) -> None:
    """JOB-STP-02, JOB-DEL-02."""
    stage = Stage()
    with refused(Kind.NOT_FOUND, f"job not found: {uuid}"):
        stage.model.lifecycle.stop(uuid)
    with refused(Kind.NOT_FOUND, f"job not found: {uuid}"):
        stage.model.lifecycle.delete(uuid)


def test_stop_and_delete_want_the_whole_id(stage: Stage) -> None:
    """JOB-UID-04."""
    job = stage.run()
    with pytest.raises(Refusal, match=f"^job not found: {job.uuid[:8]}$"):
        stage.model.lifecycle.stop(job.uuid[:8])
    with pytest.raises(Refusal, match=f"^job not found: {job.uuid[:8]}$"):
        stage.model.lifecycle.delete(job.uuid[:8])


def job_in(stage: Stage, status: str) -> Job:
    """Bring a job into a status."""
    if status == "SCHEDULED":
        return stage.run(schedule=DUE)
    if status == "CANCELED":
        job = stage.run(schedule=DUE)
        stage.stop(job)
        return job
    if status == "INITIALIZING":
        stage.submit()
        stage.clock.advance(0.12)
        (job,) = stage.model.jobs.stored
        return job
    job = stage.run()
    if status == "STOPPED":
        stage.stop(job)
    elif status != "RUNNING":
        stage.puppet(job).exit(int(status == "FAILED"))
        stage.clock.advance(0.3)
    assert job.status == status
    return job


@pytest.mark.parametrize("status", ["COMPLETED", "FAILED", "STOPPED", "CANCELED", "INITIALIZING"])
def test_only_running_and_scheduled_jobs_can_be_stopped(status: str) -> None:
    """JOB-STP-03: not idempotent."""
    stage = Stage("real")
    job = job_in(stage, status)
    with refused(Kind.CONFLICT, f"job is not running: {job.uuid} (status: {status})"):
        stage.ask_stop(job)


def test_stopping_a_scheduled_job_cancels_it(stage: Stage) -> None:
    """JOB-STP-04: CANCELED, no end, code 0; it never runs."""
    job = stage.run(schedule=DUE)
    stage.stop(job)
    assert (job.status, job.exit_code, job.end_ns) == ("CANCELED", 0, None)
    stage.clock.run_until_idle()
    assert stage.words(job) == ["SCHEDULED", "CANCELED"]
    assert stage.puppets == {}


def test_a_job_that_waits_for_its_turn_can_still_be_cancelled() -> None:
    stage = Stage("real")
    stage.run(schedule=DUE)
    job = stage.run(schedule=DUE)
    stage.clock.advance(60 - 0.01 + 0.05)
    assert job.status == "SCHEDULED"
    stage.stop(job)
    stage.clock.advance(5)
    assert stage.words(job) == ["SCHEDULED", "CANCELED"]


# Deleting


@pytest.mark.parametrize("status", ["RUNNING", "SCHEDULED"])
def test_running_and_scheduled_jobs_cannot_be_deleted(status: str) -> None:
    """JOB-DEL-03."""
    stage = Stage("real")
    job = job_in(stage, status)
    with refused(
        Kind.CONFLICT, f"cannot delete job {job.uuid} (status: {status}) - stop the job first"
    ):
        stage.delete(job)


def test_an_initializing_job_cannot_be_deleted() -> None:
    """JOB-DEL-04."""
    stage = Stage("real")
    job = job_in(stage, "INITIALIZING")
    with refused(
        Kind.INTERNAL,
        f"job deletion failed: cannot perform operation on running job {job.uuid} "
        "(status: INITIALIZING) - stop the job first",
    ):
        stage.delete(job)


@pytest.mark.parametrize("status", ["COMPLETED", "FAILED", "STOPPED", "CANCELED"])
def test_jobs_that_are_over_can_be_deleted_once(status: str) -> None:
    """JOB-DEL-05, JOB-DEL-02: twice is not found."""
    stage = Stage("real")
    job = job_in(stage, status)
    stage.delete(job)
    assert stage.model.jobs.stored.exact(job.uuid) is None
    with refused(Kind.NOT_FOUND, f"job not found: {job.uuid}"):
        stage.delete(job)


def test_a_stopped_job_that_is_deleted_at_once_comes_back() -> None:
    """JOB-DEL-05: until it is deleted a second time."""
    stage = Stage("real")
    job = job_in(stage, "STOPPED")
    stage.delete(job)
    stage.clock.advance(0.5)
    assert stage.model.jobs.stored.exact(job.uuid) is job
    assert (job.status, job.exit_code) == ("FAILED", -1)
    stage.delete(job)
    stage.clock.run_until_idle()
    assert stage.model.jobs.stored.exact(job.uuid) is None


def test_after_delete_all_a_stopped_job_stays_away() -> None:
    """JOB-DEL-09."""
    stage = Stage("real")
    job = job_in(stage, "STOPPED")
    assert stage.delete_all() == (1, 0)
    stage.clock.run_until_idle()
    assert len(stage.model.jobs.stored) == 0
    assert stage.model.jobs.buffered.find(job.uuid) is None


def test_delete_all_skips_what_runs_or_waits() -> None:
    """JOB-DEL-07: CANCELED is deleted."""
    stage = Stage("real")
    kept = [job_in(stage, "RUNNING"), job_in(stage, "SCHEDULED")]
    for status in ("COMPLETED", "FAILED", "STOPPED", "CANCELED"):
        job_in(stage, status)
    assert stage.delete_all() == (4, 2)
    assert set(stage.model.jobs.stored) == set(kept)
    assert stage.delete_all() == (0, 2)


def test_delete_all_tells_of_an_initializing_job_and_deletes_the_others() -> None:
    """JOB-DEL-08."""
    stage = Stage("real")
    stage.submit()
    stage.clock.advance(0.12)
    (initializing,) = stage.model.jobs.stored
    done = stage.run(network="none")
    stage.puppet(done).exit()
    stage.clock.advance(0.3)
    stage.submit()
    stage.clock.advance(0.12)
    (starting,) = [job for job in stage.model.jobs.stored if job.status == "INITIALIZING"]
    with refused(
        Kind.INTERNAL,
        "failed to delete 1 jobs: "
        f"job {starting.uuid}: job deletion failed: cannot perform operation on running job "
        f"{starting.uuid} (status: INITIALIZING) - stop the job first",
    ):
        stage.delete_all()
    assert set(stage.model.jobs.stored) == {starting, initializing}


def test_delete_all_of_nothing_deletes_nothing() -> None:
    assert Stage().delete_all() == (0, 0)


# Addresses


def test_addresses_go_to_jobs_lowest_first_and_come_back_at_the_end() -> None:
    """NET-28: on a /30 jobs in turn get .1, .2, .1; a third at once is refused (NET-27)."""
    stage = Stage()
    stage.model.networks.create("tiny", "10.9.0.0/30")
    first, second = (stage.run(network="tiny") for _ in range(2))
    assert [first.address, second.address] == ["10.9.0.1", "10.9.0.2"]
    with refused(
        Kind.INTERNAL,
        "execution failed: failed to setup networking: failed to allocate IP: "
        "no available IP addresses in network: tiny",
    ):
        stage.submit(network="tiny").result()
    stage.puppet(second).exit()
    stage.puppet(first).exit()
    assert [stage.run(network="tiny").address for _ in range(2)] == ["10.9.0.2", "10.9.0.1"]


def test_a_stopped_job_gives_its_address_back_once() -> None:
    stage = Stage("real")
    stage.model.networks.create("tiny", "10.9.0.0/30")
    jobs = [stage.run(network="tiny") for _ in range(2)]
    for job in jobs:
        stage.stop(job)
    stage.clock.advance(1)
    assert {stage.run(network="tiny").address for _ in range(2)} == {"10.9.0.1", "10.9.0.2"}
    with pytest.raises(Refusal, match="no available IP addresses"):
        stage.finish(stage.submit(network="tiny"))


# Reset


def test_a_reset_leaves_nobody_waiting() -> None:
    """Calls that wait for an answer get one, open log streams end, nothing of before comes back."""
    stage = Stage("real")
    running = stage.run()
    follower = Reader(stage, running.uuid)
    submitted = stage.submit()
    stopping = stage.ask_stop(running)
    with stage.clock.lock:
        stage.model.clear()
    for outcome in (submitted, stopping):
        with refused(Kind.UNAVAILABLE, "joblet-fake was reset during this call"):
            outcome.result()
    assert follower.ended
    assert stage.clock.next_due() is None
    stage.clock.advance(10)
    assert len(stage.model.jobs.stored) == 0


def test_a_reset_draining_stream_ends() -> None:
    stage = Stage("real")
    job = stage.run()
    follower = Reader(stage, job.uuid)
    stage.puppet(job).exit()
    stage.clock.advance(0.31)
    assert not follower.ended
    with stage.clock.lock:
        stage.model.clear()
    assert follower.ended


# Any life at all

NEXT = {
    "SCHEDULED": {"INITIALIZING", "CANCELED"},
    "INITIALIZING": {"RUNNING", "FAILED"},
    "RUNNING": {"COMPLETED", "FAILED", "STOPPED"},
    "STOPPED": {"COMPLETED", "FAILED"},
}

actions = st.lists(
    st.one_of(
        st.sampled_from(["run", "schedule", "delete all", "run badly"]).map(lambda word: (word, 0)),
        st.tuples(
            st.sampled_from(["stop", "delete", "exit", "die", "write", "follow"]),
            st.integers(0, 5),
        ),
        st.tuples(st.just("advance"), st.sampled_from([1, 7, 50, 110, 160, 310, 1000])),
    ),
    max_size=25,
)


def act(stage: Stage, word: str, number: int, target: Job | None) -> None:
    """Do one thing; what needs a job that is not there, or a process that lives, does nothing."""
    puppet = stage.puppets.get(target.uuid) if target else None
    if word == "run":
        stage.submit()
    elif word == "run badly":
        stage.submit(network="host")
    elif word == "schedule":
        stage.submit(schedule="2026-01-01T00:00:01Z")
    elif word == "delete all":
        stage.delete_all()
    elif word == "advance":
        stage.clock.advance(number / 1000)
    elif word == "stop" and target:
        stage.ask_stop(target)
    elif word == "delete" and target:
        stage.delete(target)
    elif puppet is not None and not puppet.over:
        if word == "write":
            puppet.write(b"line %d\n" % number)
        else:
            puppet.exit(number if word == "exit" else -1)


def visible(job: Job) -> tuple[str, int, int | None]:
    return job.status, job.exit_code, job.end_ns


@settings(max_examples=120, deadline=None)
@given(pace=st.sampled_from(PACES), does=actions)
def test_whatever_is_done_to_jobs_their_rules_hold(pace: str, does: list[tuple[str, int]]) -> None:
    """Statuses go only where the table says, what is final stays, followers get all and end."""
    stage = Stage(pace)
    jobs: list[Job] = []
    readers: list[tuple[Job, Reader]] = []
    for word, number in does:
        jobs += [job for job in stage.model.jobs.stored if job not in jobs]
        target = jobs[number % len(jobs)] if jobs else None
        before = [(job, job.revision, visible(job)) for job in jobs]
        if word == "follow" and target:
            readers.append((target, Reader(stage, target.uuid, limit=3)))
        else:
            with contextlib.suppress(Refusal):
                act(stage, word, number, target)
        for job, revision, seen in before:
            assert job.revision >= revision
            # What a service has rendered of a revision stays true.
            assert visible(job) == seen or job.revision > revision
    stage.clock.run_until_idle()
    for job in jobs:
        check_life(stage, job)
    for job, reader in readers:
        check_reader(stage, job, reader)
    assert stage.clock.next_due() is None


def check_life(stage: Stage, job: Job) -> None:
    for before, after in itertools.pairwise(stage.words(job)):
        assert after in NEXT[before]
    moments = [at for at, _ in job.statuses]
    assert moments == sorted(moments)
    assert (job.end_ns is not None) == (job.status in ("COMPLETED", "FAILED"))
    assert job.status != "STOPPED" or job.erased
    assert job.status != "COMPLETED" or job.exit_code == 0


def check_reader(stage: Stage, job: Job, reader: Reader) -> None:
    if reader.error is not None:
        assert str(reader.error) == f"job not found: {job.uuid}"
        return
    assert reader.got.endswith(job.log.content())
    gone = stage.model.jobs.stored.exact(job.uuid) is not job
    assert reader.ended == (gone or job.status in ("COMPLETED", "FAILED"))
