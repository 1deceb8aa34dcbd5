from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from runs import host, output

from joblet_fake.model import Refusal, Upload
from joblet_fake.programs import Script

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_script_does_what_it_says_in_that_order() -> None:
    here = host()
    here.programs.on("train").prints("one\n").sleeps(60).prints("two\n", stream="stderr").exits(3)
    job = here.run("train")
    assert (output(job), job.status) == (b"one\n", "RUNNING")
    here.clock.advance(59.999)
    assert output(job) == b"one\n"
    here.clock.advance(0.001)
    assert (output(job), job.status, job.exit_code) == (b"one\ntwo\n", "FAILED", 3)
    assert (job.log.content("stdout"), job.log.content("stderr")) == (b"one\n", b"two\n")


def test_its_explanation_says_which_it_was() -> None:
    here = host()
    here.programs.on("train").prints("x").exits(1)
    assert here.run("train").explanation == "scripted: on(command='train').prints('x').exits(1)"


def test_a_script_without_an_end_succeeds() -> None:
    here = host()
    here.programs.on("train")
    job = here.run("train")
    assert (job.status, job.exit_code, output(job)) == ("COMPLETED", 0, b"")


def test_prints_is_one_chunk_of_exactly_these_bytes() -> None:
    """JOB-LOG-01."""
    here = host()
    here.programs.on("x").prints("ü\n").prints(b"\x00\xff").prints(bytearray(b"z"))
    log = here.run("x").log
    assert [log.chunk(number) for number in range(len(log))] == ["ü\n".encode(), b"\x00\xff", b"z"]


def test_dies_is_failed_with_minus_one() -> None:
    """JOB-SM-02, whatever the signal."""
    here = host()
    here.programs.on("x").prints("last words").dies("SIGSEGV")
    job = here.run("x")
    assert (job.status, job.exit_code, output(job)) == ("FAILED", -1, b"last words")


def test_hangs_runs_until_it_is_stopped() -> None:
    """It ignores SIGTERM, as a plain command that is PID 1 does (JOB-STP-06)."""
    here = host()
    here.programs.on("x").prints("up").hangs()
    job = here.run("x")
    here.clock.advance(days=3)
    assert job.status == "RUNNING"
    assert here.stopped(job) == ["STOPPED", "FAILED"]
    assert job.exit_code == -1


def test_a_stop_right_after_the_launch_meets_the_launcher() -> None:
    """JOB-STP-10: it hears SIGTERM, and its exit code is 2."""
    here = host("real")
    here.programs.on("train").prints("never").hangs()
    answer = here.submit("train")
    here.clock.advance(0.15)
    job = answer.result()
    stopping = here.stop(job)
    here.clock.advance(0.108)
    assert stopping.done
    here.clock.advance(1)
    assert (job.status, job.exit_code, output(job)) == ("FAILED", 2, b"")


def test_a_sleeping_script_is_killed_by_a_stop_and_says_no_more() -> None:
    here = host(pace="real")
    here.programs.on("x").prints("a").sleeps(10).prints("b")
    outcome = here.submit("x")
    here.clock.advance(1)
    job = outcome.result()
    stopping = here.stop(job)
    here.clock.advance(0.159)
    assert not stopping.done
    here.clock.advance(0.001)
    assert stopping.done
    assert job.status == "STOPPED"
    here.clock.run_until_idle()
    assert (job.status, job.exit_code, output(job)) == ("FAILED", -1, b"a")


def test_a_script_that_ends_while_it_is_being_stopped_ends_with_its_own_code() -> None:
    """JOB-STP-07: the natural result is written over STOPPED."""
    here = host(pace="real")
    here.programs.on("x").sleeps(1).exits(0)
    outcome = here.submit("x")
    here.clock.advance(1.15)
    stopping = here.stop(outcome.result())
    here.clock.advance(1)
    assert stopping.done
    statuses = [status for _, status in outcome.result().statuses]
    assert statuses == ["INITIALIZING", "RUNNING", "STOPPED", "COMPLETED"]


