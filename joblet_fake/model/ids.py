"""The ids that a server gives out."""

from __future__ import annotations

import random
import uuid


class Ids:
    """Version 4 UUIDs, the same ones in the same order for the same seed (JOB-RUN-60).

    The first is the server's own.

    Args:
        seed: what they are made of.

    >>> Ids(7).node == Ids(7).node, Ids(7).next() == Ids(7).node
    (True, False)
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._node = ""
        self._random: random.Random | None = None

    @property
    def node(self) -> str:
        """The server's own id."""
        self._source()
        return self._node

    def next(self) -> str:
        """Give the next id."""
        return _drawn(self._source())

    def copy(self) -> Ids:
        """Give the same ids from here on, to another."""
        made = Ids(self._seed)
        if self._random is not None:
            made._node = self._node
            made._random = random.Random()  # noqa: S311 - as this one's
            made._random.setstate(self._random.getstate())
        return made

    def _source(self) -> random.Random:
        # Seeding takes longer than most parts of a model, and many tests need no id.
        if self._random is None:
            self._random = random.Random(self._seed)  # noqa: S311 - ids must repeat with the seed
            self._node = _drawn(self._random)
        return self._random


def _drawn(source: random.Random) -> str:
    return str(uuid.UUID(int=source.getrandbits(128), version=4))
