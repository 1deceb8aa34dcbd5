"""`joblet.faults.server`: what the whole server forgets, keeps, and says of its host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest

from joblet_fake import FakeJoblet

if TYPE_CHECKING:
    from collections.abc import Callable


def failed(call: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    error: Any = caught.value
    return error.code().name, error.details()


def payloads(joblet: FakeJoblet, job_id: str) -> tuple[list[bytes], str]:
    """Give a log's messages, and the code that it ends with."""
    got: list[bytes] = []
    stream = joblet.rpc("GetJobLogs", uuid=job_id, timeout=10)
    try:
        got.extend(chunk.payload for chunk in stream)
    except grpc.RpcError as error:
        code: Any = error
        return got, code.code().name
    return got, "OK"


def test_a_restart_forgets_what_a_real_one_forgets(joblet: FakeJoblet) -> None:
    """JOB-RST-01, JOB-RST-02, JOB-RST-07."""
    joblet.programs.on("train").prints("one\n").sleeps(0.05).prints("two\n")
    done = joblet.rpc("RunJob", command="echo", args=["hi"]).job_uuid
    running = joblet.rpc("RunJob", command="train").job_uuid
    planned = joblet.rpc("RunJob", command="true", schedule="2099-01-01T00:00:00Z").job_uuid
    calls = len(joblet.calls)

    joblet.restart()

    assert len(joblet.rpc("ListJobs").jobs) == len(joblet.jobs) == 0
    for job_id in (done, running, planned):
        assert failed(lambda job_id=job_id: joblet.rpc("GetJobStatus", uuid=job_id)) == (
            "NOT_FOUND",
            f"job {job_id} not found",
        )
    assert payloads(joblet, done) == ([b"hi\n"], "NOT_FOUND")
    assert payloads(joblet, running) == ([b"one\n"], "NOT_FOUND")
    assert payloads(joblet, done[:8]) == ([], "NOT_FOUND")
    # What is the test's stays: programs, the journal, the clock.
    assert len(joblet.calls) > calls
    again = joblet.rpc("RunJob", command="train").job_uuid
    assert again not in {done, running, planned}
    assert joblet.jobs.wait(again).stdout == "one\ntwo\n"
    # What outlived the server writes to nobody.
    assert payloads(joblet, running)[0] == [b"one\n"]


def test_a_restart_may_keep_everything(joblet: FakeJoblet) -> None:
    joblet.programs.on("train").prints("x").hangs()
    job_id = joblet.rpc("RunJob", command="train").job_uuid
    stream = joblet.rpc("GetJobLogs", uuid=job_id[:8])
    next(stream)

    joblet.restart(keep_state=True)

    assert failed(lambda: next(stream))[0] == "UNAVAILABLE"
    assert joblet.rpc("GetJobStatus", uuid=job_id).status == "RUNNING"
    joblet.rpc("StopJob", uuid=job_id)


def test_a_crashed_server_is_down_until_it_is_started(joblet: FakeJoblet) -> None:
    joblet.rpc("RunJob", command="true")
    joblet.faults.server.crash()
    assert joblet.faults.server.lasting == ("crash",)
    assert failed(lambda: joblet.rpc("ListJobs"))[0] == "UNAVAILABLE"

    joblet.restart()

    assert joblet.faults.server.lasting == ()
    assert len(joblet.rpc("ListJobs").jobs) == 0


@pytest.mark.asyncio
async def test_a_restart_has_an_awaitable_twin() -> None:
    async with FakeJoblet(tls=False) as joblet:
        await joblet.restart_async(keep_state=True)
        async with joblet.aio_channel() as channel:
            assert await channel.unary_unary("/joblet.JobService/ListJobs")(b"", timeout=5) == b""


@pytest.mark.parametrize(
    ("verb", "state"), [("refuse", "gone"), ("drain", "gone"), ("hang", "hung"), ("crash", "gone")]
)
def test_core_learns_what_became_of_persist(joblet: FakeJoblet, verb: str, state: str) -> None:
    server = joblet.faults.server
    if verb != "crash":
        getattr(server, verb)("core")
        assert joblet.model.persist_state == "up"
    getattr(server, verb)(*(("persist",) if verb != "crash" else ()))
    assert joblet.model.persist_state == state

    server.clear()

    assert joblet.model.persist_state == "up"


def test_a_full_disk_loses_output_for_good_and_the_buffer_has_it(joblet: FakeJoblet) -> None:
    """FAULT-02, FAULT-07: QueryLogs alone says so, after a restart too."""
    joblet.programs.on("train").prints("one").sleeps(0.02).prints("two").sleeps(0.1).prints("three")
    job_id = joblet.rpc("RunJob", command="train").job_uuid
    joblet.faults.server.disk_full()
    stream = joblet.rpc("GetJobLogs", uuid=job_id[:8], timeout=10)
    assert [next(stream).payload for _ in range(2)] == [b"one", b"two"]
    joblet.faults.server.disk_full(full=False)
    job = joblet.jobs.wait(job_id)

    assert (job.status, job.stdout) == ("COMPLETED", "onetwothree")
    assert payloads(joblet, job_id) == ([b"one"], "OK")
    assert payloads(joblet, job_id[:8]) == ([b"one", b"two", b"three"], "OK")
    assert joblet.faults.server.lasting == ()
    for _ in range(2):
        problem = f"/opt/joblet/logs/{job_id}/stdout.log.gz: unexpected EOF"
        stored = joblet.rpc("QueryLogs", job_uuid=job_id, timeout=10)
        assert next(stored).content == b"one"
        assert failed(lambda stored=stored: next(stored)) == (
            "INTERNAL",
            f"error reading logs: error reading log file {problem}",
        )
        joblet.restart()


