"""The secrets that a server was given, kept so that they can be hidden where something is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

KEPT: Final = 10_000
"""How many secrets are kept, the newest ones: a server that runs for days has a bound."""


class Secrets:
    """Values of secrets, each once.

    >>> secrets = Secrets()
    >>> secrets.note(["one", "two", "one"])
    >>> list(secrets)
    ['two', 'one']
    """

    def __init__(self) -> None:
        self._values: dict[str, None] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._values))

    def note(self, values: Iterable[str]) -> None:
        """Keep values; the oldest ones go where there are too many."""
        for value in values:
            self._values.pop(value, None)
            self._values[value] = None
            if len(self._values) > KEPT:
                del self._values[next(iter(self._values))]

    def clear(self) -> None:
        """Forget all of them."""
        self._values.clear()
