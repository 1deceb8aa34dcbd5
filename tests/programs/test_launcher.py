"""JOB-RUN-84: a client can set what the launcher reads, and the launcher complains in its words."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from runs import host, output

from joblet_fake.model import Upload

INIT = r"\[2026-01-01T00:00:00\.000Z\] \[{}\] \[init\] "


def lines(job_output: bytes) -> list[str]:
    return job_output.decode().splitlines()


@pytest.mark.parametrize("uploads", [(), (Upload("a", b"x"),)])
def test_a_job_that_is_told_to_take_uploads_fails(uploads: tuple[Upload, ...]) -> None:
    job = host().run("echo", "x", environment={"JOB_PHASE": "upload"}, uploads=uploads)
    first, second, third = lines(output(job))
    assert (job.status, job.exit_code) == ("FAILED", 1)
    assert re.match(INIT.format("INFO") + "starting upload phase in isolation", first)
    assert "process assigned to cgroup, starting upload processing" in second
    assert third.endswith('joblet failed | component=main error="no upload data provided"')
    assert "launcher" in job.explanation


def test_a_phase_that_is_none_fails_and_no_phase_is_only_worth_a_warning() -> None:
    failed = host().run("echo", "x", environment={"JOB_PHASE": "other"})
    went = host().run("echo", "x", environment={"JOB_PHASE": ""})
    warning, error = lines(output(failed))
    assert (failed.status, failed.exit_code) == ("FAILED", 1)
    assert re.match(INIT.format("WARN") + "no phase specified, assuming execute phase", warning)
    assert error.endswith('"job execution failed: config job.phase: unknown phase: other"')
    assert lines(output(went)) == [warning.replace(failed.uuid, went.uuid), "x"]
    assert went.status == "COMPLETED"


def test_another_id_is_shown_in_a_warning() -> None:
    job = host().run("echo", "x", secret_environment={"JOB_ID": "mine"})
    warning, said = lines(output(job))
    assert "cgroup content doesn't contain job ID" in warning
    assert "jobID=mine" in warning
    assert f"job-{job.uuid}/proc" in warning
    assert (said, job.status) == ("x", "COMPLETED")


def test_a_mode_that_is_none_fails_before_anything_is_logged() -> None:
    job = host().run("echo", "x", environment={"JOBLET_MODE": "x"})
    assert (job.status, job.exit_code) == ("FAILED", 1)
    assert output(job) == (
        b"2026/01/01 00:00:00 Failed to load configuration: "
        b"configuration validation failed: invalid server mode: x\n"
    )


def test_scripts_of_the_test_are_launched_the_same_way() -> None:
    here = host()
    here.programs.on("train").prints("epoch\n")
    failed = here.run("train", environment={"JOB_PHASE": "upload"})
    warned = here.run("train", environment={"JOB_PHASE": ""})
    assert failed.status == "FAILED"
    assert b"epoch" not in output(failed)
    assert output(warned).endswith(b"\nepoch\n")


@given(st.dictionaries(st.sampled_from(["A", "JOB_TYPE", "JOB_MAX_CPU", "HOME"]), st.text("ab=")))
def test_other_variables_are_none_of_its_business(environment: dict[str, str]) -> None:
    job = host().run("echo", "x", environment=environment)
    assert (output(job), job.status) == (b"x\n", "COMPLETED")
