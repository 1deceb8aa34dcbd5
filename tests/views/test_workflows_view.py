"""`joblet.workflows` as a test's author uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from joblet_fake import FakeJoblet

if TYPE_CHECKING:
    from collections.abc import Iterator

YAML = """\
name: nightly
jobs:
  fetch: {command: fetch}
  train: {command: train, requires: [{fetch: COMPLETED}]}
  alarm: {command: alarm, requires: [{train: FAILED}]}
"""


@pytest.fixture
def joblet() -> Iterator[FakeJoblet]:
    with FakeJoblet(clock="frozen", tls=False) as fake:
        yield fake
        fake.check()


def start(joblet: FakeJoblet, yaml: str = YAML) -> str:
    fields = {"workflow": "nightly.yaml", "yaml_content": yaml}
    return str(joblet.rpc("RunWorkflow", **fields).workflow_uuid)


def test_a_workflow_is_shown_as_it_goes_on(joblet: FakeJoblet) -> None:
    joblet.programs.on("fetch").sleeps(60)
    joblet.programs.on("train").sleeps(60)
    nightly = joblet.workflows[start(joblet)]
    begun = joblet.clock.now()

    assert (nightly.name, nightly.yaml, nightly.status) == ("nightly", YAML, "RUNNING")
    assert repr(nightly) == f"<workflow {nightly.uuid} RUNNING, jobs 3>"
    assert list(nightly.jobs) == ["alarm", "fetch", "train"]
    assert [job.status for job in nightly.jobs.values()] == ["PENDING", "RUNNING", "PENDING"]
    assert nightly.jobs["train"].requires == {"fetch": "COMPLETED"}
    assert nightly.jobs["train"].uuid == ""
    assert joblet.jobs[nightly.jobs["fetch"].uuid].command == "fetch"
    assert repr(nightly.jobs["fetch"]) == "<job 'fetch' of a workflow, RUNNING>"
    assert (nightly.created, nightly.started, nightly.ended) == (begun, begun, None)

    joblet.clock.advance(minutes=5)
    assert [job.status for job in nightly.jobs.values()] == ["CANCELED", "COMPLETED", "COMPLETED"]
    assert (
        nightly.status
        == joblet.rpc("GetWorkflowStatus", workflow_uuid=nightly.uuid).workflow.status
    )
    assert nightly.ended is not None
    assert (nightly.ended - begun).total_seconds() == 120


def test_workflows_are_a_mapping_by_id_oldest_first(joblet: FakeJoblet) -> None:
    assert len(joblet.workflows) == 0
    made = [start(joblet, f"jobs: {{job{n}: {{command: sleep, args: [9]}}}}") for n in range(5)]

    assert list(joblet.workflows) == made
    assert len(joblet.workflows) == 5
    assert made[0] in joblet.workflows
    # A call takes a prefix; a mapping does not.
    assert made[0][:8] not in joblet.workflows
    with pytest.raises(KeyError, match=f"no workflow 'x' on this server; its workflows: {made[0]}"):
        joblet.workflows["x"]


def test_one_without_a_file_has_neither_name_nor_jobs(joblet: FakeJoblet) -> None:
    """JOB-WF-02."""
    bare = joblet.workflows[joblet.rpc("RunWorkflow", workflow="nightly").workflow_uuid]
    assert (bare.name, bare.yaml, bare.jobs, bare.status) == ("", "", {}, "PENDING")
    assert joblet.workflows[start(joblet, "jobs: {a: {command: x}}")].name == ""


def test_a_restart_forgets_them_and_a_restore_brings_them_back(joblet: FakeJoblet) -> None:
    """JOB-RST-05."""
    uuid = start(joblet)
    snapshot = joblet.snapshot()
    joblet.restart()
    assert list(joblet.workflows) == []
    joblet.restore(snapshot)
    assert list(joblet.workflows) == [uuid]
