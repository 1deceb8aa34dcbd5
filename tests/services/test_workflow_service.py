"""The workflow methods over real gRPC: answers, refusals, and jobs that really are there."""

from __future__ import annotations

import gc
import statistics
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from joblet_fake import FakeJoblet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

START = "failed to start workflow orchestration: "
FILE = f"{START}failed to parse workflow YAML: failed to read YAML file: open "
CONTENT = f"{START}failed to parse workflow YAML content: failed to parse YAML content: "
PAIR = """\
jobs:
  first: {command: echo, args: [one]}
  second: {command: sh, args: ["-c", "exit 3"], requires: [{first: COMPLETED}]}
  third: {command: echo, requires: [{second: COMPLETED}]}
"""


@pytest.fixture
def frozen() -> Iterator[FakeJoblet]:
    with FakeJoblet(clock="frozen", tls=False) as joblet:
        yield joblet
        joblet.check()


def refused(joblet: FakeJoblet, method: str, **fields: object) -> tuple[str, str]:
    with pytest.raises(grpc.RpcError) as caught:
        joblet.rpc(method, **fields)
    error: Any = caught.value
    return error.code().name, error.details()


def start(joblet: FakeJoblet, yaml: str = PAIR, **fields: object) -> str:
    answer = joblet.rpc("RunWorkflow", workflow="w.yaml", yaml_content=yaml, **fields)
    assert answer.status == "STARTED"
    uuid: str = answer.workflow_uuid
    return uuid


def set_fields(message: Any) -> set[str]:
    return {field.name for field, _ in message.ListFields()}


def test_a_workflow_runs_its_jobs_in_their_order(frozen: FakeJoblet) -> None:
    """JOB-WF-03, JOB-WF-21, JOB-WF-22."""
    frozen.clock.advance(0.5)
    uuid = start(frozen)
    status = frozen.rpc("GetWorkflowStatus", workflow_uuid=uuid)
    info = status.workflow

    assert (info.uuid, info.status, info.yaml_content) == (uuid, "CANCELED", PAIR)
    assert (info.total_jobs, info.completed_jobs, info.failed_jobs, info.canceled_jobs) == (
        3, 1, 1, 0,
    )  # fmt: skip
    assert (info.created_at.seconds, info.created_at.nanos) == (1_767_225_600, 500_000_000)
    jobs = {job.job_name: job for job in status.jobs}
    assert {name: job.status for name, job in jobs.items()} == {
        "first": "COMPLETED", "second": "FAILED", "third": "CANCELED",
    }  # fmt: skip
    assert {name: list(job.dependencies) for name, job in jobs.items()} == {
        "first": [], "second": ["first"], "third": ["second"],
    }  # fmt: skip
    assert jobs["third"].job_uuid == "0"
    # Times and exit codes are never told.
    assert set_fields(jobs["first"]) == {"job_uuid", "job_name", "status"}
    assert frozen.jobs[jobs["first"].job_uuid].stdout == "one\n"
    assert frozen.jobs[jobs["second"].job_uuid].exit_code == 3
    assert set(frozen.jobs) == {jobs["first"].job_uuid, jobs["second"].job_uuid}


def test_a_started_job_is_an_ordinary_one_without_its_name(frozen: FakeJoblet) -> None:
    """JOB-WF-13, JOB-RUN-56: what it asks of GPUs shows in the list alone."""
    start(
        frozen,
        "jobs: {a: {command: echo, resources: {gpu_count: 2, gpu_memory_mb: 9}, "
        "environment: {A: x, A_TOKEN: y}}}",
    )
    (listed,) = frozen.rpc("ListJobs").jobs
    status = frozen.rpc("GetJobStatus", uuid=listed.uuid)

    assert (listed.name, status.name, status.workflow_uuid) == ("", "", "")
    assert (listed.gpu_count, listed.gpu_memory_mb) == (2, 9)
    assert (status.gpu_count, status.gpu_memory_mb) == (0, 0)
    assert (status.environment, status.secret_environment) == ({"A": "x"}, {"A_TOKEN": "***"})


