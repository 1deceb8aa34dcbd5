"""A scripted process: a program's steps on the clock, and what is kept of them."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, cast

from joblet_fake.clock import seconds
from joblet_fake.model.copying import Due
from joblet_fake.model.pace import PACES
from joblet_fake.model.process import SnapshotError
from joblet_fake.programs.kept import Kept
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
    from joblet_fake.model.copying import Copying
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


class EndlessError(RuntimeError):
    """A program took very many steps without letting time pass."""


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
        marks: a number for each step of code of the test, which must be the same again.
        answers: what files were found to be that others change too.
    """

    program: AnyProgram
    attempt: int = 1
    seed: int = 0
    of_test: bool = False
    taken: int = 0
    moments: Kept[tuple[int, int]] = field(default_factory=Kept)
    stops: list[int] = field(default_factory=list)
    marks: Kept[int] = field(default_factory=Kept)
    answers: Kept[object] = field(default_factory=Kept)

    def kept(self) -> Run:
        """Give what there is of it until now; the one at work goes on."""
        return replace(
            self,
            moments=self.moments.kept(),
            stops=self.stops.copy(),
            marks=self.marks.kept(),
            answers=self.answers.kept(),
        )

    def moment(self, taken: int) -> int:
        """Give the clock's time when the step after some others was worked out."""
        return self.moments[bisect_right(self.moments, taken, key=itemgetter(0)) - 1][1]


@dataclass(slots=True, eq=False)
class LaidDown:
    """A process as data, from which another one can go on.

    Attributes:
        run: what it has done.
        wake: what has it go on; None when it hangs.
        kill: what ends it, if it is being stopped.
        ended: told when it has ended, if it is being stopped.
    """

    run: Run
    wake: Timer | None = None
    kill: Timer | None = None
    ended: Callable[[], None] | None = None


class ScriptedProcess:
    """Runs a program for a job; every method runs under the model's lock.

    Args:
        program: what it runs.
        context: the job that it runs it for, and its clock.
        output: takes what it writes.
        exited: told the exit code, once.
        delay: clock seconds until the first step.
        past: what it did before; `gone_through` does that again, without its output.
        opening: what its launcher writes before it becomes the program.

    Attributes:
        run: what it has done, as data.
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
        self.run = Run(program, context.attempt, context.seed) if past is None else past.kept()
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
        self._killing: Timer | None = None
        # What it goes through again, and how many of its steps it has taken.
        self._past = past
        self._again = 0
        context.files.answers = self.run.answers
        if past is None:
            self._timer = self._clock.call_later(delay, Due(self._go))

    # Laid down, and gone on

    def laid_down(self, copying: Copying) -> object:
        """Give what another one needs to go on from here; it must be waiting."""
        laid = copying.note(self, LaidDown(self.run.kept()))
        laid.wake, laid.kill = copying.of(self._timer), copying.of(self._killing)
        laid.ended = copying.of(self._ended)
        return laid

    def waits_as(self, laid: LaidDown, copying: Copying) -> None:
        """Wait for what another one waits for."""
        copying.note(laid, self)
        self._timer, self._killing = copying.of(laid.wake), copying.of(laid.kill)
        self._ended = copying.of(laid.ended)

    def gone_through(self) -> None:
        """Do silently what the one before had done.

        Raises:
            SnapshotError: the program does something else now.
        """
        past = self._past
        if past is None:
            return
        if past.moments:
            self._begun = True
            self.run.answers.rewind()
            while self._again < past.taken:
                self._go_through(past)
            self._context.moment_ns = None
            self.run.answers.to_end()
        self._past = None

    def _go_through(self, past: Run) -> None:
        """Take one step again."""
        try:
            step = self._next(self._context)
        except StopIteration as stop:
            raise self._other(f"ended with {stop.value or 0}") from None
        except Exception as error:
            raise self._other(f"raised {error!r}") from error
        self._take_again(step, past)

    def _other(self, what: str) -> SnapshotError:
        """Give the error of a program that does not do the same again."""
        job = self._context.job
        return SnapshotError(
            f"job {job.uuid} ({job.spec.command}) can't go on where it was: its program took "
            f"{self.run.taken} steps until the snapshot, and when it was run again up to there, it "
            f"{what} at step {self._again + 1}. {self._context.label.capitalize()} must do the "
            "same for the same job: let what it does depend on `job` alone (job.random, job.now())"
        )

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
            self._killing = self._clock.call_later(grace, Due(self._kill))
        elif not self._working:
            self._kill()

    def _terminate(self) -> None:
        """Let SIGTERM do what it does to this process."""
        if self._signalled():
            self._unwait()
            self._go()

    def _signalled(self) -> bool:
        """Note what the process does because of a SIGTERM; tell whether that is anything."""
        if self._hears():
            self.run.stops.append(self.run.taken)
            return True
        return False

    def _hears(self) -> bool:
        """Do what a SIGTERM has it do next; tell whether that is anything."""
        if self._handler is not None:
            self._begin, self._handler = self._handler, None
        elif self._asleep is not None and self._asleep.child:
            # The whole process group gets the signal; the shell, as PID 1, ignores it.
            self._status = TERMINATED
        else:
            return False
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
        for _ in range(STEPS_AT_ONCE):
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

    def _go_on(self) -> None:
        """Note that it goes on, now."""
        self._timer = None
        self._asleep = None
        if not self._begun:
            self._begun = True
            if self._opening:
                self._output(self._opening)
        self.run.moments.add((self.run.taken, self._clock.now_ns()))

    def _next(self, job: object) -> Step:
        """Work out the next step.

        Args:
            job: what a program is begun with.

        Raises:
            StopIteration: there is none; its value is the exit code.
        """
        past = self._past
        self._context.moment_ns = None if past is None else past.moment(self._again)
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
        match step:
            case Stdout() | Stderr():
                stream = "stdout" if isinstance(step, Stdout) else "stderr"
                for piece in pieces(step.data, step.times):
                    self._output(piece, stream)
            case Write():
                self._write(step)
            case OnStop(handler):
                self._handler = cast("AnyProgram | None", handler)
            case Metrics():
                self._context.job.usage.note(self._clock.now_ns(), step)
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

    def _write(self, step: Write) -> None:
        try:
            self._context.files.make_parents(step.path)
            self._context.files.write(step.path, step.data)
        except OSError as error:
            self._problem = error

    def _sleep(self, step: Sleep) -> bool:
        if self._left is not None:
            # It is being stopped, and no time passes meanwhile.
            self._left -= seconds(step.seconds)
            if self._left > 0:
                return False
            self._kill()
            return True
        self._asleep = step
        self._timer = self._clock.call_later(step.seconds, Due(self._go))
        return True

    def _take_again(self, step: Step, past: Run) -> None:
        """Do what is to be done of a step that was taken before."""
        self._again += 1
        match step:
            case Write():
                self._write(step)
            case OnStop(handler):
                self._handler = cast("AnyProgram | None", handler)
            case Die() | OutOfMemory():
                raise self._other(f"yielded {step!r}")
        self._asleep = step if isinstance(step, Sleep) else None
        for _ in range(past.stops.count(self._again)):
            self._hears()
        if self._again < past.taken:
            self._asleep = None


def endless(steps: int = STEPS_AT_ONCE) -> EndlessError:
    """Give the error of a program that never lets time pass.

    Args:
        steps: how many it took.
    """
    return EndlessError(
        f"a program took {steps:,} steps without letting time pass: it needs a sleep, or less and "
        "longer output"
    )
