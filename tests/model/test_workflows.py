"""Workflows on the clock: when their jobs start, what they see of them, how they get mixed up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from puppets import Stage

from joblet_fake.model.workflow_file import read_workflow

if TYPE_CHECKING:
    from joblet_fake.model import Job
    from joblet_fake.model.workflow import Workflow

PACES = ("immediate", "real")


@pytest.fixture(params=PACES)
def stage(request: pytest.FixtureRequest) -> Stage:
    return Stage(request.param)


@pytest.fixture
def real() -> Stage:
    return Stage("real")


def start(stage: Stage, yaml: str, files: dict[str, bytes] | None = None) -> Workflow:
    with stage.model.change():
        return stage.model.workflows.start(read_workflow(f"jobs:\n{yaml}"), yaml, files)


def statuses(flow: Workflow) -> dict[str, str]:
    return {job.name: job.status for job in flow.jobs.values()}


def job_of(stage: Stage, flow: Workflow, name: str) -> Job:
    (uuid,) = [job.uuid for job in flow.jobs.values() if job.name == name]
    job = stage.model.jobs.stored.exact(uuid)
    assert job is not None
    return job


def end(stage: Stage, flow: Workflow, name: str, code: int = 0) -> None:
    stage.puppet(job_of(stage, flow, name)).exit(code)


PAIR = "  a: {command: x}\n  b: {command: y, requires: [{a: COMPLETED}]}\n"


def test_the_real_pace_is_a_tick_every_five_seconds_and_a_look_every_two(real: Stage) -> None:
    """JOB-WF-10, and the times that were measured (TIME-11)."""
    flow = start(real, PAIR)
    for seconds, expected in (
        (4.9, {"a": "PENDING", "b": "PENDING"}),
        # launched at the tick, running when it has its address
        (5.1, {"a": "PENDING", "b": "PENDING"}),
        (5.2, {"a": "RUNNING", "b": "PENDING"}),
    ):
        real.clock.advance(seconds - elapsed(real))
        assert statuses(flow) == expected, seconds
    end(real, flow, "a")
    for seconds, expected in (
        (7.1, {"a": "RUNNING", "b": "PENDING"}),
        (7.2, {"a": "COMPLETED", "b": "PENDING"}),
        (9.9, {"a": "COMPLETED", "b": "PENDING"}),
        (10.2, {"a": "COMPLETED", "b": "RUNNING"}),
    ):
        real.clock.advance(seconds - elapsed(real))
        assert statuses(flow) == expected, seconds
    end(real, flow, "b")
    real.clock.advance(2.1)
    assert flow.status == "COMPLETED"
    assert [round(each / 1e9 % 60, 2) for each in (flow.started_ns, flow.completed_ns) if each] == [
        5.15,
        12.15,
    ]


def elapsed(stage: Stage) -> float:
    return (stage.clock.now_ns() - 1_767_225_600 * 10**9) / 1e9


def test_jobs_of_one_tick_start_one_after_another(real: Stage) -> None:
    start(real, "  a: {command: x}\n  b: {command: y}\n  c: {command: z, network: none}\n")
    real.clock.advance(6)

    begun = sorted(job.start_ns for job in real.model.jobs.stored)
    assert [round(at / 1e9 % 60, 2) for at in begun] == [5.1, 5.25, 5.4]


def test_a_workflow_waits_for_nothing_when_nothing_can_start(stage: Stage) -> None:
    """So that a clock that only moves for events is idle, and a month costs nothing."""
    flow = start(stage, PAIR)
    stage.clock.run_until_idle()
    assert statuses(flow) == {"a": "RUNNING", "b": "PENDING"}
    assert stage.clock.next_due() is None
    stage.clock.advance(days=30)
    end(stage, flow, "a")
    stage.clock.run_until_idle()

    assert statuses(flow) == {"a": "COMPLETED", "b": "RUNNING"}


def test_ticks_keep_their_beat(real: Stage) -> None:
    flow = start(real, PAIR)
    real.clock.advance(103)
    end(real, flow, "a")
    # Looked at every two seconds from 5.15 on, and started on a multiple of five.
    real.clock.advance(20)

    assert statuses(flow)["b"] == "RUNNING"
    assert round(job_of(real, flow, "b").start_ns / 1e9 % 60, 2) == 50.1


def test_a_requirement_is_met_by_exactly_that_status(stage: Stage) -> None:
    """JOB-WF-11: any word, RUNNING too, and case counts."""
    flow = start(
        stage,
        "  a: {command: x}\n"
        "  running: {command: y, requires: [{a: RUNNING}]}\n"
        "  lower: {command: y, requires: [{a: running}]}\n"
        "  failed: {command: y, requires: [{a: FAILED}]}\n",
    )
    stage.clock.advance(11)
    assert statuses(flow) == {
        "a": "RUNNING", "running": "RUNNING", "lower": "PENDING", "failed": "PENDING",
    }  # fmt: skip
    end(stage, flow, "a", 3)
    stage.clock.advance(11)

    assert statuses(flow) == {
        "a": "FAILED", "running": "RUNNING", "lower": "CANCELED", "failed": "RUNNING",
    }  # fmt: skip


def test_a_status_that_was_missed_comes_too_late(stage: Stage) -> None:
    """What waits for RUNNING of a job that is over before anybody looks is cancelled."""
    flow = start(stage, "  a: {command: x}\n  b: {command: y, requires: [{a: RUNNING}]}\n")
    stage.clock.advance(5.2 if stage.model.pace.workflow_tick else 0)
    if stage.model.pace.workflow_tick:
        end(stage, flow, "a")
        stage.clock.advance(20)
        assert statuses(flow) == {"a": "COMPLETED", "b": "CANCELED"}
    else:
        # Without any time between, it is never missed.
        assert statuses(flow) == {"a": "RUNNING", "b": "RUNNING"}


@pytest.mark.parametrize(
    "job",
    [
        "{command: ''}",
        "{}",
        "{command: x, uploads: {files: [not-sent]}}",
        "{command: x, resources: {max_cpu: 101}}",
        "{command: x, network: nowhere}",
    ],
)
def test_a_job_that_can_not_be_started_has_failed_without_an_id(stage: Stage, job: str) -> None:
    """JOB-WF-07, JOB-WF-13."""
    flow = start(stage, f"  a: {job}\n  b: {{command: y}}\n", {})
    stage.clock.advance(6)

    assert statuses(flow) == {"a": "FAILED", "b": "RUNNING"}
    assert flow.jobs["a"].uuid == ""
    # A launch that fails leaves a job behind (JOB-RUN-81).
    failed = [job.exit_code for job in stage.model.jobs.stored if job.status == "FAILED"]
    assert failed == ([-1] if "network" in job else [])


def test_a_refused_launch_is_a_failure_too(stage: Stage) -> None:
    stage.refuse("no space left on device")
    flow = start(stage, "  a: {command: x}\n")
    stage.clock.advance(6)

    assert (statuses(flow), flow.status) == ({"a": "FAILED"}, "FAILED")


def test_jobs_of_a_workflow_fail_on_a_full_disk_and_leave_nothing(stage: Stage) -> None:
    """FAULT-05."""
    stage.model.disk_full = True
    flow = start(stage, "  a: {command: x}\n  b: {command: y, requires: [{a: COMPLETED}]}\n")
    stage.clock.advance(6)

    assert (statuses(flow), flow.status) == ({"a": "FAILED", "b": "CANCELED"}, "CANCELED")
    assert flow.jobs["a"].uuid == ""
    assert len(stage.model.jobs.stored) == 0


def test_a_thousand_jobs_of_one_tick_take_no_deep_stack() -> None:
    stage = Stage("immediate")
    with stage.clock.by_hand():
        flow = start(stage, "".join(f"  j{n}: {{command: x}}\n" for n in range(1000)))

    assert set(statuses(flow).values()) == {"RUNNING"}


def test_a_stopped_job_ends_its_workflow(stage: Stage) -> None:
    flow = start(stage, PAIR)
    stage.clock.advance(6)
    stage.stop(job_of(stage, flow, "a"))
    stage.clock.advance(6)

    assert statuses(flow) == {"a": "FAILED", "b": "CANCELED"}
    assert flow.status == "CANCELED"


def test_a_deleted_job_is_not_seen_any_more(stage: Stage) -> None:
    flow = start(stage, PAIR)
    stage.clock.advance(5.2)
    job = job_of(stage, flow, "a")
    end(stage, flow, "a")
    if stage.model.pace.flush:
        stage.clock.advance(0.4)
        stage.delete(job)
        stage.clock.advance(20)
        assert statuses(flow) == {"a": "RUNNING", "b": "PENDING"}
    else:
        assert statuses(flow)["a"] == "COMPLETED"


def test_an_id_or_its_only_beginning_finds_a_workflow(stage: Stage) -> None:
    """JOB-WF-20."""
    find = stage.model.workflows.find
    assert find("") is None
    first = start(stage, PAIR)
    assert find("") is first
    second = start(stage, "  z: {command: x}\n")
    assert find("") is None
    assert find(second.uuid) is second
    assert find(second.uuid[:8]) is second
    assert find(second.uuid.upper()) is None
    assert find(f"{second.uuid}0") is None


def test_the_first_workflow_says_what_may_run(stage: Stage) -> None:
    """JOB-WF-24, JOB-WF-30."""
    flows = stage.model.workflows
    assert (flows.first, flows.may_run("a")) == (None, False)
    first = start(stage, "  a: {command: x, requires: [{b: COMPLETED}]}\n  b: {command: y}\n")
    start(stage, "  c: {command: x}\n")

    assert flows.first is first
    if stage.model.pace.workflow_tick:
        assert [flows.may_run(name) for name in "abc"] == [False, True, False]
    # Started jobs have given up their names.
    stage.clock.advance(6)
    assert [flows.may_run(name) for name in "abc"] == [False, False, False]


# Names are shared (JOB-WF-15)


def test_a_status_that_another_workflow_saw_counts(stage: Stage) -> None:
    first = start(stage, "  a: {command: x}\n")
    stage.clock.advance(6)
    end(stage, first, "a")
    stage.clock.advance(6)
    second = start(stage, PAIR)
    stage.clock.advance(6)

    # It should have waited for its own.
    assert statuses(second)["b"] == "RUNNING"


def test_two_workflows_that_wait_with_a_name_get_the_same_job(real: Stage) -> None:
    first = start(real, "  a: {command: x}\n")
    real.clock.advance(1)
    second = start(real, "  a: {command: x}\n")
    real.clock.advance(8)

    (one,), (other,) = first.jobs.values(), second.jobs.values()
    assert one.uuid == other.uuid
    assert len(real.model.jobs.stored) == 1
    real.puppets[one.uuid].exit()
    real.clock.advance(60)
    assert (first.status, second.status) == ("PENDING", "COMPLETED")


def test_a_job_that_three_workflows_wait_for_is_started_again_and_again(real: Stage) -> None:
    """The third one loses sight of what it starts; the clock is idle nevertheless."""
    flows = []
    for _ in range(3):
        flows.append(start(real, "  a: {command: x}\n"))
        real.clock.advance(1)
    real.clock.run_until_idle()
    before = len(real.model.jobs.stored)
    real.clock.advance(20)

    assert len(real.model.jobs.stored) == before + 4
    assert [flow.status for flow in flows].count("PENDING") == 2


def test_without_durations_such_a_job_does_not_hang_the_clock() -> None:
    stage = Stage("immediate")
    yaml = "  long: {command: x}\n  a: {command: x, requires: [{long: COMPLETED}]}\n"
    flows = [start(stage, yaml) for _ in range(3)]
    for flow in flows:
        end(stage, flow, "long")
    before = len(stage.model.jobs.stored)
    stage.clock.advance(20)

    assert before < len(stage.model.jobs.stored) <= before + 5


def test_a_reset_forgets_workflows_and_what_they_would_start(stage: Stage) -> None:
    start(stage, PAIR)
    with stage.clock.lock:
        stage.model.clear()
    stage.clock.advance(60)

    assert list(stage.model.workflows) == []
    assert len(stage.model.jobs.stored) == 0


def test_a_restart_loses_them(stage: Stage) -> None:
    """Workflows live in memory alone (JOB-RST-05)."""
    flow = start(stage, PAIR)
    stage.clock.advance(6)
    puppet = stage.puppet(job_of(stage, flow, "a"))
    with stage.clock.lock:
        stage.model.restart()
    puppet.exit()
    stage.clock.advance(60)

    assert list(stage.model.workflows) == []
    assert len(stage.model.jobs.stored) == 0