def test_files_that_came_along_are_the_jobs_uploads(frozen: FakeJoblet) -> None:
    """JOB-WF-07."""
    start(
        frozen,
        "jobs: {a: {command: cat, args: [d/f], uploads: {files: [d/f]}}, "
        "b: {command: cat, uploads: {files: [lost]}}}",
        workflow_files=[{"path": "d/f", "content": b"sent"}],
    )
    (job,) = frozen.jobs.values()

    assert job.stdout == "sent"


@pytest.mark.parametrize(
    ("fields", "code", "text"),
    [
        ({}, "INVALID_ARGUMENT", "workflow is required"),
        ({"yaml_content": PAIR}, "INVALID_ARGUMENT", "workflow is required"),
        (
            {"workflow": "/etc/passwd.yaml"},
            "INTERNAL",
            f"{FILE}/etc/passwd.yaml: no such file or directory",
        ),
        (
            {"workflow": "w", "yaml_content": "jobs: ["},
            "INTERNAL",
            f"{CONTENT}yaml: line 1: did not find expected node content",
        ),
        (
            {"workflow": "w", "yaml_content": "jobs: {a: {volumes: [v]}}"},
            "INTERNAL",
            f"{START}workflow validation failed: volume validation failed: missing volumes: [v]",
        ),
    ],
)
def test_what_can_not_be_started_records_nothing(
    frozen: FakeJoblet, fields: dict[str, object], code: str, text: str
) -> None:
    """JOB-WF-01, JOB-WF-02, JOB-WF-04."""
    assert refused(frozen, "RunWorkflow", **fields) == (code, text)
    assert list(frozen.rpc("ListWorkflows", include_completed=True).workflows) == []


def test_a_name_that_is_no_file_makes_a_workflow_that_stays_pending(frozen: FakeJoblet) -> None:
    """JOB-WF-02."""
    answer = frozen.rpc("RunWorkflow", workflow="nightly", total_jobs=9)
    frozen.clock.advance(days=1)
    (info,) = frozen.rpc("ListWorkflows").workflows

    assert (info.uuid, info.status, info.total_jobs) == (answer.workflow_uuid, "PENDING", 0)
    assert set_fields(info) == {"uuid", "status", "created_at"}


def test_what_has_ended_is_listed_when_asked_for_and_a_cancelled_one_always(
    frozen: FakeJoblet,
) -> None:
    """JOB-WF-23: in an order that says nothing."""
    completed = start(frozen, "jobs: {a: {command: echo}}")
    failed = start(frozen, "jobs: {b: {command: sh, args: ['-c', 'exit 1']}}")
    canceled = start(frozen)
    running = start(frozen, "jobs: {c: {command: sleep, args: [60]}}")

    def listed(**fields: object) -> list[str]:
        return [flow.uuid for flow in frozen.rpc("ListWorkflows", **fields).workflows]

    assert listed() == sorted([canceled, running])
    assert listed(include_completed=True) == sorted([completed, failed, canceled, running])


def test_a_workflow_is_found_by_its_id_or_its_beginning(frozen: FakeJoblet) -> None:
    """JOB-WF-20."""
    assert refused(frozen, "GetWorkflowStatus") == ("NOT_FOUND", "workflow not found: ")
    uuid = start(frozen)

    for text in ("", uuid, uuid[:4]):
        assert frozen.rpc("GetWorkflowStatus", workflow_uuid=text).workflow.uuid == uuid
    other = f"{uuid}x"
    assert refused(frozen, "GetWorkflowStatus", workflow_uuid=other) == (
        "NOT_FOUND",
        f"workflow not found: {other}",
    )


def test_the_jobs_of_the_first_workflow_are_everybodys(frozen: FakeJoblet) -> None:
    """JOB-WF-24."""
    assert refused(frozen, "GetWorkflowJobs") == (
        "NOT_FOUND",
        "workflow not found: workflow 1 not found",
    )
    start(frozen, "jobs: {mine: {command: echo}}")
    second = start(frozen, "jobs: {other: {command: echo}}")

    for text in ("", second, "nope"):
        jobs = frozen.rpc("GetWorkflowJobs", workflow_uuid=text).jobs
        assert [job.job_name for job in jobs] == ["mine"]


