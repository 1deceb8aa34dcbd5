"""Programs of the test that call the fake themselves: each call works, or is refused at once."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from joblet_fake import (
    FakeJoblet,
    Hang,
    OnStop,
    RunningJob,
    Sleep,
    Stdout,
    StuckError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

Steps = Any
MODES = ("frozen", "skipping", "flowing")
PACES = ("immediate", "real")


@pytest.fixture(params=[(mode, pace) for mode in MODES for pace in PACES], ids="-".join)
def joblet(request: pytest.FixtureRequest) -> Iterator[FakeJoblet]:
    """One for each clock and pace: whatever it is, nothing may hang."""
    mode, pace = request.param
    with FakeJoblet(clock=mode, pace=pace, tls=False, program_timeout=20) as started:
        yield started
        started.check()


@pytest.fixture
def frozen() -> Iterator[FakeJoblet]:
    with FakeJoblet(clock="frozen", tls=False) as started:
        yield started
        started.check()


def run(joblet: FakeJoblet, command: str, *args: str, **fields: object) -> str:
    answer = joblet.rpc("RunJob", command=command, args=args, timeout=30, **fields)
    job_id: str = answer.job_uuid
    return job_id


def finish(joblet: FakeJoblet, job_id: str) -> Any:
    """Let a job come to its end by whatever moves its clock."""
    before = time.monotonic()
    if joblet.clock.mode == "skipping":
        view = joblet.jobs.wait(job_id, timeout=20)
        # What was written over STOPPED comes a little later (JOB-STP-07).
        joblet.clock.advance(1)
    else:
        joblet.clock.advance(minutes=10)
        view = joblet.jobs[job_id]
    assert time.monotonic() - before < 15
    return view


def calling(
    joblet: FakeJoblet, work: Callable[[RunningJob], object], first: float = 1.0
) -> list[object]:
    """Have a job's program do something; give what came of it."""
    got: list[object] = []

    @joblet.programs.register("caller")
    def caller(job: RunningJob) -> Generator[Any]:
        yield Sleep(first)
        try:
            got.append(work(job))
        except Exception as error:  # noqa: BLE001 - the test looks at it
            got.append(error)
        yield Stdout(b"called\n")
        yield Sleep(1)

    view = finish(joblet, run(joblet, "caller"))
    assert (view.status, view.stdout) == ("COMPLETED", "called\n")
    return got


# Calls


def test_a_program_can_run_another_job_and_read_of_it(joblet: FakeJoblet) -> None:
    def work(_job: RunningJob) -> str:
        inner = run(joblet, "echo", "inner")
        assert joblet.rpc("GetJobStatus", uuid=inner).uuid == inner
        assert len(joblet.rpc("ListJobs").jobs) == 2
        assert inner in joblet.jobs
        return joblet.jobs[inner].command

    assert calling(joblet, work) == ["echo"]


def test_a_program_can_run_another_program(joblet: FakeJoblet) -> None:
    depth: list[int] = []

    @joblet.programs.register("deeper")
    def deeper(job: RunningJob) -> Generator[Any]:
        depth.append(int(job.args[0]))
        if depth[-1] < 5:
            run(joblet, "deeper", str(depth[-1] + 1))
        yield Stdout(b"x")

    assert len(calling(joblet, lambda _job: run(joblet, "deeper", "1"))) == 1
    finish(joblet, run(joblet, "true"))
    assert depth == [1, 2, 3, 4, 5]


def test_a_program_can_stop_another_job(joblet: FakeJoblet) -> None:
    def work(_job: RunningJob) -> list[str]:
        other = run(joblet, "sleep", "10000")
        joblet.rpc("StopJob", uuid=other, timeout=30)
        return [status for _, status in joblet.jobs[other].statuses][:3]

    assert calling(joblet, work) == [["INITIALIZING", "RUNNING", "STOPPED"]]


def test_a_program_can_stop_its_own_job(joblet: FakeJoblet) -> None:
    went_on = threading.Event()

    @joblet.programs.register("suicidal")
    def suicidal(job: RunningJob) -> Generator[Any]:
        yield Sleep(1)
        joblet.rpc("StopJob", uuid=job.uuid, timeout=30)
        went_on.set()
        yield Stdout(b"never")

    view = finish(joblet, run(joblet, "suicidal"))
    assert went_on.wait(10)
    assert (view.stdout, view.exit_code) == ("", -1)
    assert "STOPPED" in [status for _, status in view.statuses]


