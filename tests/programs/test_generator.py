"""Generators of the test that say what jobs do."""

from __future__ import annotations

import functools
import re
import sys
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from runs import Host, host, output

from joblet_fake.model import Upload
from joblet_fake.programs import (
    Die,
    Hang,
    Metrics,
    OnStop,
    OutOfMemory,
    RunningJob,
    Sleep,
    Stderr,
    Stdout,
    StuckError,
    Write,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from joblet_fake.programs.steps import Step

Steps = "Generator[Step, Any, int | None]"


def registered(here: Host, function: Any, command: str = "x") -> None:
    here.programs.register(command)(function)


def test_a_generator_does_what_it_yields_when_it_yields_it() -> None:
    here = host()

    @here.programs.register("train.py")
    def train(_job: RunningJob) -> Generator[Step]:
        yield Stdout(b"epoch 1\n")
        yield Sleep(30)
        yield Stderr(b"warning: lr\n")
        yield Sleep(30)
        return 3

    job = here.run("train.py")
    assert (output(job), job.status) == (b"epoch 1\n", "RUNNING")
    here.clock.advance(29.999)
    assert output(job) == b"epoch 1\n"
    here.clock.advance(0.001)
    assert job.log.content("stderr") == b"warning: lr\n"
    here.clock.advance(30)
    assert (job.status, job.exit_code) == ("FAILED", 3)


@pytest.mark.parametrize(
    ("value", "code"), [(None, 0), (0, 0), (7, 7), (255, 255), (True, 1), (False, 0)]
)
def test_what_it_returns_is_the_exit_code(value: object, code: int) -> None:
    here = host()

    def program(_job: RunningJob) -> Any:
        yield Stdout(b"")
        return value

    registered(here, program)
    assert here.run("x").exit_code == code


@pytest.mark.parametrize("value", [256, -1, "0", 1.0, b""])
def test_a_return_value_that_is_no_exit_code_fails_the_test(value: object) -> None:
    here = host()

    def program(_job: RunningJob) -> Any:
        yield Stdout(b"")
        return value

    registered(here, program)
    job = here.run("x")
    assert (job.status, job.exit_code) == ("FAILED", 1)
    (error,) = here.errors
    assert re.match(
        rf"program \(tests.programs.test_generator.py:\d+\) returned {re.escape(repr(value))}: "
        "a program returns its exit code, 0 to 255, or nothing for 0",
        str(error).replace("\\", "/"),
    )


@pytest.mark.parametrize(("code", "expected"), [(None, 0), (4, 4), ("bye", 1)])
def test_sys_exit_ends_it_as_it_ends_a_script(code: Any, expected: int) -> None:
    here = host()

    def program(_job: RunningJob) -> Any:
        yield Stdout(b"x")
        sys.exit(code)

    registered(here, program)
    assert here.run("x").exit_code == expected
    assert here.errors == []


def test_it_runs_on_a_thread_of_its_own_which_ends_with_it() -> None:
    here = host()
    threads: list[threading.Thread] = []

    def program(_job: RunningJob) -> Any:
        for _ in range(3):
            threads.append(threading.current_thread())
            yield Sleep(1)

    registered(here, program)
    first, second = here.run("x"), here.run("x")
    here.clock.run_until_idle()
    assert {first.status, second.status} == {"COMPLETED"}
    assert len(set(threads)) == 2
    assert threading.current_thread() not in threads
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()


def test_it_never_runs_under_the_lock() -> None:
    here = host()
    free: list[bool] = []

    def other_thread_gets_the_lock() -> None:
        def take() -> None:
            free.append(here.clock.lock.acquire(timeout=5))
            here.clock.lock.release()

        thread = threading.Thread(target=take)
        thread.start()
        thread.join()

    def program(_job: RunningJob) -> Any:
        other_thread_gets_the_lock()
        try:
            yield Stdout(b"x")
            other_thread_gets_the_lock()
            yield Sleep(1)
            other_thread_gets_the_lock()
            yield Hang()
        finally:
            other_thread_gets_the_lock()

    registered(here, program)
    job = here.run("x")
    here.clock.advance(1)
    here.stop(job)
    assert free == [True] * 4


def test_its_error_fails_the_job_and_is_raised_by_whoever_moved_time() -> None:
    here = host()

    def program(_job: RunningJob) -> Any:
        yield Stdout(b"before")
        yield Sleep(1)
        raise ZeroDivisionError("mine")

    registered(here, program)
    job = here.run("x")
    with pytest.raises(ZeroDivisionError, match="mine") as caught:
        here.clock.advance(5)
    assert caught.traceback[-1].name == "program"
    assert (job.status, job.exit_code, output(job)) == ("FAILED", 1, b"before")
    assert here.clock.now() == datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize("error", [ZeroDivisionError("mine"), pytest.fail.Exception("mine")])
def test_its_error_at_the_start_is_kept_for_the_test(error: BaseException) -> None:
    here = host()

    def program(_job: RunningJob) -> Any:
        yield Stdout(b"before")
        raise error

    registered(here, program)
    assert here.run("x").status == "FAILED"
    assert here.errors == [error]


def test_what_is_no_step_is_refused_at_its_yield() -> None:
    here = host()

    def program(_job: RunningJob) -> Any:
        yield Stdout(b"x")
        yield "text"

    registered(here, program)
    here.run("x")
    (error,) = here.errors
    assert isinstance(error, TypeError)
    assert str(error) == ("a program yields steps, such as Stdout(b'...') or Sleep(1), not 'text'")
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    assert last is not None
    assert last.tb_frame.f_code.co_name == "program"


def test_it_sees_the_job_from_the_inside() -> None:
    here = host()
    seen: dict[str, Any] = {}

    def program(job: RunningJob) -> Any:
        seen.update(
            uuid=job.uuid,
            name=job.name,
            command=job.command,
            args=job.args,
            secret=job.environment["TOKEN"],
            ours=job.environment["JOB_ID"],
            volumes=job.volumes,
            address=job.address,
            attempt=job.attempt,
            now=job.now(),
            said=repr(job),
        )
        yield Sleep(90)
        seen["later"] = job.now()

    registered(here, program)
    job = here.run(
        "x", "1", "", "2", name="nightly", secret_environment={"TOKEN": "s"}, volumes=("lost",)
    )
    here.clock.advance(90)
    assert seen == {
        "uuid": job.uuid,
        "name": "nightly",
        "command": "x",
        "args": ("1", "2"),
        "secret": "s",
        "ours": job.uuid,
        "volumes": (),
        "address": job.address,
        "attempt": 1,
        "now": datetime(2026, 1, 1, tzinfo=UTC),
        "said": f"<running job {job.uuid} 'x 1 2', attempt 1>",
        "later": datetime(2026, 1, 1, 0, 1, 30, tzinfo=UTC),
    }


def test_it_reads_uploads_and_writes_files() -> None:
    here = host()
    seen: list[Any] = []

    def program(job: RunningJob) -> Any:
        files = job.files
        seen.append((files["in.txt"], files["/work/a/b"], "nothing" in files, sorted(files)))
        files["out"] = "text"
        yield Write("/work/other", b"bytes")
        seen.append((files["/work/out"], files["other"], len(files)))
        del files["out"]
        seen.append("out" in files)

    registered(here, program)
    here.run("x", uploads=(Upload("in.txt", b"1"), Upload("a/b", b"2")))
    assert seen == [
        (b"1", b"2", False, ["a/b", "in.txt"]),
        (b"text", b"bytes", 4),
        False,
    ]


def test_a_file_that_is_not_there_is_told_with_those_that_are() -> None:
    here = host()

    def program(job: RunningJob) -> Any:
        yield Stdout(job.files["in.text"])

    registered(here, program)
    here.run("x", uploads=(Upload("in.txt", b"1"),))
    (error,) = here.errors
    assert error.args == ("no file 'in.text'; there are in.txt",)


@pytest.mark.parametrize(("path", "data"), [(1, b""), ("x", 1), ("x", None)])
def test_files_take_text_and_bytes_by_paths_alone(path: Any, data: Any) -> None:
    here = host()

    def program(job: RunningJob) -> Any:
        yield Sleep(0)
        job.files[path] = data

    registered(here, program)
    here.run("x")
    (error,) = here.errors
    assert isinstance(error, TypeError)


def test_its_random_numbers_come_from_the_job() -> None:
    def numbers() -> list[list[float]]:
        here = host()
        drawn: list[list[float]] = []

        def program(job: RunningJob) -> Any:
            drawn.append([job.random.random(), job.random.random()])
            yield Sleep(0)

        registered(here, program)
        here.run("x")
        here.run("x")
        return drawn

    first, second = numbers()
    assert first != second
    assert numbers() == [first, second]


def test_it_knows_the_how_manieth_run_it_is() -> None:
    here = host()

    @here.programs.register("flaky")
    def flaky(job: RunningJob) -> Generator[Step]:
        yield Stdout(f"attempt {job.attempt}\n".encode())
        return 1 if job.attempt == 1 else 0

    jobs = [here.run("flaky") for _ in range(3)]
    assert [(job.exit_code, output(job)) for job in jobs] == [
        (1, b"attempt 1\n"),
        (0, b"attempt 2\n"),
        (0, b"attempt 3\n"),
    ]
    assert jobs[0].explanation.endswith("register(command='flaky')")
    assert jobs[1].explanation.endswith("register(command='flaky'), run 2")


def test_one_function_can_be_registered_for_several_commands() -> None:
    here = host()

    @here.programs.register("a")
    @here.programs.register("b")
    def program(job: RunningJob) -> Generator[Step]:
        yield Stdout(job.command.encode())

    assert [output(here.run(command)) for command in "ab"] == [b"a", b"b"]


def test_methods_and_partial_functions_are_programs_too() -> None:
    here = host()

    class Trainer:
        def run(self, job: RunningJob) -> Generator[Step]:
            yield Stdout(job.command.encode())

    def program(text: bytes, _job: RunningJob) -> Generator[Step]:
        yield Stdout(text)

    registered(here, Trainer().run, "a")
    registered(here, functools.partial(program, b"partial"), "b")
    assert [output(here.run(command)) for command in "ab"] == [b"a", b"partial"]


@pytest.mark.parametrize(("step", "code"), [(Die(), -1), (Die("SIGSEGV"), -1), (OutOfMemory(), -1)])
def test_it_dies_of_a_signal(step: Step, code: int) -> None:
    """JOB-SM-02, JOB-SM-03: nothing shows which."""
    here = host()
    ended: list[str] = []

    def program(_job: RunningJob) -> Any:
        try:
            yield Stdout(b"last words")
            yield step
        finally:
            ended.append("closed")
        yield Stdout(b"never")

    registered(here, program)
    job = here.run("x")
    assert (job.status, job.exit_code, output(job)) == ("FAILED", code, b"last words")
    assert ended == ["closed"]


def test_a_burst_of_lines_comes_in_chunks_of_32_kib() -> None:
    """JOB-LOG-01."""
    here = host()

    def program(_job: RunningJob) -> Any:
        yield Stdout(b"0123456789\n", times=1_000_000)

    registered(here, program)
    before = time.monotonic()
    log = here.run("x").log
    assert time.monotonic() - before < 5
    assert log.content() == b"0123456789\n" * 1_000_000
    assert len(log) == 336
    assert {len(log.chunk(number)) for number in range(335)} == {32_768}


def test_endless_steps_end_it_within_seconds() -> None:
    here = host()

    def program(_job: RunningJob) -> Any:
        while True:
            yield Sleep(0)

    registered(here, program)
    before = time.monotonic()
    job = here.run("x")
    (error,) = here.errors
    assert "100,000 steps without letting time pass" in str(error)
    assert (job.status, job.exit_code) == ("FAILED", -1)
    # A second or two on a machine that does nothing else.
    assert time.monotonic() - before < 10


def test_cleared_programs_end_what_runs_and_tell_nobody() -> None:
    here = host()
    ended = threading.Event()

    def program(_job: RunningJob) -> Any:
        try:
            yield Hang()
        finally:
            ended.set()

    registered(here, program)
    job = here.run("x")
    here.programs.clear()
    assert ended.wait(5)
    assert job.status == "RUNNING"
    assert here.run("x").explanation.startswith("nothing was run")
    here.clock.advance(days=1)
    assert here.errors == []


# Stopping


def test_a_stop_kills_it_and_lets_it_clean_up() -> None:
    """It ignores SIGTERM, as a plain command that is PID 1 does (JOB-STP-06)."""
    here = host()
    ended: list[str] = []

    def program(_job: RunningJob) -> Any:
        try:
            yield Sleep(60)
        finally:
            ended.append("closed")

    registered(here, program)
    job = here.run("x")
    assert here.stopped(job) == ["STOPPED", "FAILED"]
    assert job.exit_code == -1
    assert ended == ["closed"]


def test_an_error_while_it_cleans_up_fails_the_test() -> None:
    here = host()

    def program(_job: RunningJob) -> Any:
        try:
            yield Hang()
        finally:
            raise ZeroDivisionError("at the end")

    registered(here, program)
    here.stop(here.run("x"))
    (error,) = here.errors
    assert str(error) == "at the end"


@pytest.mark.parametrize("pace", ["immediate", "real"])
@pytest.mark.parametrize(
    ("last", "code", "written"),
    [
        ([], 3, b"up saved"),
        ([Sleep(0.05)], 3, b"up saved"),
        ([Sleep(0.2)], -1, b"up "),
        ([Hang()], -1, b"up "),
    ],
)
def test_it_can_say_what_a_stop_does(
    pace: str, last: list[Step], code: int, written: bytes
) -> None:
    """Whatever the pace: within 0.1 s it ends by itself, else it is killed (JOB-STP-05)."""
    here = host(pace=pace)

    def saving(job: RunningJob) -> Any:
        yield from last
        yield Stdout(b"saved" if job.command == "x" else b"?")
        return 3

    def program(_job: RunningJob) -> Any:
        yield OnStop(saving)
        yield Stdout(b"up ")
        yield Sleep(60)
        yield Stdout(b"never")

    registered(here, program)
    outcome = here.submit("x")
    here.clock.advance(1)
    job = outcome.result()
    stopping = here.stop(job)
    here.clock.advance(1)
    assert stopping.done
    assert (job.status, job.exit_code) == ("FAILED", code)
    assert [status for _, status in job.statuses[-2:]] == ["STOPPED", "FAILED"]
    assert output(job) == written


def test_on_stop_can_be_taken_back() -> None:
    here = host()

    def saving(_job: RunningJob) -> Any:
        yield Stdout(b"saved")

    def program(_job: RunningJob) -> Any:
        yield OnStop(saving)
        yield OnStop(None)
        yield Hang()

    registered(here, program)
    job = here.run("x")
    here.stop(job)
    assert (job.exit_code, output(job)) == (-1, b"")


def test_a_stop_that_comes_while_it_works_is_answered_after_the_step() -> None:
    here = host()
    go, begun = threading.Event(), threading.Event()

    def saving(_job: RunningJob) -> Any:
        yield Stdout(b" saved")
        return 5

    def program(_job: RunningJob) -> Any:
        yield OnStop(saving)
        yield Sleep(1)
        begun.set()
        go.wait(10)
        yield Stdout(b"step")
        yield Stdout(b"never")

    registered(here, program)
    job = here.run("x")
    mover = threading.Thread(target=here.clock.advance, args=(1,))
    mover.start()
    assert begun.wait(10)
    with here.clock.lock:
        stopping = here.model.lifecycle.stop(job.uuid)
    assert not stopping.done
    go.set()
    mover.join(10)
    assert stopping.done
    assert (output(job), job.exit_code) == (b"step saved", 5)


def test_a_stop_that_comes_while_it_works_kills_it_without_waiting() -> None:
    here = host()
    go, begun, ended = threading.Event(), threading.Event(), threading.Event()

    def program(_job: RunningJob) -> Any:
        try:
            yield Sleep(1)
            begun.set()
            go.wait(10)
            yield Stdout(b"never")
        finally:
            ended.set()

    registered(here, program)
    job = here.run("x")
    mover = threading.Thread(target=here.clock.advance, args=(1,))
    mover.start()
    assert begun.wait(10)
    here.stop(job).result()
    assert (job.status, job.exit_code) == ("FAILED", -1)
    mover.join(10)
    assert not mover.is_alive()
    go.set()
    assert ended.wait(10)
    assert output(job) == b""
    assert here.errors == []


# What never comes back


def looping(_job: RunningJob) -> Any:
    while True:
        pass
    yield Stdout(b"never")


def blocking(_job: RunningJob) -> Any:
    threading.Event().wait(30)
    yield Stdout(b"never")


@pytest.mark.parametrize("program", [looping, blocking])
@pytest.mark.parametrize("first", [0, 1])
def test_a_program_that_never_comes_back_is_given_up(program: Any, first: int) -> None:
    here = host(limit=0.2)

    @here.programs.register("x")
    def late(job: RunningJob) -> Generator[Step]:
        yield Sleep(first)
        yield from program(job)

    before = time.monotonic()
    job = here.run("x")
    if first:
        with pytest.raises(StuckError) as caught:
            here.clock.advance(5)
        error: BaseException = caught.value
    else:
        (error,) = here.errors
        assert isinstance(error, StuckError)
    assert time.monotonic() - before < 5
    assert (job.status, job.exit_code) == ("FAILED", 1)
    text = str(error).replace("\\", "/")
    assert re.match(r"late \(tests/programs/test_generator.py:\d+\) has worked for 0.2 s", text)
    assert f"in {program.__name__}\n" in text
    here.clock.advance(5)


def test_a_loop_that_never_comes_back_burns_no_core_for_ever() -> None:
    here = host(limit=0.1)
    threads: list[threading.Thread] = []

    def program(_job: RunningJob) -> Any:
        threads.append(threading.current_thread())
        while True:
            pass
        yield Stdout(b"never")

    registered(here, program)
    here.run("x")
    threads[0].join(10)
    assert not threads[0].is_alive()
    assert len(here.errors) == 1


def test_a_program_that_never_ends_its_clean_up_is_given_up_too() -> None:
    here = host(limit=0.2)
    go = threading.Event()

    def program(_job: RunningJob) -> Any:
        try:
            yield Hang()
        finally:
            go.wait(10)

    registered(here, program)
    here.stop(here.run("x"))
    go.set()
    (error,) = here.errors
    assert isinstance(error, StuckError)


def test_code_that_a_person_debugs_is_waited_for() -> None:
    here = host(limit=0.1)
    # A debugger's prompt is a function of a module with such a name.
    prompt: dict[str, Any] = {"__name__": "pdb", "time": time}
    exec("def wait(): time.sleep(0.5)", prompt)

    def program(_job: RunningJob) -> Any:
        prompt["wait"]()
        yield Stdout(b"debugged")

    registered(here, program)
    assert output(here.run("x")) == b"debugged"
    assert here.errors == []


# What is refused


async def asynchronous(_job: Any) -> Any:
    yield Stdout(b"")


def plain(_job: Any) -> int:
    return 0


def without_a_job() -> Any:
    yield Stdout(b"")


def with_more(_job: Any, _more: Any) -> Any:
    yield Stdout(b"")


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (asynchronous, "is async: a program is a plain generator"),
        (plain, "yields nothing: a program is a generator function, like def program(job): yield"),
        (without_a_job, "can't be called with the job alone"),
        (with_more, "can't be called with the job alone"),
        (5, "5: a program is a generator function"),
    ],
)
def test_what_is_no_program_is_refused_where_it_is_written(function: Any, text: str) -> None:
    with pytest.raises(TypeError, match=re.escape(text)):
        host().programs.register("x")(function)


