"""One port: what of a call is noted, and clients of other kinds than the usual."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import grpc
import pytest

if TYPE_CHECKING:
    from joblet_fake import FakeJoblet

RUN = "/joblet.JobService/RunJob"
LOGS = "/joblet.JobService/GetJobLogs"


def test_a_call_is_noted_with_request_answer_and_metadata(joblet: FakeJoblet) -> None:
    metadata = [("x-request-id", "7"), ("x-raw-bin", b"\0\xff")]
    request = joblet._api.method("RunJob").encode_request({"command": "echo", "args": ["hi"]})
    answer = joblet.channel().unary_unary(RUN)(request, metadata=metadata, timeout=5)

    call = joblet.calls.last()

    assert (call.method, call.role, call.code, call.sent) == ("JobService.RunJob", "admin", "OK", 1)
    assert [frame.data for frame in call.frames] == [request, answer]
    assert set(metadata) <= set(call.metadata)
    assert call.request.command == "echo"


def test_an_unknown_method_is_noted_by_its_path(joblet: FakeJoblet) -> None:
    with pytest.raises(grpc.RpcError):
        joblet.channel(role="viewer").unary_unary("/a.B/C")(b"", metadata=[("k", "v")], timeout=5)

    call = joblet.calls.last()
    assert (call.method, call.role, call.code) == ("/a.B/C", "viewer", "UNIMPLEMENTED")
    assert ("k", "v") in call.metadata
    assert call.request is None


def test_a_stream_is_noted_with_its_messages(joblet: FakeJoblet) -> None:
    joblet.programs.on("count").prints("a").prints("b")
    job_id = joblet.rpc("RunJob", command="count").job_uuid
    assert len(list(joblet.rpc("GetJobLogs", uuid=job_id))) == 2

    (call,) = joblet.calls.wait_for("GetJobLogs")

    assert (call.code, call.sent) == ("OK", 2)
    assert [frame.data for frame in call.frames[1:]] == [b"\n\x01a", b"\n\x01b"]


def test_responses_carry_no_metadata_of_the_servers_own(joblet: FakeJoblet) -> None:
    """SRV-07, SRV-26."""
    _, call = joblet.channel().unary_unary("/joblet.JobService/ListJobs").with_call(b"", timeout=5)

    assert list(call.initial_metadata()) == []
    assert list(call.trailing_metadata()) == []


def test_many_threads_call_at_once(joblet: FakeJoblet) -> None:
    with ThreadPoolExecutor(16) as pool:
        ids = list(
            pool.map(
                lambda number: joblet.rpc("RunJob", command="echo", args=[str(number)]).job_uuid,
                range(200),
            ),
        )

    assert len(set(ids)) == len(joblet.jobs) == 200
    assert len(joblet.calls.to("RunJob")) == 200


def test_cancelled_streams_leave_nothing_behind(joblet: FakeJoblet) -> None:
    joblet.programs.on("train").prints("x").hangs()
    job_id = joblet.rpc("RunJob", command="train").job_uuid
    for number in range(200):
        stream = joblet.rpc("GetJobLogs", uuid=job_id)
        if number % 2:
            next(stream)
        stream.cancel()
    calls = joblet.calls.wait_for("GetJobLogs", 100)

    assert {call.code for call in calls} <= {"CANCELLED"}
    server = joblet._server
    assert server is not None
    for _ in range(100):
        if not server.backend._wakers:
            break
        joblet.rpc("ListJobs")
    assert not server.backend._wakers
    (job,) = joblet.model.jobs.stored
    assert (job._watchers, job.log._followers) == ({}, {})


def test_asyncio_clients_of_two_loops_share_a_server(joblet: FakeJoblet) -> None:
    joblet.programs.on("train").prints("x").sleeps(0.05).prints("y")

    async def work() -> list[bytes]:
        problems: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(
            lambda _, problem: problems.append(problem)
        )
        async with joblet.aio_channel() as channel, joblet.aio_persist_channel() as persist:
            method = joblet._api.method("RunJob")
            answer = await channel.unary_unary(RUN)(
                method.encode_request({"command": "train"}), timeout=10
            )
            uuid = method.decode_response(answer).job_uuid  # type: ignore[attr-defined]  # run-time
            logs = joblet._api.method("GetJobLogs")
            chunks: list[bytes] = []
            stream = channel.unary_stream(LOGS)(logs.encode_request({"uuid": uuid[:8]}), timeout=10)
            async for frame in stream:
                chunks.append(logs.decode_response(frame).payload)  # type: ignore[attr-defined]  # noqa: PERF401
            await persist.unary_unary("/joblet.persist.PersistService/Ping")(b"", timeout=10)
            assert (await joblet.jobs.wait_async(uuid)).status == "COMPLETED"
            assert await joblet.calls.wait_for_async("Ping")
        assert not problems
        return chunks

    def in_a_loop(_: int) -> list[bytes]:
        return [chunk for _ in range(3) for chunk in asyncio.run(work())]

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(in_a_loop, range(2))) == [[b"x", b"y"] * 3] * 2


def test_a_fake_is_an_async_context_manager() -> None:
    from joblet_fake import FakeJoblet  # noqa: PLC0415 - the fixture's type is for annotations

    async def work() -> None:
        async with FakeJoblet() as fake, fake.aio_channel() as channel:
            assert await channel.unary_unary("/joblet.JobService/ListJobs")(b"", timeout=10) == b""

    asyncio.run(work())
