"""A job's output: an append-only run of chunks, each with its time."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from joblet_fake.model.copying import Copying

CHUNK_LIMIT: Final = 32 * 1024
"""The longest chunk in bytes: one read of the output pipe (JOB-LOG-01)."""

BESIDE: Final = 17
"""How many bytes a chunk has in the index: where it ends, its time, its stream."""

STREAMS: Final = ("stdout", "stderr")
"""What a chunk was written to: clients can't tell (JOB-LOG-02), the job's test can."""

NANOS: Final = 1_000_000_000


class Log:
    r"""Chunks of bytes with whole-second times, in the order written.

    The bytes lie in one buffer beside an index, so that a million short lines cost little more
    than their bytes. A chunk's number is its sequence number in the history (PER-33). A copy shares
    the buffer, as far as it was filled, until something is added to the copy.

    Attributes:
        ordered: whether no chunk has an earlier time than the one before, as the clock's own have.

    >>> log = Log()
    >>> log.append(b"one\n", now_ns=5_000_000_000)
    >>> log.append(b"oops\n", now_ns=6_500_000_000, stream="stderr")
    >>> len(log), log.chunk(1), log.second(1), log.content("stdout")
    (2, b'oops\n', 6, b'one\n')
    """

    __slots__ = (
        "_count",
        "_data",
        "_ends",
        "_followers",
        "_seconds",
        "_shares",
        "_streams",
        "ordered",
    )

    def __init__(self) -> None:
        self._data = bytearray()
        self._ends = array("Q")
        self._seconds = array("q")
        self._streams = bytearray()
        self._followers: dict[Callable[[], None], None] = {}
        self._count = 0
        self._shares = False
        self.ordered = True

    def __len__(self) -> int:
        return self._count

    @property
    def size(self) -> int:
        """How many bytes it has, with what it keeps of each chunk beside them."""
        return (self._ends[self._count - 1] + BESIDE * self._count) if self._count else 0

    def copied(self, copying: Copying) -> Log:
        """Give one with the same chunks, which costs nothing until more is written to it."""
        made = copying.note(self, Log())
        made._data, made._ends = self._data, self._ends  # noqa: SLF001 - its own kind
        made._seconds, made._streams = self._seconds, self._streams  # noqa: SLF001
        made._count, made._shares = self._count, True  # noqa: SLF001
        made.ordered = self.ordered
        return made

    def _own(self) -> None:
        """Have buffers of its own: those that it shares belong to the log that it was copied of."""
        count = self._count
        length = self._ends[count - 1] if count else 0
        self._data, self._ends = self._data[:length], self._ends[:count]
        self._seconds, self._streams = self._seconds[:count], self._streams[:count]
        self._shares = False

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
        if self._shares:
            self._own()
        second = now_ns // NANOS
        self.ordered = self.ordered and (not self._seconds or second >= self._seconds[-1])
        for start in range(0, len(data), CHUNK_LIMIT):
            self._data += data[start : start + CHUNK_LIMIT]
            self._ends.append(len(self._data))
            self._seconds.append(second)
            self._streams.append(label)
        self._count = len(self._ends)
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
            return bytes(self._data[: self._ends[self._count - 1]]) if self._count else b""
        label = STREAMS.index(stream)
        return b"".join(
            self.chunk(number) for number in range(self._count) if self._streams[number] == label
        )

    def follow(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Have a callback told of every append; calling what is returned ends that."""
        self._followers[wake] = None
        return lambda: self._followers.pop(wake, None) and None
