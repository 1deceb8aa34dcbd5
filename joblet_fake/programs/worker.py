"""Threads on which the test's own programs run, and who sees that they come back."""

from __future__ import annotations

import ctypes
import math
import sys
import threading
import time
import traceback
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

NAME: Final = "joblet-fake-program"
DEBUGGERS: Final = ("bdb", "pdb", "pydevd", "_pydevd_bundle", "debugpy")
"""Modules whose functions wait for a person."""

PACKAGE: Final = str(Path(__file__).parents[1])
LIBRARY: Final = str(Path(threading.__file__).parent)
"""Where this package and Python's own modules are."""
AGAIN: Final = 1.0
"""Real seconds after which code that a debugger looks at is asked about again."""

_here = threading.local()


def owner() -> object:
    """Give whose program this code belongs to; None for other code than a program's."""
    return getattr(_here, "owner", None)


class StuckError(RuntimeError):
    """Code of the test has not come back: a program with its next step, or a predicate."""


class Interrupted(BaseException):
    """Ends a program that has not come back."""


class Worker:
    """One thread, which does what it is given in that order; made when there is something to do.

    Args:
        owner: whose programs it runs; `owner()` gives it there.
    """

    def __init__(self, owner: object) -> None:
        self._owner = owner
        self._tasks: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def post(self, task: Callable[[], None]) -> None:
        """Have something done on the thread.

        Raises:
            RuntimeError: the system has no thread left.
        """
        self._tasks.put(task)
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name=NAME, daemon=True)
            self._thread.start()

    def finish(self) -> None:
        """End the thread when it has done what it was given."""
        self._tasks.put(None)

    def _serve(self) -> None:
        _here.owner = self._owner
        with suppress(Interrupted):
            while (task := self._tasks.get()) is not None:
                task()
                del task  # a waiting thread keeps nothing alive

    @property
    def thread(self) -> threading.Thread | None:
        """The thread; None before there was anything to do."""
        return self._thread


INSTEAD: Final = (
    "let time pass with `yield Sleep(seconds)`, not by waiting; a call that waits for a clock that "
    "stands still would wait for ever"
)
"""What is right for a program that waits."""


def stuck(
    what: str, limit: float, thread: threading.Thread, code: object, instead: str = INSTEAD
) -> StuckError | None:
    """Give up on code that has not come back; give its error, or None if a person debugs it.

    A loop of the test's own is ended, since it would keep a core busy for ever. Code of libraries
    may hold locks, and is left where it is.

    Args:
        what: what the code is.
        limit: real seconds that it may take.
        thread: where it runs.
        code: the code object with which it begins.
        instead: what would be right.
    """
    innermost = frame = sys._current_frames().get(thread.ident or 0)  # noqa: SLF001 - there is no other way
    if debugged(frame):
        return None
    frames = []
    while frame is not None:
        frames.append((frame, frame.f_lineno))
        if frame.f_code is code:
            break
        frame = frame.f_back
    if innermost is not None and thread.ident is not None and _of_test(innermost):
        # Before the lines are read: beside a loop everything is slow.
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident), ctypes.py_object(Interrupted)
        )
    lines = traceback.StackSummary.extract(iter(reversed(frames))).format()
    return StuckError(
        f"{what} has worked for {limit:g} s and not come back (program_timeout): {instead}. It is "
        "here:\n" + "".join(lines).rstrip()
    )


def _of_test(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    return not file.startswith((PACKAGE, LIBRARY, "<frozen")) and "site-packages" not in file


def debugged(frame: FrameType | None) -> bool:
    """Tell whether a person looks at this code with a debugger."""
    while frame is not None:
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] in DEBUGGERS:
            return True
        frame = frame.f_back
    return False


class Watched(Protocol):
    """Code that is to come back again and again."""

    def late(self) -> float | None:
        """Look whether it is late, and do something about it.

        Returns:
            When to look again, by `time.monotonic`; None for never.
        """


class Watch:
    """Sees that code comes back within a real time; one thread does so for the whole process."""

    def __init__(self) -> None:
        self._news = threading.Condition()
        self._watched: dict[Watched, float] = {}
        self._looks = math.inf
        self._thread: threading.Thread | None = None

    def begin(self, code: Watched, when: float) -> None:
        """Begin to watch.

        Args:
            code: is asked whether it is late.
            when: when it is asked first, by `time.monotonic`.
        """
        with self._news:
            self._watched[code] = when
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._serve, name="joblet-fake-watch", daemon=True
                )
                self._thread.start()
            elif when < self._looks:
                self._looks = when
                self._news.notify()

    def end(self, code: Watched) -> None:
        """Watch no more: it is back."""
        with self._news:
            self._watched.pop(code, None)

    def _serve(self) -> None:
        while True:
            now = time.monotonic()
            with self._news:
                due = [code for code, when in self._watched.items() if when <= now]
                if not due:
                    self._looks = first = min(self._watched.values(), default=math.inf)
                    self._news.wait(None if first == math.inf else first - now)
            for code in due:
                again = code.late()
                with self._news:
                    if again is None:
                        self._watched.pop(code, None)
                    elif code in self._watched:
                        self._watched[code] = again
            due.clear()


watch: Final = Watch()
