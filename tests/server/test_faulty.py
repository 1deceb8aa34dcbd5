"""The way of a call through fault rules: who is asked where, what waits, and for how long."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from joblet_fake import StalledError

if TYPE_CHECKING:
    from collections.abc import Callable

    from joblet_fake import Call, FakeJoblet


def refused(call: Callable[[], Any]) -> tuple[str, str]:
    def whole() -> None:
        answer = call()
        if hasattr(answer, "__next__"):
            list(answer)

    with pytest.raises(grpc.RpcError) as caught:
        whole()
    error: Any = caught.value
    return error.code().name, error.details()


def in_a_thread(call: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    given: list[Any] = []

    def work() -> None:
        try:
            given.append(call())
        except grpc.RpcError as error:
            given.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    return thread, given


# Before a rule is met


def test_a_call_that_would_be_refused_anyway_uses_no_rule_up(joblet: FakeJoblet) -> None:
    """AUTH-07: decoding comes first, then the role, then whatever goes wrong."""
    rule = joblet.faults.on("RunJob").fail("UNAVAILABLE", times=1)
    run = joblet.channel().unary_unary("/joblet.JobService/RunJob")

    assert refused(lambda: run(b"\xff", timeout=5))[0] == "INTERNAL"
    assert refused(lambda: joblet.rpc("RunJob", role="viewer"))[0] == "PERMISSION_DENIED"
    assert not rule.fired
    # What the service itself would refuse is hit.
    assert refused(lambda: joblet.rpc("RunJob", command=""))[0] == "UNAVAILABLE"


def test_methods_that_are_not_served_can_fail_too(joblet: FakeJoblet) -> None:
    joblet.faults.on("CancelJob").fail("UNAVAILABLE", times=1)

    assert refused(lambda: joblet.rpc("CancelJob"))[0] == "UNAVAILABLE"
    assert refused(lambda: joblet.rpc("CancelJob"))[0] == "UNIMPLEMENTED"


# Predicates


def test_a_predicate_sees_the_call_and_may_call_the_fake(joblet: FakeJoblet) -> None:
    """It runs without any lock and on a thread of its own."""
    seen: list[tuple[str, str, str]] = []

    def when(call: Call) -> bool:
        seen.append((call.method, call.request.command, threading.current_thread().name))
        joblet.rpc("ListJobs", timeout=5)
        joblet.clock.advance(1)
        with joblet.clock.lock:  # which nobody holds
            return bool(call.request.command == "train")

    joblet.faults.on("RunJob", when=when).fail("UNAVAILABLE", "asked", times=1)

    assert joblet.rpc("RunJob", command="true").status == "RUNNING"
    assert refused(lambda: joblet.rpc("RunJob", command="train")) == ("UNAVAILABLE", "asked")
    assert seen == [
        ("JobService.RunJob", "true", "joblet-fake-asks"),
        ("JobService.RunJob", "train", "joblet-fake-asks"),
    ]


def test_a_predicate_may_change_rules_and_restart_the_server(joblet: FakeJoblet) -> None:
    def when(_call: Call) -> bool:
        rule.clear()
        joblet.faults.on("ListJobs").fail("ABORTED", times=1)
        return True

    rule = joblet.faults.on("RunJob", when=when).fail("UNAVAILABLE")

    assert joblet.rpc("RunJob", command="true").status == "RUNNING"
    assert refused(lambda: joblet.rpc("ListJobs"))[0] == "ABORTED"

    def restarts(_call: Call) -> bool:
        joblet.restart()
        return False

    rule = joblet.faults.on("RunJob", when=restarts).fail("UNAVAILABLE")
    assert refused(lambda: joblet.rpc("RunJob", command="true"))[0] == "UNAVAILABLE"
    rule.clear()
    assert len(joblet.rpc("ListJobs").jobs) == 0


def test_a_predicate_that_asks_itself_fails_at_once(joblet: FakeJoblet) -> None:
    def when(_call: Call) -> bool:
        return bool(joblet.rpc("ListJobs").jobs)

    joblet.faults.on("ListJobs", when=when).fail("ABORTED")
    began = time.monotonic()

    code, text = refused(lambda: joblet.rpc("ListJobs"))

    assert time.monotonic() - began < 10
    assert (code, len(text) < 1000) == ("INTERNAL", True)
    assert text.startswith("a predicate of the test failed (")
    with pytest.raises(RecursionError, match="200 predicates are being asked at once"):
        joblet.check()
    joblet.faults.clear()
    assert joblet.rpc("ListJobs").jobs == []


@pytest.mark.parametrize("method", ["RunJob", "GetJobLogs"])
def test_an_error_in_a_predicate_fails_the_test_with_its_traceback(
    joblet: FakeJoblet, method: str
) -> None:
    def when(_call: Call) -> bool:
        raise ZeroDivisionError("mine")

    joblet.faults.on(method, when=when).fail("ABORTED")

    assert refused(lambda: joblet.rpc(method))[0] == "INTERNAL"
    with pytest.raises(ZeroDivisionError, match="mine") as kept:
        joblet.check()
    assert kept.traceback[-1].name == "when"
    joblet.faults.clear()


def test_a_slow_predicate_keeps_nobody_else_waiting(joblet: FakeJoblet) -> None:
    go = threading.Event()
    joblet.faults.on("RunJob", when=lambda _call: go.wait(10)).fail("ABORTED")
    thread, given = in_a_thread(lambda: joblet.rpc("RunJob", command="true"))
    try:
        for _ in range(5):
            assert joblet.rpc("ListJobs", timeout=5).jobs == []
        assert not given
    finally:
        go.set()
        thread.join(10)
    assert given[0].code().name == "ABORTED"


def test_a_caller_that_gives_up_uses_no_rule_up(joblet: FakeJoblet) -> None:
    go = threading.Event()
    begun = threading.Event()

    def when(_call: Call) -> bool:
        begun.set()
        return go.wait(10)

    rule = joblet.faults.on("RunJob", when=when).fail("ABORTED", times=1)
    call = joblet.channel().unary_unary("/joblet.JobService/RunJob").future(b"")
    assert begun.wait(10)
    call.cancel()
    joblet.calls.wait_for("RunJob")

    go.set()

    assert refused(lambda: joblet.rpc("RunJob", command="true"))[0] == "ABORTED"
    assert rule.used


# Waiting


@pytest.mark.joblet(stall_timeout=0.3, clock="flowing")
@pytest.mark.parametrize("clock", ["flowing", "frozen", "skipping"])
def test_a_client_without_a_deadline_does_not_hang_on_a_stall(
    joblet_factory: Callable[..., FakeJoblet], clock: str
) -> None:
    joblet = joblet_factory(clock=clock)
    joblet.faults.on("RunJob").times(1).stall()

    code, text = refused(lambda: joblet.rpc("RunJob", command="true"))

    assert (code, "it has no deadline" in text) == ("ABORTED", True)
    with pytest.raises(StalledError, match=r"RunJob, stalled by on.*gave no answer for 0\.3 s"):
        joblet.check()


@pytest.mark.joblet(stall_timeout=0.3)
def test_a_client_without_a_deadline_does_not_hang_on_a_server_that_does(
    joblet: FakeJoblet,
) -> None:
    joblet.faults.server.hang()

    assert refused(lambda: joblet.rpc("ListJobs"))[0] == "ABORTED"
    with pytest.raises(StalledError, match="a server that stands still gave no answer"):
        joblet.check()


@pytest.mark.joblet(clock="skipping")
def test_a_skipping_clock_jumps_over_a_delay(joblet: FakeJoblet) -> None:
    joblet.faults.on("RunJob").times(1).delay(3600)
    began, then = time.monotonic(), joblet.clock.now()

    assert joblet.rpc("RunJob", command="true").status == "RUNNING"

    assert time.monotonic() - began < 10
    assert (joblet.clock.now() - then).total_seconds() >= 3600


@pytest.mark.joblet(clock="frozen", stall_timeout=0.2)
def test_a_delay_that_nobody_lets_pass_says_so(joblet: FakeJoblet) -> None:
    joblet.faults.on("RunJob").times(1).delay(60)

    assert refused(lambda: joblet.rpc("RunJob", command="true")) == (
        "ABORTED",
        "joblet-fake: clock is frozen, next event in 60 s: advance()",
    )
    with pytest.raises(StalledError):
        joblet.check()


def test_clearing_lets_delayed_calls_go_on(joblet: FakeJoblet) -> None:
    joblet.faults.on("RunJob").delay(3600)
    thread, given = in_a_thread(lambda: joblet.rpc("RunJob", command="true"))
    while not joblet.faults.fired:
        time.sleep(0.001)

    joblet.faults.clear()

    thread.join(10)
    assert given[0].status == "RUNNING"
    assert joblet.clock.next_due() is None


@pytest.mark.parametrize("action", ["delay", "stall"])
def test_a_reset_lets_calls_go_on_and_takes_rules_back(joblet: FakeJoblet, action: str) -> None:
    rule = joblet.faults.on("ListJobs")
    rule.delay(3600) if action == "delay" else rule.stall()
    thread, given = in_a_thread(lambda: joblet.rpc("ListJobs"))
    while not joblet.faults.fired:
        time.sleep(0.001)

    joblet.reset()

    thread.join(10)
    assert given[0].jobs == []
    assert (joblet.faults.active, joblet.faults.unused, joblet.faults.fired) == ([], [], [])


@pytest.mark.parametrize("action", ["delay", "stall"])
def test_a_stopped_server_ends_the_calls_that_wait(joblet: FakeJoblet, action: str) -> None:
    rule = joblet.faults.on("ListJobs")
    rule.delay(3600) if action == "delay" else rule.stall()
    thread, given = in_a_thread(lambda: joblet.rpc("ListJobs"))
    while not joblet.faults.fired:
        time.sleep(0.001)
    began = time.monotonic()

    joblet.stop()

    thread.join(10)
    assert isinstance(given[0], grpc.RpcError)
    assert time.monotonic() - began < 5


def test_a_stall_may_be_over_before_the_next_action(joblet: FakeJoblet) -> None:
    joblet.faults.on("ListJobs").times(1).delay(0.05).fail("UNAVAILABLE", "late")
    began = time.monotonic()

    assert refused(lambda: joblet.rpc("ListJobs")) == ("UNAVAILABLE", "late")

    assert time.monotonic() - began >= 0.05


# Streams


def test_a_stream_that_ends_before_its_fault_leaves_the_rule(joblet: FakeJoblet) -> None:
    joblet.programs.on("one").prints("x")
    joblet.programs.on("two").prints("x").prints("y")
    one = joblet.rpc("RunJob", command="one").job_uuid
    two = joblet.rpc("RunJob", command="two").job_uuid
    rule = joblet.faults.on("GetJobLogs").times(1).after(messages=2).fail("ABORTED")

    assert len(list(joblet.rpc("GetJobLogs", uuid=one))) == 1
    assert not rule.fired
    assert refused(lambda: joblet.rpc("GetJobLogs", uuid=two))[0] == "ABORTED"


def test_damage_that_changes_nothing_is_none(joblet: FakeJoblet) -> None:
    joblet.programs.on("one").prints("x")
    one = joblet.rpc("RunJob", command="one").job_uuid
    rules = [
        joblet.faults.on("GetJobLogs").times(1).reorder(),
        joblet.faults.on("ListJobs").truncate(1_000_000),
    ]

    assert [chunk.payload for chunk in joblet.rpc("GetJobLogs", uuid=one)] == [b"x"]
    joblet.rpc("ListJobs")

    assert joblet.faults.unused == rules
    joblet.faults.clear()


def test_a_fault_comes_as_soon_as_its_message_is_sent(joblet: FakeJoblet) -> None:
    """Not when the next one comes, which may be never."""
    joblet.programs.on("train").prints("x").hangs()
    job_id = joblet.rpc("RunJob", command="train").job_uuid
    joblet.faults.on("GetJobLogs").after(messages=1).fail("UNAVAILABLE", times=1)

    assert refused(lambda: joblet.rpc("GetJobLogs", uuid=job_id[:8], timeout=10)) == (
        "UNAVAILABLE",
        "",
    )


def test_streams_that_a_fault_ends_leave_nothing_behind(joblet: FakeJoblet) -> None:
    joblet.programs.on("train").prints("x").hangs()
    job_id = joblet.rpc("RunJob", command="train").job_uuid
    for verb in ("end", "drop_connection", "reset"):
        getattr(joblet.faults.on("GetJobLogs").times(5).after(messages=1), verb)()
    for _ in range(15):
        stream = joblet.rpc("GetJobLogs", uuid=job_id[:8], timeout=10)
        with suppress(grpc.RpcError):
            assert next(stream).payload == b"x"
            assert next(stream, None) is None
    server = joblet._server
    assert server is not None
    end = time.monotonic() + 10
    (job,) = joblet.model.jobs.stored
    while server.backend._wakers or len(job.log._followers):
        assert time.monotonic() < end
        time.sleep(0.01)


def test_an_asyncio_client_meets_faults_like_any_other(joblet: FakeJoblet) -> None:
    joblet.faults.on("ListJobs").fail("UNAVAILABLE", "once", times=1)

    async def work() -> list[str]:
        async with joblet.aio_channel() as channel:
            ask: Any = channel.unary_unary("/joblet.JobService/ListJobs")
            codes = []
            for _ in range(2):
                call = ask(b"", timeout=5)
                codes.append((await call.code()).name)
            return codes

    assert asyncio.run(work()) == ["UNAVAILABLE", "OK"]


def test_without_rules_nothing_of_this_is_in_the_way(
    joblet: FakeJoblet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Any:
        raise AssertionError("a call without rules came here")

    monkeypatch.setattr("joblet_fake.server.faulty.Faulty.unary", broken)
    monkeypatch.setattr("joblet_fake.server.faulty.Faulty.stream", broken)
    rule = joblet.faults.on("StopJob").fail("ABORTED")
    job_id = joblet.rpc("RunJob", command="echo", args=["x"]).job_uuid
    assert len(list(joblet.rpc("GetJobLogs", uuid=job_id))) == 1
    rule.clear()
    assert joblet.rpc("ListJobs").jobs
