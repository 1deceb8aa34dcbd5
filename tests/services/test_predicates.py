"""`joblet.programs.on(when=...)`: the test's own code decides, where it can do no harm."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import grpc
import pytest

if TYPE_CHECKING:
    from joblet_fake import FakeJoblet
    from joblet_fake.model.job import JobSpec


def run(joblet: FakeJoblet, command: str, **fields: object) -> str:
    job_id: str = joblet.rpc("RunJob", command=command, timeout=10, **fields).job_uuid
    return job_id


def test_a_predicate_chooses_by_anything_in_the_request(joblet: FakeJoblet) -> None:
    joblet.programs.on("train").prints("plain")
    joblet.programs.on("train", when=lambda job: job.max_memory > 100).prints("big")

    small, big = run(joblet, "train"), run(joblet, "train", max_memory=101)

    assert (joblet.jobs[small].stdout, joblet.jobs[big].stdout) == ("plain", "big")


def test_a_predicate_that_says_no_leaves_the_built_in_command(joblet: FakeJoblet) -> None:
    joblet.programs.on(when=lambda _job: False).prints("never")

    job_id = joblet.rpc("RunJob", command="echo", args=["built in"]).job_uuid

    assert joblet.jobs[job_id].stdout == "built in\n"


def test_a_predicate_may_call_the_fake_and_move_its_clock(joblet: FakeJoblet) -> None:
    """It runs without any lock and on a thread of its own."""
    threads: list[threading.Thread] = []

    def when(job: JobSpec) -> bool:
        threads.append(threading.current_thread())
        if job.command == "outer":
            assert joblet.jobs.wait(run(joblet, "inner")).status == "COMPLETED"
            joblet.clock.advance(1)
        return True

    joblet.programs.on(when=when).prints("asked")

    assert joblet.jobs[run(joblet, "outer")].stdout == "asked"
    assert len(set(threads)) == 2
    assert threading.main_thread() not in threads
    assert {thread.name for thread in threads} == {"joblet-fake-asks"}


def test_a_slow_predicate_keeps_nobody_else_waiting(joblet: FakeJoblet) -> None:
    go = threading.Event()
    joblet.programs.on("slow", when=lambda _job: go.wait(10)).prints("slow")
    slow = threading.Thread(target=run, args=(joblet, "slow"))
    slow.start()
    try:
        assert joblet.jobs[run(joblet, "echo")].status == "COMPLETED"
        assert [job.command for job in joblet.jobs.values()] == ["echo"]
    finally:
        go.set()
        slow.join(10)
    assert [job.command for job in joblet.jobs.values()] == ["echo", "slow"]


def test_a_predicate_is_not_asked_about_a_job_that_is_not_valid(joblet: FakeJoblet) -> None:
    asked: list[JobSpec] = []
    joblet.programs.on(when=asked.append)

    with pytest.raises(grpc.RpcError, match="command is required"):
        run(joblet, "")

    assert not asked


def test_a_scheduled_jobs_predicate_is_asked_when_it_is_submitted(joblet: FakeJoblet) -> None:
    asked: list[str] = []

    def when(job: JobSpec) -> bool:
        asked.append(job.schedule)
        return True

    joblet.programs.on("train", when=when).prints("scripted")
    schedule = "2099-01-01T00:00:00Z"
    job_id = run(joblet, "train", schedule=schedule)
    assert asked == [schedule]

    joblet.clock.advance(days=100 * 366)

    assert (joblet.jobs[job_id].stdout, asked) == ("scripted", [schedule])


@pytest.mark.parametrize("error", [ZeroDivisionError("mine"), pytest.fail.Exception("mine")])
def test_an_error_in_a_predicate_is_kept_with_its_traceback(
    joblet: FakeJoblet, error: BaseException
) -> None:
    def when(_job: JobSpec) -> bool:
        raise error

    joblet.programs.on("train", when=when)
    with pytest.raises(grpc.RpcError) as caught:
        run(joblet, "train")
    answer: Any = caught.value
    assert answer.code() is grpc.StatusCode.INTERNAL
    assert answer.details().startswith("a predicate of the test failed (")

    with pytest.raises(type(error), match="mine") as kept:
        joblet.check()

    assert kept.traceback[-1].name == "when"
    assert not joblet.jobs


def test_a_stopped_server_does_not_wait_for_a_predicate(joblet: FakeJoblet) -> None:
    go = threading.Event()
    begun = threading.Event()

    def when(_job: JobSpec) -> bool:
        begun.set()
        return go.wait(30)

    joblet.programs.on("slow", when=when)
    failed: list[grpc.RpcError] = []

    def call() -> None:
        try:
            run(joblet, "slow")
        except grpc.RpcError as error:
            failed.append(error)

    caller = threading.Thread(target=call)
    caller.start()
    assert begun.wait(10)
    before = time.monotonic()
    joblet.stop()
    caller.join(10)
    go.set()

    assert time.monotonic() - before < 5
    assert len(failed) == 1
