"""ListJobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from joblet_conformance.case import case
from joblet_conformance.cases.jobs.plans import FAR, LIST

if TYPE_CHECKING:
    from joblet_conformance.talk import Talk

MANY: Final = 12
LOOKS: Final = 40


@case("jobs/list", "JOB-LST-01", "JOB-LST-05", "JOB-STA-09", normalise=LIST)
def _(talk: Talk) -> None:
    """All jobs are listed, whatever became of them, and a deleted one is gone at once."""
    ends = {
        talk.run("true"): "COMPLETED",
        talk.run("false"): "FAILED",
        talk.run("true", schedule=FAR): "SCHEDULED",
    }
    canceled = talk.run("true", schedule=FAR)
    talk.call("StopJob", uuid=canceled)
    ends[canceled] = "CANCELED"
    talk.call("RunJob", command="true", network="no-such-network", environment=talk.marked)
    for job_id, end in ends.items():
        talk.until_status(job_id, end)
    ends[talk.run("sleep", "60")] = "RUNNING"
    listed = {job.uuid: job.status for job in talk.listed()}
    (lost,) = set(listed) - set(ends)
    talk.expect("JOB-LST-01", "what is listed", listed, {**ends, lost: "FAILED"})
    talk.call("JobService.DeleteJob", uuid=canceled)
    left = {job.uuid for job in talk.listed()}
    talk.expect("JOB-LST-05", "what is left", left, set(listed) - {canceled})


@case("jobs/list-order", "JOB-LST-02", "TIME-21")
def _(talk: Talk) -> None:
    """The list's order is not the one in which jobs came."""
    jobs = [
        talk.call("RunJob", record=False, command="true", schedule=FAR).message.job_uuid
        for _ in range(MANY)
    ]
    orders = {tuple(job.uuid for job in talk.listed(record=False)) for _ in range(LOOKS)}
    talk.check("JOB-LST-02", "some list is in another order", orders - {tuple(jobs)})
