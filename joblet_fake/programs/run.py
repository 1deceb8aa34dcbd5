"""A scripted process: a program's steps on the clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from joblet_fake.programs.steps import Die, Hang, Sleep, Stderr, Stdout

if TYPE_CHECKING:
    from collections.abc import Callable

    from joblet_fake.clock import Clock, Timer
    from joblet_fake.model.process import Output
    from joblet_fake.programs.steps import Step, Steps

TERMINATED: Final = 143
"""The status that a shell sees of a child that SIGTERM ended."""

LAUNCHER_STOPPED: Final = 2
"""The exit code of a launcher that SIGTERM met before it became the command."""

BROKEN: Final = 1
"""The exit code of a program that raised, as of a script that ends with a traceback."""

STEPS_AT_ONCE: Final = 1_000_000
"""More steps than this without a sleep are taken for a program that never ends."""


class EndlessError(RuntimeError):
    """A program took a million steps without letting time pass."""


class ScriptedProcess:
    """Runs a program for a job; every method runs under the model's lock.

    Args:
        steps: the program at work.
        clock: when things happen.
        output: takes what it writes.
        exited: told the exit code, once.
        delay: clock seconds until the first step.
    """

    def __init__(
        self,
        steps: Steps,
        clock: Clock,
        output: Output,
        exited: Callable[[int], None],
        delay: float,
    ) -> None:
        self._steps = steps
        self._clock = clock
        self._output = output
        self._exited = exited
        self._over = False
        self._asleep: Sleep | None = None
        self._ended: Callable[[], None] | None = None
        self._begun = False
        self._timer: Timer | None = clock.call_later(delay, lambda: self._go(0, first=True))

    def stop(self, grace: float, ended: Callable[[], None]) -> None:
        """SIGTERM now, SIGKILL after `grace` clock seconds (JOB-STP-05, JOB-STP-06).

        Args:
            grace: clock seconds.
            ended: called once, after `exited`.
        """
        self._ended = ended
        if self._over:
            ended()
            return
        if not self._begun:
            # The launcher is still there, and it hears (JOB-STP-10).
            self._cancel()
            self._steps.close()
            self._end(LAUNCHER_STOPPED)
            return
        if self._asleep is not None and self._asleep.child:
            # The whole process group gets the signal; the shell, as PID 1, ignores it.
            self._cancel()
            self._go(TERMINATED)
        if self._over:
            return
        if grace > 0:
            self._clock.call_later(grace, self._kill)
        else:
            self._kill()

    def _kill(self) -> None:
        if not self._over:
            self._cancel()
            self._steps.close()
            self._end(-1)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._asleep = None

    def _end(self, code: int) -> None:
        self._over = True
        self._exited(code)
        if self._ended is not None:
            self._ended()

    def _go(self, status: int, *, first: bool = False) -> None:
        self._timer = None
        self._asleep = None
        self._begun = True
        for _ in range(STEPS_AT_ONCE):
            try:
                step = next(self._steps) if first else self._steps.send(status)
            except StopIteration as stop:
                self._end(stop.value or 0)
                return
            except Exception:
                # The program is broken: the job fails, and whoever moved the clock learns why.
                self._end(BROKEN)
                raise
            first, status = False, 0
            if self._take(step):
                return
        self._steps.close()
        self._end(-1)
        raise EndlessError(
            f"a program took {STEPS_AT_ONCE:,} steps without letting time pass: it needs a sleep",
        )

    def _take(self, step: Step) -> bool:
        """Do a step; tell whether the process now waits, or is over."""
        match step:
            case Stdout(data):
                self._output(data)
            case Stderr(data):
                self._output(data, "stderr")
            case Sleep(seconds) if seconds > 0:
                self._asleep = step
                self._timer = self._clock.call_later(seconds, lambda: self._go(0))
                return True
            case Hang():
                return True
            case Die():
                self._steps.close()
                self._end(-1)
                return True
        return False
