"""A restart: the same server for its clients, which remembers what lies on its disk."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from joblet_fake import FakeJoblet

if TYPE_CHECKING:
    from pathlib import Path


def begun(joblet: FakeJoblet, method: str, count: int = 1) -> None:
    """Wait until calls have come, answered or not."""
    end = time.monotonic() + 5
    while len(joblet.calls.to(method)) < count:
        assert time.monotonic() < end
        time.sleep(0.002)


def test_jobs_are_forgotten_and_stored_output_is_not() -> None:
    """JOB-RST-01, JOB-RST-02."""
    with FakeJoblet() as joblet:
        job_id = joblet.rpc("RunJob", command="echo", args=["kept"]).job_uuid

        joblet.restart()

        assert not joblet.rpc("ListJobs").jobs
        assert not joblet.jobs
        log = joblet.rpc("GetJobLogs", uuid=job_id)
        assert next(log).payload == b"kept\n"
        with pytest.raises(grpc.RpcError) as caught:
            next(log)
        stored = list(joblet.rpc("QueryLogs", job_uuid=job_id))
    error: Any = caught.value
    assert (error.code(), error.details()) == (
        grpc.StatusCode.NOT_FOUND,
        f"job not found: {job_id}",
    )
    assert [line.content for line in stored] == [b"kept\n"]


def test_clients_find_it_where_it_was() -> None:
    with FakeJoblet(clock="frozen") as joblet:
        before = (joblet.address, joblet.persist_address, joblet.tls.ca_pem)
        channel = joblet.channel()
        method = joblet._api.method("ListJobs")
        call: Any = channel.unary_unary(method.path, None, method.decode_response)
        call(b"")

        for _ in range(3):
            joblet.restart()
            # The client keeps its channel, which connects again by itself.
            assert not call(b"", timeout=5).jobs

        assert (joblet.address, joblet.persist_address, joblet.tls.ca_pem) == before


def test_what_is_the_tests_own_stays() -> None:
    with FakeJoblet(clock="frozen") as joblet:
        joblet.programs.on("train").prints("scripted\n")
        joblet.clock.advance(hours=1)
        first = joblet.rpc("RunJob", command="train").job_uuid
        node = joblet.model.node_id

        joblet.restart()

        second = joblet.rpc("RunJob", command="train").job_uuid
        assert joblet.jobs[second].stdout == "scripted\n"
        assert second != first
        assert joblet.model.node_id == node
        assert joblet.clock.now().hour == 1
        assert [call.code for call in joblet.calls.to("RunJob")] == ["OK", "OK"]


def test_a_job_that_waited_for_its_time_never_runs() -> None:
    with FakeJoblet(clock="frozen") as joblet:
        joblet.rpc("RunJob", command="echo", schedule="2026-01-01T01:00:00Z")
        joblet.restart()
        joblet.clock.advance(hours=2)
        assert not joblet.rpc("ListJobs").jobs


def test_open_streams_and_calls_end_and_nothing_goes_wrong() -> None:
    with FakeJoblet(pace="real") as joblet:
        job_id = joblet.rpc("RunJob", command="sleep", args=["60"]).job_uuid
        log = joblet.rpc("GetJobLogs", uuid=job_id)
        begun(joblet, "GetJobLogs")
        codes: list[str] = []

        def run() -> None:
            try:
                joblet.rpc("RunJob", command="true", timeout=5)
            except grpc.RpcError as error:
                told: Any = error
                codes.append(told.code().name)

        caller = threading.Thread(target=run)
        caller.start()
        begun(joblet, "RunJob", 2)
        began = time.monotonic()
        joblet.restart()
        took = time.monotonic() - began
        caller.join(5)

        with pytest.raises(grpc.RpcError) as caught:
            list(log)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        assert codes == ["UNAVAILABLE"]
        assert took < 2
        joblet.check()
        assert not joblet.rpc("ListJobs").jobs


def test_local_processes_outlive_it_unseen(tmp_path: Path) -> None:
    """JOB-RST-07: an orphan goes on, its output goes nowhere, and its end is nobody's."""
    mark, go = tmp_path / "mark", tmp_path / "go"
    script = f"echo early; while [ ! -e {go} ]; do sleep 0.05; done; echo late; echo done > {mark}"
    with FakeJoblet(exec=True) as joblet:
        job_id = joblet.rpc("RunJob", command="sh", args=["-c", script]).job_uuid
        end = time.monotonic() + 10
        while joblet.jobs[job_id].stdout != "early\n":
            assert time.monotonic() < end
            time.sleep(0.01)

        joblet.restart()
        go.touch()
        while not (mark.exists() and mark.read_text()) or joblet.programs.busy:
            assert time.monotonic() < end
            time.sleep(0.01)

        assert not joblet.rpc("ListJobs").jobs
        stored = list(joblet.rpc("QueryLogs", job_uuid=job_id))
        joblet.check()
    assert [line.content for line in stored] == [b"early\n"]


def test_a_stop_that_is_under_way_ends_with_it() -> None:
    with FakeJoblet(exec=True) as joblet:
        job_id = joblet.rpc("RunJob", command="sleep", args=["60"]).job_uuid
        codes: list[str] = []

        def stop() -> None:
            try:
                joblet.rpc("StopJob", uuid=job_id, timeout=5)
            except grpc.RpcError as error:
                told: Any = error
                codes.append(told.code().name)

        caller = threading.Thread(target=stop)
        caller.start()
        begun(joblet, "StopJob")
        joblet.restart()
        caller.join(5)
        end = time.monotonic() + 10
        while joblet.programs.busy:
            assert time.monotonic() < end
            time.sleep(0.01)

        assert not joblet.rpc("ListJobs").jobs
        joblet.check()
    assert codes in ([], ["UNAVAILABLE"])


def test_tasks_go_on_during_a_restart() -> None:
    async def others(turns: list[int]) -> None:
        while True:
            turns.append(1)
            await asyncio.sleep(0.001)

    async def restarted() -> None:
        async with FakeJoblet(tls=False) as joblet:
            await asyncio.to_thread(joblet.rpc, "RunJob", command="true")
            turns: list[int] = []
            task = asyncio.create_task(others(turns))
            await joblet.restart_async()
            task.cancel()
            assert turns
            assert not (await asyncio.to_thread(joblet.rpc, "ListJobs")).jobs

    asyncio.run(restarted())


def test_what_is_not_started_is_not_restarted() -> None:
    with pytest.raises(RuntimeError, match="not started"):
        FakeJoblet().restart()


def test_what_is_written_right_after_a_restart_is_stored() -> None:
    """JOB-LOG-25: of the real outcomes, the fake has the one in which the link is there at once."""
    with FakeJoblet(clock="frozen", pace="real") as joblet:
        joblet.clock.advance(seconds=7)
        joblet.restart()
        job_id = joblet.rpc("RunJob", command="echo", args=["kept"]).job_uuid
        joblet.clock.advance(seconds=1)

        assert [line.content for line in joblet.rpc("QueryLogs", job_uuid=job_id)] == [b"kept\n"]
