"""Contract tests: what our code relies on, checked on a fake at every commit, on a server nightly.

pytest examples/contract
pytest examples/contract --joblet-target=HOST:50051 --joblet-rnx-config=rnx-config.yml
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import grpc
import pytest

if TYPE_CHECKING:
    from pytest_joblet import JobletTarget


def run(target: JobletTarget, command: str, *args: str) -> str:
    job_id: str = target.rpc("RunJob", command=command, args=list(args)).job_uuid
    return job_id


def status(target: JobletTarget, job_id: str) -> str:
    word: str = target.rpc("GetJobStatus", uuid=job_id).status
    return word


def finished(target: JobletTarget, job_id: str) -> str:
    target.until(lambda: status(target, job_id) in {"COMPLETED", "FAILED"})
    return status(target, job_id)


def test_a_job_that_exits_with_0_is_completed(joblet_target: JobletTarget) -> None:
    job_id = run(joblet_target, "echo", "hello")

    assert finished(joblet_target, job_id) == "COMPLETED"
    log = joblet_target.rpc("GetJobLogs", uuid=job_id)
    assert b"".join(chunk.payload for chunk in log) == b"hello\n"


def test_a_job_that_exits_with_3_says_so(joblet_target: JobletTarget) -> None:
    job_id = run(joblet_target, "sh", "-c", "exit 3")

    assert finished(joblet_target, job_id) == "FAILED"
    assert joblet_target.rpc("GetJobStatus", uuid=job_id).exit_code == 3


def test_a_stopped_job_does_not_stay_stopped(joblet_target: JobletTarget) -> None:
    """Our dashboard must not count on STOPPED: the process's own end overwrites it."""
    job_id = run(joblet_target, "sleep", "60")
    joblet_target.rpc("StopJob", uuid=job_id)

    joblet_target.until(lambda: status(joblet_target, job_id) == "FAILED")


def test_a_viewer_can_look_and_not_touch(joblet_target: JobletTarget) -> None:
    job_id = run(joblet_target, "true")

    joblet_target.rpc("GetJobStatus", role="viewer", uuid=job_id)
    with pytest.raises(grpc.RpcError) as refused:
        joblet_target.rpc("StopJob", role="viewer", uuid=job_id)
    assert refused.value.code() == grpc.StatusCode.PERMISSION_DENIED


def test_a_job_of_the_far_future_runs_at_its_time(joblet_target: JobletTarget) -> None:
    """Only a fake's clock can be moved: on a real server this is skipped, with the reason."""
    clock = joblet_target.clock
    at = "2099-01-01T00:00:00Z"
    job_id = joblet_target.rpc("RunJob", command="true", schedule=at).job_uuid
    assert status(joblet_target, job_id) == "SCHEDULED"

    clock.advance((datetime.fromisoformat(at) - clock.now()).total_seconds())

    assert status(joblet_target, job_id) == "COMPLETED"
