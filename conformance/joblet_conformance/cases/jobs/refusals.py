"""Who may do what to jobs, and which code says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from joblet_conformance.case import case
from joblet_conformance.cases.jobs.plans import FAR, NOBODY

if TYPE_CHECKING:
    from joblet_conformance.talk import Talk

DENIED: Final = "role {} is not allowed to perform operation {}"
READS: Final = ("GetJobStatus", "GetJobLogs", "ListJobs")
CHANGES: Final = (
    ("RunJob", "run_job"),
    ("StopJob", "stop_job"),
    ("JobService.DeleteJob", "stop_job"),
    ("DeleteAllJobs", "stop_job"),
)


@case("jobs/operations", "JOB-GEN-04", "JOB-GEN-05", needs=("viewer", "stranger"))
def _(talk: Talk) -> None:
    """A viewer reads and changes nothing, a stranger does neither; the operation is named."""
    job_id = talk.run("true", schedule=FAR)
    for method, operation in CHANGES:
        for role, name in (("viewer", "viewer"), ("nobody", "unknown")):
            reply = talk.call(method, role=role)
            text = DENIED.format(name, operation)
            talk.refused("JOB-GEN-04", reply, "PERMISSION_DENIED", text)
    for method in READS:
        fields: dict[str, Any] = {} if method == "ListJobs" else {"uuid": job_id}
        reply = talk.call(method, role="nobody", **fields)
        text = DENIED.format("unknown", "get_job")
        talk.refused("JOB-GEN-04", reply, "PERMISSION_DENIED", text)
    reply = talk.call("GetJobStatus", role="viewer", uuid=job_id)
    talk.expect("JOB-GEN-05", "what a viewer reads", reply.message.uuid, job_id)
    reply = talk.call("GetJobLogs", role="viewer", uuid=NOBODY)
    talk.refused("JOB-GEN-05", reply, "NOT_FOUND", f"job not found: {NOBODY}")
    reply = talk.call("ListJobs", role="viewer", record=False)
    talk.expect("JOB-GEN-05", "what a list for a viewer is", reply.code, "OK")
    talk.expect("JOB-GEN-05", "the status", talk.status(job_id).status, "SCHEDULED")


@case("jobs/codes", "JOB-GEN-08")
def _(talk: Talk) -> None:
    """The code says where a call failed, not why: INVALID_ARGUMENT for fields, INTERNAL else."""
    for code, text, fields in (
        ("INVALID_ARGUMENT", "invalid request: ", {"command": ""}),
        ("INTERNAL", "job run failed: ", {"command": "true", "max_cpu": 200}),
        ("INTERNAL", "job run failed: ", {"command": "true", "schedule": "soon"}),
    ):
        reply = talk.call("RunJob", **fields)
        talk.expect("JOB-GEN-08", "the code", reply.code, code)
        talk.check("JOB-GEN-08", f"{text!r} begins the text", reply.details.startswith(text))
    for method, text in (
        ("StopJob", "job stop failed: "),
        ("JobService.DeleteJob", "job deletion failed: "),
    ):
        reply = talk.call(method, uuid=NOBODY)
        talk.expect("JOB-GEN-08", "the code", reply.code, "INTERNAL")
        talk.check("JOB-GEN-08", f"{text!r} begins the text", reply.details.startswith(text))
