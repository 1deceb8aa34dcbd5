"""GetJobStatus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from joblet_conformance.case import case
from joblet_conformance.cases.jobs.plans import FAR, LIST, NOBODY, launched, planned

if TYPE_CHECKING:
    from joblet_conformance.talk import Talk


@case("jobs/unknown-status", "JOB-STA-01")
def _(talk: Talk) -> None:
    """A job that nobody knows is not found, in words of GetJobStatus's own."""
    for wrong in (NOBODY, "nobody", "job one"):
        reply = talk.call("GetJobStatus", uuid=wrong)
        talk.refused("JOB-STA-01", reply, "NOT_FOUND", f"job {wrong} not found")


@case("jobs/status-fields", "JOB-STA-02", "JOB-STA-05", "JOB-STA-08", "JOB-STA-09", normalise=LIST)
def _(talk: Talk) -> None:
    """Status words are in upper case, times in whole seconds, and every job names the server."""
    done = launched(talk, "true")
    waiting = planned(talk)
    talk.expect(
        "JOB-STA-09", "the words", (done.status, waiting.status), ("COMPLETED", "SCHEDULED")
    )
    for moment in (done.start_time, done.end_time, waiting.start_time):
        talk.check("JOB-STA-05", f"{moment} has whole seconds", "." not in moment)
    talk.expect("JOB-STA-05", "an immediate job's schedule", done.scheduled_time, "")
    talk.expect("JOB-STA-05", "a scheduled job's", waiting.scheduled_time, FAR)
    nodes = {done.node_id, waiting.node_id, *(job.node_id for job in talk.listed())}
    talk.expect("JOB-STA-08", "how many nodes there are", len(nodes), 1)
