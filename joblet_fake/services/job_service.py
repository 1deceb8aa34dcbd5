"""JobService: wire to model and back."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

from joblet_fake.model import gotime
from joblet_fake.model.errors import Kind, Refusal
from joblet_fake.model.job import JobSpec, Upload
from joblet_fake.model.persist import UP
from joblet_fake.model.validation import validate
from joblet_fake.services.answer import Answer, Asked, Handler, Streamed
from joblet_fake.services.generation import FITTING
from joblet_fake.services.order import listed
from joblet_fake.services.status import StatusError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from joblet_fake.model.job import Job
    from joblet_fake.model.model import Model
    from joblet_fake.model.outcome import Outcome
    from joblet_fake.services.generation import Generation
    from joblet_fake.wire import Api

MASK = "***"


class JobService:
    """The methods of `joblet.JobService` over one model."""

    def __init__(self, api: Api, generation: Generation, model: Model) -> None:
        self._generation = generation
        self._model = model
        self._method = api.method

    def handlers(self) -> Mapping[str, Handler]:
        """Give the handler of each method that is built, by the method's key."""
        return {
            "JobService.RunJob": self.run_job,
            "JobService.GetJobStatus": self.get_job_status,
            "JobService.ListJobs": self.list_jobs,
            "JobService.StopJob": self.stop_job,
            "JobService.CancelJob": self.cancel_job,
            "JobService.DeleteJob": self.delete_job,
            "JobService.DeleteAllJobs": self.delete_all_jobs,
            "JobService.GetJobLogs": self.get_job_logs,
        }

    def run_job(self, request: Any) -> Answer:  # noqa: ANN401 - a run-time message class
        """Ask whether its output can be stored, before anything else (JOB-RUN-01, -02)."""
        persist = self._model.persist
        if persist.state == UP:
            return self._accepted(request)
        return (
            persist.ping()
            .recover(Refusal, lambda refusal: StatusError("UNAVAILABLE", refusal.text))
            .then(lambda _: self._accepted(request))
        )

    def _accepted(self, request: Any) -> Answer:  # noqa: ANN401 - as above
        """Check a job, then run or plan it; the reply is the id and a status (JOB-RUN-59)."""
        spec = job_spec(request)
        try:
            validate(spec)
        except Refusal as refusal:
            raise self._refused("invalid request", refusal) from None
        # Whichever workflow is named, the first is asked (JOB-WF-30).
        in_workflow = spec.workflow_uuid and spec.job_uuid
        if in_workflow and not self._model.workflows.may_run(spec.job_uuid):
            return self._method("JobService.RunJob").encode({"status": "WAITING"})
        launcher = self._model.launcher
        if launcher.asks_user_code:
            return Asked(
                lambda: launcher.choose(spec),
                lambda program: self._run(dataclasses.replace(spec, program=program)),
            )
        return self._run(spec)

    def _run(self, spec: JobSpec) -> Answer:
        # What RunJob asks of GPUs is ignored, what a workflow asks is not (JOB-RUN-56).
        spec = dataclasses.replace(spec, gpu_count=0, gpu_memory_mb=0)
        try:
            outcome = self._model.lifecycle.run(spec)
        except Refusal as refusal:
            raise self._refused("job run failed", refusal) from None
        early = "run-job-initializing" in self._model.quirks
        immediate = "INITIALIZING" if early else "RUNNING"
        answer = outcome.then(
            # A scheduled job is answered so even when its launch has begun (JOB-RUN-43).
            lambda job: self._method("JobService.RunJob").encode(
                {
                    "job_uuid": job.uuid,
                    "status": "SCHEDULED" if job.scheduled_time else immediate,
                },
            ),
        )
        return self._told("job run failed", answer)

    def get_job_status(self, request: Any) -> Answer:  # noqa: ANN401 - as above
        """Give a job's state; its bytes are kept until the job changes (JOB-STA-01 to -09)."""
        job = self._model.jobs.stored.find(request.uuid)
        if job is None:
            raise StatusError("NOT_FOUND", f"job {request.uuid} not found")
        if job.rendered is not None and job.rendered[0] == job.revision:
            return job.rendered[1]
        fields = self._fields(job)
        fields["secret_environment"] = dict.fromkeys(job.spec.secret_environment, MASK)
        fields["network"] = job.spec.network
        fields["volumes"] = job.spec.volumes
        fields["work_dir"] = job.work_dir
        data = self._method("JobService.GetJobStatus").encode(fields)
        job.rendered = (job.revision, data)
        return data

    def list_jobs(self, _request: object) -> Answer:
        """Give every job; secrets are not masked here (JOB-LST-01 to -04).

        A real server's order is random (JOB-LST-02). This one is the order of the ids, which is
        never that of submission, and the same every time.
        """
        masked = "secrets-masked-everywhere" in self._model.quirks
        jobs = [
            self._fields(job)
            | {
                "secret_environment": dict.fromkeys(job.spec.secret_environment, MASK)
                if masked
                else job.spec.secret_environment,
                "gpu_count": job.spec.gpu_count,
                "gpu_memory_mb": job.spec.gpu_memory_mb,
            }
            for job in listed(self._model, self._model.jobs.stored)
        ]
        return self._method("JobService.ListJobs").encode({"jobs": jobs})

    def stop_job(self, request: Any) -> Answer:  # noqa: ANN401 - as above
        """End a job; the reply holds nothing but the id (JOB-STP-01)."""
        uuid = request.uuid
        try:
            outcome = self._model.lifecycle.stop(uuid)
        except Refusal as refusal:
            raise self._refused("job stop failed", refusal) from None
        told = "stop-answers" in self._model.quirks

        def reply(job: Job) -> bytes:
            shown = self._fields(job) if told else {}
            fields = {name: shown[name] for name in ("status", "end_time", "exit_code") if told}
            return self._method("JobService.StopJob").encode({"uuid": uuid, **fields})

        return self._told("job stop failed", outcome.then(reply))

    def cancel_job(self, request: Any) -> Answer:  # noqa: ANN401 - as above
        """Take a job out of the plan, as the documentation has it: no server does (JOB-CAN-01)."""
        uuid = request.uuid
        try:
            outcome = self._model.lifecycle.cancel(uuid)
        except Refusal as refusal:
            raise self._refused("job cancellation failed", refusal) from None
        encode = self._method("JobService.CancelJob").encode
        answer = outcome.then(lambda job: encode({"uuid": uuid, "status": job.status}))
        return self._told("job cancellation failed", answer)

    def delete_job(self, request: Any) -> Answer:  # noqa: ANN401 - as above
        """Remove a job (JOB-DEL-01)."""
        uuid = request.uuid
        try:
            outcome = self._model.lifecycle.delete(uuid)
        except Refusal as refusal:
            raise self._refused("job deletion failed", refusal) from None
        data = self._method("JobService.DeleteJob").encode(
            {"uuid": uuid, "success": True, "message": "Job deleted successfully"},
        )
        return self._told("job deletion failed", outcome.then(lambda _: data))

    def delete_all_jobs(self, _request: object) -> Answer:
        """Remove every job that is over (JOB-DEL-07)."""
        encode = self._method("JobService.DeleteAllJobs").encode

        def reply(counts: tuple[int, int]) -> bytes:
            deleted, skipped = counts
            return encode(
                {
                    "success": True,
                    "message": f"Successfully deleted {deleted} jobs, "
                    f"skipped {skipped} running/scheduled jobs",
                    "deleted_count": deleted,
                    "skipped_count": skipped,
                },
            )

        outcome = self._model.lifecycle.delete_all()
        return self._told("bulk job deletion failed", outcome.then(reply))

    def get_job_logs(self, request: Any) -> Answer:  # noqa: ANN401 - as above
        """Stream a job's output (JOB-LOG-20)."""
        encode = self._method("JobService.GetJobLogs").encode
        return Streamed(
            self._model.follow_log(request.uuid),
            lambda payload: encode({"payload": payload}),
            lambda refusal: StatusError(
                self._generation.code("job logs", refusal.kind),
                refusal.text,
            ),
        )

    def _fields(self, job: Job) -> dict[str, object]:
        spec = job.spec
        return {
            "uuid": job.uuid,
            "command": spec.command,
            "args": spec.args,
            "max_cpu": spec.max_cpu,
            "cpu_cores": spec.cpu_cores,
            "max_memory": spec.max_memory,
            "max_io_bps": spec.max_io_bps,
            "status": job.status,
            "start_time": gotime.rfc3339(job.start_ns),
            "end_time": "" if job.end_ns is None else gotime.rfc3339(job.end_ns),
            "exit_code": job.exit_code,
            "scheduled_time": job.scheduled_time,
            "environment": spec.environment,
            "runtime": spec.runtime,
            "node_id": self._model.node_id,
        }

    def _refused(self, site: str, refusal: Refusal) -> StatusError:
        if refusal.kind is Kind.UNAVAILABLE:
            return StatusError("UNAVAILABLE", refusal.text)
        code = self._generation.code(site, refusal.kind)
        if "fitting-codes" in self._model.quirks:
            code = FITTING.get(refusal.kind, code)
        return StatusError(code, f"{site}: {refusal.text}")

    def _told(self, site: str, outcome: Outcome[bytes]) -> Outcome[bytes]:
        return outcome.recover(
            Refusal,
            lambda refusal: self._refused(site, refusal),
        )


