"""Start and stop: two ports on loopback, as many servers as one likes."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import psutil
import pytest

from joblet_fake import FakeJoblet, PortError


def listening() -> set[tuple[str, int]]:
    return {
        # gRPC listens on IPv4 by an IPv6 socket.
        (end.laddr.ip.removeprefix("::ffff:"), end.laddr.port)
        for end in psutil.Process().net_connections("inet")
        if end.status == psutil.CONN_LISTEN
    }


def port_of(address: str) -> int:
    return int(address.rpartition(":")[2])


def free_port() -> int:
    with socket.socket() as end:
        end.bind(("127.0.0.1", 0))
        number: int = end.getsockname()[1]
        return number


@pytest.mark.parametrize("tls", [True, False])
def test_both_ports_listen_on_loopback_alone_and_close(tls: bool) -> None:  # noqa: FBT001 - as parametrised
    before = listening()
    with FakeJoblet(tls=tls) as joblet:
        ports = {("127.0.0.1", port_of(at)) for at in (joblet.address, joblet.persist_address)}
        assert listening() - before == ports
        assert len(ports) == 2
        assert joblet.rpc("Ping").healthy
    assert listening() <= before


def test_ports_can_be_chosen_and_are_free_again_after() -> None:
    core, persist = free_port(), free_port()
    for _ in range(3):
        with FakeJoblet(tls=False, core_port=core, persist_port=persist) as joblet:
            assert joblet.address == f"127.0.0.1:{core}"
            assert joblet.persist_address == f"127.0.0.1:{persist}"
            assert list(joblet.rpc("ListJobs").jobs) == []


@pytest.mark.parametrize(
    ("option", "name", "flag"),
    [("core_port", "core", "--port"), ("persist_port", "persist", "--persist-port")],
)
def test_a_port_in_use_says_which_and_how_to_change_it(option: str, name: str, flag: str) -> None:
    before = listening()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        with pytest.raises(PortError) as caught:
            FakeJoblet(tls=False, **{option: number}).start()  # type: ignore[arg-type]
        text = str(caught.value)
        assert f"the {name} port can't listen on 127.0.0.1:{number}" in text
        assert f"{option}=" in text
        assert f"{flag})" in text
        # Nothing of the failed start is left.
        assert len(listening() - before) == 1


@pytest.mark.parametrize("listen", ["127.0.0.1", "localhost", "0.0.0.0"])
def test_a_number_is_free_again_at_once_though_its_connections_linger(listen: str) -> None:
    number = 0
    for _ in range(3):
        with FakeJoblet(tls=False, listen=listen, core_port=number) as joblet:
            assert number in (0, port_of(joblet.address))
            number = port_of(joblet.address)
            joblet.rpc("ListJobs")
            joblet.faults.server.drop_connections("core")  # closed by the server: TIME_WAIT


def test_two_fakes_never_share_a_port() -> None:
    with (
        FakeJoblet(tls=False) as one,
        pytest.raises(PortError, match="can't listen"),
    ):
        FakeJoblet(tls=False, core_port=port_of(one.address)).start()


def test_a_failed_start_can_be_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        joblet = FakeJoblet(tls=False, persist_port=taken.getsockname()[1])
        with pytest.raises(PortError):
            joblet.start()
    with joblet:
        assert joblet.rpc("Ping").healthy


def test_many_fakes_at_once_keep_their_own_state() -> None:
    with ThreadPoolExecutor(10) as pool:
        fakes = list(pool.map(lambda seed: FakeJoblet(seed=seed).start(), range(20)))
        try:
            for number, joblet in enumerate(fakes):
                joblet.rpc("RunJob", command="echo", args=[str(number)])
            for number, joblet in enumerate(fakes):
                (job,) = joblet.jobs.values()
                assert job.stdout == f"{number}\n"
                assert len(joblet.calls) == 1
            addresses = {at for joblet in fakes for at in (joblet.address, joblet.persist_address)}
            assert len(addresses) == 40
        finally:
            list(pool.map(FakeJoblet.stop, fakes))


def test_a_fake_can_be_started_again_and_keeps_its_state() -> None:
    joblet = FakeJoblet(tls=False)
    with joblet:
        job_id = joblet.rpc("RunJob", command="echo", args=["kept"]).job_uuid
    with joblet:
        assert joblet.rpc("GetJobStatus", uuid=job_id).status == "COMPLETED"
    # What a stopped server had asked of the clock is given back.
    assert not joblet.clock._moved


def test_a_second_start_is_refused_and_a_second_stop_does_nothing() -> None:
    joblet = FakeJoblet(tls=False)
    with joblet, pytest.raises(RuntimeError, match="is started already"):
        joblet.start()
    joblet.stop()


def test_a_fake_that_is_not_started_says_how() -> None:
    joblet = FakeJoblet(tls=False)
    for use in (lambda: joblet.address, lambda: joblet.rpc("ListJobs"), joblet.channel):
        with pytest.raises(RuntimeError, match="not started: use `with FakeJoblet"):
            use()


def test_a_stop_ends_open_streams_and_takes_no_time() -> None:
    joblet = FakeJoblet().start()
    joblet.programs.on("train").prints("x").hangs()
    job_id = joblet.rpc("RunJob", command="train").job_uuid
    credentials = joblet.credentials
    assert credentials is not None
    codes: list[str] = []
    # A client of its own, whose channel the fake does not close.
    with grpc.secure_channel(joblet.address, credentials) as channel:
        method = joblet._api.method("GetJobLogs")
        call: Any = channel.unary_stream(method.path, None, method.decode_response)
        streams = [call(method.encode_request({"uuid": job_id})) for _ in range(10)]
        for stream in streams:
            next(stream)

        before = time.monotonic()
        joblet.stop()
        took = time.monotonic() - before
        for stream in streams:
            with pytest.raises(grpc.RpcError) as caught:
                list(stream)
            error: Any = caught.value
            codes.append(error.code().name)

    assert set(codes) == {"UNAVAILABLE"}
    # The grace alone would be 0.1 s; it is not used up.
    assert took < 1
    assert {call.code for call in joblet.calls.to("GetJobLogs")} == {"UNAVAILABLE"}


def test_a_stop_ends_a_stream_whose_reader_does_not_read() -> None:
    """Its handler hangs in flow control, where only the grace's end helps."""
    joblet = FakeJoblet(tls=False).start()
    script = joblet.programs.on("flood")
    for _ in range(400):
        script.prints(b"x" * 32_768)
    job_id = joblet.rpc("RunJob", command="flood").job_uuid
    stream = joblet.rpc("GetJobLogs", uuid=job_id)
    next(stream)

    before = time.monotonic()
    joblet.stop()

    assert time.monotonic() - before < 2


def test_a_stop_answers_a_call_that_waits() -> None:
    joblet = FakeJoblet(tls=False, pace="real", clock="skipping").start()
    # The clock skips only while calls wait and nothing else goes on: hold it.
    server = joblet._server
    assert server is not None
    server.backend.drive.enter()
    failed: list[str] = []

    def call() -> None:
        try:
            joblet.rpc("RunJob", command="true", timeout=20)
        except grpc.RpcError as error:
            code: Any = error
            failed.append(code.code().name)

    caller = threading.Thread(target=call)
    caller.start()
    for _ in range(1000):
        if joblet.calls:
            break
        time.sleep(0.005)
    joblet.stop()
    caller.join(10)

    assert len(failed) == 1
    assert failed[0] in {"UNAVAILABLE", "CANCELLED"}
