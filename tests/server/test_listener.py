"""One port: it refuses, drains, listens again, and nobody takes its number meanwhile."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from joblet_fake import FakeJoblet, PortError

if TYPE_CHECKING:
    from collections.abc import Callable


def number_of(address: str) -> int:
    return int(address.rpartition(":")[2])


def refused(joblet: FakeJoblet) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", number_of(joblet.address)), timeout=5):
            return False
    except ConnectionRefusedError:
        return True


def code_of(ask: Any) -> grpc.StatusCode:
    try:
        ask(b"", timeout=5)
    except grpc.RpcError as error:
        code: grpc.StatusCode = error.code()
        return code
    return grpc.StatusCode.OK


@pytest.mark.parametrize("verb", ["refuse", "drain", "crash"])
def test_a_port_that_is_down_refuses_and_keeps_its_number(joblet: FakeJoblet, verb: str) -> None:
    address = joblet.address
    getattr(joblet.faults.server, verb)()
    assert refused(joblet)

    # Nobody else gets it, by chance or on purpose.
    with pytest.raises(PortError):
        FakeJoblet(tls=False, persist_port=number_of(address)).start()
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", number_of(address)))

    joblet.faults.server.rebind()
    assert joblet.address == address
    assert not refused(joblet)
    assert joblet.rpc("ListJobs", timeout=5).jobs == []


@pytest.mark.parametrize("verb", ["refuse", "drain", "hang", "crash"])
def test_a_fake_stops_in_any_state_and_starts_anew(verb: str) -> None:
    joblet = FakeJoblet()
    for _ in range(2):
        with joblet:
            joblet.programs.on("train").prints("x").hangs()
            job_id = joblet.rpc("RunJob", command="train").job_uuid
            next(joblet.rpc("GetJobLogs", uuid=job_id))
            getattr(joblet.faults.server, verb)()
            number = number_of(joblet.address)
            began = time.monotonic()
        assert time.monotonic() - began < 3
        assert joblet.model.persist_state == "up"
        with socket.socket() as other:
            # The number is free again.
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind(("127.0.0.1", number))


def test_who_has_lost_a_crashed_server_is_not_served_by_it_again(joblet: FakeJoblet) -> None:
    """As with a killed process: a client that connects anew at once meets nobody, or the next."""
    stub = joblet.channel().unary_unary("/joblet.JobService/ListJobs")
    stub(b"", timeout=5)
    server = joblet._server
    assert server is not None
    stop = server.core._stop

    async def stop_late(servers: Any) -> None:
        await asyncio.sleep(0.3)
        await stop(servers)

    server.core._stop = stop_late  # type: ignore[method-assign]
    refusing = threading.Thread(target=joblet.faults.server.refuse)
    refusing.start()
    codes: list[grpc.StatusCode] = []
    while refusing.is_alive():
        codes.append(code_of(stub))
        time.sleep(0.005)

    lost = codes.index(grpc.StatusCode.UNAVAILABLE)
    assert set(codes[:lost]) <= {grpc.StatusCode.OK}
    assert set(codes[lost:]) == {grpc.StatusCode.UNAVAILABLE}, codes


def test_what_is_said_twice_happens_once(joblet: FakeJoblet) -> None:
    server = joblet.faults.server
    for verb in ("refuse", "refuse", "drain", "rebind", "rebind", "drain", "refuse", "rebind"):
        getattr(server, verb)("core")
    for verb in ("hang", "hang", "resume", "resume"):
        getattr(server, verb)()

    assert joblet.rpc("ListJobs", timeout=5).jobs == []
    assert server.lasting == ("refuse", "drain")
    server.clear()
    assert server.lasting == ()


def test_refusing_a_port_that_drains_ends_its_calls(joblet: FakeJoblet) -> None:
    joblet.programs.on("train").prints("x").hangs()
    job_id = joblet.rpc("RunJob", command="train").job_uuid
    stream = joblet.rpc("GetJobLogs", uuid=job_id[:8], timeout=20)
    next(stream)
    joblet.faults.server.drain()
    joblet.faults.server.rebind()

    joblet.faults.server.refuse()

    with pytest.raises(grpc.RpcError) as caught:
        next(stream)
    error: Any = caught.value
    assert error.code() is grpc.StatusCode.UNAVAILABLE


def test_many_upgrades_lose_no_stream_and_leave_nothing_behind(joblet: FakeJoblet) -> None:
    joblet.programs.on("train").prints("x").hangs()
    job_id = joblet.rpc("RunJob", command="train").job_uuid
    streams = []
    for _ in range(10):
        streams.append(joblet.rpc("GetJobLogs", uuid=job_id[:8], timeout=30))
        next(streams[-1])
        joblet.faults.preset("rolling upgrade")
    server = joblet._server
    assert server is not None
    assert len(server.core._draining) == 10

    joblet.rpc("StopJob", uuid=job_id)

    assert [list(stream) for stream in streams] == [[]] * 10
    end = time.monotonic() + 10
    while server.core._draining:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_restarts_may_come_from_many_threads(joblet: FakeJoblet) -> None:
    restarts = [threading.Thread(target=joblet.restart) for _ in range(5)]
    for each in restarts:
        each.start()
    for each in restarts:
        each.join(20)

    assert joblet.rpc("ListJobs", timeout=5).jobs == []
    assert joblet.faults.server.lasting == ()


@pytest.mark.parametrize(
    "use",
    [
        lambda faults: faults.refuse("cores"),
        lambda faults: faults.drain("both"),
        lambda faults: faults.certificate("expried"),
    ],
)
def test_what_there_is_not_is_refused_with_what_there_is(
    joblet: FakeJoblet, use: Callable[[Any], object]
) -> None:
    with pytest.raises(ValueError, match=r"near: '(core|expired)'|one of core, persist"):
        use(joblet.faults.server)


def test_a_fake_that_is_not_started_has_no_ports() -> None:
    joblet = FakeJoblet(tls=False)
    with pytest.raises(RuntimeError, match="not started"):
        joblet.faults.server.refuse()
    with pytest.raises(RuntimeError, match="tls=False"):
        joblet.faults.server.certificate("expired")
