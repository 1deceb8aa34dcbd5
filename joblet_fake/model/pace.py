"""How long things take, in clock seconds: nothing, or what real servers were measured to take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Pace:
    """Durations in clock seconds; all of them zero means that state changes happen at once.

    Attributes:
        prepare: from RunJob until the job is recorded, the settle pause (JOB-RUN-61).
        attach: how long INITIALIZING shows while a job gets its address (TIME-01).
        launch: how long it shows on `none` and `isolated`, which need no address.
        start: from RunJob's answer to the first thing that the command does (TIME-03).
        schedule: until RunJob of a scheduled job answers (TIME-02).
        schedule_uploads: the same with uploads.
        due: from a scheduled job's time to its launch, one job at a time (JOB-SM-07).
        flush: from the end of the process to the end status (JOB-SM-01).
        stop_grace: from SIGTERM to SIGKILL (JOB-STP-05).
        stop_term: from the grace's end to StopJob's answer when the process ended by itself.
        stop_kill: the same when it had to be killed.
        stop_ended: StopJob of a process that had ended already (JOB-STP-07a).
        stop_scheduled: StopJob of a scheduled job (JOB-STP-04).
        drain: from the end status to the end of a log stream (JOB-LOG-14).
        network: CreateNetwork (NET-16).
        address: what it takes longer for each address of the block (NET-10).
        memory: CreateVolume of type memory; removing it takes less (VOL-14).
        disk: CreateVolume of type filesystem.
        disk_removal: RemoveVolume of that type.
        workflow_tick: between two looks of a workflow for jobs to start (JOB-WF-10).
        workflow_poll: between two looks at a job that it started.
        metrics_poll: between two looks of a metrics stream whether its job runs (PER-52).
        metrics_drain: how long it waits for more when the job does not.
        relink: between two tries of a core that lost its persist service (PER-44).
    """

    prepare: float = 0.0
    attach: float = 0.0
    launch: float = 0.0
    start: float = 0.0
    schedule: float = 0.0
    schedule_uploads: float = 0.0
    due: float = 0.0
    flush: float = 0.0
    stop_grace: float = 0.0
    stop_term: float = 0.0
    stop_kill: float = 0.0
    stop_ended: float = 0.0
    stop_scheduled: float = 0.0
    drain: float = 0.0
    network: float = 0.0
    address: float = 0.0
    memory: float = 0.0
    disk: float = 0.0
    disk_removal: float = 0.0
    workflow_tick: float = 0.0
    workflow_poll: float = 0.0
    metrics_poll: float = 0.0
    metrics_drain: float = 0.0
    relink: float = 0.0


PACES: Final = {
    "immediate": Pace(),
    "real": Pace(
        prepare=0.10,
        attach=0.05,
        launch=0.01,
        start=0.03,
        schedule=0.003,
        schedule_uploads=0.10,
        due=0.08,
        flush=0.30,
        stop_grace=0.10,
        stop_term=0.008,
        stop_kill=0.06,
        stop_ended=0.007,
        stop_scheduled=0.002,
        drain=0.50,
        network=0.001,
        address=2.4e-7,
        memory=0.0015,
        disk=0.015,
        disk_removal=0.006,
        workflow_tick=5.0,
        workflow_poll=2.0,
        metrics_poll=2.0,
        metrics_drain=6.0,
        relink=5.0,
    ),
}
"""The paces by name: what `pace=` takes."""
