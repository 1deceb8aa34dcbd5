"""What a process keeps of what it did, to do the same again: an append-only run of things."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")


class Kept(Generic[T]):
    """Things in the order in which they came; one that is kept shares them until it gets more.

    >>> first: Kept[int] = Kept()
    >>> first.add(1)
    >>> second = first.kept()
    >>> first.add(2)
    >>> second.add(3)
    >>> list(first), list(second)
    ([1, 2], [1, 3])
    """

    __slots__ = ("_count", "_shares", "_things", "again")

    def __init__(self) -> None:
        self._things: list[T] = []
        self._count = 0
        self._shares = False
        self.again: int | None = None
        """How many were given again; None while new ones come."""

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[T]:
        return iter(self._things[: self._count])

    def __getitem__(self, place: int) -> T:
        if not 0 <= place < self._count:
            raise IndexError(place)
        return self._things[place]

    def kept(self) -> Kept[T]:
        """Give one with the same things, at no cost."""
        made: Kept[T] = Kept()
        made._things, made._count, made._shares = self._things, self._count, True
        return made

    def add(self, thing: T) -> None:
        """Take one more."""
        if self._shares:
            self._things, self._shares = self._things[: self._count], False
        self._things.append(thing)
        self._count += 1

    def rewind(self) -> None:
        """Give again what there is, from the first on."""
        self.again = 0

    def to_end(self) -> None:
        """Take new ones again."""
        self.again = None

    def next(self) -> T:
        """Give the next one again.

        Raises:
            IndexError: there is none.
        """
        place = self.again or 0
        thing = self[place]
        self.again = place + 1
        return thing
