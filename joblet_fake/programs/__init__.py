"""Programs: what jobs do when they run."""

from joblet_fake.programs.inside import Files, RunningJob
from joblet_fake.programs.registry import LIMIT, Programs
from joblet_fake.programs.run import Run
from joblet_fake.programs.script import Script
from joblet_fake.programs.steps import (
    Die,
    Hang,
    Metrics,
    OnStop,
    OutOfMemory,
    Program,
    Sleep,
    Stderr,
    Stdout,
    Step,
    Steps,
    Write,
)
from joblet_fake.programs.worker import Interrupted, StuckError, owner, stuck

__all__ = [
    "LIMIT",
    "Die",
    "Files",
    "Hang",
    "Interrupted",
    "Metrics",
    "OnStop",
    "OutOfMemory",
    "Program",
    "Programs",
    "Run",
    "RunningJob",
    "Script",
    "Sleep",
    "Stderr",
    "Stdout",
    "Step",
    "Steps",
    "StuckError",
    "Write",
    "owner",
    "stuck",
]