def test_fails_to_start_is_a_launch_failure() -> None:
    """JOB-RUN-81."""
    here = host()
    here.programs.on("x").fails_to_start("no space left on device")
    with pytest.raises(Refusal, match=r"^execution failed: no space left on device$"):
        here.run("x")
    (job,) = here.model.jobs.stored
    assert (job.status, job.exit_code) == ("FAILED", -1)


def test_one_script_runs_for_many_jobs_each_from_its_start() -> None:
    here = host()
    here.programs.on("x").prints("a").sleeps(1).prints("b")
    jobs = [here.run("x") for _ in range(3)]
    here.clock.advance(1)
    assert [output(job) for job in jobs] == [b"ab"] * 3


def test_what_is_added_to_a_script_counts_for_later_jobs() -> None:
    here = host()
    script = here.programs.on("x").prints("a")
    first = here.run("x")
    script.prints("b")
    assert (output(first), output(here.run("x"))) == (b"a", b"ab")


def test_prints_many_times_is_one_burst_in_chunks_of_32_kib() -> None:
    """JOB-LOG-01: a reader of a pipe gets what is there, and lines are cut."""
    here = host()
    here.programs.on("x").prints("a line\n", times=10_000).prints("no\n", "stderr", times=2)
    log = here.run("x").log
    chunks = [len(log.chunk(number)) for number in range(len(log))]
    assert chunks == [32_768, 32_768, 4464, 6]
    assert log.content() == b"a line\n" * 10_000 + b"no\n" * 2


@given(st.binary(max_size=70), st.integers(0, 3000))
def test_a_burst_is_what_was_said_as_often_as_it_was_said(data: bytes, times: int) -> None:
    here = host()
    here.programs.on("x").prints(data, times=times)
    log = here.run("x").log
    assert log.content() == data * times
    assert all(len(log.chunk(number)) == 32_768 for number in range(len(log) - 1))


def test_running_out_of_memory_leaves_no_mark() -> None:
    """JOB-SM-03."""
    here = host()
    here.programs.on("x").prints("loading\n").runs_out_of_memory()
    job = here.run("x", max_memory=64)
    assert (job.status, job.exit_code, output(job)) == ("FAILED", -1, b"loading\n")


def test_files_are_written_and_printed() -> None:
    here = host()
    script = here.programs.on("x").prints_file("in.txt").writes("a/out", "text")
    script.writes("/volumes/data/b", b"\xff").prints_file("/work/a/out")
    script.prints_file("/volumes/data/b").exits(2)
    here.model.volumes.create("data", "8KB", "memory", 0)
    job = here.run("x", uploads=(Upload("in.txt", b"uploaded"),), volumes=("data",))
    assert (output(job), job.exit_code) == (b"uploadedtext\xff", 2)


def test_a_file_that_is_not_there_ends_the_script_as_it_ends_cat() -> None:
    here = host()
    here.programs.on("x").prints("a\n").prints_file("in.txt").prints("never").exits(0)
    job = here.run("x")
    assert (job.status, job.exit_code) == ("FAILED", 1)
    assert job.log.content("stderr") == b"cat: in.txt: No such file or directory\n"
    assert job.log.content("stdout") == b"a\n"


def test_a_file_that_can_not_be_written_ends_the_script_and_is_told_of() -> None:
    here = host()
    here.programs.on("x").writes("/volumes/data/b", "x").prints("never").exits(0)
    job = here.run("x")
    assert (job.status, job.exit_code, job.log.content("stdout")) == ("FAILED", 1, b"")
    problem = "/volumes/data/b: No such file or directory"
    assert job.log.content("stderr") == f"cannot write {problem}\n".encode()
    assert job.explanation.endswith(f"; it could not write {problem}")


# Run after run


