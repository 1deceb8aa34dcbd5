"""What the model asks of whatever runs a job's command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from joblet_fake.model.job import Job, JobSpec


class LaunchError(Exception):
    """A job can't be launched; the text is what follows `execution failed: ` (JOB-RUN-81)."""


class Process(Protocol):
    """A job's running process, real or scripted."""

    def stop(self, grace: float, ended: Callable[[], None]) -> None:
        """End the process: ask it to end, and kill it when it has not after a while.

        Args:
            grace: clock seconds between asking (SIGTERM) and killing (SIGKILL).
            ended: called once under the model's lock when the process is gone. The process's
                own `exited` callback comes before it.
        """


class Output(Protocol):
    """Where a process's output goes: each call is one chunk of the job's log."""

    def __call__(self, data: bytes, stream: str = "stdout") -> None:
        """Append a chunk; longer ones are cut where the real server cuts them."""


class Launcher(Protocol):
    """Starts processes for jobs; the programs room has one."""

    @property
    def asks_user_code(self) -> bool:
        """Whether `choose` would call code of the test."""

    @property
    def busy(self) -> bool:
        """Whether a process is at work in real time, whatever the clock says."""

    @property
    def real(self) -> bool:
        """Whether what it launches begins at once, whatever the pace."""

    def choose(self, spec: JobSpec) -> object:
        """Say what runs for a job; None leaves that to `launch`. Called without any lock.

        Args:
            spec: what was asked for; the choice becomes its `program`.
        """

    def launch(
        self,
        job: Job,
        output: Output,
        exited: Callable[[int], None],
        delay: float,
    ) -> Process:
        """Start what a job runs; the first thing that it does comes after the present change.

        Args:
            job: the job; its `spec` says what to run, its `files` what lies in /work.
            output: takes stdout and stderr, merged in the order written (JOB-LOG-02).
            exited: called once, under the model's lock, when the process is gone: its exit code,
                or -1 when a signal ended it (JOB-SM-02).
            delay: clock seconds until it does anything.

        Raises:
            LaunchError: it can't be started.
        """
