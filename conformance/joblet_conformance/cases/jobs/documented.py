"""What Joblet's documentation promises and no server does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from joblet_conformance.case import case
from joblet_conformance.cases.jobs.plans import LIST

if TYPE_CHECKING:
    from joblet_conformance.talk import Talk


@case("jobs/documented-otherwise", "DOC-01", normalise=LIST)
def _(talk: Talk) -> None:
    """Cancelling, INITIALIZING, final statuses, `host`, many cores, relative times: none of it."""
    reply = talk.call("RunJob", command="sleep", args=["60"], work_dir="/usr")
    job_id = reply.message.job_uuid
    talk.expect("DOC-01", "RunJob's status", reply.message.status, "RUNNING")
    talk.expect(
        "DOC-01", "CancelJob's code", talk.call("CancelJob", uuid=job_id).code, "UNIMPLEMENTED"
    )
    talk.wait(0.3)
    talk.expect("DOC-01", "StopJob's status", talk.call("StopJob", uuid=job_id).message.status, "")
    status = talk.call("GetJobStatus", uuid=job_id).message
    shown = (status.status, status.end_time, status.exit_code, status.work_dir)
    talk.expect("DOC-01", "a stopped job", shown, ("STOPPED", "", 0, ""))
    for wrong in ({"network": "host"}, {"max_cpu": 400}, {"schedule": "10s"}):
        reply = talk.call("RunJob", command="true", environment=talk.marked, **wrong)
        talk.expect("DOC-01", f"what {wrong} gets", reply.code, "INTERNAL")
    talk.until_status(job_id, "FAILED", seconds=3)
    talk.expect("DOC-01", "how many jobs are left", len(talk.listed()), 2)
