from __future__ import annotations

import pytest
from runs import host, output

from joblet_fake.clock import Clock
from joblet_fake.model import Job, JobSpec
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
