"""The journal: what it keeps of each call, and how a test waits for one."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from joblet_fake.exchange import Call, Calls
from joblet_fake.exchange.call import BYTES_KEPT as BYTES_OF_A_CALL
from joblet_fake.exchange.call import FRAMES_KEPT
from joblet_fake.exchange.calls import BYTES_KEPT, CALLS_KEPT
from joblet_fake.wire import load

if TYPE_CHECKING:
    from joblet_fake import FakeJoblet

API = load("2.3.1")
NOW = 1_767_225_600 * 10**9


def call(calls: Calls, name: str = "RunJob", code: str | None = "OK", **fields: object) -> Call:
    method = API.method(name)
    entry = Call(method.key, "admin", method.encode_request(fields), NOW, method)
    calls.add(entry)
    if code is not None:
        calls.end(entry, NOW + 1_500_000_000, code)
    return entry


def test_a_call_tells_what_was_asked_and_how_it_was_answered() -> None:
    entry = call(Calls(API), command="echo", args=["hi"])

    assert (entry.method, entry.role, entry.code, entry.details) == (
        "JobService.RunJob",
        "admin",
        "OK",
        "",
    )
    assert (entry.request.command, list(entry.request.args)) == ("echo", ["hi"])
    assert entry.started == datetime(2026, 1, 1, tzinfo=UTC)
    assert entry.ended is not None
    assert (entry.ended - entry.started).total_seconds() == entry.duration == 1.5


def test_an_open_call_has_no_code_and_no_end() -> None:
    entry = call(Calls(API), code=None)

    assert (entry.code, entry.ended, entry.duration) == (None, None, None)


def test_a_request_that_is_no_message_is_none() -> None:
    method = API.method("RunJob")

    assert Call(method.key, "admin", b"\xff", NOW, method).request is None
    assert Call("/no/Method", "admin", b"", NOW).request is None


def test_the_first_messages_are_kept_and_all_are_counted() -> None:
    entry = call(Calls(API), "GetJobLogs", None)
    for number in range(FRAMES_KEPT + 5):
        entry.note(API.method("GetJobLogs").encode({"payload": b"%d" % number}), NOW + number)

    assert (entry.sent, len(entry.frames) - 1) == (FRAMES_KEPT + 5, FRAMES_KEPT)
    assert [message.payload for message in entry.responses[:2]] == [b"0", b"1"]


def test_a_frame_tells_its_direction_its_time_and_what_it_says() -> None:
    calls = Calls(API)
    entry = call(calls, code=None, command="echo")
    entry.note(API.method("RunJob").encode({"status": "RUNNING"}), NOW + 2_000_000_000)
    asked, answered = entry.frames

    assert (asked.direction, asked.message.command) == ("in", "echo")
    assert (answered.direction, answered.message.status) == ("out", "RUNNING")
    assert (answered.at - asked.at).total_seconds() == 2


def test_large_answers_are_not_kept_whole() -> None:
    entry = call(Calls(API), "GetJobLogs", None)
    for _ in range(5):
        entry.note(bytes(BYTES_OF_A_CALL // 2), NOW)

    assert (entry.sent, len(entry.frames) - 1, entry.size) == (5, 2, BYTES_OF_A_CALL)


def test_calls_are_given_by_short_and_by_full_name_in_order() -> None:
    calls = Calls(API)
    first, _, second = call(calls), call(calls, "ListJobs"), call(calls)

    for name in ("RunJob", "JobService.RunJob", "/joblet.JobService/RunJob"):
        assert calls.to(name) == [first, second]
    assert len(calls) == len(list(calls)) == 3
    assert calls[0] is first
    assert calls.last() is second


def test_an_ambiguous_or_unknown_name_is_refused_with_what_is_possible() -> None:
    calls = Calls(API)
    with pytest.raises(ValueError, match=r"JobService\.DeleteJob.*PersistService\.DeleteJob"):
        calls.to("DeleteJob")
    with pytest.raises(ValueError, match="RunJob"):
        calls.to("RunJobs")
    with pytest.raises(ValueError, match="RunJob"):
        calls.wait_for("RunJobs")


def test_where_gives_what_a_predicate_wants() -> None:
    calls = Calls(API)
    call(calls)
    failed = call(calls, code="INTERNAL")

    assert calls.where(lambda entry: entry.code != "OK") == [failed]


def test_the_last_of_no_calls_is_an_error_that_says_so() -> None:
    with pytest.raises(LookupError, match="no call has reached this server yet"):
        Calls(API).last()


def test_the_newest_calls_are_kept_and_the_others_counted() -> None:
    calls = Calls(API)
    for number in range(CALLS_KEPT + 3):
        calls.add(Call(str(number), "admin", b"", NOW))

    assert (len(calls), calls.dropped, calls[0].method) == (CALLS_KEPT, 3, "3")
    calls.clear()
    assert (len(calls), calls.dropped) == (0, 0)


def test_the_journal_holds_a_bounded_number_of_bytes() -> None:
    """Large requests push out the oldest calls, and are counted once they are gone."""
    calls = Calls(API)
    size = BYTES_KEPT // 8
    large = bytes(size)
    for number in range(12):
        entry = Call(str(number), "admin", large, NOW)
        calls.add(entry)
        entry.note(b"x" * 1000, NOW)
        calls.end(entry, NOW, "OK")

    assert sum(entry.size for entry in calls) <= BYTES_KEPT
    assert (len(calls), calls.dropped) == (7, 5)
    assert calls.last().method == "11"


def follow(calls: Calls, uuid: str) -> Call:
    entry = call(calls, "GetJobLogs", None, uuid=uuid)
    calls.followed(entry)
    return entry


def test_a_test_can_wait_for_followers_of_a_log() -> None:
    calls = Calls(API)
    job_id = "0123-4567"
    follow(calls, "other")
    first = follow(calls, job_id)
    threading.Timer(0.05, lambda: follow(calls, job_id[:4])).start()

    assert calls.wait_for_subscriber(job_id) == [first]
    assert [each.request.uuid for each in calls.wait_for_subscriber(job_id, 2, timeout=10)] == [
        job_id,
        job_id[:4],
    ]
    calls.end(first, NOW, "OK")
    with pytest.raises(TimeoutError, match="1 of 2 clients follow the log of 0123-4567 after 0 s"):
        calls.wait_for_subscriber(job_id, 2, timeout=0)


def test_a_task_can_wait_for_followers_too() -> None:
    calls = Calls(API)
    threading.Timer(0.05, lambda: follow(calls, "a")).start()

    assert len(asyncio.run(calls.wait_for_subscriber_async("a", timeout=10))) == 1
    with pytest.raises(TimeoutError, match="0 of 1 clients follow the log of b"):
        asyncio.run(calls.wait_for_subscriber_async("b", timeout=0.01))


def test_an_expectation_gives_the_calls_that_are_so() -> None:
    calls = Calls(API)
    first = call(calls, command="echo", args=["a"], environment={"A": "1"})
    second = call(calls, command="echo", args=["b"], code="INTERNAL")

    assert calls.assert_called("RunJob", command="echo") == [first, second]
    assert calls.assert_called("RunJob", times=1, args=["a"], environment={"A": "1"}) == [first]
    assert calls.assert_called("RunJob", code="INTERNAL", role="admin") == [second]
    calls.assert_not_called("StopJob")
    calls.assert_not_called("RunJob", command="sleep")


def test_a_failed_expectation_shows_the_nearest_misses_field_by_field() -> None:
    calls = Calls(API)
    call(calls, command="sleep", args=["9"], environment={"A": "1"}, code=None)
    call(calls, "ListJobs")
    call(calls, command="echo", args=["a"])

    with pytest.raises(AssertionError) as caught:
        calls.assert_called("RunJob", command="echo", args=["b"], code="OK")

    assert str(caught.value) == (
        "expected at least one call to JobService.RunJob with command='echo', args=['b'], "
        "code='OK'; there were 0, and 2 to the method\n"
        "nearest:\n"
        "  call 2, admin, OK:\n"
        "    args: expected ['b'], was ['a']\n"
        "  call 0, admin, open:\n"
        "    code: expected 'OK', was None\n"
        "    command: expected 'echo', was 'sleep'\n"
        "    args: expected ['b'], was ['9']"
    )


def test_a_failed_expectation_without_a_near_miss_tells_what_came() -> None:
    calls = Calls(API)
    call(calls, "ListJobs")

    with pytest.raises(AssertionError, match=r"calls so far: JobService\.ListJobs \(OK\)"):
        calls.assert_called("RunJob")
    with pytest.raises(AssertionError, match=r"expected 0 calls to .*; there were 1"):
        calls.assert_not_called("ListJobs")
    with pytest.raises(AssertionError, match=r"expected 2 calls to .*; there were 1"):
        calls.assert_called("ListJobs", times=2)


def test_secrets_are_not_shown_by_a_failed_expectation() -> None:
    calls = Calls(API)
    call(calls, command="echo", secret_environment={"TOKEN": "s3cret"})

    with pytest.raises(AssertionError) as caught:
        calls.assert_called("RunJob", secret_environment={"TOKEN": "an0ther"})

    assert "'TOKEN': '***'" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert "an0ther" not in str(caught.value)


def test_a_field_that_the_request_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match=r"RunJob has no field 'comand'; near: 'command'"):
        Calls(API).assert_called("RunJob", comand="echo")


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        ({"code": "OKAY"}, "code='OKAY': there is no such code; near: 'OK'"),
        ({"code": "UNAVAILIBLE"}, "no such code; near: 'UNAVAILABLE'"),
        ({"role": "amdin"}, "role='amdin': no caller has that role; near: 'admin'"),
        ({"role": "root"}, "no caller has that role; it is one of admin, viewer, unknown"),
    ],
)
def test_a_role_or_a_code_that_there_is_not_is_refused(
    expected: dict[str, str],
    told: str,
) -> None:
    """Nobody is called so: an expectation that nobody was would hold whatever happens."""
    calls = Calls(API)
    call(calls)
    for expectation in (calls.assert_called, calls.assert_not_called):
        with pytest.raises(ValueError, match=re.escape(told)):
            expectation("RunJob", role=expected.get("role"), code=expected.get("code"))


def test_a_code_may_be_grpcs_own_member() -> None:
    calls = Calls(API)
    call(calls, code="UNAVAILABLE")
    calls.assert_called("RunJob", code=grpc.StatusCode.UNAVAILABLE)
    calls.assert_not_called("RunJob", code=grpc.StatusCode.OK)


def test_what_is_no_predicate_is_refused_though_there_is_no_call_yet() -> None:
    wrong: Any = "RunJob"
    with pytest.raises(TypeError, match="it takes a predicate over the call"):
        Calls(API).where(wrong)


def test_waiting_for_calls_that_are_there_gives_them_at_once() -> None:
    calls = Calls(API)
    entry = call(calls)
    call(calls, code=None)

    assert calls.wait_for("RunJob", timeout=0) == [entry]


def test_waiting_ends_with_the_answer_and_not_with_the_call() -> None:
    calls = Calls(API)
    entry = call(calls, code=None)
    threading.Timer(0.05, lambda: calls.end(entry, NOW, "NOT_FOUND")).start()

    assert calls.wait_for("JobService.RunJob", timeout=10) == [entry]
    assert entry.code == "NOT_FOUND"


def test_a_wait_in_vain_tells_what_came() -> None:
    calls = Calls(API)
    for _ in range(3):
        call(calls, "ListJobs")
    call(calls, code="INTERNAL")
    call(calls, "GetJobLogs", None)
    before = time.monotonic()

    with pytest.raises(TimeoutError) as caught:
        calls.wait_for("RunJob", 2, timeout=0.05)

    assert time.monotonic() - before < 5
    assert str(caught.value) == (
        "1 of 2 calls to JobService.RunJob answered after 0.05 s; calls so far: "
        "JobService.ListJobs (OK, 3 times), JobService.RunJob (INTERNAL), "
        "JobService.GetJobLogs (open)"
    )


def test_a_wait_without_any_call_says_none() -> None:
    with pytest.raises(TimeoutError, match="calls so far: none"):
        Calls(API).wait_for("RunJob", timeout=0)


def test_waiting_is_refused_where_it_would_be_for_ever() -> None:
    def check() -> None:
        raise RuntimeError("the fake's own thread")

    with pytest.raises(RuntimeError, match="own thread"):
        Calls(API, check).wait_for("RunJob")


def test_a_task_waits_without_blocking_its_loop() -> None:
    calls = Calls(API)

    async def both() -> tuple[list[Call], int]:
        turns = 0

        async def spin() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0.001)

        spinning = asyncio.create_task(spin())
        threading.Timer(0.05, lambda: call(calls)).start()
        came = await calls.wait_for_async("RunJob", timeout=10)
        spinning.cancel()
        return came, turns

    came, turns = asyncio.run(both())

    assert came == list(calls)
    assert turns > 1


def test_a_task_that_waits_in_vain_is_told_the_same() -> None:
    with pytest.raises(TimeoutError, match=r"0 of 1 calls to JobService\.RunJob"):
        asyncio.run(Calls(API).wait_for_async("RunJob", timeout=0.02))


def test_a_cancelled_wait_leaves_nothing_behind() -> None:
    calls = Calls(API)

    async def give_up() -> None:
        task = asyncio.create_task(calls.wait_for_async("RunJob"))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(give_up())

    assert not calls._watchers


def test_a_listener_is_told_of_every_end() -> None:
    calls = Calls(API)
    ended: list[Call] = []
    calls.on_end = ended.append

    entry = call(calls)

    assert ended == [entry]


@pytest.mark.parametrize("n", [0, -1])
def test_no_call_is_nothing_to_wait_for(n: int) -> None:
    calls = Calls(API)
    for wait in (calls.wait_for, calls.wait_for_subscriber):
        with pytest.raises(ValueError, match=f"n={n}: wait for one call at least"):
            wait("RunJob", n=n)
    for wait_async in (calls.wait_for_async, calls.wait_for_subscriber_async):
        with pytest.raises(ValueError, match=f"n={n}: wait for one call at least"):
            asyncio.run(wait_async("RunJob", n=n))


def test_how_often_is_checked_where_it_is_written(joblet: FakeJoblet) -> None:
    with pytest.raises(TypeError, match=r"^times='x': give a whole number$"):
        joblet.calls.assert_called("RunJob", times="x")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^times=-1: give 0 or more$"):
        joblet.calls.assert_called("RunJob", times=-1)
    with pytest.raises(TypeError, match=r"assert_called\(times=n\) expects n$"):
        joblet.calls.assert_not_called("RunJob", times=0)


def test_nobody_is_the_role_that_is_unknown(joblet: FakeJoblet) -> None:
    with pytest.raises(grpc.RpcError):
        joblet.rpc("ListJobs", role="nobody")

    joblet.calls.assert_called("ListJobs", role="nobody", times=1)
    joblet.calls.assert_called("ListJobs", role="unknown", times=1)
