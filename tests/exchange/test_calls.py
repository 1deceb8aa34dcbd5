"""The journal: what it keeps of each call, and how a test waits for one."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import UTC, datetime

import pytest

from joblet_fake.exchange import Call, Calls
from joblet_fake.exchange.calls import CALLS_KEPT, FRAMES_KEPT
from joblet_fake.wire import load

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
        entry.note(b"%d" % number)

    assert (entry.sent, len(entry.frames), entry.frames[1]) == (FRAMES_KEPT + 5, FRAMES_KEPT, b"1")


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