def test_programs_know_a_workflows_jobs_by_their_names(frozen: FakeJoblet) -> None:
    frozen.programs.on(name="first").prints("scripted\n")
    frozen.programs.on(when=lambda spec: spec.name == "second").prints("asked\n")
    start(frozen)
    frozen.clock.run_until_idle()

    printed = {job.name: job.stdout for job in frozen.jobs.values()}
    # The second one succeeds now, and so the third one runs.
    assert printed == {"first": "scripted\n", "second": "asked\n", "third": "\n"}


def test_a_predicate_that_fails_starts_nothing_and_fails_the_test() -> None:
    with FakeJoblet(clock="frozen", tls=False) as joblet:
        joblet.programs.on(when=lambda spec: spec.nonsense)  # type: ignore[attr-defined]
        code, text = refused(joblet, "RunWorkflow", workflow="w", yaml_content=PAIR)
        assert (code, "AttributeError" in text) == ("INTERNAL", True)
        assert list(joblet.rpc("ListWorkflows").workflows) == []
        with pytest.raises(AttributeError, match="nonsense"):
            joblet.check()


def test_a_long_file_is_read_too(frozen: FakeJoblet) -> None:
    """It is read without the lock; what is wrong with it is told as ever."""
    long = "jobs:\n" + "".join(f"  j{n}: {{command: echo, args: [{n}]}}\n" for n in range(700))
    assert len(long) > 20_000
    uuid = start(frozen, long)
    assert frozen.rpc("GetWorkflowStatus", workflow_uuid=uuid).workflow.completed_jobs == 700
    code, text = refused(frozen, "RunWorkflow", workflow="w", yaml_content=f"{long}  x: [\n")

    words = "yaml: line 702: did not find expected node content"
    assert (code, text) == ("INTERNAL", f"{CONTENT}{words}")


def test_a_skipping_clock_gets_a_polling_client_through_a_workflow() -> None:
    with FakeJoblet(clock="skipping", pace="real", tls=False) as joblet:
        uuid = start(joblet)
        for _ in range(50):
            status = joblet.rpc("GetWorkflowStatus", workflow_uuid=uuid).workflow.status
            if status not in ("PENDING", "RUNNING"):
                break

        assert status == "CANCELED"


# RunJob as a part of a workflow


def test_a_job_of_a_workflow_waits_while_it_is_not_ready(frozen: FakeJoblet) -> None:
    """JOB-WF-30: of the first workflow, whichever is named."""
    with FakeJoblet(clock="frozen", pace="real", tls=False) as joblet:
        start(joblet, "jobs: {a: {command: x}, b: {command: y, requires: [{a: COMPLETED}]}}")

        def run(name: str) -> tuple[str, bool]:
            fields = {"workflow_uuid": "any", "job_uuid": name}
            answer = joblet.rpc("RunJob", command="echo", **fields)
            return answer.status, bool(answer.job_uuid)

        assert [run(name) for name in ("a", "b", "c")] == [
            ("RUNNING", True), ("WAITING", False), ("WAITING", False),
        ]  # fmt: skip
    answer = frozen.rpc("RunJob", command="echo", workflow_uuid="any", job_uuid="a")
    assert (answer.status, len(frozen.jobs)) == ("WAITING", 0)


def test_gpus_that_run_job_asks_for_are_ignored(frozen: FakeJoblet) -> None:
    """JOB-RUN-56; programs can see them nevertheless."""
    seen: list[int] = []
    frozen.programs.on(when=lambda spec: seen.append(spec.gpu_count))
    frozen.rpc("RunJob", command="echo", gpu_count=2, gpu_memory_mb=7)
    (job,) = frozen.rpc("ListJobs").jobs

    assert (job.gpu_count, job.gpu_memory_mb, seen) == (0, 0, [2])


# Cost

