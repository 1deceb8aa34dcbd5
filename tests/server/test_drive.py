"""What makes time pass on a running server: real time, idleness, or nobody."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import Any

import grpc
import pytest

from joblet_fake import FakeJoblet, StalledError


def run(joblet: FakeJoblet, *words: str, **fields: object) -> str:
    job_id: str = joblet.rpc("RunJob", command=words[0], args=words[1:], **fields).job_uuid
    return job_id


# Flowing


def test_a_flowing_clock_fires_what_is_due_in_real_time() -> None:
    with FakeJoblet(tls=False) as joblet:
        job_id = run(joblet, "sleep", "0.1")
        before = time.monotonic()

        assert joblet.jobs.wait(job_id).status == "COMPLETED"

        assert 0.05 < time.monotonic() - before < 4


def test_a_flowing_clock_can_be_jumped() -> None:
    with FakeJoblet(tls=False) as joblet:
        far, near = run(joblet, "sleep", "7200"), run(joblet, "sleep", "3600")

        joblet.clock.advance(hours=1)

        assert (joblet.jobs[near].status, joblet.jobs[far].status) == ("COMPLETED", "RUNNING")


def test_an_earlier_timer_takes_the_place_of_a_later_one() -> None:
    with FakeJoblet(tls=False) as joblet:
        run(joblet, "sleep", "3600")

        assert joblet.jobs.wait(run(joblet, "sleep", "0.05")).status == "COMPLETED"


# Skipping


@pytest.fixture
def skipping() -> Any:
    with FakeJoblet(tls=False, clock="skipping") as joblet:
        yield joblet
        joblet.check()


def test_a_client_that_polls_gets_there_at_once(skipping: FakeJoblet) -> None:
    job_id = run(skipping, "sleep", "86400")
    polls = 0
    while skipping.rpc("GetJobStatus", uuid=job_id).status != "COMPLETED":
        polls += 1
        assert polls < 10

    assert skipping.clock.now() - skipping.jobs[job_id].started == timedelta(days=1)


def test_a_client_that_polls_the_list_gets_there_too(skipping: FakeJoblet) -> None:
    run(skipping, "sleep", "86400")
    for _ in range(10):
        if skipping.rpc("ListJobs").jobs[0].status == "COMPLETED":
            break

    assert skipping.rpc("ListJobs").jobs[0].status == "COMPLETED"


def test_a_client_that_follows_a_log_gets_there_too(skipping: FakeJoblet) -> None:
    skipping.programs.on("train").prints("a").sleeps(3600).prints("b").sleeps(3600)
    job_id = run(skipping, "train")

    chunks = [chunk.payload for chunk in skipping.rpc("GetJobLogs", uuid=job_id[:8], timeout=10)]

    assert chunks == [b"a", b"b"]


def test_a_test_that_waits_for_a_job_gets_there_too(skipping: FakeJoblet) -> None:
    job_id = run(skipping, "sleep", "3600")

    assert skipping.jobs.wait(job_id).status == "COMPLETED"
    other = run(skipping, "sleep", "3600")
    assert asyncio.run(skipping.jobs.wait_async(other)).status == "COMPLETED"


def test_time_stands_still_while_nobody_waits(skipping: FakeJoblet) -> None:
    run(skipping, "sleep", "3600")
    before = skipping.clock.now()
    time.sleep(0.05)

    assert skipping.clock.now() == before


def test_at_real_pace_calls_skip_their_own_durations() -> None:
    with FakeJoblet(tls=False, clock="skipping", pace="real") as joblet:
        before = time.monotonic()
        job_id = run(joblet, "sleep", "3600")
        joblet.rpc("StopJob", uuid=job_id)

        assert time.monotonic() - before < 5
        assert joblet.clock.now() - joblet.jobs[job_id].started > timedelta(seconds=0.1)


# Frozen


def test_at_real_pace_a_call_takes_its_time_off_a_frozen_clock() -> None:
    """TIME of timing.md: RunJob answers after 0.14 to 0.18 s."""
    with FakeJoblet(tls=False, clock="frozen", pace="real") as joblet:
        before = joblet.clock.now()
        run(joblet, "sleep", "3600", timeout=10)

        assert timedelta(seconds=0.14) <= joblet.clock.now() - before <= timedelta(seconds=0.18)


def test_a_stream_that_nobody_can_end_gives_up_and_fails_the_test() -> None:
    with FakeJoblet(tls=False, clock="frozen", stall_timeout=0.1) as joblet:
        stream = joblet.rpc("GetJobLogs", uuid=run(joblet, "sleep", "60"), timeout=20)
        with pytest.raises(grpc.RpcError) as caught:
            list(stream)
        error: Any = caught.value
        assert error.code().name == "ABORTED"
        reason = "clock is frozen, next event in 60 s: advance()"
        assert error.details() == f"joblet-fake: {reason}"
        with pytest.raises(StalledError) as stalled:
            joblet.check()
        assert str(stalled.value) == reason


def test_a_stream_with_nothing_due_says_so() -> None:
    with FakeJoblet(tls=False, clock="frozen", stall_timeout=0.1) as joblet:
        joblet.programs.on("x").hangs()
        stream = joblet.rpc("GetJobLogs", uuid=run(joblet, "x"), timeout=20)
        with pytest.raises(grpc.RpcError, match="nothing is due"):
            list(stream)
        with pytest.raises(StalledError):
            joblet.check()


def test_a_clock_that_somebody_moves_is_waited_for() -> None:
    with FakeJoblet(tls=False, clock="frozen", stall_timeout=0.3) as joblet:
        stream = joblet.rpc("GetJobLogs", uuid=run(joblet, "sleep", "60"), timeout=20)
        for _ in range(6):
            time.sleep(0.1)
            joblet.clock.advance(10)

        assert list(stream) == []
        joblet.check()


def test_a_real_process_is_waited_for_whatever_the_clock() -> None:
    """Local execution takes real time; only its end can end this stream, and it will."""
    with FakeJoblet(tls=False, clock="frozen", exec=True, stall_timeout=0.1) as joblet:
        job_id = run(joblet, "sh", "-c", "sleep 0.4; echo done")
        stream = joblet.rpc("GetJobLogs", uuid=job_id[:8], timeout=20)

        assert [chunk.payload for chunk in stream] == [b"done\n"]
        joblet.check()


@pytest.mark.parametrize("pace", ["immediate", "real"])
def test_a_real_process_can_be_stopped_whatever_the_clock(pace: str) -> None:
    with FakeJoblet(tls=False, clock="frozen", exec=True, pace=pace) as joblet:
        job_id = run(joblet, "sleep", "60")
        # Far ahead, and no business of this call.
        planned = run(joblet, "true", schedule="2027-01-01T00:00:00Z")

        joblet.rpc("StopJob", uuid=job_id, timeout=10)

        assert "STOPPED" in [status for _, status in joblet.jobs[job_id].statuses]
        assert joblet.jobs[planned].status == "SCHEDULED"
