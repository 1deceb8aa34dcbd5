from __future__ import annotations

import re

import pytest
from runs import host, output

from joblet_fake.model import Refusal
from joblet_fake.model.job import Upload
from joblet_fake.programs import Sleep


def test_an_unknown_command_succeeds_and_says_that_nothing_was_run() -> None:
    job = host().run("train.py", "--epochs", "3")
    assert (job.status, job.exit_code, output(job)) == ("COMPLETED", 0, b"")
    assert job.explanation.startswith("nothing was run: no program knows 'train.py'; ")


def test_unknown_commands_can_fail_as_on_a_host_that_lacks_them() -> None:
    """JOB-RUN-65, JOB-LOG-31: exit code 1, not 127, with the server's line."""
    here = host()
    here.programs.default(unknown="not found")
    job = here.run("train.py")
    assert (job.status, job.exit_code) == ("FAILED", 1)
    assert output(job).decode() == (
        "[2026-01-01T00:00:00.000Z] [ERROR] [init] joblet failed | component=main "
        'error="job execution failed: config job.command: runtime not found: train.py"\n'
    )
    assert "not there" in job.explanation
    assert output(here.run("echo", "hi")) == b"hi\n"


@pytest.mark.parametrize(
    ("path", "why"),
    [("/no/such", "no such file or directory"), ("/work/tool", "permission denied")],
)
def test_paths_that_are_no_programs_then_fail_with_two_lines(path: str, why: str) -> None:
    """JOB-LOG-33: an upload is no program either."""
    here = host()
    here.programs.default(unknown="not found")
    job = here.run(path, uploads=(Upload("tool", b"#!/bin/sh\n"),))
    first, second = output(job).decode().splitlines()
    assert (job.status, job.exit_code) == ("FAILED", 1)
    assert "exec failed - job will not appear as PID 1 | " in first
    assert f'jobId={job.uuid} mode=init error="{why}"' in first
    assert second.endswith(f'error="job execution failed: execution failed: {why}"')


def test_a_shell_then_misses_them_with_127() -> None:
    here = host()
    here.programs.default(unknown="not found")
    job = here.run("sh", "-c", "train.py; echo $?")
    assert output(job) == b"/usr/bin/sh: 1: train.py: not found\n127\n"
    assert "not found 'train.py'" in job.explanation


def test_a_shell_passes_over_them_otherwise_and_says_so() -> None:
    job = host().run("sh", "-c", "make all && echo built")
    assert output(job) == b"built\n"
    assert "nothing was run for 'make', which no program knows" in job.explanation


def test_a_script_of_ones_own_for_unknown_commands() -> None:
    here = host()
    here.programs.default().prints("ran\n").exits(5)
    job = here.run("train.py")
    assert (output(job), job.exit_code) == (b"ran\n", 5)
    assert job.explanation == "no program knows 'train.py'; default: on().prints('ran\\n').exits(5)"
    assert here.run("true").exit_code == 0


def test_a_default_that_fails_to_start() -> None:
    here = host()
    here.programs.default().fails_to_start("no")
    with pytest.raises(Refusal, match=r"^execution failed: no$"):
        here.run("train.py")


def test_the_last_default_counts() -> None:
    here = host()
    here.programs.default().exits(5)
    here.programs.default(unknown="not found")
    assert here.run("train.py").exit_code == 1
    here.programs.default(unknown="succeed")
    assert here.run("train.py").exit_code == 0


def test_an_unknown_way_of_not_knowing_is_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown='explode': it is one of succeed, not found"):
        host().programs.default(unknown="explode")


def test_nothing_can_follow_a_way_of_not_knowing() -> None:
    text = "prints('x') after default(unknown='not found'): the program has ended there"
    with pytest.raises(ValueError, match=re.escape(text)):
        host().programs.default(unknown="not found").prints("x")


def test_cleared_it_knows_no_script() -> None:
    here = host()
    here.programs.on("echo").exits(1)
    here.programs.default().exits(2)
    here.programs.clear()
    assert here.run("echo", "hi").exit_code == 0
    assert here.run("train.py").exit_code == 0


def test_a_script_wins_over_a_built_in_command() -> None:
    here = host()
    here.programs.on("echo").prints("scripted")
    assert output(here.run("echo", "hi")) == b"scripted"
    assert output(here.run("/bin/echo", "hi")) == b"hi\n"


def test_a_command_is_known_by_its_last_part() -> None:
    job = host().run("/usr/bin/seq", "2")
    assert (output(job), job.explanation) == (b"1\n2\n", "built in: seq")


def test_a_shell_without_a_script_is_a_command_that_nobody_knows() -> None:
    job = host().run("bash")
    assert "no program knows 'bash'" in job.explanation


def test_a_script_that_is_more_than_the_shell_knows_is_not_run_at_all() -> None:
    """Half of it would be worse than nothing."""
    job = host().run("sh", "-c", "echo a; case x in x) echo b;; esac")
    assert (output(job), job.status) == (b"", "COMPLETED")
    assert "no program knows the script of sh -c: case is not expected" in job.explanation


@pytest.mark.parametrize("script", ["(" * 5000, "$(" * 3000, "((", "echo $((" + "(" * 5000 + "))"])
def test_a_script_of_any_depth_ends(script: str) -> None:
    job = host().run("sh", "-c", script)
    assert job.status in ("COMPLETED", "FAILED")
    assert job.explanation


def test_programs_end_a_million_steps_that_let_no_time_pass() -> None:
    """A program that never sleeps must not hold the server for ever."""
    here = host()
    script = here.programs.on("x")
    script._parts[0].steps.extend([Sleep(0)] * 1_000_001)
    with pytest.raises(RuntimeError, match="1,000,000 steps without letting time pass"):
        here.run("x")
    (job,) = here.model.jobs.stored
    assert (job.status, job.exit_code) == ("FAILED", -1)


def test_a_program_that_breaks_fails_its_job_and_the_test() -> None:
    here = host()

    def broken(_context: object) -> object:
        yield from ()
        raise KeyError("a bug")

    here.programs.on("x")._parts[0].steps.append(broken)  # type: ignore[arg-type]
    with pytest.raises(KeyError, match="a bug"):
        here.run("x")
    (job,) = here.model.jobs.stored
    assert (job.status, job.exit_code) == ("FAILED", 1)


def test_a_predicate_of_one_script_keeps_no_other_from_running() -> None:
    """A job that nobody chose for, such as one of a workflow, still gets the scripts without."""
    here = host()
    here.programs.on("x").exits(3)
    here.programs.on("x", when=lambda _: True).exits(4)
    assert here.run("x").exit_code == 3
