"""One connection of many: seen, and cut, in this process and without a relay."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Any

import grpc
import psutil
import pytest

from joblet_fake import ConnectionsError, FakeJoblet
from joblet_fake.server import connections as module
from joblet_fake.server.connections import peer_of

if TYPE_CHECKING:
    from collections.abc import Callable

LIST = "/joblet.JobService/ListJobs"


def channel(joblet: FakeJoblet) -> grpc.Channel:
    """Give a channel with a connection of its own; others to the same address share one."""
    options = (("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0))
    if joblet.credentials is None:
        return grpc.insecure_channel(joblet.address, options)
    return grpc.secure_channel(joblet.address, joblet.credentials, options)


def descriptors() -> int:
    return psutil.Process().num_fds()


@pytest.mark.joblet(tls=False)
def test_each_connection_is_listed_once_and_by_port(joblet: FakeJoblet) -> None:
    assert joblet.faults.server.connections == []
    joblet.rpc("Ping")
    with channel(joblet) as one, channel(joblet) as two:
        for each in (one, two):
            each.unary_unary(LIST)(b"", timeout=5)

        seen = joblet.faults.server.connections

        assert sorted(each.port for each in seen) == ["core", "core", "persist"]
        assert len({each.peer for each in seen}) == 3
        assert {peer_of(call.peer) for call in joblet.calls} == {each.peer for each in seen}


@pytest.mark.parametrize("tls", [True, False])
@pytest.mark.parametrize("how", ["drop", "reset"])
def test_one_is_cut_and_the_others_live_on(
    joblet_factory: Callable[..., FakeJoblet],
    tls: bool,  # noqa: FBT001 - as parametrised
    how: str,
) -> None:
    joblet = joblet_factory(tls=tls)
    joblet.programs.on("train").prints("x").hangs()
    job_id = joblet.rpc("RunJob", command="train").job_uuid
    logs = joblet._api.method("GetJobLogs")
    channels = [channel(joblet) for _ in range(5)]
    streams: list[Any] = []
    for each in channels:
        call: Any = each.unary_stream(logs.path, None, logs.decode_response)
        streams.append(call(logs.encode_request({"uuid": job_id[:8]}), timeout=20))
        next(streams[-1])
    victim = peer_of(joblet.calls.to("GetJobLogs")[2].peer)
    (connection,) = [one for one in joblet.faults.server.connections if one.peer == victim]

    began = time.monotonic()
    assert getattr(connection, how)()
    with pytest.raises(grpc.RpcError) as caught:
        next(streams[2])
    took = time.monotonic() - began

    error: Any = caught.value
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert {"drop": "Socket closed", "reset": "Connection reset by peer"}[how] in error.details()
    assert took < 1
    codes = [call.code for call in joblet.calls.to("GetJobLogs")]
    assert codes == [None, None, "UNAVAILABLE", None, None]
    joblet.rpc("StopJob", uuid=job_id)
    for place in (0, 1, 3, 4):
        assert list(streams[place]) == []
    for each in channels:
        each.close()


def test_a_connection_that_has_gone_is_not_there_to_be_cut(joblet: FakeJoblet) -> None:
    with channel(joblet) as one:
        one.unary_unary(LIST)(b"", timeout=5)
        (connection,) = joblet.faults.server.connections
        assert connection.drop()
    while joblet.faults.server.connections:
        time.sleep(0.001)

    assert not connection.drop()
    assert not connection.reset()


def test_all_are_cut_at_once_or_those_of_one_port(joblet: FakeJoblet) -> None:
    for _ in range(2):
        joblet.rpc("Ping")
        with channel(joblet) as one, channel(joblet) as two:
            for each in (one, two):
                each.unary_unary(LIST)(b"", timeout=5)
            assert joblet.faults.server.drop_connections("persist") == 1
            assert joblet.faults.server.reset_connections("core") == 2
        while joblet.faults.server.connections:
            time.sleep(0.001)


def test_calls_of_the_tests_own_do_not_find_out_by_failing(joblet: FakeJoblet) -> None:
    for verb in ("drop_connections", "reset_connections"):
        for _ in range(20):
            joblet.rpc("ListJobs", timeout=5)
            # Those that were cut before may not be quite gone.
            assert getattr(joblet.faults.server, verb)() >= 1


def test_looking_and_cutting_leaves_no_descriptors_behind(joblet: FakeJoblet) -> None:
    def once() -> None:
        with channel(joblet) as one:
            one.unary_unary(LIST)(b"", timeout=5)
            joblet.faults.server.drop_connections()
        while joblet.faults.server.connections:
            time.sleep(0.001)

    once()
    before = descriptors()
    for _ in range(30):
        once()

    assert descriptors() <= before + 2


def test_connections_of_others_are_none_of_ours(joblet: FakeJoblet) -> None:
    with (
        FakeJoblet() as other,
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        accepted, _ = server.accept()
        with accepted:
            other.rpc("ListJobs")
            assert joblet.faults.server.connections == []
            assert joblet.faults.server.drop_connections() == 0
            other.rpc("ListJobs", timeout=5)
            client.sendall(b"x")
            assert accepted.recv(1) == b"x"


def test_a_system_that_shows_no_descriptors_says_so(
    joblet: FakeJoblet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DESCRIPTORS", ("/nowhere",))

    with pytest.raises(ConnectionsError, match=r"can't be cut on this system.*\.fail"):
        joblet.faults.server.drop_connections()
    with pytest.raises(ConnectionsError):
        joblet.faults.server.refuse()
    assert joblet.rpc("Ping").healthy
