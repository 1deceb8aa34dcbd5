"""JobService: a job's life."""

from __future__ import annotations

from typing import TYPE_CHECKING

from joblet_conformance.case import case

if TYPE_CHECKING:
    from joblet_conformance.talk import Talk


@case("jobs/run-and-complete", "JOB-RUN-59", "JOB-STA-01")
def _(talk: Talk) -> None:
    """A job that prints one line is RUNNING, then COMPLETED with exit code 0."""
    reply = talk.call("RunJob", command="echo", args=["hello"])
    talk.expect("JOB-RUN-59", "RunJob's status", reply.message.status, "RUNNING")
    status = talk.until_status(reply.message.job_uuid)
    talk.expect("JOB-STA-01", "the end", (status.status, status.exit_code), ("COMPLETED", 0))


@case("jobs/exit-code", "JOB-SM-12")
def _(talk: Talk) -> None:
    """A job that exits with 3 is FAILED, and says 3."""
    status = talk.until_status(talk.shell("exit 3"))
    talk.expect("JOB-SM-12", "the end", (status.status, status.exit_code), ("FAILED", 3))


@case("jobs/empty-command", "JOB-RUN-10")
def _(talk: Talk) -> None:
    """An empty command is refused."""
    reply = talk.call("RunJob", command="")
    talk.refused("JOB-RUN-10", reply, "INVALID_ARGUMENT", "invalid request: command is required")
