"""The order of lists that a real server gives in random order."""

from __future__ import annotations

import zlib


def shuffled(name: str) -> tuple[int, str]:
    """Give a key that sorts names as good as randomly, and the same every time.

    >>> sorted(["a", "b", "c", "d"], key=shuffled)
    ['c', 'b', 'd', 'a']
    """
    return zlib.crc32(name.encode(errors="surrogatepass")), name
