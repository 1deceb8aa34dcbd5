"""StopJob, and the two that race for a stopped job's status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from joblet_conformance.case import case
from joblet_conformance.cases.jobs.plans import FAR, OUTPUT, PAST, took
from joblet_conformance.normalise import Either

if TYPE_CHECKING:
    from joblet_conformance.talk import Talk

NOT_RUNNING: Final = "job stop failed: job is not running: {} (status: {})"
LATE_S: Final = 3
"""Seconds in which what really became of a stopped job is written."""

SHELL_S: Final = 0.3
"""Seconds in which a shell that has been launched gets to its trap."""


def stopped(talk: Talk, job_id: str) -> Any:  # noqa: ANN401 - a run-time message
    """Stop a job, see it STOPPED, and give the status that stays."""
    reply = talk.call("StopJob", uuid=job_id)
    said = (reply.message.uuid, reply.message.status, reply.message.end_time)
    talk.expect("JOB-STP-01", "the answer", (*said, reply.message.exit_code), (job_id, "", "", 0))
    status = talk.call("GetJobStatus", uuid=job_id).message
    shown = (status.status, status.end_time, status.exit_code)
    talk.expect("JOB-STP-07", "what shows at once", shown, ("STOPPED", "", 0))
    return talk.until_status(job_id, "FAILED", "COMPLETED", seconds=LATE_S)


@case("jobs/stop-deaf", "JOB-STP-01", "JOB-STP-06", "JOB-STP-07", "JOB-SM-02", "TIME-08")
def _(talk: Talk) -> None:
    """A command that does not hear SIGTERM is killed: STOPPED first, then FAILED with -1."""
    job_id = talk.run("sleep", "60")
    talk.wait(SHELL_S)
    began = talk.target.now()
    last = stopped(talk, job_id)
    talk.check("TIME-08", f"it takes a while: {took(talk, began)}", took(talk, began) >= 0.3)
    talk.expect("JOB-STP-07", "what stays", (last.status, last.exit_code), ("FAILED", -1))
    talk.check("JOB-STP-07", "the end has a time", last.end_time)
    talk.wait(1)
    talk.expect("JOB-STP-07", "what stays for good", talk.status(job_id), last)


@case("jobs/stop-heard", "JOB-STP-05", "JOB-STP-06", "JOB-STP-07", normalise=OUTPUT)
def _(talk: Talk) -> None:
    """A shell with a trap ends by itself in time: STOPPED first, then its own result."""
    for code, word in ((0, "COMPLETED"), (7, "FAILED")):
        job_id = talk.shell(f"trap 'echo bye; exit {code}' TERM; sleep 60")
        talk.wait(SHELL_S)
        last = stopped(talk, job_id)
        talk.expect("JOB-STP-07", "what stays", (last.status, last.exit_code), (word, code))
        talk.check("JOB-STP-06", "it was heard", b"bye\n" in talk.output(job_id, record=False))


@case("jobs/stop-times", "JOB-STP-05", "JOB-STP-04", "JOB-STP-07a", "TIME-07")
def _(talk: Talk) -> None:
    """A stop waits for 0.1 s while there is a process, and longer if it has to kill it."""
    quickest: dict[str, float] = {}
    for kind in ("scheduled", "ended", "heard", "killed") * 2:
        job_id = {
            "scheduled": lambda: talk.run("true", schedule=FAR),
            "ended": lambda: talk.run("true"),
            "heard": lambda: talk.shell("trap 'exit 0' TERM; sleep 60"),
            "killed": lambda: talk.run("sleep", "60"),
        }[kind]()
        if kind != "scheduled":
            talk.wait(0.12 if kind == "ended" else SHELL_S)
        began = talk.target.now()
        talk.call("StopJob", uuid=job_id)
        quickest[kind] = min(took(talk, began), quickest.get(kind, 60))
    told = ", ".join(f"{kind} {seconds}" for kind, seconds in quickest.items())
    talk.check("JOB-STP-04", f"no process, no time: {told}", quickest["scheduled"] < 0.05)
    talk.check("JOB-STP-07a", f"an ended one hardly any: {told}", quickest["ended"] < 0.08)
    talk.check("JOB-STP-05", f"else 0.1 s: {told}", quickest["heard"] >= 0.1)
    talk.check(
        "TIME-07", f"and more to kill: {told}", quickest["killed"] >= quickest["heard"] + 0.03
    )


@case(
    "jobs/stop-at-once",
    "JOB-STP-10",
    "TIME-24",
    normalise=[
        Either(
            "GetJobStatus",
            "exit_code",
            (2, -1),
            "whether the launcher or the command meets the signal is a race (JOB-STP-10)",
        ),
    ],
)
def _(talk: Talk) -> None:
    """A stop right after RunJob can meet the launcher, whose exit code is 2."""
    last = stopped(talk, talk.run("sleep", "60"))
    talk.expect("JOB-STP-10", "what stays", last.status, "FAILED")
    talk.check("JOB-STP-10", f"{last.exit_code} is 2 or -1", last.exit_code in {2, -1})


@case("jobs/stop-too-late", "JOB-STP-07a")
def _(talk: Talk) -> None:
    """A process that has just ended still reads RUNNING, and can be stopped, to no effect."""
    job_id = talk.run("true")
    talk.wait(0.12)
    began = talk.target.now()
    talk.call("StopJob", uuid=job_id)
    talk.check("JOB-STP-07a", "it is quick", took(talk, began) < 0.1)
    status = talk.call("GetJobStatus", uuid=job_id).message
    talk.expect("JOB-STP-07a", "what shows at once", status.status, "STOPPED")
    last = talk.until_status(job_id, "COMPLETED", "FAILED", seconds=LATE_S)
    talk.expect("JOB-STP-07a", "what stays", (last.status, last.exit_code), ("COMPLETED", 0))


@case("jobs/stop-twice", "JOB-STP-03", "JOB-GEN-08")
def _(talk: Talk) -> None:
    """Only what runs or waits can be stopped, so that a second stop fails."""
    job_id = talk.run("sleep", "60")
    talk.wait(SHELL_S)
    talk.call("StopJob", uuid=job_id)
    reply = talk.call("StopJob", uuid=job_id)
    text = NOT_RUNNING.format(job_id, "STOPPED")
    talk.refused("JOB-STP-03", reply, "INTERNAL", text)
    talk.until_status(job_id, "FAILED", seconds=LATE_S)
    reply = talk.call("StopJob", uuid=job_id)
    talk.refused("JOB-STP-03", reply, "INTERNAL", NOT_RUNNING.format(job_id, "FAILED"))
    done = talk.until_status(talk.run("true")).uuid
    reply = talk.call("StopJob", uuid=done)
    talk.refused("JOB-STP-03", reply, "INTERNAL", NOT_RUNNING.format(done, "COMPLETED"))


@case("jobs/stop-initializing", "JOB-STP-03", "JOB-SM-13", "JOB-DEL-04")
def _(talk: Talk) -> None:
    """A job that is being launched can be neither stopped nor deleted."""
    job_id = talk.run("true", schedule=PAST)
    talk.until("it is launched", lambda: talk.status(job_id).status == "INITIALIZING")
    reply = talk.call("StopJob", uuid=job_id)
    talk.refused("JOB-STP-03", reply, "INTERNAL", NOT_RUNNING.format(job_id, "INITIALIZING"))
    reply = talk.call("JobService.DeleteJob", uuid=job_id)
    text = (
        "job deletion failed: job deletion failed: cannot perform operation on running job "
        f"{job_id} (status: INITIALIZING) - stop the job first"
    )
    talk.refused("JOB-DEL-04", reply, "INTERNAL", text)
    talk.until_status(job_id)


@case("jobs/stop-scheduled", "JOB-STP-04", "JOB-STP-01", "JOB-STP-03", "JOB-STA-09")
def _(talk: Talk) -> None:
    """Stopping a scheduled job cancels it at once; once is all that works."""
    job_id = talk.run("true", schedule=FAR)
    reply = talk.call("StopJob", uuid=job_id)
    talk.expect("JOB-STP-01", "the answer's status", reply.message.status, "")
    status = talk.call("GetJobStatus", uuid=job_id).message
    shown = (status.status, status.end_time, status.exit_code)
    talk.expect("JOB-STP-04", "what shows", shown, ("CANCELED", "", 0))
    reply = talk.call("StopJob", uuid=job_id)
    talk.refused("JOB-STP-03", reply, "INTERNAL", NOT_RUNNING.format(job_id, "CANCELED"))


@case("jobs/stop-ends-logs", "JOB-STP-07b", normalise=OUTPUT)
def _(talk: Talk) -> None:
    """A log stream ends 0.5 s after the stop, and not later on account of the second status."""
    job_id = talk.run("sleep", "60")
    log = talk.follow("GetJobLogs", uuid=job_id)
    talk.wait(SHELL_S)
    talk.call("StopJob", uuid=job_id)
    began = talk.target.now()
    reply = log.rest(5)
    ended = took(talk, began)
    talk.expect("JOB-STP-07b", "how it ends", (reply.code, len(reply.messages)), ("OK", 0))
    talk.check("JOB-STP-07b", f"it takes about 0.5 s: {ended}", 0.4 < ended < 0.7)