@pytest.mark.joblet(clock="frozen")
def test_a_full_disk_lets_a_job_go_on_that_is_put_there(joblet: FakeJoblet) -> None:
    joblet.programs.on("train").sleeps(60).prints("done")
    joblet.faults.server.disk_full()

    job = joblet.jobs.add(command="train", status="RUNNING", stdout="before")
    joblet.clock.advance(61)

    assert (job.status, job.stdout) == ("COMPLETED", "beforedone")
    assert payloads(joblet, job.uuid) == ([b"before"], "OK")


@pytest.mark.joblet(clock="frozen")
def test_a_full_disk_stays_full_when_a_state_is_restored(joblet: FakeJoblet) -> None:
    job_id = joblet.rpc("RunJob", command="sleep", args=["100"]).job_uuid
    before = joblet.snapshot()
    joblet.faults.server.disk_full()
    joblet.restore(before)
    joblet.clock.advance(12)

    assert failed(lambda: joblet.rpc("RunJob", command="true"))[0] == "INTERNAL"
    assert len([*joblet.rpc("QueryMetrics", job_uuid=job_id, timeout=10)]) == 1


@pytest.mark.joblet(clock="frozen")
def test_a_full_disk_has_no_room_for_a_volume_and_lets_the_rest_be_made_and_removed(
    joblet: FakeJoblet,
) -> None:
    """FAULT-06."""
    joblet.volumes.add("old", "1MB")
    done = joblet.rpc("RunJob", command="true").job_uuid
    running = joblet.rpc("RunJob", command="sleep", args=["60"]).job_uuid
    joblet.clock.advance(1)
    joblet.faults.server.disk_full()

    code, text = failed(lambda: joblet.rpc("CreateVolume", name="new", size="1MB", type="memory"))
    assert code == "INVALID_ARGUMENT"
    assert text == (
        "failed to create volume: failed to create volume storage: failed to create volume data "
        "directory: mkdir /opt/joblet/volumes/new: no space left on device"
    )
    joblet.rpc("CreateNetwork", name="net", cidr="10.9.0.0/24")
    assert joblet.rpc("RemoveNetwork", name="net").success
    assert joblet.rpc("RemoveVolume", name="old").success
    assert joblet.rpc("JobService.DeleteJob", uuid=done).success
    assert joblet.rpc("StopJob", uuid=running).uuid == running


@pytest.mark.joblet(clock="frozen")
def test_a_wrong_clock_moves_what_is_scheduled_and_not_what_takes_time(
    joblet: FakeJoblet,
) -> None:
    joblet.programs.on("train").sleeps(60)
    running = joblet.rpc("RunJob", command="train").job_uuid
    planned = joblet.rpc("RunJob", command="true", schedule="2026-01-01T02:00:00Z").job_uuid

    joblet.faults.server.clock_skew(7000)

    assert joblet.rpc("Ping").timestamp == joblet.clock.now_ns()
    assert joblet.clock.now().isoformat() == "2026-01-01T01:56:40+00:00"
    assert joblet.jobs[running].status == "RUNNING"
    joblet.clock.advance(60)
    assert joblet.jobs[running].status == "COMPLETED"
    assert joblet.jobs[planned].status == "SCHEDULED"
    joblet.clock.advance(140)
    assert joblet.jobs[planned].status == "COMPLETED"
    joblet.faults.server.clock_skew(0)
    assert joblet.clock.now().isoformat() == "2026-01-01T00:03:20+00:00"


@pytest.mark.joblet(clock="frozen")
def test_a_clock_set_past_a_plan_has_it_happen_at_once(joblet: FakeJoblet) -> None:
    planned = joblet.rpc("RunJob", command="true", schedule="2026-01-01T02:00:00Z").job_uuid

    joblet.faults.server.clock_skew(7201)

    assert joblet.rpc("GetJobStatus", uuid=planned).status == "COMPLETED"


def test_new_certificates_of_the_fake_are_those_of_the_new_authority(joblet: FakeJoblet) -> None:
    before = joblet.tls.ca_pem, joblet.tls.cert_pem(), joblet.rnx_config()
    assert joblet.rpc("Ping").healthy

    joblet.faults.server.certificate("rotated")

    after = joblet.tls.ca_pem, joblet.tls.cert_pem(), joblet.rnx_config()
    assert all(old != new for old, new in zip(before, after, strict=True))
    assert joblet.rpc("RunJob", command="true", role="admin").status == "RUNNING"
    # Those of the old one are of no use any more.
    old = grpc.ssl_channel_credentials(before[0], joblet.tls.key_pem(), before[1])
    with grpc.secure_channel(joblet.address, old) as channel:
        call = channel.unary_unary("/joblet.JobService/ListJobs")
        assert failed(lambda: call(b"", timeout=5))[0] == "UNAVAILABLE"
    joblet.faults.server.certificate("valid")
    assert before == (joblet.tls.ca_pem, joblet.tls.cert_pem(), joblet.rnx_config())


def test_a_reset_undoes_everything(joblet: FakeJoblet) -> None:
    now = joblet.clock.now()
    server = joblet.faults.server
    server.disk_full()
    server.clock_skew(86_400)
    server.certificate("expired")
    server.strict_keepalive()
    server.quota(0, per=60)
    server.hang("core")
    server.refuse("persist")
    assert repr(server) == (
        "<faults of the server: disk_full, clock_skew, certificate, strict_keepalive, hang, refuse>"
    )

    joblet.reset()

    assert repr(server) == "<faults of the server: none>"
    assert joblet.rpc("RunJob", command="true", timeout=5).status == "RUNNING"
    assert joblet.rpc("Ping", timeout=5).healthy
    assert (joblet.clock.now() - now).total_seconds() < 60
    joblet.check()