def test_a_decorator_without_the_command_is_refused_with_what_would_be_right() -> None:
    with pytest.raises(TypeError, match=r"plain .* lacks the command .*: write @joblet"):
        host().programs.register(plain)  # type: ignore[arg-type]  # the mistake itself


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Stdout("x"), "Stdout('x'): give bytes, such as Stdout(b'x')"),  # type: ignore[arg-type]
        (lambda: Stderr(5), "Stderr(5): give bytes, such as Stderr(b'...')"),  # type: ignore[arg-type]
        (lambda: Stdout(b"x", times=-1), "Stdout(times=-1): how often is a whole number"),
        (lambda: Stdout(b"x", times=1.5), "Stdout(times=1.5)"),  # type: ignore[arg-type]
        (lambda: Sleep("5"), "Sleep('5'): give a number of seconds"),
        (lambda: Sleep(-1), "Sleep(-1): time only moves forward"),
        (lambda: Sleep(float("inf")), "Sleep(inf): what never ends is Hang()"),
        (lambda: Sleep(float("nan")), "Sleep(nan): time only moves forward"),
        (lambda: Die("KILL"), "unknown signal 'KILL': it is one of SIGHUP,"),
        (lambda: Write("x", "y"), "Write('x', 'y'): give bytes, such as b'y'"),  # type: ignore[arg-type]
        (lambda: Write(1, b""), "Write(1, ...): give a path as text"),  # type: ignore[arg-type]
        (lambda: OnStop(plain), "give a generator function that takes the job"),
        (lambda: OnStop(5), "OnStop(5): give a generator function"),  # type: ignore[arg-type]
    ],
)
def test_steps_that_make_no_sense_are_refused_where_they_are_made(
    make: Callable[[], object], text: str
) -> None:
    with pytest.raises((TypeError, ValueError), match=re.escape(text)):
        make()


