"""Scheduled jobs."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from joblet_conformance.case import case
from joblet_conformance.cases.jobs.plans import FAR, LIST, OUTPUT, PAST, planned, took

if TYPE_CHECKING:
    from joblet_conformance.talk import Talk

TAKEN: Final = (
    ("2099-01-01T00:00:00Z", "2099-01-01T00:00:00Z"),
    ("2099-01-01T02:00:00+02:00", "2099-01-01T02:00:00+02:00"),
    ("2099-01-01T00:00:00-09:30", "2099-01-01T00:00:00-09:30"),
    ("2099-01-01T00:00:00+00:00", "2099-01-01T00:00:00Z"),
    ("2099-01-01T00:00:00.987654321Z", "2099-01-01T00:00:00Z"),
    ("2099-01-01T00:00:00,5Z", "2099-01-01T00:00:00Z"),
    ("2099-01-01T7:00:00Z", "2099-01-01T07:00:00Z"),
    ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
)
UNREAD: Final = 'job run failed: invalid schedule format: parsing time "{}"'
LAYOUT: Final = ' as "2006-01-02T15:04:05Z07:00": cannot parse '
REFUSED: Final = (
    ("10s", f'{LAYOUT}"10s" as "2006"'),
    ("tomorrow", f'{LAYOUT}"tomorrow" as "2006"'),
    ("2099-01-01", f'{LAYOUT}"" as "T"'),
    ("2099-01-01 00:00:00Z", f'{LAYOUT}" 00:00:00Z" as "T"'),
    ("2099-01-01T00:00:00", f'{LAYOUT}"" as "Z07:00"'),
    ("2099-01-01T00:00:00z", f'{LAYOUT}"z" as "Z07:00"'),
    ("2025-13-01T00:00:00Z", ": month out of range"),
    ("2099-02-30T00:00:00Z", ": day out of range"),
    ("2099-01-01T24:00:00Z", ": hour out of range"),
    ("2099-01-01T00:00:00Zulu", ': extra text: "ulu"'),
)
PATHS: Final = (
    ("", "empty path"),
    ("../x", "path traversal not allowed"),
    ("a/../../x", "path traversal not allowed"),
    ("/x", "absolute paths not allowed"),
    ("etc/x", "access to system directory not allowed"),
    ("usr/bin/x", "access to system directory not allowed"),
)
INVALID_PATH: Final = (
    "job run failed: upload preparation failed: upload processing failed: "
    "failed to prepare upload session: upload validation failed: invalid file path {}: {}"
)


@case("jobs/schedule-forms", "JOB-RUN-40", "JOB-RUN-43", "JOB-STA-05", "JOB-RUN-59")
def _(talk: Talk) -> None:
    """A schedule is a time of RFC 3339, shown with its offset and without its fraction."""
    for sent, shown in TAKEN:
        reply = talk.call("RunJob", command="true", schedule=sent)
        talk.expect("JOB-RUN-59", "the answer", reply.message.status, "SCHEDULED")
        status = talk.call("GetJobStatus", uuid=reply.message.job_uuid).message
        talk.expect("JOB-STA-05", f"what {sent} is shown as", status.scheduled_time, shown)


@case("jobs/bad-schedule", "JOB-RUN-41", "JOB-RUN-40", normalise=LIST)
def _(talk: Talk) -> None:
    """Any other schedule is refused in Go's words, and no job is recorded."""
    for sent, reason in REFUSED:
        reply = talk.call("RunJob", command="true", schedule=sent, environment=talk.marked)
        talk.refused("JOB-RUN-41", reply, "INTERNAL", UNREAD.format(sent) + reason)
    talk.expect("JOB-RUN-41", "what is recorded", talk.listed(), [])


@case("jobs/scheduled-uploads", "JOB-RUN-45", normalise=LIST)
def _(talk: Talk) -> None:
    """The upload paths of a scheduled job are judged when it is submitted."""
    for path, reason in PATHS:
        uploads = [{"path": path, "content": b"x"}]
        reply = talk.call(
            "RunJob", command="true", schedule=FAR, uploads=uploads, environment=talk.marked
        )
        text = INVALID_PATH.format(path, reason)
        talk.refused("JOB-RUN-45", reply, "INTERNAL", text)
    talk.expect("JOB-RUN-45", "what is recorded", talk.listed(), [])
    for path in ("a/../b", "./e", "lib/x", "usr/local/x"):
        planned(talk, uploads=[{"path": path, "content": b"x"}])


