"""How much a job can write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from joblet_conformance.case import case
from joblet_conformance.cases.jobs.plans import OUTPUT, launched

if TYPE_CHECKING:
    from joblet_conformance.talk import Talk

MUCH: Final = 2 * 1024 * 1024
"""Bytes: twice what a job without uploads or volumes can write."""

SEQUENCE: Final = 1_288_895
"""The bytes of `seq 200000`."""


@case("jobs/full-workspace", "JOB-SM-10", "JOB-RUN-51", normalise=OUTPUT)
def _(talk: Talk) -> None:
    """Without uploads /work holds 1 MiB; more is an error inside of the job, no status."""
    status = launched(talk, "sh", "-c", "seq 200000 > big 2> /dev/null; echo $?")
    talk.expect("JOB-SM-10", "the end", (status.status, status.exit_code), ("COMPLETED", 0))
    talk.expect("JOB-RUN-51", "how the writing ended", talk.output(status.uuid), b"1\n")


@case("jobs/roomy-workspace", "JOB-RUN-71", normalise=OUTPUT)
def _(talk: Talk) -> None:
    """With a file uploaded, /work has no such limit, and neither has the upload."""
    uploads = [{"path": "sent", "content": b"x" * MUCH}]
    script = 'seq 200000 > big; echo "$(wc -c < sent) $(wc -c < big)"'
    reply = talk.call("RunJob", record=False, command="sh", args=["-c", script], uploads=uploads)
    status = talk.until_status(reply.message.job_uuid)
    talk.expect("JOB-RUN-71", "the end", (status.status, status.exit_code), ("COMPLETED", 0))
    wanted = f"{MUCH} {SEQUENCE}\n".encode()
    talk.expect("JOB-RUN-71", "what it found and wrote", talk.output(status.uuid), wanted)
