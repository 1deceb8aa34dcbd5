"""Holds: time stands still while code that must not run under the lock works."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True, slots=True, eq=False)
class Hold:
    """Code that works for a moment, outside of the lock; made by `Clock.hold`.

    Attributes:
        moment: the moment that it works for, nanoseconds since 1970.
        cause: who has set it to work, by a call or by moving time.
    """

    moment: int
    cause: object


class Causing:
    """Holds the lock, and has holds begin for a cause meanwhile; made by `Holds.caused_by`.

    Every call makes one: it is a class, since a generator's context takes three times as long.
    """

    __slots__ = ("_before", "_cause", "_holds", "_lock")

    def __init__(self, holds: Holds, lock: threading.RLock, cause: object) -> None:
        self._holds = holds
        self._lock = lock
        self._cause = cause
        self._before: object = None

    def __enter__(self) -> None:
        self._lock.acquire()
        self._before, self._holds.cause = self._holds.cause, self._cause

    def __exit__(self, *_: object) -> None:
        self._holds.cause = self._before
        self._lock.release()


class Holds:
    """Who works outside of the lock, for whom, and who waits for it.

    Whoever makes a change waits for what it has set to work, and for what follows from that, and
    for nothing else: so that code which makes calls itself never waits in a circle.

    Args:
        lock: the clock's lock, which guards all this.

    Attributes:
        begun: how many holds there have been.
        failed: told of code that failed while nobody moved time by hand, or somebody for whom
            the test need not look.
        own: the threads whose errors are the test's own business: that of the fake's maker, and
            the process's main one.
    """

    def __init__(self, lock: threading.RLock) -> None:
        self.own = frozenset({threading.get_ident(), threading.main_thread().ident})
        self._lock = lock
        self._open: dict[Hold, None] = {}
        self._freed = threading.Condition(lock)
        self._told: dict[Callable[[], None], None] = {}
        self._failures: list[BaseException] | None = None
        self.begun = 0
        self.cause: object = None
        self.failed: Callable[[BaseException], None] | None = None

    def __bool__(self) -> bool:
        """Whether any code works."""
        return bool(self._open)

    def begin(self, moment: int) -> Hold:
        """Begin a hold, under the lock."""
        hold = Hold(moment, self.cause)
        self._open[hold] = None
        self.begun += 1
        return hold

    def has(self, hold: Hold) -> bool:
        """Tell whether a hold is not over."""
        return hold in self._open

    def end(self, hold: Hold) -> None:
        """End a hold, under the lock."""
        self._open.pop(hold, None)

    def tell(self) -> None:
        """Tell whoever waits that a hold is over."""
        self._freed.notify_all()
        for told in tuple(self._told):
            told()

    def caused_by(self, cause: object) -> Causing:
        """Take the lock, and note for whom holds begin meanwhile."""
        return Causing(self, self._lock, cause)

    def open_for(self, cause: object) -> bool:
        """Tell whether code works that a cause, or what followed from it, has set to work."""
        if not self._open:
            return False
        with self._lock:
            return any(hold.cause is cause for hold in self._open)

    def wait_for(self, cause: object) -> None:
        """Wait until no code works that a cause, or what followed from it, has set to work."""
        if self._open:
            with self._lock:
                while self.open_for(cause):
                    self._freed.wait()

    def on_release(self, told: Callable[[], None]) -> Callable[[], object]:
        """Name a callback for the end of every hold; calling what is returned ends that."""
        self._told[told] = None
        return lambda: self._told.pop(told, None)

    def fail(self, failure: BaseException) -> None:
        """Tell of code that failed, under the lock: whoever moves time by hand, if anybody does."""
        if self._failures is not None:
            self._failures.append(failure)
        elif self.failed is not None:
            self.failed(failure)

    @contextmanager
    def heard(self, reaches: Callable[[], bool]) -> Iterator[None]:
        """Have `wait` raise what fails meanwhile; one thread at a time does so.

        Args:
            reaches: whether what is raised here gets to the test; where it does not, an app's
                thread or an abandoned task could swallow it, so that `failed` is told as well.
        """
        self._failures = []
        try:
            yield
        except BaseException as error:
            if not reaches() and self.failed is not None:
                self.failed(error)
            raise
        finally:
            # What came too late for `wait`, such as beside an interrupt.
            left, self._failures = self._failures, None
            for failure in left:
                self.fail(failure)

    def by_test(self) -> bool:
        """Tell whether this thread is one whose errors reach the test."""
        return threading.get_ident() in self.own

    def rest(self) -> None:
        """Wait until no code works; the lock, taken once, is free meanwhile."""
        while self._open:
            self._freed.wait()

    def wait(self) -> None:
        """Wait until no code works; the lock, taken once, is free meanwhile.

        Raises:
            BaseException: what failed; others that did are its notes.
        """
        self.rest()
        if self._failures:
            failure, *others = self._failures
            self._failures.clear()
            for other in others:
                failure.add_note(f"and beside it, at the same moment: {other!r}")
            raise failure