MANY = "jobs:\n" + "".join(f"  job{number}:\n    command: echo\n" for number in range(3000))
CHAIN = "jobs:\n  a0: {command: echo}\n" + "".join(
    f"  a{number}: {{command: echo, requires: [{{a{number - 1}: COMPLETED}}]}}\n"
    for number in range(1, 200)
)


@pytest.mark.parametrize(
    ("yaml", "answer"),
    [
        ("{" * 4000, "INTERNAL"),
        ("[" * 8000, "INTERNAL"),
        ("jobs: {a: {command: " + "x" * 200_000, "INTERNAL"),
        (MANY, "OK"),
    ],
    ids=["braces", "brackets", "a long text", "3,000 jobs"],
)
def test_another_fake_answers_while_a_workflow_is_read_and_started(yaml: str, answer: str) -> None:
    told: list[str] = []
    with FakeJoblet(clock="frozen", tls=False) as busy, FakeJoblet(tls=False) as other:

        def call() -> None:
            with suppress(grpc.RpcError):
                busy.rpc("RunWorkflow", workflow="w.yaml", yaml_content=yaml)
            told.append(str(busy.calls[-1]))

        rounds = [worst_beside(other, call) for _ in range(3)]
        beside_anything = worst_beside(other, computes)
        busy.check()
        assert len(told) == 3
        assert all(answer in each for each in told), told
        assert len(busy.jobs) == (9000 if yaml is MANY else 0)

    # Threads that only compute take turns of 5 ms each, on a busy machine much longer ones; it took
    # seconds when a workflow was read at once.
    assert statistics.median(rounds) < 0.4 + beside_anything, (rounds, beside_anything)


def computes() -> None:
    for _ in range(10_000_000):
        pass


def worst_beside(joblet: FakeJoblet, work: Callable[[], object]) -> float:
    """Give the longest time that a call took while something was done on another thread."""
    worker = threading.Thread(target=work)
    # The process's garbage collector stops everybody for as long as the whole test run is large.
    gc.disable()
    try:
        worker.start()
        worst = 0.0
        while worker.is_alive():
            begun = time.perf_counter()
            joblet.rpc("ListJobs")
            worst = max(worst, time.perf_counter() - begun)
        worker.join()
    finally:
        gc.enable()
    return worst


def test_the_jobs_of_a_large_workflow_start_in_the_same_order_every_time() -> None:
    def ran() -> list[tuple[str, str, str]]:
        with FakeJoblet(clock="frozen", tls=False) as joblet:
            start(joblet, MANY[: MANY.index("  job60:")])
            start(joblet, CHAIN)
            joblet.check()
            return [(job.uuid, job.name, job.status) for job in joblet.jobs.values()]

    first = ran()
    assert [name for _, name, _ in first] == [
        *(f"job{number}" for number in range(60)), *(f"a{number}" for number in range(200))
    ]  # fmt: skip
    assert {status for *_, status in first} == {"COMPLETED"}
    assert ran() == first


@pytest.mark.parametrize("end", ["reset", "restart", "restore"])
def test_a_large_workflow_that_is_being_started_does_not_reach_into_the_next_state(
    end: str,
) -> None:
    with FakeJoblet(tls=False) as joblet:
        before = joblet.snapshot()
        caller = threading.Thread(target=lambda: _quietly(joblet, MANY))
        caller.start()
        deadline = time.monotonic() + 10
        while not joblet.jobs:
            assert time.monotonic() < deadline
        if end == "restore":
            joblet.restore(before)
        else:
            getattr(joblet, end)()
        caller.join(10)
        assert not caller.is_alive()
        assert len(joblet.jobs) == 0
        joblet.check()


def _quietly(joblet: FakeJoblet, yaml: str) -> None:
    with suppress(grpc.RpcError):
        joblet.rpc("RunWorkflow", workflow="w.yaml", yaml_content=yaml)


def test_reading_a_file_has_no_time_to_come_back_in() -> None:
    """Only code of the test has: how long ours takes is a question of what a client sent."""
    with FakeJoblet(clock="frozen", tls=False, program_timeout=0.05) as joblet:
        start(joblet, MANY)
        joblet.check()
