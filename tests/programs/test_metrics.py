"""What programs use: said by scripts and steps, measured of real processes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from runs import Host, host

from joblet_fake.programs import Metrics, Script, Sleep, Stdout
from joblet_fake.programs.local_usage import LocalUsage

if TYPE_CHECKING:
    from collections.abc import Callable

    from joblet_fake.model import Job
    from joblet_fake.model.usage import Reading
    from joblet_fake.programs import RunningJob, Steps

BUSY = "import time\nend = time.time() + 60\nwhile time.time() < end: pass"


def readings(here: Host, job: Job) -> list[Reading]:
    collector = here.model.collectors.get(job.uuid)
    assert collector is not None
    return [collector.sample(number).reading for number in range(collector.count())]


def test_a_script_says_what_it_uses_from_then_on() -> None:
    here = host()
    here.programs.on("train").metrics(cpu_percent=80.0, memory_bytes=1000).sleeps(10).metrics(
        memory_bytes=500
    ).sleeps(5)
    job = here.run("train")
    here.clock.run_until_idle()

    assert [reading.memory_bytes for reading in readings(here, job)] == [1000, 1000, 500, 500]
    assert [reading.cpu_percent for reading in readings(here, job)] == [0, 80, 80, 80]


def test_a_real_pace_starts_a_little_before_the_command_does() -> None:
    here = host("real")
    here.programs.on("train").metrics(cpu_percent=100.0).sleeps(20)
    here.submit("train")
    here.clock.run_until_idle()
    (job,) = here.model.jobs.stored
    first, second, third, *_ = [reading.cpu_percent for reading in readings(here, job)]

    assert (first, third) == (0, 100)
    assert 99 < second < 100


def test_steps_of_a_generator_say_it_too() -> None:
    here = host()

    @here.programs.register("train")
    def train(_job: RunningJob) -> Steps:
        yield Metrics(cpu_percent=93.0, memory_bytes=512 << 20)
        yield Stdout(b"epoch 1\n")
        yield Sleep(7)
        yield Metrics(memory_bytes=1)
        yield Sleep(4)
        return 0

    job = here.run("train")
    here.clock.run_until_idle()

    assert [reading.memory_bytes for reading in readings(here, job)] == [512 << 20, 512 << 20, 1]
    assert [reading.cpu_percent for reading in readings(here, job)] == [0, 93, 93]


@pytest.mark.parametrize(
    ("misuse", "text"),
    [
        (lambda script: script.metrics(), "say at least one of cpu_percent, memory_bytes"),
        (lambda script: script.metrics(cpu_percent=-1), "cpu_percent=-1: it is 0 to 1,000,000"),
        (lambda script: script.metrics(memory_bytes=0.5), "memory_bytes=0.5 is no int"),
        (
            lambda script: script.exits(0).metrics(cpu_percent=1),
            "metrics(cpu_percent=1) after exits(0): the program has ended there",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_where_it_is_said(
    misuse: Callable[[Script], Any], text: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        misuse(Script(command="train"))


def test_a_script_shows_what_was_said_of_it() -> None:
    script = Script(command="train").metrics(gpu_percent=5.5, disk_read_bytes=7)

    assert repr(script) == "on(command='train').metrics(disk_read_bytes=7, gpu_percent=5.5)"


def test_built_in_commands_look_like_small_processes() -> None:
    here = host()
    jobs = [here.run("sleep", "12") for _ in range(3)]
    here.clock.run_until_idle()
    shown = [readings(here, job) for job in jobs]

    for samples in shown:
        assert [reading.cpu_percent > 0 for reading in samples] == [False, True, True]
        assert all(1 << 20 < reading.memory_bytes < 8 << 20 for reading in samples)
    # Each job is a process of its own.
    assert len({samples[1].user_usec for samples in shown}) == 3


# Real processes


@pytest.fixture
def busy() -> Any:
    process = subprocess.Popen([sys.executable, "-c", BUSY])
    yield process
    process.kill()
    process.wait()


@pytest.mark.skipif(os.name != "posix", reason="local execution needs POSIX")
def test_a_real_process_is_measured_with_its_children() -> None:
    script = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {BUSY!r}])"
    process = subprocess.Popen([sys.executable, "-c", script], start_new_session=True)
    try:
        usage = LocalUsage(process.pid)
        end = time.monotonic() + 20
        before = usage()
        while (reading := usage()).user_usec - before.user_usec < 300_000:
            assert time.monotonic() < end
            time.sleep(0.06)
        assert reading.memory_bytes > 4 << 20
        assert reading.processes >= 2
    finally:
        os.killpg(process.pid, 9)
        process.wait()
    time.sleep(0.06)
    after = usage()

    # What was used stays used; nothing is held any more.
    assert after.user_usec >= reading.user_usec
    assert (after.memory_bytes, after.processes) == (0, 0)


def test_a_clock_that_races_does_not_have_it_measured_anew(busy: Any) -> None:
    usage = LocalUsage(busy.pid)
    began = time.monotonic()
    first = usage()
    readings = [usage() for _ in range(10_000)]

    # Each is shown for a while, in real time: there are many more looks than readings.
    assert readings.count(first) > 1
    assert len(set(readings)) < 1000
    assert time.monotonic() - began < 10


@pytest.mark.skipif(os.name != "posix", reason="local execution needs POSIX")
def test_a_local_job_has_samples_of_its_process() -> None:
    here = host(mode="frozen", local=True)
    try:
        job = here.run(sys.executable, "-c", BUSY)
        for _ in range(3):
            time.sleep(0.3)
            here.clock.advance(5)
        samples = readings(here, job)

        assert len(samples) == 4
        assert samples[0].cpu_percent == 0
        assert 0 < samples[-1].cpu_percent < 100
        assert samples[-1].user_usec > samples[1].user_usec
        assert samples[-1].memory_bytes > 4 << 20
        # The timer that measures is no reason for the clock to go on.
        before = here.clock.now_ns()
        here.clock.run_until_idle()
        assert here.clock.now_ns() == before
    finally:
        here.programs.close()
