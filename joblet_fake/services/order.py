"""The order of lists that a real server gives in random order."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

    from joblet_fake.model.model import Model

T = TypeVar("T")


def listed(model: Model, things: Iterable[T]) -> list[T]:
    """Give things in the order of a list: as they come, which is the same every time.

    A real server has another one at each call (TIME-21), and so has this one with a quirk.
    """
    order = list(things)
    if "random-list-order" in model.quirks:
        model.chance.shuffle(order)
    return order


def shuffled(name: str) -> tuple[int, str]:
    """Give a key that sorts names as good as randomly, and the same every time.

    >>> sorted(["a", "b", "c", "d"], key=shuffled)
    ['c', 'b', 'd', 'a']
    """
    return zlib.crc32(name.encode(errors="surrogatepass")), name
