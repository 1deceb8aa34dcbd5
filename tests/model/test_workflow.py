"""A workflow's own state: counts, status and times follow from what is seen of its jobs."""

from __future__ import annotations

import pytest

from joblet_fake.model.workflow import Workflow, WorkflowJob


def workflow(**requires: dict[str, str]) -> Workflow:
    jobs = {name: WorkflowJob(name, wanted) for name, wanted in requires.items()}
    return Workflow("uuid", "", 0, jobs)


def see(flow: Workflow, *seen: tuple[str, str]) -> list[str]:
    """Let it see statuses, a second apart; give what was cancelled."""
    canceled = []
    for at, (name, status) in enumerate(seen, 1):
        canceled += [job.name for job in flow.see(name, status, at)]
    return canceled


@pytest.mark.parametrize(
    ("ends", "status"),
    [
        (("COMPLETED", "COMPLETED"), "COMPLETED"),
        (("COMPLETED", "FAILED"), "FAILED"),
        # some stopped is a failure (JOB-WF-14)
        (("COMPLETED", "STOPPED"), "FAILED"),
        (("STOPPED", "STOPPED"), "FAILED"),
    ],
)
def test_when_all_jobs_have_ended_the_workflow_has(ends: tuple[str, str], status: str) -> None:
    flow = workflow(a={}, b={})
    assert flow.status == "PENDING"
    see(flow, ("a", "RUNNING"))
    assert (flow.status, flow.started_ns, flow.completed_ns) == ("RUNNING", 1, None)
    see(flow, ("b", "RUNNING"), ("a", ends[0]), ("b", ends[1]))

    assert (flow.status, flow.started_ns, flow.completed_ns) == (status, 1, 3)


def test_a_job_that_can_not_come_any_more_takes_others_along() -> None:
    """JOB-WF-12: on and on, but not those that wait for just that."""
    flow = workflow(
        a={}, b={"a": "COMPLETED"}, c={"b": "COMPLETED"}, d={"b": "CANCELED"}, e={"a": "FAILED"}
    )
    canceled = see(flow, ("a", "RUNNING"), ("a", "FAILED"))

    assert canceled == ["b", "c"]
    assert {name: job.status for name, job in flow.jobs.items()} == {
        "a": "FAILED", "b": "CANCELED", "c": "CANCELED", "d": "PENDING", "e": "PENDING",
    }  # fmt: skip
    assert flow.status == "RUNNING"
    see(flow, ("d", "COMPLETED"), ("e", "COMPLETED"))
    assert (flow.status, flow.completed, flow.failed) == ("CANCELED", 2, 1)


def test_a_single_unmet_requirement_is_enough() -> None:
    flow = workflow(a={}, b={}, c={"a": "COMPLETED", "b": "COMPLETED"})

    assert see(flow, ("a", "COMPLETED")) == []
    assert see(flow, ("b", "STOPPED")) == ["c"]


def test_a_workflow_whose_only_job_can_not_be_started_has_failed_and_never_began() -> None:
    """JOB-WF-14."""
    flow = workflow(a={})
    see(flow, ("a", "FAILED"))

    assert (flow.status, flow.failed) == ("FAILED", 1)
    assert (flow.started_ns, flow.completed_ns) == (None, 1)


def test_a_stopped_job_that_is_seen_again_is_counted_once() -> None:
    """A stop is overwritten by what the process came to (JOB-STP-07)."""
    flow = workflow(a={})
    see(flow, ("a", "RUNNING"), ("a", "STOPPED"), ("a", "FAILED"), ("a", "FAILED"))

    assert (flow.status, flow.failed, flow.completed_ns) == ("FAILED", 1, 2)


def test_a_workflow_without_jobs_stays_pending() -> None:
    """JOB-WF-02."""
    assert (workflow().status, workflow().total) == ("PENDING", 0)