def test_then_says_what_the_next_runs_do() -> None:
    here = host()
    here.programs.on("flaky").exits(1).then.dies().then.prints("ok").exits(0)
    jobs = [here.run("flaky") for _ in range(4)]
    assert [job.exit_code for job in jobs] == [1, -1, 0, 0]
    assert [output(job) for job in jobs] == [b"", b"", b"ok", b"ok"]
    assert jobs[1].explanation.endswith(".then.prints('ok').exits(0), run 2")


def test_an_attempt_is_one_run_and_the_others_do_what_was_said_without_a_number() -> None:
    here = host()
    here.programs.on("x").exits(0).attempt(3).exits(3).attempt(2).exits(2)
    assert [here.run("x").exit_code for _ in range(4)] == [0, 2, 3, 0]


def test_what_follows_an_attempt_by_then_is_what_all_later_runs_do() -> None:
    here = host()
    here.programs.on("x").attempt(2).exits(2).then.exits(7)
    assert [here.run("x").exit_code for _ in range(4)] == [0, 2, 7, 7]


def test_runs_are_counted_by_script_and_failed_starts_count() -> None:
    here = host()
    here.programs.on("x", args=["a"]).fails_to_start("full").then.exits(4)
    here.programs.on("x").exits(1).then.exits(5)
    with pytest.raises(Refusal, match="full"):
        here.run("x", "a")
    assert [here.run("x").exit_code for _ in range(2)] == [1, 5]
    assert here.run("x", "a").exit_code == 4


def test_the_default_counts_its_runs_too() -> None:
    here = host()
    here.programs.default().exits(1).then.exits(0)
    assert [here.run("who-knows").exit_code for _ in range(3)] == [1, 0, 0]


def test_a_script_used_by_two_fakes_counts_for_each() -> None:
    script = Script(command="x").exits(1).then.exits(0)
    for _ in range(2):
        here = host()
        here.programs.add(script)
        assert [here.run("x").exit_code for _ in range(2)] == [1, 0]


# Being stopped


@pytest.mark.parametrize("pace", ["immediate", "real"])
@pytest.mark.parametrize(
    ("answer", "code", "written"),
    [
        ({"prints": "saved\n", "exits": 3}, 3, b"up saved\n"),
        ({"prints": b"saved\n", "sleeps": 0.05}, 0, b"up saved\n"),
        ({}, 0, b"up "),
        ({"prints": "saved\n", "sleeps": 0.2}, -1, b"up "),
    ],
)
def test_on_stop_says_what_it_does_before_it_would_be_killed(
    pace: str, answer: dict[str, Any], code: int, written: bytes
) -> None:
    """JOB-STP-05: it has 0.1 s, whatever the pace; JOB-STP-07: STOPPED, then its own end."""
    here = host(pace=pace)
    here.programs.on("x").prints("up ").sleeps(60).prints("never").on_stop(**answer)
    outcome = here.submit("x")
    here.clock.advance(1)
    job = outcome.result()
    stopping = here.stop(job)
    here.clock.advance(1)
    assert stopping.done
    statuses = [status for _, status in job.statuses[-2:]]
    assert statuses == ["STOPPED", "FAILED" if code else "COMPLETED"]
    assert (job.exit_code, output(job)) == (code, written)


def test_on_stop_does_not_matter_for_a_script_that_ends_by_itself() -> None:
    here = host()
    here.programs.on("x").sleeps(1).exits(4).on_stop(exits=9)
    job = here.run("x")
    here.clock.advance(1)
    assert job.exit_code == 4


def test_what_ignores_a_stop_is_killed_when_the_time_is_up() -> None:
    """JOB-STP-06."""
    here = host(pace="real")
    here.programs.on("x").prints("up").ignores_stop().hangs()
    outcome = here.submit("x")
    here.clock.advance(1)
    stopping = here.stop(outcome.result())
    here.clock.advance(0.1)
    assert not stopping.done
    here.clock.advance(1)
    assert stopping.done
    assert outcome.result().exit_code == -1


