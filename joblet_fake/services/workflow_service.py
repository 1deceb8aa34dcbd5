"""The workflow methods of JobService: wire to model and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from joblet_fake.clock import NANOS
from joblet_fake.goyaml import YamlError
from joblet_fake.model.errors import Refusal
from joblet_fake.model.paths import name_problem
from joblet_fake.model.workflow_file import check_workflow, read_workflow, with_program
from joblet_fake.services.answer import Answer, Asked, Handler
from joblet_fake.services.order import listed
from joblet_fake.services.status import StatusError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from joblet_fake.model.model import Model
    from joblet_fake.model.workflow import Workflow
    from joblet_fake.model.workflow_file import Step
    from joblet_fake.services.generation import Generation
    from joblet_fake.wire import Api

NOT_STARTED: Final = "0"
"""What stands for the id of a job that was not started (JOB-WF-22)."""
HIDDEN: Final = ("COMPLETED", "FAILED")
"""The statuses that ListWorkflows leaves out unless asked (JOB-WF-23)."""
LONG: Final = 1_000
"""From so many characters on, a file is read outside of the lock: that takes 15 ms and more."""


class WorkflowService:
    """RunWorkflow and its reads, over one model."""

    def __init__(self, api: Api, generation: Generation, model: Model) -> None:
        self._generation = generation
        self._model = model
        self._method = api.method

    def handlers(self) -> Mapping[str, Handler]:
        """Give the handler of each method that is built, by the method's key."""
        return {
            "JobService.RunWorkflow": self.run_workflow,
            "JobService.GetWorkflowStatus": self.get_workflow_status,
            "JobService.ListWorkflows": self.list_workflows,
            "JobService.GetWorkflowJobs": self.get_workflow_jobs,
        }

    def run_workflow(self, request: Any) -> Answer:  # noqa: ANN401 - a run-time message class
        """Check a workflow and start it; its jobs start later (JOB-WF-01 to -04)."""
        if not request.workflow:
            raise StatusError("INVALID_ARGUMENT", "workflow is required")
        text = request.yaml_content
        if text:
            files = {file.path: file.content for file in request.workflow_files}
            if len(text) > LONG:
                return Asked(
                    lambda: _read(text),
                    lambda read: self._checked(read, text, files),
                    of_test=False,
                )
            return self._checked(_read(text), text, files)
        if request.workflow.endswith((".yaml", ".yml")):
            # The file would be one of the server's: a fake has none.
            problem = name_problem(request.workflow) or "no such file or directory"
            raise _not_started(
                "failed to parse workflow YAML: failed to read YAML file: "
                f"open {request.workflow}: {problem}",
            )
        return self._started((), "", None)

    def _checked(
        self,
        read: Sequence[Step] | YamlError,
        text: str,
        files: Mapping[str, bytes],
    ) -> Answer:
        if isinstance(read, YamlError):
            raise _not_started(
                f"failed to parse workflow YAML content: failed to parse YAML content: {read}",
            )
        model = self._model
        try:
            check_workflow(
                read,
                lambda name: name in model.volumes,
                lambda name: name in model.runtimes,
            )
        except Refusal as refusal:
            raise _not_started(refusal.text) from None
        launcher = model.launcher
        if launcher.asks_user_code:
            # Predicates have their say now: later the jobs start under the model's lock.
            return Asked(
                lambda: [with_program(step, launcher.choose(step.spec)) for step in read],
                lambda steps: self._started(steps, text, files),
            )
        return self._started(read, text, files)

    def _started(
        self,
        steps: Sequence[Step],
        text: str,
        files: Mapping[str, bytes] | None,
    ) -> Answer:
        workflow = self._model.workflows.start(steps, text, files)
        return self._method("JobService.RunWorkflow").encode(
            {"workflow_uuid": workflow.uuid, "status": "STARTED"},
        )

    def get_workflow_status(self, request: Any) -> Answer:  # noqa: ANN401 - as above
        """Give a workflow and its jobs (JOB-WF-20 to -22)."""
        workflow = self._model.workflows.find(request.workflow_uuid)
        if workflow is None:
            raise StatusError("NOT_FOUND", f"workflow not found: {request.workflow_uuid}")
        return self._method("JobService.GetWorkflowStatus").encode(
            {"workflow": _info(workflow), "jobs": self._jobs(workflow)},
        )

    def list_workflows(self, request: Any) -> Answer:  # noqa: ANN401 - as above
        """Give the workflows, in an order that says nothing (JOB-WF-23)."""
        shown = (
            workflow
            for workflow in listed(self._model, self._model.workflows)
            if request.include_completed or workflow.status not in HIDDEN
        )
        return self._method("JobService.ListWorkflows").encode(
            {"workflows": [_info(workflow) for workflow in shown]},
        )

    def get_workflow_jobs(self, request: Any) -> Answer:  # noqa: ANN401 - as above
        """Give the jobs of the first workflow, whichever is asked for (JOB-WF-24)."""
        workflow = self._model.workflows.first
        if "workflow-jobs-by-id" in self._model.quirks:
            workflow = self._model.workflows.find(request.workflow_uuid)
            if workflow is None:
                raise StatusError("NOT_FOUND", f"workflow not found: {request.workflow_uuid}")
        if workflow is None:
            raise StatusError("NOT_FOUND", "workflow not found: workflow 1 not found")
        return self._method("JobService.GetWorkflowJobs").encode({"jobs": self._jobs(workflow)})

    def _jobs(self, workflow: Workflow) -> list[dict[str, object]]:
        # The real order is random and differs from call to call; here it is that of the names.
        return [
            {
                "job_uuid": job.uuid or NOT_STARTED,
                "job_name": job.name,
                "status": job.status,
                "dependencies": list(job.requires),
            }
            for _, job in listed(self._model, sorted(workflow.jobs.items()))
        ]


def _read(text: str) -> Sequence[Step] | YamlError:
    try:
        return read_workflow(text)
    except YamlError as error:
        return error


def _not_started(text: str) -> StatusError:
    return StatusError("INTERNAL", f"failed to start workflow orchestration: {text}")


def _info(workflow: Workflow) -> dict[str, object]:
    return {
        "uuid": workflow.uuid,
        "status": workflow.status,
        "total_jobs": workflow.total,
        "completed_jobs": workflow.completed,
        "failed_jobs": workflow.failed,
        # How many were cancelled is never told (JOB-WF-21).
        "canceled_jobs": 0,
        "created_at": _time(workflow.created_ns),
        "started_at": _time(workflow.started_ns),
        "completed_at": _time(workflow.completed_ns),
        "yaml_content": workflow.yaml,
    }


def _time(moment_ns: int | None) -> dict[str, int] | None:
    if moment_ns is None:
        return None
    return {"seconds": moment_ns // NANOS, "nanos": moment_ns % NANOS}
