"""`joblet.workflows`: what a test sees of a server's workflows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from joblet_fake.goyaml import read
from joblet_fake.model.workflow_file import SHAPE
from joblet_fake.views.moments import to_moment
from joblet_fake.words import Named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from joblet_fake.model.model import Model
    from joblet_fake.model.workflow import Workflow, WorkflowJob

SHOWN = 10
"""How many known workflows an error about an unknown one lists."""


class WorkflowJobView(Named):
    """A job's place in a workflow, as it is at the moment of asking."""

    _called = "a workflow's job"

    __slots__ = ("_job",)

    def __init__(self, job: WorkflowJob) -> None:
        self._job = job

    def __repr__(self) -> str:
        return f"<job {self.name!r} of a workflow, {self.status}>"

    @property
    def name(self) -> str:
        """Its name in the workflow's file."""
        return self._job.name

    @property
    def status(self) -> str:
        """What the workflow last saw of it: a workflow looks now and then (JOB-WF-10)."""
        return self._job.status

    @property
    def uuid(self) -> str:
        """The job that was started for it, as in `joblet.jobs`; empty until then (JOB-WF-22)."""
        return self._job.uuid

    @property
    def requires(self) -> dict[str, str]:
        """The status that each job it waits for must have had last (JOB-WF-11)."""
        return dict(self._job.requires)


class WorkflowView(Named):
    """One workflow, as it is at the moment of asking; made by `joblet.workflows[...]`."""

    _called = "a workflow"

    __slots__ = ("_model", "_workflow")

    def __init__(self, model: Model, workflow: Workflow) -> None:
        self._model = model
        self._workflow = workflow

    def __repr__(self) -> str:
        return f"<workflow {self.uuid} {self.status}, jobs {len(self._workflow.jobs)}>"

    @property
    def uuid(self) -> str:
        """The workflow's id."""
        return self._workflow.uuid

    @property
    def name(self) -> str:
        """The name in its file; no call tells it."""
        text = self._workflow.yaml
        return str(read(text, SHAPE)["name"]) if text else ""

    @property
    def yaml(self) -> str:
        """The file, as it was sent (JOB-WF-21)."""
        return self._workflow.yaml

    @property
    def status(self) -> str:
        """PENDING, RUNNING, COMPLETED, FAILED or CANCELED (JOB-WF-14)."""
        return self._workflow.status

    @property
    def jobs(self) -> dict[str, WorkflowJobView]:
        """Its jobs by their names in the file, in the order of the names."""
        with self._model.clock.lock:
            jobs = sorted(self._workflow.jobs.values(), key=lambda job: job.name)
        return {job.name: WorkflowJobView(job) for job in jobs}

    @property
    def created(self) -> datetime:
        """When it was made."""
        return to_moment(self._workflow.created_ns)

    @property
    def started(self) -> datetime | None:
        """When its first job was seen running; None until then."""
        return to_moment(self._workflow.started_ns)

    @property
    def ended(self) -> datetime | None:
        """When all its jobs had ended; None until then."""
        return to_moment(self._workflow.completed_ns)


class WorkflowsView(Named, Mapping[str, WorkflowView]):
    r"""The workflows of a server by id, oldest first.

    RunWorkflow starts one; no call removes one (JOB-WF-15), a restart all of them.

    >>> from joblet_fake import FakeJoblet
    >>> with FakeJoblet(clock="frozen") as joblet:
    ...     yaml = "name: nightly\njobs: {fetch: {command: echo, args: [hi]}}"
    ...     made = joblet.rpc("RunWorkflow", workflow="nightly.yaml", yaml_content=yaml)
    ...     nightly = joblet.workflows[made.workflow_uuid]
    ...     print(nightly.name, nightly.status, joblet.jobs[nightly.jobs["fetch"].uuid].stdout)
    nightly COMPLETED hi
    <BLANKLINE>
    """

    _called = "joblet.workflows"

    def __init__(self, model: Model, check: Callable[[], None]) -> None:
        self._model = model
        self._check = check

    def __getitem__(self, uuid: str) -> WorkflowView:
        workflow = self._model.workflows.exact(uuid)
        if workflow is None:
            known = list(self)
            shown = ", ".join(known[-SHOWN:]) or "none"
            more = f" and {len(known) - SHOWN} earlier" if len(known) > SHOWN else ""
            raise KeyError(f"no workflow {uuid!r} on this server; its workflows: {shown}{more}")
        return WorkflowView(self._model, workflow)

    def __iter__(self) -> Iterator[str]:
        self._check()
        with self._model.clock.lock:
            return iter([workflow.uuid for workflow in self._model.workflows.by_age()])

    def __len__(self) -> int:
        return len(self._model.workflows)