def test_each_run_answers_a_stop_in_its_own_way() -> None:
    here = host()
    here.programs.on("x").on_stop(exits=3).hangs().then.hangs()
    codes = []
    for _ in range(2):
        job = here.run("x")
        here.stop(job)
        codes.append(job.exit_code)
    assert codes == [3, -1]


# Matching


@pytest.mark.parametrize(
    ("conditions", "fits"),
    [
        ({}, True),
        ({"command": "train"}, True),
        ({"command": "trai"}, False),
        ({"command": ""}, False),
        ({"args": ["a", "b"]}, True),
        ({"args": ["a"]}, False),
        ({"args": []}, False),
        ({"name": "nightly"}, True),
        ({"name": ""}, False),
        ({"env": {"A": "1"}}, True),
        ({"env": {"A": "1", "S": "2"}}, True),
        ({"env": {"A": "2"}}, False),
        ({"env": {"B": ""}}, False),
        ({"env": {}}, True),
        ({"command": "train", "args": ["a", "b"], "name": "nightly", "env": {"S": "2"}}, True),
        ({"command": "train", "args": ["x"]}, False),
    ],
)
def test_a_script_runs_where_everything_it_asks_for_holds(
    conditions: dict[str, Any], *, fits: bool
) -> None:
    here = host()
    here.programs.on(**conditions).exits(42)
    job = here.run(
        "train", "a", "b", name="nightly", environment={"A": "1"}, secret_environment={"S": "2"}
    )
    assert (job.exit_code == 42) == fits


def test_the_most_specific_script_wins_and_of_equals_the_last() -> None:
    here = host()
    here.programs.on("x", args=["a"]).exits(1)
    here.programs.on("x").exits(2)
    here.programs.on().exits(3)
    here.programs.on("x").exits(4)
    codes = [here.run(*line).exit_code for line in (("x", "a"), ("x", "b"), ("y",))]
    assert codes == [1, 4, 3]


def test_a_predicate_sees_the_request_and_is_not_asked_under_the_lock() -> None:
    """It is asked by whoever chooses before the job is taken on."""
    here = host()
    seen: list[Any] = []

    def heavy(spec: Any) -> bool:
        seen.append(spec)
        return spec.max_memory > 100

    here.programs.on("x", when=heavy).exits(7)
    assert here.programs.asks_user_code
    spec = here.run("y").spec
    assert seen == []
    assert here.programs.choose(spec).entry is None
    heavy_spec = dataclasses.replace(spec, command="x", max_memory=500)
    chosen = here.programs.choose(heavy_spec)
    assert chosen.entry is not None
    job = here.run("x", max_memory=500, program=chosen)
    assert job.exit_code == 7
    assert seen == [heavy_spec]


# Misuse

ENDED = "the program has ended there"


