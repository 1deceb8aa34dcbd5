"""Threads on which the test's own programs run, and who sees that they come back."""

from __future__ import annotations

import ctypes
import sys
import threading
import time
import traceback
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

NAME: Final = "joblet-fake-program"
DEBUGGERS: Final = ("bdb", "pdb", "pydevd", "_pydevd_bundle", "debugpy")
"""Modules whose functions wait for a person."""
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

    def stuck(self, what: str, limit: float, code: object) -> StuckError | None:
        """Give the error of code that has not come back, see `stuck`.

        A loop of that very code is ended, since it would keep a core busy for ever. Elsewhere code
        may hold locks, and is left where it waits.
        """
        thread = self._thread
        if thread is None:  # pragma: no cover - what has not begun is not late
            return None
        frame = _frame(thread)
        if frame is not None and frame.f_code is code and thread.ident is not None:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(thread.ident), ctypes.py_object(Interrupted)
            )
        return stuck(what, limit, thread, code)


def stuck(what: str, limit: float, thread: threading.Thread, code: object) -> StuckError | None:
    """Give the error of code that has not come back, or None if a person debugs it.

    Args:
        what: what the code is.
        limit: real seconds that it may take.
        thread: where it runs.
        code: the code object with which it begins.
    """
    frame = _frame(thread)
    if debugged(frame):
        return None
    frames = []
    while frame is not None:
        frames.append((frame, frame.f_lineno))
        if frame.f_code is code:
            break
        frame = frame.f_back
    lines = traceback.StackSummary.extract(iter(reversed(frames))).format()
    return StuckError(
        f"{what} has worked for {limit:g} s and not come back (program_timeout): let time pass "
        "with `yield Sleep(seconds)`, not by waiting; a call that waits for a clock that stands "
        "still would wait for ever. It is here:\n" + "".join(lines).rstrip()
    )


def _frame(thread: threading.Thread) -> FrameType | None:
    number = thread.ident
    return None if number is None else sys._current_frames().get(number)  # noqa: SLF001 - the documented way


def debugged(frame: FrameType | None) -> bool:
    """Tell whether a person looks at this code with a debugger."""
    while frame is not None:
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] in DEBUGGERS:
            return True
        frame = frame.f_back
    return False


class Watched(Protocol):
    """Code that is to come back by a moment."""

    def late(self, since: float) -> bool:
        """Do something about code that has not come back; tell whether to ask again later.

        Args:
            since: when it began, by `time.monotonic`.
        """


class Watch:
    """Sees that code comes back within a real time; one thread does so for the whole process."""

    def __init__(self) -> None:
        self._news = threading.Condition()
        self._watched: dict[Watched, tuple[float, float]] = {}
        self._idle = False
        self._thread: threading.Thread | None = None

    def begin(self, code: Watched, since: float, limit: float) -> None:
        """Begin to watch.

        Args:
            code: told when it is late.
            since: when it began, by `time.monotonic`.
            limit: real seconds that it may take from then on.
        """
        with self._news:
            self._watched[code] = (since + limit, since)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._serve, name="joblet-fake-watch", daemon=True
                )
                self._thread.start()
            elif self._idle:
                self._news.notify()

    def end(self, code: Watched) -> None:
        """Watch no more: it is back."""
        with self._news:
            self._watched.pop(code, None)

    def _serve(self) -> None:
        while True:
            now = time.monotonic()
            with self._news:
                late = [(code, since) for code, (end, since) in self._watched.items() if end <= now]
                for code, _ in late:
                    del self._watched[code]
                if not late:
                    first = min((end for end, _ in self._watched.values()), default=None)
                    self._idle = first is None
                    self._news.wait(None if first is None else first - now)
                    self._idle = False
            for code, since in late:
                if code.late(since):
                    self.begin(code, since, now - since + AGAIN)
            late.clear()


watch: Final = Watch()
