"""How an id, or a part of one, finds a job."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from joblet_conformance.case import case
from joblet_conformance.cases.jobs.plans import FAR, NOBODY, OUTPUT
from joblet_conformance.normalise import Joined

if TYPE_CHECKING:
    from joblet_conformance.talk import Talk

ENOUGH: Final = 17
"""Jobs among which two begin alike, since there are 16 hexadecimal digits."""


@case("jobs/prefixes", "JOB-UID-01", "JOB-UID-05")
def _(talk: Talk) -> None:
    """GetJobStatus finds a job by any part of its id that begins no other, in lower case only."""
    job_id = talk.run("true", schedule=FAR)
    for length in (35, 20, 12):
        reply = talk.call("GetJobStatus", uuid=job_id[:length])
        talk.expect("JOB-UID-05", f"the id that {length} find", reply.message.uuid, job_id)
    upper = job_id.upper()
    reply = talk.call("GetJobStatus", uuid=upper)
    talk.refused("JOB-UID-01", reply, "NOT_FOUND", f"job {upper} not found")
    longer = f"{job_id}0"
    reply = talk.call("GetJobStatus", uuid=longer)
    talk.refused("JOB-UID-01", reply, "NOT_FOUND", f"job {longer} not found")


@case("jobs/ambiguous-prefix", "JOB-UID-01")
def _(talk: Talk) -> None:
    """A part that begins two ids finds neither."""
    jobs = []
    for _ in range(ENOUGH):
        reply = talk.call("RunJob", record=False, command="true", schedule=FAR)
        jobs.append(reply.message.job_uuid)
    first, _ = Counter(job_id[0] for job_id in jobs).most_common(1)[0]
    talk.call("GetJobStatus", uuid=next(job_id for job_id in jobs if job_id[0] == first))
    reply = talk.call("GetJobStatus", uuid=first)
    talk.refused("JOB-UID-01", reply, "NOT_FOUND", f"job {first} not found")


@case("jobs/whole-ids", "JOB-UID-04", "JOB-UID-05", "JOB-STP-02", "JOB-DEL-02", "JOB-GEN-06")
def _(talk: Talk) -> None:
    """StopJob and DeleteJob know whole ids only."""
    job_id = talk.run("true", schedule=FAR)
    for wrong in (job_id[:12], NOBODY, "", "nobody", job_id.upper()):
        reply = talk.call("StopJob", uuid=wrong)
        talk.refused("JOB-STP-02", reply, "INTERNAL", f"job stop failed: job not found: {wrong}")
        talk.expect("JOB-GEN-06", "the messages beside the error", len(reply.messages), 0)
        reply = talk.call("JobService.DeleteJob", uuid=wrong)
        text = f"job deletion failed: job not found: {wrong}"
        talk.refused("JOB-DEL-02", reply, "INTERNAL", text)
        talk.expect("JOB-GEN-06", "the messages beside the error", len(reply.messages), 0)
    talk.expect("JOB-UID-04", "the status", talk.status(job_id).status, "SCHEDULED")
    reply = talk.call("StopJob", uuid=job_id)
    talk.expect("JOB-UID-05", "the id in the answer", reply.message.uuid, job_id)
    reply = talk.call("JobService.DeleteJob", uuid=job_id)
    talk.expect("JOB-UID-05", "the id in the answer", reply.message.uuid, job_id)


@case(
    "jobs/logs-by-prefix",
    "JOB-UID-03",
    needs=("persist",),
    normalise=(*OUTPUT, Joined("QueryLogs", "content", "sequence")),
)
def _(talk: Talk) -> None:
    """By a part of its id a job's log comes from memory alone: once, and after its deletion."""
    job_id = talk.shell("echo early; sleep 1; echo late")
    short = job_id[:20]
    talk.until(
        "it wrote", lambda: bool(talk.call("QueryLogs", record=False, job_uuid=job_id).messages)
    )
    whole = talk.follow("GetJobLogs", uuid=job_id)
    part = talk.follow("GetJobLogs", uuid=short)
    whole.rest()
    part.rest()
    talk.expect("JOB-UID-03", "by the whole id", whole.output(), b"early\nearly\nlate\n")
    talk.expect("JOB-UID-03", "by a part", part.output(), b"early\nlate\n")
    talk.until_status(job_id)
    talk.call("JobService.DeleteJob", uuid=job_id)
    talk.expect("JOB-UID-03", "by a part, deleted", talk.output(short), b"early\nlate\n")


@case("jobs/empty-id", "JOB-UID-01", needs=("destructive",))
def _(talk: Talk) -> None:
    """The empty id finds the only job there is."""
    talk.call("DeleteAllJobs", record=False)
    reply = talk.call("GetJobStatus", uuid="")
    talk.refused("JOB-UID-01", reply, "NOT_FOUND", "job  not found")
    job_id = talk.run("true", schedule=FAR)
    reply = talk.call("GetJobStatus", uuid="")
    talk.expect("JOB-UID-01", "what it finds", reply.message.uuid, job_id)
    talk.run("true", schedule=FAR)
    reply = talk.call("GetJobStatus", uuid="")
    talk.refused("JOB-UID-01", reply, "NOT_FOUND", "job  not found")