def test_a_program_can_delete_and_reset(joblet: FakeJoblet) -> None:
    done = threading.Event()

    @joblet.programs.register("last")
    def last(_job: RunningJob) -> Generator[Any]:
        yield Sleep(1)
        joblet.reset()
        done.set()
        yield Stdout(b"never")

    run(joblet, "last")
    end = time.monotonic() + 10
    while not done.wait(0.01) and time.monotonic() < end:
        joblet.clock.step()
    assert done.is_set()
    assert len(joblet.jobs) == 0
    assert run(joblet, "echo", "hi") in joblet.jobs


# What waits for time


@pytest.mark.parametrize("verb", ["advance", "run_until_idle", "run_until"])
def test_a_program_can_not_move_the_clock(joblet: FakeJoblet, verb: str) -> None:
    def work(_job: RunningJob) -> None:
        move = getattr(joblet.clock, verb)
        move(lambda: True) if verb == "run_until" else move()

    (error,) = calling(joblet, work)
    assert isinstance(error, RuntimeError)
    assert "let time pass with `yield Sleep(seconds)`" in str(error)


def test_a_program_waits_for_a_job_where_time_can_pass(joblet: FakeJoblet) -> None:
    def work(_job: RunningJob) -> str:
        return joblet.jobs.wait(run(joblet, "sleep", "0.2"), timeout=10).status

    (got,) = calling(joblet, work)
    if joblet.clock.mode == "frozen":
        assert isinstance(got, RuntimeError)
        assert "the frozen clock waits for the program" in str(got)
    else:
        assert got == "COMPLETED"


def test_a_program_follows_a_log_where_time_can_pass(joblet: FakeJoblet) -> None:
    joblet.programs.on("other").prints("a").sleeps(0.1).prints("b").sleeps(0.1)

    def work(_job: RunningJob) -> object:
        stream = joblet.rpc("GetJobLogs", uuid=run(joblet, "other")[:8], timeout=30)
        return b"".join(chunk.payload for chunk in stream)

    (got,) = calling(joblet, work)
    if joblet.clock.mode == "frozen":
        error: Any = got
        assert error.code() is grpc.StatusCode.ABORTED
        assert "the clock waits for the program" in error.details()
    else:
        assert got == b"ab"


def test_a_program_polls_until_a_job_is_over_where_time_can_pass(joblet: FakeJoblet) -> None:
    if joblet.clock.mode == "frozen":
        pytest.skip("on a frozen clock polling gets nowhere, for whoever polls")

    def work(_job: RunningJob) -> int:
        other = run(joblet, "sleep", "0.2")
        for polls in range(10_000):
            if joblet.rpc("GetJobStatus", uuid=other).status == "COMPLETED":
                return polls
        return -1

    (polls,) = calling(joblet, work)
    assert isinstance(polls, int)
    assert polls > 0


def test_a_call_that_a_program_makes_is_marked_in_the_journal(frozen: FakeJoblet) -> None:
    calling(frozen, lambda _job: frozen.rpc("Ping"))
    inside = [call.method for call in frozen.calls if call.inside]
    assert inside == ["PersistService.Ping"]
    assert all("joblet-fake" not in str(call.metadata) for call in frozen.calls)


def test_another_fake_is_no_business_of_a_programs_clock(frozen: FakeJoblet) -> None:
    with FakeJoblet(clock="frozen", tls=False) as other:

        def work(_job: RunningJob) -> str:
            far = run(other, "sleep", "60")
            other.clock.advance(60)
            return other.jobs[far].status

        assert calling(frozen, work) == ["COMPLETED"]


# Who waits for a program


def test_run_job_answers_when_the_program_waits(joblet: FakeJoblet) -> None:
    if joblet.options.pace == "real":
        pytest.skip("at real pace a command begins 0.03 s after the answer (TIME-03)")

    @joblet.programs.register("slow")
    def slow(_job: RunningJob) -> Generator[Any]:
        time.sleep(0.05)
        yield Stdout(b"begun")
        yield Hang()

    assert joblet.jobs[run(joblet, "slow")].stdout == "begun"


def test_a_program_that_works_keeps_no_other_call_waiting(joblet: FakeJoblet) -> None:
    go, begun = threading.Event(), threading.Event()

    @joblet.programs.register("slow")
    def slow(_job: RunningJob) -> Generator[Any]:
        begun.set()
        go.wait(10)
        yield Stdout(b"slow")

    other = run(joblet, "echo", "hi")
    thread = threading.Thread(target=lambda: finish(joblet, run(joblet, "slow")))
    thread.start()
    try:
        assert begun.wait(10)
        before = time.monotonic()
        assert joblet.rpc("GetJobStatus", uuid=other).command == "echo"
        joblet.rpc("Ping")
        if (joblet.clock.mode, joblet.options.pace) != ("skipping", "real"):
            # There it takes time, and a skipping clock stays while a program works.
            run(joblet, "echo", "hi")
        assert time.monotonic() - before < 5
    finally:
        go.set()
        thread.join(20)
    assert not thread.is_alive()