# Determinism


STEP = st.one_of(
    st.binary(min_size=1, max_size=4).map(Stdout),
    st.binary(min_size=1, max_size=4).map(Stderr),
    st.sampled_from([0.0, 0.5, 1.0, 60.0]).map(Sleep),
)


@settings(deadline=None)  # threads have their turns when the machine has time
@given(st.lists(STEP, max_size=8), st.integers(0, 255))
def test_a_generator_and_a_script_that_say_the_same_do_the_same(
    steps: list[Any], code: int
) -> None:
    def program(_job: RunningJob) -> Any:
        yield from steps
        return code

    def life(here: Host) -> list[object]:
        job = here.run("x")
        here.clock.run_until_idle()
        log = job.log
        chunks = [(log.chunk(number), log.second(number)) for number in range(len(log))]
        return [chunks, log.content("stderr"), job.exit_code, job.end_ns, job.statuses]

    written, scripted = host(), host()
    registered(written, program)
    script = scripted.programs.on("x")
    for step in steps:
        if isinstance(step, Sleep):
            script.sleeps(step.seconds)
        else:
            script.prints(step.data, "stdout" if isinstance(step, Stdout) else "stderr")
    script.exits(code)
    assert life(written) == life(scripted)


@settings(deadline=None)  # threads have their turns when the machine has time
@given(st.lists(st.lists(st.sampled_from([1, 2, 3]), max_size=4), min_size=1, max_size=5))
def test_programs_take_turns_in_the_same_order_every_time(naps: list[list[int]]) -> None:
    def story() -> list[tuple[str, int]]:
        here = host()
        told: list[tuple[str, int]] = []

        def program(job: RunningJob) -> Any:
            for number, nap in enumerate(naps[int(job.args[0])]):
                told.append((job.args[0], number))
                yield Sleep(nap)
                told.append((job.args[0], -number))

        registered(here, program)
        for number in range(len(naps)):
            here.run("x", str(number))
        here.clock.run_until_idle()
        return told

    assert story() == story()


