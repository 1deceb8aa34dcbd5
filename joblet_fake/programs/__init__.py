"""Programs: what jobs do when they run."""

from joblet_fake.programs.registry import Programs
from joblet_fake.programs.script import Script
from joblet_fake.programs.steps import (
    Die,
    Hang,
    Metrics,
    Program,
    Sleep,
    Stderr,
    Stdout,
    Step,
    Steps,
)

__all__ = [
    "Die",
    "Hang",
    "Metrics",
    "Program",
    "Programs",
    "Script",
    "Sleep",
    "Stderr",
    "Stdout",
    "Step",
    "Steps",
]
