"""What a restart of the server leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from joblet_conformance.case import case
from joblet_conformance.cases.jobs.plans import FAR, LIST, OUTPUT
from joblet_conformance.normalise import Joined

if TYPE_CHECKING:
    from joblet_conformance.talk import Talk


@case(
    "jobs/restart",
    "JOB-RST-01",
    "JOB-RST-02",
    needs=("restart", "destructive", "persist"),
    normalise=(*OUTPUT, *LIST, Joined("QueryLogs", "content", "sequence")),
)
def _(talk: Talk) -> None:
    """A restart forgets every job; of the finished ones the stored output is still there."""
    done = talk.until_status(talk.run("echo", "stored")).uuid
    running, waiting = talk.run("sleep", "30"), talk.run("true", schedule=FAR)
    talk.target.restart()
    talk.expect("JOB-RST-01", "what is listed", talk.listed(), [])
    for job_id in (done, running, waiting):
        reply = talk.call("GetJobStatus", uuid=job_id)
        talk.refused("JOB-RST-01", reply, "NOT_FOUND", f"job {job_id} not found")
        reply = talk.call("StopJob", uuid=job_id)
        talk.refused("JOB-RST-01", reply, "INTERNAL", f"job stop failed: job not found: {job_id}")
        reply = talk.call("JobService.DeleteJob", uuid=job_id)
        text = f"job deletion failed: job not found: {job_id}"
        talk.refused("JOB-RST-01", reply, "INTERNAL", text)
    reply = talk.call("GetJobLogs", uuid=done)
    output = b"".join(message.payload for message in reply.messages)  # type: ignore[attr-defined]
    talk.expect("JOB-RST-02", "the output", output, b"stored\n")
    talk.refused("JOB-RST-02", reply, "NOT_FOUND", f"job not found: {done}")
    short = done[:20]
    reply = talk.call("GetJobLogs", uuid=short)
    talk.refused("JOB-RST-02", reply, "NOT_FOUND", f"job not found: {short}")
    talk.expect("JOB-RST-02", "the output by a part of the id", len(reply.messages), 0)
    stored = talk.call("QueryLogs", job_uuid=done)
    talk.expect("JOB-RST-02", "how the history is read", stored.code, "OK")
    talk.call("PersistService.DeleteJob", record=False, job_uuid=done)
