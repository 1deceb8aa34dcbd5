"""What several modules of cases use: jobs that wait, and how output is compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from joblet_conformance.normalise import Joined, Unordered

if TYPE_CHECKING:
    from joblet_conformance.talk import Talk

FAR: Final = "2099-01-01T00:00:00Z"
"""A schedule that no run lives to see: its job is built and never launched."""

PAST: Final = "2020-01-01T00:00:00Z"
"""A schedule that is due at once."""

NOBODY: Final = "00000000-0000-4000-8000-000000000000"
"""An id that no job has."""

OUTPUT: Final = (Joined("GetJobLogs", "payload"),)
"""For cases that read a log: each writes it in one piece, whose borders are still random."""

LIST: Final = (Unordered("ListJobs", "jobs", "the order of the list is random (JOB-LST-02)"),)


def took(talk: Talk, began: float) -> float:
    """Give how long something took on the target's clock, in seconds to the millisecond."""
    return round(talk.target.now() - began, 3)


def planned(talk: Talk, **fields: Any) -> Any:  # noqa: ANN401 - run-time messages
    """Plan a job that is never launched, and give its status.

    Args:
        talk: the case's.
        **fields: what is asked for besides.
    """
    job_id = talk.run("true", schedule=FAR, **fields)
    return talk.call("GetJobStatus", uuid=job_id).message


def launched(talk: Talk, command: str, *args: str, **fields: Any) -> Any:  # noqa: ANN401 - as above
    """Run a job to its end, and give its status."""
    return talk.until_status(talk.run(command, *args, **fields))