def test_metrics_are_noted_when_they_are_said() -> None:
    here = host()

    def program(_job: RunningJob) -> Any:
        yield Sleep(5)
        yield Metrics(cpu_percent=93.0, memory_bytes=512 << 20)
        yield Hang()

    registered(here, program)
    usage = here.run("x").usage
    start = here.clock.now_ns()
    here.clock.advance(10)
    at = start + 5 * 10**9
    assert (usage.last(at - 1, "cpu_percent"), usage.last(at, "cpu_percent")) == (None, 93.0)
    assert usage.last(at, "memory_bytes") == 512 << 20


def test_a_file_that_can_not_be_written_is_an_error_at_its_yield() -> None:
    """VOL-26: a job without uploads and volumes has one MiB."""
    here = host()
    seen: list[object] = []

    def program(job: RunningJob) -> Any:
        for write in (b"x" * (2 << 20), "/volumes/lost/x"):
            try:
                yield Write("big", write) if isinstance(write, bytes) else Write(write, b"x")
            except OSError as error:
                seen.append(error.strerror)
        seen.append(len(job.files["big"]))
        try:
            job.files["/volumes/lost/x"] = b"x"
        except OSError as error:
            seen.append(error.strerror)

    registered(here, program)
    assert here.run("x").exit_code == 0
    lost = "No such file or directory"
    assert seen == ["No space left on device", lost, 1 << 20, lost]


def test_jobs_share_what_is_in_a_volume() -> None:
    here = host()
    here.model.volumes.create("data", "8KB", "memory", 0)

    def writer(job: RunningJob) -> Any:
        job.files["/volumes/data/a/b"] = "shared"
        yield Stdout(b"")

    def reader(job: RunningJob) -> Any:
        yield Stdout(f"{job.volumes} {job.files['/volumes/data/a/b'].decode()}".encode())

    registered(here, writer, "writer")
    registered(here, reader, "reader")
    here.run("writer", volumes=("data",))
    assert output(here.run("reader", volumes=("data", "lost"))).endswith(b"('data',) shared")