def test_stop_job_answers_when_what_answers_it_is_done(frozen: FakeJoblet) -> None:
    def saving(_job: RunningJob) -> Generator[Any]:
        time.sleep(0.05)
        yield Stdout(b"saved")
        return 4

    @frozen.programs.register("server")
    def server(_job: RunningJob) -> Generator[Any]:
        yield OnStop(saving)
        yield Hang()

    job_id = run(frozen, "server")
    frozen.rpc("StopJob", uuid=job_id, timeout=30)
    assert (frozen.jobs[job_id].stdout, frozen.jobs[job_id].exit_code) == ("saved", 4)


def test_at_real_pace_a_call_waits_for_programs_that_are_due_while_it_takes_its_time() -> None:
    """The second RunJob takes 0.15 s off the clock; the first one's program begins meanwhile."""
    with FakeJoblet(clock="frozen", pace="real", tls=False) as joblet:
        moments: list[timedelta] = []

        @joblet.programs.register("slow")
        def slow(_job: RunningJob) -> Generator[Any]:
            time.sleep(0.05)
            moments.append(joblet.clock.now() - begun)
            yield Stdout(b"x")

        begun = joblet.clock.now()
        run(joblet, "slow")
        run(joblet, "true")
        assert moments == [timedelta(seconds=0.18)]


def test_a_skipping_clock_stays_while_a_program_works() -> None:
    with FakeJoblet(clock="skipping", tls=False) as joblet:
        moments: list[object] = []

        @joblet.programs.register("slow")
        def slow(_job: RunningJob) -> Generator[Any]:
            for _ in range(3):
                yield Sleep(60)
                time.sleep(0.05)
                moments.append(joblet.clock.now() - begun)

        begun = joblet.clock.now()
        run(joblet, "sleep", "1000")
        stream = joblet.rpc("GetJobLogs", uuid=run(joblet, "slow"), timeout=30)
        assert list(stream) == []
        assert moments == [timedelta(minutes=minutes) for minutes in (1, 2, 3)]
        joblet.check()


def test_a_running_job_that_is_put_on_the_server_has_begun(frozen: FakeJoblet) -> None:
    @frozen.programs.register("slow")
    def slow(_job: RunningJob) -> Generator[Any]:
        time.sleep(0.05)
        yield Stdout(b"begun")
        yield Hang()

    assert frozen.jobs.add("slow", status="RUNNING").stdout == "begun"


def test_scheduled_jobs_run_their_programs_at_their_times(frozen: FakeJoblet) -> None:
    seen: list[str] = []

    @frozen.programs.register("nightly")
    def nightly(job: RunningJob) -> Generator[Any]:
        seen.append(f"{job.args[0]} {job.now():%H:%M}")
        yield Sleep(30 * 60)
        seen.append(f"{job.args[0]} {job.now():%H:%M}")

    for hour in range(1, 4):
        run(frozen, "nightly", str(hour), schedule=f"2026-01-01T0{hour}:00:00Z")
    frozen.clock.advance(hours=5)
    assert seen == ["1 01:00", "1 01:30", "2 02:00", "2 02:30", "3 03:00", "3 03:30"]


# From asyncio


def test_tasks_use_programs_as_threads_do(joblet: FakeJoblet) -> None:
    @joblet.programs.register("caller")
    def caller(_job: RunningJob) -> Generator[Any]:
        yield Sleep(1)
        run(joblet, "echo", "inner")
        yield Stdout(b"called")

    async def work() -> str:
        shape = joblet._api.method("RunJob")
        async with joblet.aio_channel() as channel:
            call = channel.unary_unary(shape.path, response_deserializer=shape.decode_response)
            answer: Any = await call(shape.encode_request({"command": "caller"}), timeout=30)
        await joblet.clock.advance_async(minutes=1)
        view = await joblet.jobs.wait_async(answer.job_uuid, timeout=20)
        return view.stdout

    assert asyncio.run(work()) == "called"


def test_a_task_may_advance_without_awaiting(frozen: FakeJoblet) -> None:
    async def work() -> str:
        @frozen.programs.register("caller")
        def caller(_job: RunningJob) -> Generator[Any]:
            yield Sleep(1)
            run(frozen, "echo", "inner")
            yield Stdout(b"called")

        job_id = await asyncio.to_thread(run, frozen, "caller")
        frozen.clock.advance(1)
        return frozen.jobs[job_id].stdout

    assert asyncio.run(work()) == "called"


