"""An answer that may come later on the clock."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

T = TypeVar("T")
U = TypeVar("U")
E = TypeVar("E", bound=Exception)


class Outcome(Generic[T]):
    """A value or an error, now or at a later moment of the clock.

    Args:
        timed: whether it comes by itself when time passes.

    >>> outcome: Outcome[int] = Outcome()
    >>> doubled = outcome.then(lambda value: value * 2)
    >>> outcome.resolve(21)
    >>> doubled.result()
    42
    """

    __slots__ = ("_error", "_value", "_waiting", "done", "timed")

    def __init__(self, *, timed: bool = True) -> None:
        self.done = False
        self.timed = timed
        self._value: T | None = None
        self._error: Exception | None = None
        self._waiting: list[Callable[[], None]] = []

    @classmethod
    def of(cls, value: T) -> Outcome[T]:
        """Give an outcome that is there already."""
        outcome = cls()
        outcome.resolve(value)
        return outcome

    def resolve(self, value: T) -> None:
        """Set the value and tell whoever waits.

        Raises:
            RuntimeError: the outcome is there already.
        """
        self._settle()
        self._value = value
        self._tell()

    def fail(self, error: Exception) -> None:
        """Set the error and tell whoever waits.

        Raises:
            RuntimeError: the outcome is there already.
        """
        self._settle()
        self._error = error
        self._tell()

    @property
    def failed(self) -> bool:
        """Whether it is an error, as far as is known."""
        return self._error is not None

    def result(self) -> T:
        """Give the value, or raise the error.

        Raises:
            RuntimeError: it is not there yet.
        """
        if not self.done:
            raise RuntimeError("the outcome is not there yet: ask `done`, or use on_done()")
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]  # done, so the value is there

    def on_done(self, told: Callable[[], None]) -> None:
        """Have a callback told when the outcome is there; at once if it is."""
        if self.done:
            told()
        else:
            self._waiting.append(told)

    def then(self, change: Callable[[T], U]) -> Outcome[U]:
        """Give the outcome of a function of this one's value; errors pass through."""
        changed: Outcome[U] = Outcome(timed=self.timed)

        def settle() -> None:
            try:
                value = change(self.result())
            except Exception as error:  # noqa: BLE001 - handed on to whoever asks for the result
                changed.fail(error)
            else:
                changed.resolve(value)

        self.on_done(settle)
        return changed

    def recover(
        self,
        expected: type[E],
        change: Callable[[E], Exception],
    ) -> Outcome[T]:
        """Give this outcome with errors of one class turned into others."""
        changed: Outcome[T] = Outcome(timed=self.timed)

        def settle() -> None:
            try:
                value = self.result()
            except expected as error:
                changed.fail(change(error))
            except Exception as error:  # noqa: BLE001 - handed on as above
                changed.fail(error)
            else:
                changed.resolve(value)

        self.on_done(settle)
        return changed

    def _settle(self) -> None:
        if self.done:
            raise RuntimeError("the outcome is there already")
        self.done = True

    def _tell(self) -> None:
        waiting, self._waiting = self._waiting, []
        for told in waiting:
            told()


def drive(work: Generator[Outcome[None], None, T]) -> Outcome[T]:
    """Run a generator that yields what it waits for; give what it returns.

    An error that it waits for, or raises, is the outcome's.

    >>> def work():
    ...     yield Outcome.of(None)
    ...     return 42
    >>> drive(work()).result()
    42
    """
    result: Outcome[T] = Outcome()

    def go_on() -> None:
        while True:
            try:
                waits = next(work)
            except StopIteration as stop:
                result.resolve(stop.value)
                return
            except Exception as error:  # noqa: BLE001 - handed on to whoever asks for the result
                result.fail(error)
                return
            if not waits.done or waits.failed:
                waits.on_done(partial(resume, waits))
                return

    def resume(waited: Outcome[None]) -> None:
        try:
            waited.result()
        except Exception as error:  # noqa: BLE001 - as above
            work.close()
            result.fail(error)
        else:
            go_on()

    go_on()
    return result
