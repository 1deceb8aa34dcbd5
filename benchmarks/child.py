"""A side in a process of its own, with memory and a loop that it shares with nobody."""

from __future__ import annotations

import multiprocessing
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from multiprocessing.connection import Connection
    from types import TracebackType

PATIENCE: Final = 600.0
"""Real seconds that a child gets for one thing that it is asked to do."""

SPAWN: Final = multiprocessing.get_context("spawn")


class Child:
    """A process that holds an object, whose methods can be called from here.

    Args:
        make: makes the object, as a context manager, in the process; a name of a module.
        **given: what it is made with.

    Raises:
        Exception: making it failed; the error is the child's.
    """

    def __init__(self, make: Callable[..., AbstractContextManager[Any]], **given: object) -> None:
        self._pipe, theirs = SPAWN.Pipe()
        self._process = SPAWN.Process(target=_serve, args=(theirs, make, given))
        self._process.start()
        theirs.close()
        self._answer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._pipe.close()
        self._process.join(PATIENCE)

    def ask(self, method: str, *args: object) -> Any:  # noqa: ANN401 - whatever the method gives
        """Call a method of the object, and wait for what it gives.

        Raises:
            TimeoutError: nothing came for very long.
            Exception: the method failed; the error is the child's.
        """
        self.begin(method, *args)
        return self._answer()

    def begin(self, method: str, *args: object) -> None:
        """Call a method of the object without waiting for it; `end` does that."""
        self._pipe.send((method, args))

    def end(self) -> Any:  # noqa: ANN401 - as above
        """Wait for what the method gives that was begun."""
        return self._answer()

    def _answer(self) -> Any:  # noqa: ANN401 - as above
        if not self._pipe.poll(PATIENCE):
            raise TimeoutError(f"a child did not answer for {PATIENCE:g} s")
        worked, given = self._pipe.recv()
        if not worked:
            raise given
        return given


def _serve(
    pipe: Connection,
    make: Callable[..., AbstractContextManager[Any]],
    given: dict[str, object],
) -> None:
    """In the child: do what is asked until nobody can ask any more."""
    try:
        with make(**given) as held:
            pipe.send((True, None))
            while True:
                try:
                    method, args = pipe.recv()
                except EOFError:
                    return
                try:
                    answer = (True, getattr(held, method)(*args))
                except Exception as error:  # noqa: BLE001 - it belongs to whoever asked
                    answer = (False, error)
                pipe.send(answer)
    except Exception as error:  # noqa: BLE001 - as above
        pipe.send((False, error))
