"""A scripted process: a program's steps on the clock, and what is kept of them."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, cast

from joblet_fake.clock import NANOS, seconds
from joblet_fake.model.pace import PACES
from joblet_fake.programs.steps import (
    Die,
    Hang,
    Metrics,
    OnStop,
    OutOfMemory,
    Sleep,
    Stderr,
    Stdout,
    Write,
    pieces,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from joblet_fake.clock import Timer
    from joblet_fake.model.process import Output
    from joblet_fake.programs.context import Context
    from joblet_fake.programs.steps import AnyProgram, Step

TERMINATED: Final = 143
"""The status that a shell sees of a child that SIGTERM ended."""

LAUNCHER_STOPPED: Final = 2
"""The exit code of a launcher that SIGTERM met before it became the command."""

BROKEN: Final = 1
"""The exit code of a program that raised, as of a script that ends with a traceback."""

STEPS_AT_ONCE: Final = 1_000_000
"""More steps than this without a sleep are taken for a program that never ends."""

GRACE: Final = seconds(PACES["real"].stop_grace)
"""Clock nanoseconds that what answers a stop has, where no time passes between stop and kill."""

VOLUMES: Final = "/volumes/"


class EndlessError(RuntimeError):
    """A program took a million steps without letting time pass."""


@dataclass(slots=True)
class Run:
    """What a process has done, as data: enough to do it once more up to the same step.

    A program is a function of its job: gone through again with the same seed and times it yields
    the same steps. So the steps themselves need not be kept.

    Attributes:
        program: what makes the steps.
        attempt: the how manieth run of its script or generator it is, from 1 on.
        seed: where the program's random numbers come from.
        of_test: whether it is code of the test, which never runs under the lock.
        taken: how many steps were taken.
        moments: when it went on after it had waited: steps taken until then, clock nanoseconds.
        stops: how many steps were taken when it answered a SIGTERM, each time.
        wakes_ns: when it goes on by itself; None when it hangs.
    """

    program: AnyProgram
    attempt: int = 1
    seed: int = 0
    of_test: bool = False
    taken: int = 0
    moments: list[tuple[int, int]] = field(default_factory=list)
    stops: list[int] = field(default_factory=list)
    wakes_ns: int | None = None

    def moment(self, taken: int) -> int:
        """Give the clock's time when the step after some others was worked out."""
        return self.moments[bisect_right(self.moments, taken, key=itemgetter(0)) - 1][1]