def test_a_program_that_needs_the_tests_loop_gets_it_while_that_awaits(
    frozen: FakeJoblet,
) -> None:
    async def work() -> list[str]:
        loop = asyncio.get_running_loop()
        answers: list[str] = []

        async def answer() -> str:
            return "from the loop"

        @frozen.programs.register("asks")
        def asks(_job: RunningJob) -> Generator[Any]:
            yield Sleep(1)
            answers.append(asyncio.run_coroutine_threadsafe(answer(), loop).result(10))

        await asyncio.to_thread(run, frozen, "asks")
        await frozen.clock.advance_async(1)
        return answers

    assert asyncio.run(work()) == ["from the loop"]


# What goes wrong


def test_an_error_at_the_start_lets_run_job_answer_and_fails_the_test(
    frozen: FakeJoblet,
) -> None:
    @frozen.programs.register("broken")
    def broken(_job: RunningJob) -> Generator[Any]:
        yield Stdout(b"x")
        raise ZeroDivisionError("mine")

    job_id = run(frozen, "broken")
    assert (frozen.jobs[job_id].status, frozen.jobs[job_id].exit_code) == ("FAILED", 1)
    with pytest.raises(ZeroDivisionError, match="mine") as caught:
        frozen.check()
    assert caught.traceback[-1].name == "broken"


@pytest.mark.parametrize("mode", MODES)
def test_a_program_that_never_comes_back_lets_everything_else_go_on(mode: str) -> None:
    with FakeJoblet(clock=mode, tls=False, program_timeout=0.3) as joblet:
        go = threading.Event()

        @joblet.programs.register("stuck")
        def stuck(_job: RunningJob) -> Generator[Any]:
            go.wait(30)
            yield Stdout(b"never")

        before = time.monotonic()
        job_id = run(joblet, "stuck")
        assert time.monotonic() - before < 10
        assert (joblet.jobs[job_id].status, joblet.jobs[job_id].exit_code) == ("FAILED", 1)
        joblet.clock.advance(1)
        assert joblet.jobs[run(joblet, "echo", "hi")].stdout == "hi\n"
        with pytest.raises(StuckError, match=r"in stuck\n    go.wait\(30\)"):
            joblet.check()
        go.set()


def test_a_client_of_the_programs_own_that_waits_for_the_clock_is_told_after_a_while() -> None:
    """Only `joblet.rpc` shows from where it calls."""
    with FakeJoblet(clock="frozen", tls=False, program_timeout=0.5) as joblet:
        shape = joblet._api.method("GetJobLogs")
        stream = joblet.channel().unary_stream(shape.path)

        @joblet.programs.register("own")
        def own(job: RunningJob) -> Generator[Any]:
            list(stream(shape.encode_request({"uuid": job.uuid})))
            yield Stdout(b"never")

        before = time.monotonic()
        job_id = run(joblet, "own")
        assert time.monotonic() - before < 10
        assert joblet.jobs[job_id].status == "FAILED"
        with pytest.raises(StuckError, match="a clock that stands still"):
            joblet.check()


@pytest.mark.parametrize("looping", [False, True])
def test_a_predicate_that_never_comes_back_is_given_up(*, looping: bool) -> None:
    with FakeJoblet(clock="frozen", tls=False, program_timeout=0.3) as joblet:
        go = threading.Event()

        def when(_job: object) -> bool:
            while looping:
                pass
            return go.wait(30)

        joblet.programs.on("x", when=when)
        with pytest.raises(grpc.RpcError, match="a predicate of the test failed"):
            run(joblet, "x")
        with pytest.raises(
            StuckError,
            match=r"a predicate has worked for 0\.3 s.*: a predicate says yes or no at once",
        ):
            joblet.check()
        go.set()


@pytest.mark.parametrize("seconds", [0, -1])
def test_a_limit_that_is_none_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match=r"program_timeout=.*: it is a number of real seconds"):
        FakeJoblet(program_timeout=seconds)


def test_stopping_the_server_ends_programs_and_their_threads() -> None:
    ended = threading.Event()
    threads: list[threading.Thread] = []
    with FakeJoblet(clock="frozen", tls=False) as joblet:

        @joblet.programs.register("server")
        def server(_job: RunningJob) -> Generator[Any]:
            threads.append(threading.current_thread())
            try:
                yield Hang()
            finally:
                ended.set()

        run(joblet, "server")
    assert ended.wait(10)
    threads[0].join(10)
    assert not threads[0].is_alive()
    joblet.check()
