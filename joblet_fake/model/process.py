"""What the model asks of whatever runs a job's command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from joblet_fake.model.copying import Copying
    from joblet_fake.model.job import Job, JobSpec


class LaunchError(Exception):
    """A job can't be launched; the text is what follows `execution failed: ` (JOB-RUN-81)."""


class SnapshotError(RuntimeError):
    """A state can't be kept, or not restored here; the text says why, and what would be right."""


class Process(Protocol):
    """A job's running process, real or scripted."""

    def stop(self, grace: float, ended: Callable[[], None]) -> None:
        """End the process: ask it to end, and kill it when it has not after a while.

        Args:
            grace: clock seconds between asking (SIGTERM) and killing (SIGKILL).
            ended: called once under the model's lock when the process is gone. The process's
                own `exited` callback comes before it.
        """

    def laid_down(self, copying: Copying) -> object:
        """Give what another process needs to go on where this one is, which goes on itself.

        Returns:
            None where no other process could: for a real one.
        """

    def gone_through(self) -> None:
        """Have one that goes on for another do silently what that had done; without any lock.

        Raises:
            SnapshotError: it does something else now.
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

    def forget(self, job: Job) -> None:
        """Keep nothing more of a job that is over and forgotten."""

    def state(self, copying: Copying) -> object:
        """Give what is to be known again when a state of this moment is restored.

        Args:
            copying: gives the copies of the jobs.
        """

    def restore(self, state: object, copying: Copying, processes: Sequence[Process]) -> None:
        """Know again what `state` gave.

        Args:
            state: that, of this launcher or of another one.
            copying: gives the copies of the jobs.
            processes: those that run then; all others are nobody's.
        """

    def resume(
        self,
        job: Job,
        output: Output,
        exited: Callable[[int], None],
        laid: Process,
        copying: Copying,
    ) -> Process:
        """Give a process that goes on for another, once it has gone through what that did.

        Args:
            job: the job, as it was when the other one was laid down.
            output: as for `launch`.
            exited: as for `launch`.
            laid: what the other one's `laid_down` gave.
            copying: gives copies of what that one waited for.
        """
