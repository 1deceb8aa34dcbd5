from __future__ import annotations

import pytest
from runs import host, output

from joblet_fake.clock import Clock
from joblet_fake.model import Job, JobSpec, Upload
from joblet_fake.programs.context import Context, context_of


def context(*args: str, **environment: str) -> Context:
    spec = JobSpec("echo", args, environment=environment, secret_environment={"S": "s", "A": "b"})
    return context_of(Job("u", spec, "RUNNING", start_ns=0), Clock("frozen"))


def test_what_a_job_finds_in_its_environment() -> None:
    """JOB-RUN-83, JOB-RUN-21: secrets last."""
    environment = context("one", "", "two", A="a", HOME="/tmp").environment
    expected = {
        "JOB_ID": "u", "JOB_COMMAND": "echo", "JOB_ARGS_COUNT": "3", "JOB_ARG_0": "one",
        "JOB_ARG_1": "", "JOB_ARG_2": "two", "JOB_MAX_CPU": "0", "JOB_MAX_MEMORY": "0",
        "JOB_MAX_IOBPS": "0", "JOB_TYPE": "standard", "JOB_PHASE": "execute",
        "JOBLET_MODE": "init", "PWD": "/work", "HOME": "/tmp", "A": "b", "S": "s",
    }  # fmt: skip
    assert environment.items() >= expected.items()
    assert {"PATH", "JOB_CGROUP_PATH", "NETWORK_READY_FILE", "LOG_LEVEL"} <= environment.keys()


def test_a_job_with_volumes_finds_their_names_in_its_environment() -> None:
    """VOL-30."""
    spec = JobSpec("true", volumes=("a", "b"), environment={"JOB_VOLUME_1": "c"})
    environment = context_of(Job("u", spec, "RUNNING", start_ns=0), Clock("frozen")).environment
    assert {name: value for name, value in environment.items() if "VOLUME" in name} == {
        "JOB_VOLUMES_COUNT": "2", "JOB_VOLUME_0": "a", "JOB_VOLUME_1": "c",
    }  # fmt: skip
    assert not [name for name in context().environment if "VOLUME" in name]


def test_empty_arguments_never_reach_the_process() -> None:
    """JOB-RUN-82."""
    assert context("a", "", "b").args == ("a", "b")


@pytest.mark.parametrize(
    ("environment", "run"),
    [
        ({}, ("echo", "first", "second")),
        ({"JOB_COMMAND": "basename"}, ("basename", "first", "second")),
        ({"JOB_ARG_0": "other"}, ("echo", "other", "second")),
        ({"JOB_ARGS_COUNT": "1"}, ("echo", "first")),
        ({"JOB_ARGS_COUNT": "0"}, ("echo",)),
        ({"JOB_ARGS_COUNT": "3", "JOB_ARG_2": "third"}, ("echo", "first", "second", "third")),
        ({"JOB_ARGS_COUNT": "500", "JOB_ARG_400": "x"}, ("echo", "first", "second", "x")),
        ({"JOB_ARGS_COUNT": "x"}, ("echo",)),
        ({"JOB_ARGS_COUNT": "-1"}, ("echo",)),
        ({"JOB_ARGS_COUNT": "9" * 5000}, ("echo",)),
        ({"JOB_ARGS_COUNT": "999999999"}, ("echo", "first", "second")),
    ],
)
def test_a_client_can_change_what_is_run_by_the_environment(
    environment: dict[str, str], run: tuple[str, ...]
) -> None:
    """JOB-RUN-84."""
    made = context("first", "second", **environment)
    assert (made.command, *made.args) == run


def test_the_echo_shows_what_was_sent() -> None:
    """JOB-RUN-84."""
    job = host().run("echo", "first", "second", environment={"JOB_ARG_0": "other"})
    assert output(job) == b"other second\n"
    assert (job.spec.command, job.spec.args) == ("echo", ("first", "second"))


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, b"1"),
        ({"uploads": (Upload("../out", b"x"),)}, b"1"),
        ({"uploads": (Upload("in", b"x"),)}, b"0"),
        ({"volumes": ("missing",)}, b"0"),
    ],
)
def test_only_a_job_without_uploads_and_volumes_has_a_small_workspace(
    fields: dict[str, object], code: bytes
) -> None:
    """JOB-RUN-51, JOB-RUN-71."""
    job = host().run("sh", "-c", "seq 200000 > big 2> /dev/null; echo $?", **fields)
    assert output(job).splitlines()[-1] == code


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("seq 200000 > big", b"seq: write error: No space left on device\n"),
        ("seq 200000 | cat > big", b"cat: write error: No space left on device\n"),
        ("exec seq 200000 > big", b"seq: write error: No space left on device\n"),
        ("seq 180000 > big; echo x > y", b"/usr/bin/sh: 1: echo: echo: I/O error\n"),
        ("bash -c 'seq 180000 > big; echo x > y'", b"echo: write error: No space left on device\n"),
        ("{ echo a; seq 200000; } > big", b"seq: write error: No space left on device\n"),
    ],
)
def test_who_finds_no_room_says_so_and_fails(script: str, said: bytes) -> None:
    """JOB-SM-10: that is an error in the job, and its status if it is the last command."""
    job = host().run("sh", "-c", script)
    assert output(job).endswith(said)
    assert (job.status, job.exit_code) == ("FAILED", 1)


def test_children_are_numbered() -> None:
    made = context()
    assert [made.next_pid() for _ in range(3)] == [6, 7, 8]