@pytest.mark.parametrize(
    ("misuse", "text"),
    [
        (lambda s: s.prints("x", stream="log"), "unknown stream 'log': it is stdout or stderr"),
        (lambda s: s.prints(5), "prints(5): give text or bytes"),
        (lambda s: s.prints(None), "prints(None): give text or bytes"),
        (lambda s: s.sleeps(-1), "sleeps(-1): time only moves forward"),
        (lambda s: s.sleeps(float("nan")), "sleeps(nan): time only moves forward"),
        (lambda s: s.sleeps(float("inf")), "sleeps(inf): what never ends is hangs()"),
        (lambda s: s.exits(256), "exits(256): an exit code is 0 to 255; for a signal use dies()"),
        (lambda s: s.exits(-1), "exits(-1): an exit code is 0 to 255; for a signal use dies()"),
        (lambda s: s.exits("1"), "exits('1'): give an exit code, a whole number of 0 to 255"),
        (lambda s: s.exits(1.0), "exits(1.0): give an exit code, a whole number of 0 to 255"),
        (lambda s: s.sleeps("5"), "sleeps('5'): give a number of seconds"),
        (lambda s: s.sleeps(None), "sleeps(None): give a number of seconds"),
        (lambda s: s.on_stop(exits="1"), "on_stop(exits='1'): give an exit code, a whole number"),
        (lambda s: s.on_stop(sleeps="1"), "on_stop(sleeps='1'): give a number of seconds"),
        (lambda s: s.attempt("1"), "attempt('1'): give a whole number"),
        (lambda s: s.fails_to_start(5), "fails_to_start(5): give the reason as text"),
        (lambda s: s.dies("KILL"), "unknown signal 'KILL'; near: 'SIGKILL'"),
        (lambda s: s.dies(9), "unknown signal 9; it is one of SIGHUP, SIGINT,"),
        (lambda s: s.prints("x").fails_to_start("y"), "fails_to_start() stands alone"),
        (lambda s: s.prints("x", times=-1), "Stdout(times=-1): how often is a whole number"),
        (lambda s: s.prints_file(3), "prints_file(3): give a path as text"),
        (lambda s: s.writes(3, ""), "writes(3, ...): give a path as text"),
        (lambda s: s.writes("/etc/x", ""), "give a file in /work or in a volume"),
        (lambda s: s.writes("x", 3), "writes('x', 3): give text or bytes"),
        (lambda s: s.on_stop(3), "on_stop(prints=3): give text or bytes"),
        (lambda s: s.on_stop(sleeps=-1), "on_stop(sleeps=-1): give seconds"),
        (lambda s: s.on_stop(exits=256), "on_stop(exits=256): an exit code is 0 to 255"),
        (lambda s: s.on_stop().ignores_stop(), "ignores_stop() after on_stop(): a run answers"),
        (lambda s: s.fails_to_start("y").on_stop(), "what does not start is not stopped"),
        (lambda s: s.then, "then: say first what the run before does, such as .exits(1).then"),
        (lambda s: s.exits(1).then.then, "then: say first what the run before does"),
        (lambda s: s.attempt(0), "attempt(0): runs are counted from 1"),
        (lambda s: s.attempt(2).attempt(2), "attempt(2): what run 2 does was said before"),
        (lambda s: s.exits(1).then.attempt(1), "attempt(1): what run 1 does was said before"),
        (
            lambda s: s.runs_out_of_memory().exits(1),
            f"exits(1) after runs_out_of_memory(): {ENDED}",
        ),
        (lambda s: s.exits(0).prints("x"), f"prints('x') after exits(0): {ENDED}"),
        (lambda s: s.dies().sleeps(1), f"sleeps(1) after dies('SIGKILL'): {ENDED}"),
        (lambda s: s.hangs().exits(1), f"exits(1) after hangs(): {ENDED}"),
        (lambda s: s.fails_to_start("y").hangs(), f"hangs() after fails_to_start('y'): {ENDED}"),
    ],
)
def test_what_makes_no_sense_is_refused_where_it_is_said(
    misuse: Callable[[Any], Any], text: str
) -> None:
    script = Script(command="x")
    with pytest.raises((TypeError, ValueError), match=re.escape(text)):
        misuse(script)


@pytest.mark.parametrize(
    ("conditions", "text"),
    [
        ({"args": "--fast"}, "args='--fast': give a list of arguments, such as args=['--fast']"),
        ({"args": [1]}, "args: 1 is no text"),
        ({"command": ["a"]}, "command: ['a'] is no text"),
        ({"name": 3}, "name: 3 is no text"),
        ({"env": {"A": 1}}, "env: 1 is no text"),
        ({"when": "x"}, "when='x': give a function"),
    ],
)
def test_conditions_that_no_job_could_meet_are_refused(
    conditions: dict[str, Any], text: str
) -> None:
    here = host()
    with pytest.raises(TypeError, match=re.escape(text)):
        here.programs.on(**conditions)


