"""DeleteAllJobs, which would harm a server that others use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from joblet_conformance.case import case
from joblet_conformance.cases.jobs.plans import FAR, LIST, OUTPUT, PAST

if TYPE_CHECKING:
    from joblet_conformance.talk import Reply, Talk


def emptied(talk: Talk, deleted: int, skipped: int) -> None:
    """Delete all jobs, and note whether the counts are right."""
    reply = talk.call("DeleteAllJobs")
    said: Any = reply.message
    text = f"Successfully deleted {deleted} jobs, skipped {skipped} running/scheduled jobs"
    talk.expect("JOB-DEL-07", "the text", (said.success, said.message), (True, text))
    counts = (said.deleted_count, said.skipped_count)
    talk.expect("JOB-DEL-07", "the counts", counts, (deleted, skipped))


@case("jobs/delete-all", "JOB-DEL-07", "JOB-LST-01", needs=("destructive",), normalise=LIST)
def _(talk: Talk) -> None:
    """DeleteAllJobs takes what is over, leaves the rest, and counts both."""
    talk.call("DeleteAllJobs", record=False)
    emptied(talk, 0, 0)
    running, waiting = talk.run("sleep", "60"), talk.run("true", schedule=FAR)
    canceled = talk.run("true", schedule=FAR)
    talk.call("StopJob", uuid=canceled)
    for command in ("true", "false"):
        talk.until_status(talk.run(command))
    emptied(talk, 3, 2)
    talk.expect("JOB-DEL-07", "the rest", {job.uuid for job in talk.listed()}, {running, waiting})
    emptied(talk, 0, 2)


@case(
    "jobs/delete-all-forgets",
    "JOB-DEL-09",
    needs=("destructive",),
    normalise=(*OUTPUT, *LIST),
)
def _(talk: Talk) -> None:
    """DeleteAllJobs drops the output in memory too, and what is stopped does not come back."""
    talk.call("DeleteAllJobs", record=False)
    done = talk.until_status(talk.run("echo", "gone")).uuid
    stopped = talk.run("sleep", "60")
    talk.wait(0.3)
    talk.call("StopJob", uuid=stopped)
    emptied(talk, 2, 0)
    reply: Reply = talk.call("GetJobLogs", uuid=done)
    talk.refused("JOB-DEL-09", reply, "NOT_FOUND", f"job not found: {done}")
    talk.wait(1)
    talk.expect("JOB-DEL-09", "what is listed", talk.listed(), [])


@case("jobs/delete-all-initializing", "JOB-DEL-08", needs=("destructive",), normalise=LIST)
def _(talk: Talk) -> None:
    """A job that is being launched fails the call, and the others are gone nevertheless."""
    talk.call("DeleteAllJobs", record=False)
    done = talk.until_status(talk.run("true")).uuid
    job_id = talk.run("true", schedule=PAST)
    talk.until("it is launched", lambda: talk.status(job_id).status == "INITIALIZING")
    reply = talk.call("DeleteAllJobs")
    text = (
        f"bulk job deletion failed: failed to delete 1 jobs: job {job_id}: "
        f"job deletion failed: cannot perform operation on running job {job_id} "
        "(status: INITIALIZING) - stop the job first"
    )
    talk.refused("JOB-DEL-08", reply, "INTERNAL", text)
    reply = talk.call("GetJobStatus", uuid=done)
    talk.refused("JOB-DEL-08", reply, "NOT_FOUND", f"job {done} not found")
    talk.until_status(job_id)
