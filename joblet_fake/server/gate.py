"""A port's process that can stand still."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from joblet_fake.server.backend import Backend


class Gate:
    """What calls of one port pass; while it is closed, they get no answer.

    Attributes:
        closed: whether it is.
    """

    def __init__(self) -> None:
        self.closed = False
        self._watchers: dict[Callable[[], None], None] = {}

    def close(self) -> None:
        """Let nothing through."""
        self.closed = True

    def open(self) -> None:
        """Let everything through again."""
        self.closed = False
        for told in tuple(self._watchers):
            told()

    async def passed(self, backend: Backend) -> None:
        """Keep a call waiting while it is closed.

        Raises:
            StatusError: the client has waited for too long, or the server stops.
        """
        if self.closed:
            what = "a server that stands still"
            await backend.hold_up(lambda: self.closed, self._watch, what)

    def _watch(self, told: Callable[[], None]) -> Callable[[], object]:
        """Have a callback told when it opens; calling what is returned ends that."""
        self._watchers[told] = None
        return lambda: self._watchers.pop(told, None)
