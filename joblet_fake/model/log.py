"""A job's output: an append-only run of chunks, each with its time."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

CHUNK_LIMIT: Final = 32 * 1024
"""The longest chunk in bytes: one read of the output pipe (JOB-LOG-01)."""

STREAMS: Final = ("stdout", "stderr")
"""What a chunk was written to: clients can't tell (JOB-LOG-02), the job's test can."""

NANOS: Final = 1_000_000_000


class Log:
    r"""Chunks of bytes with whole-second times, in the order written.

    The bytes lie in one buffer beside an index, so that a million short lines cost little more
    than their bytes. A chunk's number is its sequence number in the history (PER-33).

    Attributes:
        ordered: whether no chunk has an earlier time than the one before, as the clock's own have.

    >>> log = Log()
    >>> log.append(b"one\n", now_ns=5_000_000_000)
    >>> log.append(b"oops\n", now_ns=6_500_000_000, stream="stderr")
    >>> len(log), log.chunk(1), log.second(1), log.content("stdout")
    (2, b'oops\n', 6, b'one\n')
    """

    __slots__ = ("_data", "_ends", "_followers", "_seconds", "_streams", "ordered")

    def __init__(self) -> None:
        self._data = bytearray()
        self._ends = array("Q")
        self._seconds = array("q")
        self._streams = bytearray()
        self._followers: dict[Callable[[], None], None] = {}
        self.ordered = True

    def __len__(self) -> int:
        return len(self._ends)

    def append(self, data: bytes, now_ns: int, stream: str = "stdout") -> None:
        """Add output written at a moment; more than `CHUNK_LIMIT` becomes several chunks.

        Args:
            data: the bytes; none is no chunk.
            now_ns: the moment, nanoseconds since 1970.
            stream: `"stdout"` or `"stderr"`.
        """
        label = STREAMS.index(stream)
        if not data:
            return
        second = now_ns // NANOS
        self.ordered = self.ordered and (not self._seconds or second >= self._seconds[-1])
        for start in range(0, len(data), CHUNK_LIMIT):
            self._data += data[start : start + CHUNK_LIMIT]
            self._ends.append(len(self._data))
            self._seconds.append(second)
            self._streams.append(label)
        for wake in tuple(self._followers):
            wake()

    def chunk(self, number: int) -> bytes:
        """Give the bytes of one chunk."""
        start = self._ends[number - 1] if number else 0
        return bytes(self._data[start : self._ends[number]])

    def second(self, number: int) -> int:
        """Give the time of one chunk in whole seconds since 1970 (PER-32)."""
        return self._seconds[number]

    def content(self, stream: str | None = None) -> bytes:
        """Give all bytes, or those written to one stream."""
        if stream is None:
            return bytes(self._data)
        label = STREAMS.index(stream)
        return b"".join(
            self.chunk(number) for number, other in enumerate(self._streams) if other == label
        )

    def follow(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Have a callback told of every append; calling what is returned ends that."""
        self._followers[wake] = None
        return lambda: self._followers.pop(wake, None) and None