def _same(value: object) -> object:
    return value


def _uploads(sent: Any) -> tuple[Upload, ...]:  # noqa: ANN401 - as above
    return tuple(
        Upload(upload.path, upload.content, upload.mode, upload.is_directory) for upload in sent
    )


TAKEN: Final[dict[str, Callable[[Any], object]]] = {
    "command": _same,
    "args": tuple,
    "name": _same,
    "max_cpu": _same,
    "cpu_cores": _same,
    "max_memory": _same,
    "max_io_bps": _same,
    "uploads": _uploads,
    "schedule": _same,
    "network": _same,
    "volumes": tuple,
    "runtime": _same,
    "work_dir": _same,
    "environment": dict,
    "secret_environment": dict,
    "gpu_count": _same,
    "gpu_memory_mb": _same,
    "workflow_uuid": _same,
    "job_uuid": _same,
    "requirements": tuple,
}
"""The fields of a RunJob request, each with what makes it the model's own."""


def job_spec(request: Any) -> JobSpec:  # noqa: ANN401 - as above
    """Take a job out of a RunJob request, whatever of it is kept later (JOB-RUN-55, JOB-RUN-56).

    A field that the served version does not have is as good as not sent.
    """
    known = request.DESCRIPTOR.fields_by_name
    sent: dict[str, Any] = {
        name: take(getattr(request, name)) for name, take in TAKEN.items() if name in known
    }
    return JobSpec(**sent)
