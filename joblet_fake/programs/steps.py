"""What a program does, step by step, as data."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, TypeVar

if TYPE_CHECKING:
    from joblet_fake.programs.context import Context


@dataclass(frozen=True, slots=True)
class Stdout:
    """Write bytes to stdout: one chunk of the log."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Stderr:
    """Write bytes to stderr: one chunk of the same log (JOB-LOG-02)."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Sleep:
    """Do nothing for a while.

    Attributes:
        seconds: clock seconds.
        child: whether a child of the job's shell sleeps: it dies of a SIGTERM, and the shell
            goes on with status 143. The job's own process ignores SIGTERM (JOB-STP-06).
    """

    seconds: float
    child: bool = False


@dataclass(frozen=True, slots=True)
class Hang:
    """Do nothing until killed."""


@dataclass(frozen=True, slots=True)
class Die:
    """End by a signal: the exit code is -1, whichever it is (JOB-SM-02)."""

    signal: str


@dataclass(frozen=True, slots=True)
class Write:
    """Write a file; only a script says so as a step, other programs do it themselves."""

    path: str
    data: bytes


Step: TypeAlias = Stdout | Stderr | Sleep | Hang | Die

T = TypeVar("T")

Work: TypeAlias = Generator[Step, int, T]
"""Part of a program at work: yields steps, is sent 143 after a sleep that SIGTERM ended and 0
otherwise, returns something."""

Steps: TypeAlias = Work[int]
"""A program at work: what it returns is the exit code."""

Program: TypeAlias = "Callable[[Context], Steps]"
"""A program: makes its steps for one job. Two calls with the same job give the same steps."""
