"""What a server forgets that was told how much to keep: jobs that are over, and no other."""

from __future__ import annotations

import gc

import grpc
import pytest

from joblet_fake import FakeJoblet
from joblet_fake.model.job import Job


def run(joblet: FakeJoblet, *words: str) -> str:
    uuid: str = joblet.rpc("RunJob", command=words[0], args=words[1:]).job_uuid
    return uuid


def log(joblet: FakeJoblet, uuid: str) -> bytes:
    return b"".join(chunk.payload for chunk in joblet.rpc("GetJobLogs", uuid=uuid))


def test_the_oldest_jobs_that_are_over_are_forgotten_with_all_that_they_left() -> None:
    with FakeJoblet(clock="frozen", keep_jobs=3) as joblet:
        first, *others = [run(joblet, "echo", str(number)) for number in range(4)]

        assert list(joblet.jobs) == others
        assert len(joblet.rpc("ListJobs").jobs) == 3
        for method in ("GetJobStatus", "DeleteJob"):
            with pytest.raises(grpc.RpcError) as caught:
                joblet.rpc(f"JobService.{method}", uuid=first)
            assert caught.value.code().name in {"NOT_FOUND", "INTERNAL"}
        for ask in (
            lambda: log(joblet, first),
            lambda: list(joblet.rpc("QueryLogs", job_uuid=first)),
        ):
            with pytest.raises(grpc.RpcError):
                ask()
        assert log(joblet, others[0]) == b"1\n"


def test_a_job_that_runs_or_waits_is_never_forgotten() -> None:
    with FakeJoblet(clock="frozen", keep_jobs=1, keep_bytes=1) as joblet:
        runs = run(joblet, "sh", "-c", "echo on; sleep 60; echo off")
        waits = joblet.rpc("RunJob", command="true", schedule="2026-01-02T00:00:00Z").job_uuid
        last = [run(joblet, "echo", "x" * 100) for _ in range(3)][-1]

        assert list(joblet.jobs) == [runs, waits, last]
        joblet.clock.advance(61)
        assert list(joblet.jobs) == [runs, waits], "it has ended last"
        assert joblet.jobs[runs].stdout == "on\noff\n"


def test_output_and_uploads_have_a_bound_in_bytes() -> None:
    with FakeJoblet(clock="frozen", keep_bytes=100_000) as joblet:
        big = run(joblet, "seq", "5000")
        small = [run(joblet, "true") for _ in range(5)]
        assert list(joblet.jobs) == [big, *small]
        uploads = [{"path": "data.bin", "content": b"x" * 90_000}]
        uploaded = joblet.rpc("RunJob", command="true", uploads=uploads).job_uuid

        assert list(joblet.jobs) == [*small, uploaded]


def test_a_deleted_jobs_output_in_memory_counts_too() -> None:
    """JOB-DEL-06: it stays readable by a prefix, until the bound."""
    with FakeJoblet(clock="frozen", keep_jobs=2) as joblet:
        deleted = run(joblet, "echo", "deleted")
        joblet.rpc("JobService.DeleteJob", uuid=deleted)
        assert log(joblet, deleted[:20]) == b"deleted\n"
        others = [run(joblet, "echo") for _ in range(2)]

        assert list(joblet.jobs) == others
        with pytest.raises(grpc.RpcError, match="job not found"):
            log(joblet, deleted[:20])


def test_who_reads_a_log_that_is_forgotten_gets_all_of_it() -> None:
    with FakeJoblet(clock="frozen", keep_jobs=1) as joblet:
        followed = run(joblet, "sh", "-c", "echo on; sleep 1; echo off")
        stream = joblet.rpc("GetJobLogs", uuid=followed[:20])
        joblet.calls.wait_for_subscriber(followed)
        joblet.clock.advance(1)
        run(joblet, "true")

        assert followed not in joblet.jobs
        assert b"".join(chunk.payload for chunk in stream) == b"on\noff\n"


def test_workflows_that_are_over_are_forgotten_except_for_the_first() -> None:
    """JOB-WF-24: the first is the one that RunJob asks."""
    with FakeJoblet(clock="frozen", keep_jobs=2) as joblet:
        made = []
        for number in range(5):
            text = f"jobs: {{step{number}: {{command: echo}}}}"
            answer = joblet.rpc("RunWorkflow", workflow="w.yaml", yaml_content=text)
            made.append(answer.workflow_uuid)
            joblet.clock.run_until_idle()

        for uuid in (made[0], *made[-3:]):
            assert joblet.rpc("GetWorkflowStatus", workflow_uuid=uuid).workflow.uuid == uuid
        with pytest.raises(grpc.RpcError, match="not found"):
            joblet.rpc("GetWorkflowStatus", workflow_uuid=made[1])


def test_what_was_restored_has_the_same_bound() -> None:
    with FakeJoblet(clock="frozen") as source, FakeJoblet(clock="frozen", keep_jobs=2) as joblet:
        many = [run(source, "echo", str(number)) for number in range(5)]
        joblet.restore(source.snapshot())
        assert list(joblet.jobs) == many
        new = run(joblet, "true")
        assert list(joblet.jobs) == [many[-1], new]


def test_nothing_of_a_forgotten_job_stays_in_memory() -> None:
    """Of a deleted one neither; that is what the bound is for."""
    with FakeJoblet(keep_jobs=2) as joblet:
        many = [run(joblet, "seq", "1000") for _ in range(6)]
        for uuid in many:
            if uuid in joblet.jobs:
                joblet.jobs.wait(uuid)
                log(joblet, uuid)
        joblet.rpc("JobService.DeleteJob", uuid=many[-1])
        last = [joblet.jobs.wait(run(joblet, "true")).uuid for _ in range(2)]

        gc.collect()
        held = {each.uuid for each in gc.get_objects() if isinstance(each, Job)}
        assert held & {*many, *last} == set(last)


def test_without_a_bound_nothing_is_forgotten_and_a_wrong_one_is_refused() -> None:
    with pytest.raises(ValueError, match="keep_jobs=0: it is 1 at least, or None for no bound"):
        FakeJoblet(keep_jobs=0)
    with FakeJoblet(clock="frozen") as joblet:
        for _ in range(30):
            run(joblet, "seq", "1000")
        assert len(joblet.jobs) == 30
