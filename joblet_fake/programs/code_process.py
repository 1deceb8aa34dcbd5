"""A process that runs code of the test: on a thread of its own, never under the lock."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final
from zlib import crc32

from joblet_fake.programs.inside import RunningJob
from joblet_fake.programs.run import BROKEN, ScriptedProcess, endless
from joblet_fake.programs.steps import OnStop, Stderr, Stdout, Step, Write
from joblet_fake.programs.worker import AGAIN, Worker, stuck, watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from joblet_fake.clock.hold import Hold
    from joblet_fake.model.process import Output
    from joblet_fake.programs.context import Context
    from joblet_fake.programs.run import Run
    from joblet_fake.programs.steps import AnyProgram

HIGHEST_EXIT_CODE: Final = 255
STEPS_AT_ONCE: Final = 100_000
"""As for other programs, but each of these steps goes from thread to lock: a second or two."""
SHOWN: Final = 200
"""How much of a step an error shows."""


def mark(step: Step) -> int:
    """Give a number that tells a step from others.

    >>> mark(Stdout(b"a")) == mark(Stdout(b"a")), mark(Stdout(b"a")) == mark(Stderr(b"a"))
    (True, False)
    """
    match step:
        case Stdout(data, times) | Stderr(data, times):
            return crc32(data, crc32(f"{type(step).__name__} {times}".encode()))
        case Write(path, data):
            return crc32(data, crc32(f"Write {path}".encode(errors="surrogateescape")))
        case OnStop(handler):
            return crc32(f"OnStop {getattr(handler, '__qualname__', handler is None)}".encode())
    return crc32(repr(step).encode())


def not_a_step(result: object) -> TypeError:
    """Give the error of a program that yields something else."""
    return TypeError(f"a program yields steps, such as Stdout(b'...') or Sleep(1), not {result!r}")


class CodeProcess(ScriptedProcess):
    """Runs a generator of the test for a job.

    When it is due, the clock is held and the generator goes on, on its own thread, until it waits
    again. Each of its steps is done under the lock; while it works the next one out, the lock is
    free, and `_hold` is the hold that it works for.

    Args:
        program: what it runs.
        context: the job that it runs it for, and its clock.
        output: takes what it writes.
        exited: told the exit code, once.
        delay: clock seconds until the first step.
        past: what it did before; `gone_through` does that again, without its output.
        opening: what its launcher writes before it becomes the program.
        owner: whose program it is.
        limit: real seconds that the code may take from one step to the next.
    """

    # What a test's generator delegates to, such as a list's iterator, takes nothing else.
    GOES_ON = None

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
        owner: object = None,
        limit: float = 10.0,
    ) -> None:
        self._worker = Worker(owner)
        self._limit = limit
        self._hold: Hold | None = None
        self._closing: Hold | None = None
        self._since: float | None = None
        self._abandoned = False
        self._answering = False
        self._stop_waits = False
        self._job = RunningJob(context)
        super().__init__(program, context, output, exited, delay, past=past, opening=opening)
        self.run.of_test = True

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._over

    def abandon(self) -> None:
        """End it and tell nobody."""
        with self._clock.lock:
            if self._over:
                return
            self._abandoned = self._over = True
            self._unwait()
            self._close()
            self._worker.finish()

    # Under the lock

    def _signalled(self) -> bool:
        if self._hold is not None:
            # It works at this moment: it answers when the step is done.
            self._stop_waits = self._handler is not None
            return False
        self._answering = self._handler is not None
        return super()._signalled()

    @property
    def _working(self) -> bool:
        return self._hold is not None and (self._answering or self._stop_waits)

    def _go(self) -> None:
        self._go_on()
        self._hold = hold = self._clock.hold()
        try:
            self._worker.post(lambda: self._work(hold))
        except RuntimeError as error:
            # The system has no thread left.
            self._hold = None
            self._end(BROKEN)
            self._clock.let_go(hold, error)

    def _close(self) -> None:
        hold, self._hold = self._hold, None
        if hold is not None:
            # It ends when it comes back, and nobody waits for that.
            self._clock.let_go(hold)
        elif self._steps is not None:
            self._closing = closing = self._clock.hold()
            self._worker.post(lambda: self._shut(closing))

    def _end(self, code: int) -> None:
        super()._end(code)
        self._worker.finish()

    def _do(self, result: object) -> bool:
        """Do what the code came back with; tell whether the process now waits, or is over."""
        if isinstance(result, BaseException):
            self._end(BROKEN)
            return True
        if isinstance(result, int):
            self._end(result)
            return True
        if not isinstance(result, Step):
            self._problem = not_a_step(result)
            return False
        self.run.marks.add(mark(result))
        stopped, self._stop_waits = self._stop_waits, False
        left = self._left
        if stopped:
            # This step is still one of the program's, and not of what answers the stop.
            self._left = None
        waits = self._take(result)
        self._left = left
        if stopped and not self._over:
            self._answering = True
            super()._signalled()
            self._unwait()
            return False
        return waits

    # Going through it again

    def gone_through(self) -> None:
        """Do silently what the one before had done; on the worker's thread, and without any lock.

        Raises:
            SnapshotError: the program does something else now, or does not come back.
        """
        done = threading.Event()
        failures: list[BaseException] = []

        def work() -> None:
            try:
                super(CodeProcess, self).gone_through()
            except BaseException as error:  # noqa: BLE001 - told to whoever waits
                failures.append(error)
            finally:
                done.set()

        self._worker.post(work)
        while not done.wait(self._limit):
            since, thread = self._since, self._worker.thread
            if since is None or thread is None or time.monotonic() - since < self._limit:
                continue
            code = getattr(self._steps, "gi_code", None)
            stuck_there = stuck(self._context.label, self._limit, thread, code)
            if stuck_there is not None:
                raise self._other(f"did not come back: {stuck_there}")
        if failures:
            raise failures[0]

    def _go_through(self, past: Run) -> None:
        result = self._called(self._go_once)
        if isinstance(result, int):
            raise self._other(f"ended with {result}")
        if isinstance(result, BaseException):
            raise self._other(f"raised {result!r}") from result
        if not isinstance(result, Step):
            self._problem = not_a_step(result)
            return
        if mark(result) != past.marks[self._again]:
            raise self._other(f"yielded {result!r:.{SHOWN}}, which is something else")
        self._take_again(result, past)

    # On the worker's thread, without the lock

    def _work(self, hold: Hold) -> None:
        """Go on until it waits, or is not wanted any more."""
        failure: BaseException | None = None
        self._watch()
        try:
            for _ in range(STEPS_AT_ONCE):
                result = self._called(self._go_once)
                with self._clock.at_moment_of(hold):
                    if self._hold is not hold:
                        break
                    if isinstance(result, BaseException):
                        failure = result
                    self._hold = None
                    if self._do(result):
                        return
                    self._hold = hold
            else:
                failure = endless(STEPS_AT_ONCE)
                with self._clock.at_moment_of(hold):
                    if self._hold is hold:
                        self._hold = None
                        self._end(-1)
            self._shut(None)
        except Exception as error:  # noqa: BLE001 - a bug of ours must fail the test
            failure = error
            with self._clock.at_moment_of(hold):
                if not self._over:
                    self._end(BROKEN)
        finally:
            watch.end(self)
            self._clock.let_go(hold, failure)

    def _watch(self) -> None:
        watch.begin(self, time.monotonic() + self._limit)

    def _go_once(self) -> Step:
        return self._next(self._job)

    def _called(self, work: Callable[[], object]) -> object:
        """Give what code gives, or what it raises."""
        self._since = time.monotonic()
        try:
            return work()
        except StopIteration as stop:
            return self._exit_code(stop.value)
        except SystemExit as end:
            return self._exit_code(end.code if isinstance(end.code, int | None) else BROKEN)
        except BaseException as error:  # noqa: BLE001 - pytest.fail() is no Exception
            return error
        finally:
            self._since = None

    def _exit_code(self, value: object) -> object:
        if value is None:
            return 0
        if isinstance(value, int) and 0 <= value <= HIGHEST_EXIT_CODE:
            return int(value)
        return TypeError(
            f"{self._context.label} returned {value!r}: a program returns its exit code, "
            f"0 to {HIGHEST_EXIT_CODE}, or nothing for 0"
        )

    def _shut(self, closing: Hold | None) -> None:
        """Close the generator: what it does at its end is the test's code too."""
        steps, self._steps = self._steps, None
        self._watch()
        result = None if steps is None else self._called(steps.close)
        watch.end(self)
        failure = result if isinstance(result, BaseException) else None
        with self._clock.lock:
            self._closing = None
            if self._abandoned:
                failure = None
            if closing is not None:
                self._clock.let_go(closing, failure)
            elif failure is not None:
                self._clock.holds.fail(failure)

    # On the watch's thread

    def late(self) -> float | None:
        """Give up on code that has not come back for too long; tell when to look again."""
        now = time.monotonic()
        with self._clock.lock:
            since = self._since
            if since is None or now - since < self._limit:
                return (now if since is None else since) + self._limit
            thread, code = self._worker.thread, getattr(self._steps, "gi_code", None)
            if thread is None:  # pragma: no cover - what has not begun is not late
                return None
            failure = stuck(self._context.label, self._limit, thread, code)
            if failure is None:
                return now + AGAIN
            hold, self._hold = self._hold, None
            if hold is not None:
                with self._clock.at_moment_of(hold):
                    self._end(BROKEN)
                self._clock.let_go(hold, failure)
            elif self._closing is not None:
                self._clock.let_go(self._closing, failure)
        return None