def test_a_refused_step_leaves_the_script_as_it_was() -> None:
    script = Script(command="x").prints("a")
    with pytest.raises(ValueError, match="exit code"):
        script.exits(1000)
    assert repr(script.exits(1)) == "on(command='x').prints('a').exits(1)"


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=5).map(lambda data: ("prints", data)),
            st.floats(0, 100).map(lambda seconds: ("sleeps", seconds)),
        ),
        max_size=8,
    ),
    st.integers(0, 255),
)
def test_any_script_runs_to_its_end_in_its_own_time(
    steps: list[tuple[str, Any]], code: int
) -> None:
    here = host()
    script = here.programs.on("x")
    for verb, value in steps:
        getattr(script, verb)(value)
    script.exits(code)
    job = here.run("x")
    here.clock.run_until_idle()
    assert output(job) == b"".join(value for verb, value in steps if verb == "prints")
    assert job.exit_code == code
    slept = sum(value for verb, value in steps if verb == "sleeps")
    assert job.end_ns is not None
    assert (job.end_ns - job.start_ns) / 1e9 == pytest.approx(slept, abs=1e-6)


# Writing files


def test_a_script_leaves_a_file_in_a_volume_for_later_jobs() -> None:
    """VOL-28; folders on the way are made, and a later step may write the file anew."""
    here = host()
    here.model.volumes.create("models", "1MB", "memory", 0)
    path = "/volumes/models/run/1/best"
    script = here.programs.on("train").writes(path, b"\xff").sleeps(5).writes(path, "\u00fc")
    job = here.run("train", volumes=("models",))
    read = ("sh", "-c", f"cat {path}")
    assert output(here.run(*read, volumes=("models",))) == b"\xff"
    here.clock.advance(5)
    assert (job.status, output(job)) == ("COMPLETED", b"")
    assert output(here.run(*read, volumes=("models",))) == "\u00fc".encode()
    assert repr(script).startswith("on(command='train').writes('/volumes/models/run/1/best', b'")


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/volumes/other/x", "No such file or directory"),
        ("/volumes/models/f/x", "Not a directory"),
        ("/volumes/models/full", "No space left on device"),
        ("big", "No space left on device"),
    ],
)
def test_what_a_script_can_not_write_ends_it(path: str, problem: str) -> None:
    """VOL-26, VOL-28: as a program ends whose file can't be written."""
    here = host()
    here.model.volumes.create("models", "8KB", "memory", 0)
    here.model.volumes.tree("models").write("f", b"")
    here.programs.on("train").writes(path, b"x" * 2_000_000).prints("not reached").exits(0)
    volumes = () if path == "big" else ("models",)
    job = here.run("train", volumes=volumes)
    assert (job.status, job.exit_code) == ("FAILED", 1)
    assert output(job) == f"cannot write {path}: {problem}\n".encode()
    assert job.explanation.endswith(f"; it could not write {path}: {problem}")


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "/volumes/models", "", "a/"])
def test_a_script_writes_to_work_and_volumes_alone(path: str) -> None:
    with pytest.raises(ValueError, match="give a file in /work or in a volume: /volumes/NAME/FILE"):
        Script().writes(path, "")


def test_a_script_writes_text_or_bytes() -> None:
    wrong: Any = 5
    with pytest.raises(TypeError, match=r"writes\('x', 5\): give text or bytes"):
        Script().writes("x", wrong)
    with pytest.raises(ValueError, match=r"writes\('x', ''\) after exits\(0\)"):
        Script().exits(0).writes("x", "")


def test_what_a_script_writes_to_work_is_its_jobs_alone() -> None:
    here = host()
    here.programs.on("train").writes("out/x", "1").exits(0)
    assert here.run("train").status == "COMPLETED"
    assert output(here.run("ls")) == b""


def test_a_reason_for_not_starting_is_text() -> None:
    with pytest.raises(TypeError, match=r"fails_to_start\(3\): give the reason as text"):
        Script().fails_to_start(3)  # type: ignore[arg-type]  # that is the mistake
