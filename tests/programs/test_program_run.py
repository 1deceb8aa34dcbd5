"""What is kept of a process is enough to put another one in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from runs import Host, host

from joblet_fake.model import Upload
from joblet_fake.model.copying import Copying
from joblet_fake.programs import OnStop, RunningJob, Sleep, Stderr, Stdout, Write

if TYPE_CHECKING:
    from collections.abc import Callable

    from joblet_fake.model import Job

CHATTY = (
    'trap "echo bye; exit 3" TERM; echo up; sleep 5; echo five; sleep 5; ls; sleep 4; cat in.txt'
)


def taken_over(here: Host, job: Job) -> tuple[list[bytes], list[int], Callable[[], None]]:
    """Put another process in the place of a job's; give what it writes and exits with."""
    process: Any = job.process
    laid = process.laid_down(Copying(here.model.twin()))
    written: list[bytes] = []
    codes: list[int] = []

    def write(data: bytes, stream: str = "stdout") -> None:
        assert stream in ("stdout", "stderr")
        written.append(data)

    # The end of a stop is told to the job of the first process alone.
    laid.ended = None
    copying = Copying(here.model)
    other = here.programs.resume(job, write, codes.append, laid, copying)
    other.gone_through()
    timers = [copying.of(timer) for timer in (laid.wake, laid.kill) if timer is not None]
    here.clock.take_over(timers, 0)

    def stop() -> None:
        with here.clock.by_hand():
            other.stop(0, lambda: None)

    return written, codes, stop


def program(job: RunningJob) -> Any:
    """Use all that a program can use."""
    yield OnStop(saving)
    yield Stdout(f"{job.random.random()} {job.attempt}\n".encode())
    for number in range(3):
        yield Write("progress", f"{number} at {job.now()}".encode())
        yield Sleep(5)
        yield Stderr(job.files["progress"] + f" {job.random.random()}\n".encode())
        if job.now().second > 7:
            yield Stdout(b"late\n")
    return job.random.randrange(100)


def saving(job: RunningJob) -> Any:
    yield Stdout(b"saved " + job.files["progress"])
    return 9


@pytest.mark.parametrize("pause", [0, 1, 5, 7, 13.5])
@pytest.mark.parametrize("command", ["generator", "script", "shell"])
def test_another_process_goes_on_where_the_first_one_was(command: str, pause: float) -> None:
    here = host()
    here.programs.register("generator")(program)
    script = here.programs.on("script").prints("a").sleeps(5).prints("b").sleeps(5)
    script.writes("x", "y").sleeps(4).prints_file("x").exits(4)
    words = ("sh", "-c", CHATTY) if command == "shell" else (command,)
    job = here.run(*words, uploads=(Upload("in.txt", b"uploaded\n"),))
    here.clock.advance(pause)
    before = len(job.log)
    if job.status != "RUNNING":
        pytest.fail("it is over already")

    written, codes, _ = taken_over(here, job)
    here.clock.run_until_idle()

    assert [job.log.chunk(number) for number in range(before, len(job.log))] == written
    assert codes == [job.exit_code]
    assert here.errors == []


@pytest.mark.parametrize("command", ["generator", "shell"])
def test_another_process_answers_a_stop_as_the_first_one_does(command: str) -> None:
    here = host()
    here.programs.register("generator")(program)
    words = ("sh", "-c", CHATTY) if command == "shell" else (command,)
    job = here.run(*words, uploads=(Upload("in.txt", b"uploaded\n"),))
    here.clock.advance(7)
    before = len(job.log)

    written, codes, stop = taken_over(here, job)
    stop()
    here.stop(job)

    assert [job.log.chunk(number) for number in range(before, len(job.log))] == written
    assert codes == [job.exit_code]


def test_one_that_had_not_begun_begins_at_its_time() -> None:
    here = host(pace="real")
    here.programs.register("generator")(program)
    outcome = here.submit("generator")
    while not outcome.done:
        here.clock.step()
    job = outcome.result()
    process: Any = job.process
    assert (process.run.taken, len(job.log)) == (0, 0)

    written, codes, _ = taken_over(here, job)
    here.clock.run_until_idle()

    assert b"".join(written) == job.log.content()
    assert codes == [job.exit_code]


def test_a_signal_that_it_survived_is_gone_through_again() -> None:
    """A shell's child died of it, and the shell went on, in the time before it is killed."""
    here = host(pace="real")
    outcome = here.submit("sh", "-c", "sleep 60; echo on; sleep 0.05; echo done")
    here.clock.advance(1)
    job = outcome.result()
    here.stop(job)
    process: Any = job.process
    assert len(process.run.stops) == 1
    before = len(job.log)

    written, codes, _ = taken_over(here, job)
    here.clock.run_until_idle()

    assert [job.log.chunk(number) for number in range(before, len(job.log))] == written
    assert b"done\n" in written
    assert codes == [job.exit_code] == [0]


def test_a_program_can_tell_that_it_goes_through_its_steps_again() -> None:
    here = host()
    told: list[bool] = []

    @here.programs.register("x")
    def counting(job: RunningJob) -> Any:
        told.append(job.replaying)
        yield Sleep(1)
        told.append(job.replaying)
        yield Sleep(1)
        told.append(job.replaying)

    job = here.run("x")
    here.clock.advance(1)
    taken_over(here, job)
    assert told == [False, False, True, True]
    here.clock.advance(1)
    assert told[4:] == [False, False]


def test_going_through_it_again_writes_nothing_to_volumes() -> None:
    """What is in a volume is restored with the volume."""
    here = host()
    here.model.volumes.create("data", "8KB", "memory", 0)

    @here.programs.register("x")
    def writing(job: RunningJob) -> Any:
        yield Write("/volumes/data/x", b"old")
        yield Write("x", b"work")
        yield Sleep(1)
        yield Stdout(job.files["/volumes/data/x"] + job.files["x"])

    job = here.run("x", volumes=("data",))
    here.model.volumes.tree("data").write("x", b"new")
    written, _, _ = taken_over(here, job)
    here.clock.advance(1)
    assert job.log.content() == b"newwork"
    assert written == [b"newwork"]


@settings(deadline=None)  # threads have their turns when the machine has time
@given(
    st.lists(
        st.one_of(st.integers(0, 3).map(Sleep), st.binary(min_size=1, max_size=3).map(Stdout)),
        max_size=10,
    ),
    st.integers(0, 12),
)
def test_at_any_moment_of_any_program(steps: list[Any], pause: int) -> None:
    here = host()

    def generated(job: RunningJob) -> Any:
        for step in steps:
            yield step
            yield Stdout(f"{job.random.random()} {job.now()}".encode())
        yield Sleep(1)

    here.programs.register("x")(generated)
    job = here.run("x")
    here.clock.advance(pause)
    if job.status != "RUNNING":
        return
    before = len(job.log)
    written, codes, _ = taken_over(here, job)
    here.clock.run_until_idle()
    assert [job.log.chunk(number) for number in range(before, len(job.log))] == written
    assert codes == [0]
