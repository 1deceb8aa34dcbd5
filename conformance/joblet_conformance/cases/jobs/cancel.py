"""CancelJob, which no server has, and what clients do in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from joblet_conformance.case import case
from joblet_conformance.cases.jobs.plans import FAR, NOBODY

if TYPE_CHECKING:
    from joblet_conformance.talk import Talk

UNBUILT: Final = "method CancelJob not implemented"


@case("jobs/cancel", "JOB-CAN-01", "JOB-CAN-02", "JOB-STP-04", needs=("viewer", "stranger"))
def _(talk: Talk) -> None:
    """CancelJob works for nobody; a client stops a job that it has seen to be SCHEDULED."""
    job_id = talk.run("true", schedule=FAR)
    for uuid in (job_id, NOBODY, ""):
        talk.refused("JOB-CAN-01", talk.call("CancelJob", uuid=uuid), "UNIMPLEMENTED", UNBUILT)
    for role in ("viewer", "nobody"):
        reply = talk.call("CancelJob", role=role, uuid=job_id)
        talk.refused("JOB-CAN-01", reply, "UNIMPLEMENTED", UNBUILT)
    talk.expect("JOB-CAN-02", "the status", talk.until_status(job_id, "SCHEDULED").uuid, job_id)
    talk.call("StopJob", uuid=job_id)
    status = talk.call("GetJobStatus", uuid=job_id).message
    talk.expect("JOB-CAN-02", "the status then", status.status, "CANCELED")