@case(
    "jobs/scheduled-uploads-lost",
    "JOB-RUN-46",
    "JOB-RUN-43",
    "JOB-RUN-61",
    "TIME-02",
    normalise=OUTPUT,
)
def _(talk: Talk) -> None:
    """A scheduled job finds none of its uploads; taking them makes the answer slow."""
    began = talk.target.now()
    job_id = talk.run("ls", schedule=PAST, uploads=[{"path": "a.txt", "content": b"a"}])
    talk.check("JOB-RUN-61", "it takes 0.1 s", took(talk, began) >= 0.1)
    status = talk.until_status(job_id)
    talk.expect("JOB-RUN-46", "the end", (status.status, status.exit_code), ("COMPLETED", 0))
    talk.expect("JOB-RUN-46", "what it finds", talk.output(job_id), b"")


@case("jobs/quick-to-schedule", "JOB-RUN-61", "TIME-02")
def _(talk: Talk) -> None:
    """Planning a job takes a few milliseconds, since nothing is launched."""
    times = []
    for _ in range(3):
        began = talk.target.now()
        talk.run("true", schedule=FAR)
        times.append(took(talk, began))
    talk.check("JOB-RUN-61", f"it takes less than a launch does: {times}", min(times) < 0.1)


@case("jobs/overdue", "JOB-RUN-43", "JOB-SM-13", "JOB-SM-08", "JOB-STA-06", "JOB-STA-07")
def _(talk: Talk) -> None:
    """A job for a time long past is answered SCHEDULED, and launched at once."""
    reply = talk.call("RunJob", command="true", schedule=PAST)
    talk.expect("JOB-RUN-43", "the answer", reply.message.status, "SCHEDULED")
    job_id = reply.message.job_uuid
    early = talk.until_status(job_id, "INITIALIZING")
    talk.expect("JOB-STA-07", "end and code", (early.end_time, early.exit_code), ("", 0))
    talk.until_status(job_id, "RUNNING")
    late = talk.until_status(job_id)
    talk.expect("JOB-RUN-43", "the end", (late.status, late.exit_code), ("COMPLETED", 0))
    talk.expect("JOB-SM-08", "the schedule", late.scheduled_time, PAST)
    talk.expect("JOB-STA-06", "the start", late.start_time, early.start_time)


@case("jobs/scheduled", "JOB-SM-08", "JOB-STA-05", "JOB-STA-06", "JOB-STA-07")
def _(talk: Talk) -> None:
    """A job waits for its time, and its start is when it was submitted, before that and after."""
    job_id = talk.run("true", schedule=talk.moment(2, hours=5))
    waiting = talk.call("GetJobStatus", uuid=job_id).message
    talk.expect("JOB-SM-08", "the status", waiting.status, "SCHEDULED")
    talk.expect("JOB-STA-07", "end and code", (waiting.end_time, waiting.exit_code), ("", 0))
    talk.check("JOB-STA-05", "the offset is kept", waiting.scheduled_time.endswith("+05:00"))
    done = talk.until_status(job_id)
    talk.expect("JOB-SM-08", "the end", done.status, "COMPLETED")
    talk.expect("JOB-SM-08", "the schedule", done.scheduled_time, waiting.scheduled_time)
    talk.expect("JOB-STA-06", "the start", done.start_time, waiting.start_time)


@case("jobs/scheduled-network", "JOB-RUN-44", "JOB-RUN-81")
def _(talk: Talk) -> None:
    """A scheduled job's network is missed when it is due, not before."""
    job_id = talk.run("true", network="no-such-network", schedule=PAST)
    status = talk.until_status(job_id)
    talk.expect("JOB-RUN-44", "the end", (status.status, status.exit_code), ("FAILED", -1))
    talk.check("JOB-RUN-81", "the end has a time", status.end_time)


@case("jobs/launch-order", "JOB-SM-07", "TIME-05")
def _(talk: Talk) -> None:
    """Due jobs are launched one by one, the earliest first, whatever the order they came in."""
    due = talk.target.moment().timestamp() + 1
    begins = [talk.moment(seconds) for seconds in (1.02, 1.01, 1.0)]
    jobs = [talk.run("date", "+%s%N", schedule=begin) for begin in begins]
    for job_id in jobs:
        talk.until_status(job_id)
    times = [int(talk.output(job_id, record=False)) / 1e9 for job_id in reversed(jobs)]
    gaps = [round(later - earlier, 3) for earlier, later in itertools.pairwise(times)]
    talk.check("JOB-SM-07", f"they start in the order of their times: {gaps}", min(gaps) > 0)
    talk.check("TIME-05", f"one waits for the other: {gaps}", min(gaps) >= 0.05)
    late = round(times[0] - due, 3)
    talk.check("TIME-05", f"the first is not late: {late}", 0 < late < 0.6)
