"""What a real process and its children use, measured."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from joblet_fake.model.usage import MICROS, Reading

if TYPE_CHECKING:
    import psutil

FRESH: Final = 0.05
"""Real seconds for which a measurement is not made again, however fast the clock runs."""


class LocalUsage:
    """Measures the tree of processes under one.

    What ended children used is counted as far as their parents know; a total never goes back.

    Args:
        pid: the process at the root.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._last = Reading(processes=0)
        self._measured = 0.0

    def __call__(self) -> Reading:
        """Measure; after the end of all of them the totals stay, and nothing is held."""
        now = time.monotonic()
        if now - self._measured >= FRESH:
            self._measured = now
            self._last = self._measure()
        return self._last

    def _measure(self) -> Reading:
        import psutil  # noqa: PLC0415 - slow to load, and only needed here

        try:
            root = psutil.Process(self._pid)
            tree = [root, *root.children(recursive=True)]
        except psutil.Error:
            tree = []
        user = system = 0.0
        memory = read = write = read_ops = write_ops = 0
        threads = 0
        for process in tree:
            try:
                with process.oneshot():
                    times = process.cpu_times()
                    memory += process.memory_info().rss
                    threads += process.num_threads()
                    io = _io(process)
            except psutil.Error:
                continue
            user += times.user + times.children_user
            system += times.system + times.children_system
            read, write = read + io[0], write + io[1]
            read_ops, write_ops = read_ops + io[2], write_ops + io[3]
        last = self._last
        return Reading(
            user_usec=max(last.user_usec, round(user * MICROS)),
            system_usec=max(last.system_usec, round(system * MICROS)),
            memory_bytes=memory,
            read_bytes=max(last.read_bytes, read),
            write_bytes=max(last.write_bytes, write),
            read_ops=max(last.read_ops, read_ops),
            write_ops=max(last.write_ops, write_ops),
            processes=threads,
        )


def _io(process: psutil.Process) -> tuple[int, int, int, int]:
    """Give bytes read and written, and how often; zeros where the system does not tell."""
    counters = getattr(process, "io_counters", None)
    if counters is None:  # macOS
        return 0, 0, 0, 0
    io = counters()
    return io.read_bytes, io.write_bytes, io.read_count, io.write_count
