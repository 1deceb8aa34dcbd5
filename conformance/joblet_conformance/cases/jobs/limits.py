"""Limits: what is refused, what is dropped in silence, what a job shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from joblet_conformance.case import case
from joblet_conformance.cases.jobs.plans import launched, planned
from joblet_conformance.cases.jobs.validation import CPU

if TYPE_CHECKING:
    from joblet_conformance.talk import Talk

HIGHEST: Final = 2**31 - 1
KEPT: Final = ("0", "0-3", "0-0", "0,2", " 0 , 1 ", "0 - 1", "99", "0-999")
DROPPED: Final = ("0-3,5", "3-1", "1,1", "x", "-1", "1-", ",", "1.5", " ")


@case("jobs/too-much-cpu", "JOB-RUN-30", "JOB-RUN-31")
def _(talk: Talk) -> None:
    """More than one core's percentage is refused, an absurd one counts as none."""
    for percent in (101, 200, 10_000):
        reply = talk.call("RunJob", command="true", max_cpu=percent)
        talk.refused("JOB-RUN-30", reply, "INTERNAL", CPU)
    status = planned(talk, max_cpu=10_001)
    talk.expect("JOB-RUN-31", "the limit", status.max_cpu, 0)


@case("jobs/cpu-cores", "JOB-RUN-32")
def _(talk: Talk) -> None:
    """Cores are a range, a number or a list of numbers; anything else is dropped in silence."""
    for cores in KEPT:
        talk.expect("JOB-RUN-32", "the cores", planned(talk, cpu_cores=cores).cpu_cores, cores)
    for cores in DROPPED:
        shown = planned(talk, cpu_cores=cores).cpu_cores
        talk.expect("JOB-RUN-32", f"what becomes of {cores!r}", shown, "")


@case("jobs/highest-limits", "JOB-RUN-33")
def _(talk: Talk) -> None:
    """Memory and IO may be as much as the field can say."""
    status = planned(talk, max_cpu=100, max_memory=HIGHEST, max_io_bps=HIGHEST)
    shown = (status.max_cpu, status.max_memory, status.max_io_bps)
    talk.expect("JOB-RUN-33", "the limits", shown, (100, HIGHEST, HIGHEST))


@case("jobs/no-limits", "JOB-RUN-50")
def _(talk: Talk) -> None:
    """Limits of 0 become the server's defaults, which in the shipped configuration are 0."""
    status = launched(talk, "true", max_cpu=0, max_memory=0, max_io_bps=0)
    shown = (status.max_cpu, status.max_memory, status.max_io_bps, status.cpu_cores)
    talk.expect("JOB-RUN-50", "the limits", shown, (0, 0, 0, ""))


@case("jobs/limited", "JOB-RUN-54", needs=("limits",))
def _(talk: Talk) -> None:
    """A job with limits runs, and shows them."""
    limits = {"max_cpu": 50, "max_memory": 64, "max_io_bps": 1_000_000, "cpu_cores": "0"}
    status = launched(talk, "true", **limits)
    talk.expect("JOB-RUN-54", "the end", status.status, "COMPLETED")
    talk.expect("JOB-RUN-54", "the limits", {key: getattr(status, key) for key in limits}, limits)
