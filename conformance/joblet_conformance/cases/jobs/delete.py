"""DeleteJob."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from joblet_conformance.case import case
from joblet_conformance.cases.jobs.plans import FAR, LIST, OUTPUT, took

if TYPE_CHECKING:
    from joblet_conformance.talk import Talk

UNKNOWN: Final = "job deletion failed: job not found: {}"
BUSY: Final = "job deletion failed: cannot delete job {} (status: {}) - stop the job first"


@case("jobs/delete", "JOB-DEL-01", "JOB-DEL-02", "JOB-DEL-05", "JOB-LST-05", normalise=LIST)
def _(talk: Talk) -> None:
    """What is over can be deleted, once; then nobody knows it."""
    canceled = talk.run("true", schedule=FAR)
    talk.call("StopJob", uuid=canceled)
    jobs = [talk.run("true"), talk.run("false")]
    for job_id in jobs:
        talk.until_status(job_id)
    for job_id in (*jobs, canceled):
        reply = talk.call("JobService.DeleteJob", uuid=job_id)
        said = (reply.message.uuid, reply.message.success, reply.message.message)
        wanted = (job_id, True, "Job deleted successfully")
        talk.expect("JOB-DEL-01", "the answer", said, wanted)
        reply = talk.call("GetJobStatus", uuid=job_id)
        talk.refused("JOB-DEL-05", reply, "NOT_FOUND", f"job {job_id} not found")
        reply = talk.call("JobService.DeleteJob", uuid=job_id)
        talk.refused("JOB-DEL-02", reply, "INTERNAL", UNKNOWN.format(job_id))
    talk.expect("JOB-LST-05", "what is listed", talk.listed(), [])


@case("jobs/delete-busy", "JOB-DEL-03", "JOB-GEN-08")
def _(talk: Talk) -> None:
    """What runs or waits can't be deleted."""
    jobs = {"RUNNING": talk.run("sleep", "60"), "SCHEDULED": talk.run("true", schedule=FAR)}
    for status, job_id in jobs.items():
        reply = talk.call("JobService.DeleteJob", uuid=job_id)
        talk.refused("JOB-DEL-03", reply, "INTERNAL", BUSY.format(job_id, status))
        talk.expect("JOB-DEL-03", "the status", talk.status(job_id).status, status)


@case("jobs/delete-stopped", "JOB-DEL-05", "JOB-STP-07", normalise=LIST)
def _(talk: Talk) -> None:
    """A job that is deleted right after its stop comes back as FAILED, and can be deleted again."""
    job_id = talk.run("sleep", "60")
    talk.wait(0.3)
    talk.call("StopJob", uuid=job_id)
    talk.call("JobService.DeleteJob", uuid=job_id)
    reply = talk.call("GetJobStatus", uuid=job_id)
    talk.refused("JOB-DEL-05", reply, "NOT_FOUND", f"job {job_id} not found")
    talk.until("it is back", lambda: bool(talk.listed(record=False)), 5)
    (back,) = talk.listed()
    talk.expect("JOB-DEL-05", "its end", (back.status, back.exit_code), ("FAILED", -1))
    talk.check("JOB-DEL-05", "its end has a time", back.end_time)
    talk.call("GetJobStatus", uuid=job_id)
    talk.call("JobService.DeleteJob", uuid=job_id)
    talk.wait(0.5)
    talk.expect("JOB-DEL-05", "what is listed at last", talk.listed(), [])


@case("jobs/delete-keeps-buffer", "JOB-DEL-06", needs=("persist",), normalise=OUTPUT)
def _(talk: Talk) -> None:
    """Stored output goes with its job, and what is in memory can still be read."""
    job_id = talk.until_status(talk.run("echo", "still here")).uuid
    talk.until(
        "it is stored", lambda: bool(talk.call("QueryLogs", record=False, job_uuid=job_id).messages)
    )
    talk.call("JobService.DeleteJob", uuid=job_id)
    talk.expect("JOB-DEL-06", "the log", talk.output(job_id), b"still here\n")
    reply = talk.call("QueryLogs", job_uuid=job_id)
    text = f"failed to read logs: no logs found for job {job_id}"
    talk.refused("JOB-DEL-06", reply, "INTERNAL", text)


@case("jobs/delete-ends-logs", "JOB-DEL-06", normalise=OUTPUT)
def _(talk: Talk) -> None:
    """An open log stream ends when its job is deleted; that of a canceled one ends only so."""
    job_id = talk.run("true", schedule=FAR)
    log = talk.follow("GetJobLogs", uuid=job_id)
    talk.call("StopJob", uuid=job_id)
    talk.wait(1)
    talk.check("JOB-DEL-06", "a cancellation does not end it", not log.ended)
    talk.call("JobService.DeleteJob", uuid=job_id)
    began = talk.target.now()
    reply = log.rest(5)
    talk.expect("JOB-DEL-06", "how it ends", (reply.code, len(reply.messages)), ("OK", 0))
    talk.check("JOB-DEL-06", "it ends at once", took(talk, began) < 0.3)
