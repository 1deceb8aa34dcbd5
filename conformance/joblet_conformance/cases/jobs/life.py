"""How jobs end, and that they then stay so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from joblet_conformance.case import case
from joblet_conformance.cases.jobs.plans import OUTPUT

if TYPE_CHECKING:
    from joblet_conformance.talk import Talk

CODES: Final = (1, 2, 126, 127, 128, 137, 143, 255)


@case("jobs/exit-codes", "JOB-SM-12")
def _(talk: Talk) -> None:
    """Every exit code is passed on as it is; one that is not 0 makes the job FAILED."""
    jobs = {code: talk.shell(f"exit {code}") for code in (0, *CODES)}
    for code, job_id in jobs.items():
        status = talk.until_status(job_id)
        wanted = ("FAILED" if code else "COMPLETED", code)
        talk.expect("JOB-SM-12", "the end", (status.status, status.exit_code), wanted)


@case("jobs/signals", "JOB-SM-02", "JOB-SM-12", normalise=OUTPUT)
def _(talk: Talk) -> None:
    """A command can't kill itself, being process 1; a child's signal is a code of its shell's."""
    for signal in ("-9", "-15"):
        job_id = talk.shell(f"kill {signal} $$; echo alive")
        status = talk.until_status(job_id)
        talk.expect("JOB-SM-12", "the end", (status.status, status.exit_code), ("COMPLETED", 0))
        talk.expect("JOB-SM-12", "what it says", talk.output(job_id), b"alive\n")
    for signal, code in (("-9", 137), ("-15", 143)):
        script = f"sh -c 'kill {signal} $$; echo alive' 2> /dev/null; exit $?"
        status = talk.until_status(talk.shell(script))
        talk.expect("JOB-SM-02", "the end", (status.status, status.exit_code), ("FAILED", code))


@case("jobs/final", "JOB-SM-09")
def _(talk: Talk) -> None:
    """Ends are final: a canceled job's time comes and nothing happens, nothing is tried again."""
    canceled = talk.run("true", schedule=talk.moment(1.5))
    talk.call("StopJob", uuid=canceled)
    failed = talk.run("false")
    ended = talk.until_status(failed)
    talk.wait(2)
    status = talk.call("GetJobStatus", uuid=canceled).message
    shown = (status.status, status.end_time, status.exit_code)
    talk.expect("JOB-SM-09", "the canceled job", shown, ("CANCELED", "", 0))
    talk.expect("JOB-SM-09", "the failed job", talk.status(failed), ended)
