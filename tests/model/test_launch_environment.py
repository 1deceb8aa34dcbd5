from __future__ import annotations

from datetime import timedelta
from typing import Any

import grpc
import pytest

from joblet_fake import FakeJoblet
from joblet_fake.model import JobSpec
from joblet_fake.model.launch_environment import check_environment
from joblet_fake.model.process import LaunchError


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"command": "ec\0ho"}, 18),
        ({"args": ("a", "b\0")}, 21),
        ({"volumes": ("v\0",)}, 21),
        ({"args": ("a",), "volumes": ("v", "w\0")}, 23),
        ({"cpu_cores": "0-1", "environment": {"A": "x\0y"}}, 21),
        ({"runtime": "python-3", "environment": {"A": "b", "C\0": ""}}, 22),
        ({"environment": {"A": "b"}, "secret_environment": {"C": "\0"}}, 21),
    ],
)
def test_a_nul_byte_is_told_with_its_place_among_the_variables(
    fields: dict[str, Any], place: int
) -> None:
    """JOB-RUN-86: nine of the server's process, nine of the job, then what the client says."""
    with pytest.raises(LaunchError) as caught:
        check_environment(JobSpec(**{"command": "echo", **fields}))

    assert str(caught.value) == (
        "failed to launch process: invalid launch config: invalid environment: validation error "
        f"for field 'environment' (value: env[{place}]): environment variable contains null bytes"
    )


def test_everything_else_is_handed_over() -> None:
    check_environment(JobSpec("echo", ("a\n", "ü\x01"), name="n\0", environment={"A": "=\t"}))


@pytest.mark.parametrize("real", [False, True])
def test_a_job_with_a_nul_byte_fails_as_it_is_launched(*, real: bool) -> None:
    """JOB-RUN-81, whether commands really run or not."""
    with FakeJoblet(exec=real) as joblet:
        with pytest.raises(grpc.RpcError) as caught:
            joblet.rpc("RunJob", command="echo", args=["a\0"])

        error: Any = caught.value
        assert error.code() is grpc.StatusCode.INTERNAL
        assert error.details().endswith(
            "(value: env[20]): environment variable contains null bytes"
        )
        (job,) = joblet.rpc("ListJobs").jobs
        assert (job.status, job.exit_code, bool(job.end_time)) == ("FAILED", -1, True)


@pytest.mark.joblet(clock="frozen")
def test_a_scheduled_job_with_a_nul_byte_is_taken_and_fails_when_it_is_due(
    joblet: FakeJoblet,
) -> None:
    due = (joblet.clock.now() + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    job_id = joblet.rpc("RunJob", command="e\0", schedule=due).job_uuid
    assert joblet.rpc("GetJobStatus", uuid=job_id).status == "SCHEDULED"

    joblet.clock.run_until_idle()

    status = joblet.rpc("GetJobStatus", uuid=job_id)
    assert (status.status, status.exit_code) == ("FAILED", -1)