class ScriptedProcess:
    """Runs a program for a job; every method runs under the model's lock.

    Args:
        program: what it runs.
        context: the job that it runs it for, and its clock.
        output: takes what it writes.
        exited: told the exit code, once.
        delay: clock seconds until the first step.
        past: what it has done before, to be gone through again first, without its output.
        opening: what its launcher writes before it becomes the program.

    Attributes:
        run: what it has done, as data; `so_far` gives it for `past`.
    """

    GOES_ON: int | None = 0
    """What the program is sent when nothing happened to it meanwhile."""

    def __init__(
        self,
        program: AnyProgram,
        context: Context,
        output: Output,
        exited: Callable[[int], None],
        delay: float = 0,
        *,
        past: Run | None = None,
        opening: bytes = b"",
    ) -> None:
        self.run = Run(program, context.attempt, context.seed)
        self._context = context
        self._clock = context.clock
        self._output = output
        self._exited = exited
        self._over = False
        # What comes next: the program to begin, or what the one at work is told.
        self._begin: AnyProgram | None = program
        self._steps: Generator[Step, Any, int | None] | None = None
        self._status: int | None = self.GOES_ON
        self._problem: Exception | None = None
        # What it waits for.
        self._asleep: Sleep | None = None
        self._timer: Timer | None = None
        # What a stop does.
        self._handler: AnyProgram | None = None
        self._ended: Callable[[], None] | None = None
        self._left: int | None = None
        self._begun = False
        self._opening = opening
        self._past = past
        if past is not None and past.taken:
            delay = 0
        elif past is not None:
            # It had not begun: there is nothing to go through again.
            delay, self._past = self._until(past.wakes_ns), None
        self._timer = self._clock.call_later(delay, self._go)

    def so_far(self) -> Run:
        """Give what it has done until now, so that another can go on; it must be waiting."""
        return replace(
            self.run,
            moments=list(self.run.moments),
            stops=list(self.run.stops),
            wakes_ns=None if self._timer is None else self._timer.when,
        )

    def _until(self, moment: int | None) -> float:
        """Give the seconds until a moment; none for one that is past."""
        return 0.0 if moment is None else max(0, moment - self._clock.now_ns()) / NANOS

    # Stopping

    def stop(self, grace: float, ended: Callable[[], None]) -> None:
        """SIGTERM now, SIGKILL after `grace` clock seconds (JOB-STP-05, JOB-STP-06).

        Args:
            grace: clock seconds; with none, what answers the stop may sleep for as long as on a
                real server, and no time passes.
            ended: called once, after `exited`.
        """
        if self._over:
            ended()
            return
        self._ended = ended
        stop = self._context.job.stop
        if not self._begun and (stop is None or stop.heard):
            # The launcher is still there, and it hears (JOB-STP-10).
            self._unwait()
            self._end(LAUNCHER_STOPPED)
            return
        if grace <= 0:
            self._left = GRACE
        self._terminate()
        if self._over:
            return
        if grace > 0:
            self._clock.call_later(grace, self._kill)
        elif not self._working:
            self._kill()

    def _terminate(self) -> None:
        """Let SIGTERM do what it does to this process."""
        if self._signalled():
            self._unwait()
            self._go()

    def _signalled(self) -> bool:
        """Note what the process does because of a SIGTERM; tell whether that is anything."""
        if self._handler is not None:
            self._begin, self._handler = self._handler, None
        elif self._asleep is not None and self._asleep.child:
            # The whole process group gets the signal; the shell, as PID 1, ignores it.
            self._status = TERMINATED
        else:
            return False
        self.run.stops.append(self.run.taken)
        return True

    @property
    def _working(self) -> bool:
        """Whether it answers a stop at this moment, outside of the lock."""
        return False

    def _kill(self) -> None:
        if not self._over:
            self._unwait()
            self._close()
            self._end(-1)

    def _close(self) -> None:
        if self._steps is not None:
            self._steps.close()

    def _unwait(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._asleep = None

    def _end(self, code: int) -> None:
        self._over = True
        self._exited(code)
        if self._ended is not None:
            self._ended()

    # Going on

    def _go(self) -> None:
        self._go_on()
        for _ in range(STEPS_AT_ONCE + self._again):
            try:
                step = self._next(self._context)
            except StopIteration as stop:
                self._end(stop.value or 0)
                return
            except Exception:
                # The program is broken: the job fails, and whoever moved the clock learns why.
                self._end(BROKEN)
                raise
            if self._take(step):
                return
        self._close()
        self._end(-1)
        raise endless()

    @property
    def _again(self) -> int:
        """How many steps are to be gone through again."""
        return 0 if self._past is None else self._past.taken

    def _go_on(self) -> None:
        """Note that it goes on, now."""
        self._timer = None
        self._asleep = None
        if not self._begun:
            self._begun = True
            if self._opening and self._past is None:
                self._output(self._opening)
        if self._past is None:
            self.run.moments.append((self.run.taken, self._clock.now_ns()))

    def _next(self, job: object) -> Step:
        """Work out the next step.

        Args:
            job: what a program is begun with.

        Raises:
            StopIteration: there is none; its value is the exit code.
        """
        past = self._past
        self._context.moment_ns = None if past is None else past.moment(self.run.taken)
        if self._begin is not None:
            begin, self._begin = self._begin, None
            if self._steps is not None:
                self._steps.close()
            self._steps = begin(job)
            return next(self._steps)
        if self._steps is None:
            raise RuntimeError("a process that has not begun can't go on")
        if self._problem is not None:
            problem, self._problem = self._problem, None
            return self._steps.throw(problem)
        status, self._status = self._status, self.GOES_ON
        return self._steps.send(status)

    def _take(self, step: Step) -> bool:
        """Do a step; tell whether the process now waits, or is over."""
        self.run.taken += 1
        past = self._past
        match step:
            case Stdout() | Stderr() if past is None:
                stream = "stdout" if isinstance(step, Stdout) else "stderr"
                for piece in pieces(step.data, step.times):
                    self._output(piece, stream)
            case Write(path, data) if past is None or not path.startswith(VOLUMES):
                try:
                    self._context.files.make_parents(path)
                    self._context.files.write(path, data)
                except OSError as error:
                    self._problem = error
            case OnStop(handler):
                self._handler = cast("AnyProgram | None", handler)
            case Metrics() if past is None:
                self._context.job.usage.note(self._clock.now_ns(), step)
        if past is not None:
            return self._take_again(step, past)
        match step:
            case Sleep(length) if length > 0:
                return self._sleep(step)
            case Hang():
                if self._left is not None:
                    self._kill()
                return True
            case Die() | OutOfMemory():
                self._close()
                self._end(-1)
                return True
        return False

    def _sleep(self, step: Sleep) -> bool:
        if self._left is not None:
            # It is being stopped, and no time passes meanwhile.
            self._left -= seconds(step.seconds)
            if self._left > 0:
                return False
            self._kill()
            return True
        self._asleep = step
        self._timer = self._clock.call_later(step.seconds, self._go)
        return True

    def _take_again(self, step: Step, past: Run) -> bool:
        """Do what is left to do of a step that was taken before; tell whether it was the last."""
        taken = self.run.taken
        if isinstance(step, Sleep):
            self._asleep = step
        for _ in range(past.stops.count(taken)):
            self._signalled()
        if taken < past.taken:
            self._asleep = None
            return False
        self.run = replace(past, moments=list(past.moments), stops=list(past.stops))
        self._past = None
        if past.wakes_ns is not None:
            self._timer = self._clock.call_later(self._until(past.wakes_ns), self._go)
        return True


def endless() -> EndlessError:
    """Give the error of a program that never lets time pass."""
    return EndlessError(
        f"a program took {STEPS_AT_ONCE:,} steps without letting time pass: it needs a sleep",
    )
