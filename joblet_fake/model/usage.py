"""What a job uses of its host over time: said by its program, measured, or made up from a seed."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Final, TypeAlias

from joblet_fake.clock import NANOS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from joblet_fake.model.copying import Copying

MICROS: Final = 1_000_000
PAGE: Final = 4096
MASK: Final = 2**64 - 1
HIGHEST_COUNT: Final = 2**63 - 1
"""The highest number that a message holds."""
HIGHEST_PERCENT: Final = 1_000_000
"""Ten thousand cores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """Use so much from now on; what is None stays as it was.

    Attributes:
        cpu_percent: percent of one core; above 100 on several.
        memory_bytes: bytes held.
        disk_read_bytes: bytes read since the start.
        disk_write_bytes: bytes written since the start.
        net_recv_bytes: bytes received since the start; a real server of generation 2.3 never
            measures any (PER-38).
        net_sent_bytes: bytes sent since the start; as above.
        gpu_percent: percent of one GPU.
        gpu_memory_bytes: bytes held on it.

    Raises:
        ValueError: a value is negative or no number, or nothing is said.
    """

    cpu_percent: float | None = None
    memory_bytes: int | None = None
    disk_read_bytes: int | None = None
    disk_write_bytes: int | None = None
    net_recv_bytes: int | None = None
    net_sent_bytes: int | None = None
    gpu_percent: float | None = None
    gpu_memory_bytes: int | None = None

    def __post_init__(self) -> None:
        said = self.said()
        if not said:
            raise ValueError(f"say at least one of {', '.join(each.name for each in fields(self))}")
        for name, value in said.items():
            kinds = (int, float) if name.endswith("percent") else (int,)
            if isinstance(value, bool) or not isinstance(value, kinds):
                raise ValueError(f"{name}={value!r} is no {kinds[-1].__name__}")  # noqa: TRY004
            most = HIGHEST_PERCENT if name.endswith("percent") else HIGHEST_COUNT
            if not 0 <= value <= most:
                raise ValueError(f"{name}={value!r}: it is 0 to {most:,}")

    def said(self) -> dict[str, float]:
        """Give what is said, by name."""
        pairs = ((each.name, getattr(self, each.name)) for each in fields(self))
        return {name: value for name, value in pairs if value is not None}


@dataclass(frozen=True, slots=True)
class Reading:
    """What a job uses at one moment.

    Attributes:
        cpu_percent: percent of one core since the reading before; 0 in the first.
        user_usec: CPU time since the start, in microseconds.
        system_usec: the same, in the kernel.
        memory_bytes: bytes held.
        read_bytes: bytes read since the start.
        write_bytes: bytes written since the start.
        read_ops: how many reads that were.
        write_ops: how many writes that were.
        received_bytes: bytes received since the start; None if nobody counts.
        sent_bytes: bytes sent since the start; None if nobody counts.
        processes: how many processes and threads there are.
        gpu_percent: percent of one GPU; None without one.
        gpu_memory_bytes: bytes held on it.
    """

    cpu_percent: float = 0.0
    user_usec: int = 0
    system_usec: int = 0
    memory_bytes: int = 0
    read_bytes: int = 0
    write_bytes: int = 0
    read_ops: int = 0
    write_ops: int = 0
    received_bytes: int | None = None
    sent_bytes: int | None = None
    processes: int = 1
    gpu_percent: float | None = None
    gpu_memory_bytes: int = 0


Probe: TypeAlias = "Callable[[], Reading]"
"""Measures a real process; its `cpu_percent` is not looked at."""


class Usage:
    """A job's use of its host, as its program says it: an append-only run of moments.

    Attributes:
        probe: what measures the job's real process; None for a job without one.

    >>> usage = Usage()
    >>> usage.note(0, Metrics(cpu_percent=50.0))
    >>> usage.note(2 * NANOS, Metrics(cpu_percent=100.0, memory_bytes=4096))
    >>> usage.cpu(0, 4 * NANOS, idle=0.0), usage.last(NANOS, "memory_bytes")
    (75.0, None)
    """

    __slots__ = ("_moments", "_said", "probe")

    def __init__(self) -> None:
        self._moments: list[int] = []
        self._said: list[Metrics] = []
        self.probe: Probe | None = None

    def copied(self, copying: Copying) -> Usage:
        """Give one of which the same was said, without the probe of a real process."""
        made = copying.note(self, Usage())
        made._moments = self._moments.copy()  # noqa: SLF001 - its own kind
        made._said = self._said.copy()  # noqa: SLF001
        return made

    def note(self, now_ns: int, metrics: Metrics) -> None:
        """Take what a program says at a moment, nanoseconds since 1970."""
        if self._said:
            metrics = replace(self._said[-1], **metrics.said())  # type: ignore[arg-type]  # its own
        self._moments.append(now_ns)
        self._said.append(metrics)

    def last(self, at_ns: int, name: str) -> float | None:
        """Give what was last said of one of `Metrics` up to a moment; None if nothing was."""
        place = bisect_right(self._moments, at_ns)
        return getattr(self._said[place - 1], name) if place else None

    def cpu(self, start_ns: int, end_ns: int, idle: float) -> float:
        """Give the CPU that is used between two moments, on average.

        Args:
            start_ns: nanoseconds since 1970.
            end_ns: nanoseconds since 1970, later.
            idle: what is used where nothing was said.

        Returns:
            Percent of one core; what was said, where that is one value all along.
        """
        first = bisect_right(self._moments, start_ns)
        after = bisect_right(self._moments, end_ns - 1)
        borders = [start_ns, *self._moments[first:after], end_ns]
        levels = [self.last(border, "cpu_percent") for border in borders[:-1]]
        shares = [idle if level is None else level for level in levels]
        if len(set(shares)) == 1:
            return shares[0]
        spans = zip(borders, borders[1:], shares, strict=False)
        return sum((end - start) * share for start, end, share in spans) / (end_ns - start_ns)


class Seeded:
    """The readings of a job without a real process, each a function of its number.

    What the program says counts; the rest is made up so that it looks like a small process: the
    same for the same seed.

    Args:
        usage: what the program says.
        seed: where the rest comes from.
        start_ns: when the job started, nanoseconds since 1970.
        interval_ns: nanoseconds between two readings.
    """

    __slots__ = ("_interval", "_seed", "_start", "_usage")

    def __init__(self, usage: Usage, seed: int, start_ns: int, interval_ns: int) -> None:
        self._usage = usage
        self._seed = seed
        self._start = start_ns
        self._interval = interval_ns

    def of(self, usage: Usage) -> Seeded:
        """Give the same readings of a copy of what the program says."""
        return Seeded(usage, self._seed, self._start, self._interval)

    def reading(self, number: int) -> Reading:
        """Give the reading of a number, counted from 0."""
        at = self._start + number * self._interval
        last = self._usage.last
        used = self._used(number)
        system = used * (10 + self._draw(5) % 20) // 100
        memory = last(at, "memory_bytes")
        if memory is None:
            memory = (300 + self._draw(3) % 900 + self._draw(6, number) % 16) * PAGE
        read_bytes = int(last(at, "disk_read_bytes") or 0)
        write_bytes = int(last(at, "disk_write_bytes") or 0)
        received, sent = last(at, "net_recv_bytes"), last(at, "net_sent_bytes")
        counted = received is not None or sent is not None
        return Reading(
            cpu_percent=self._percent(number) if number else 0.0,
            user_usec=used - system,
            system_usec=system,
            memory_bytes=int(memory),
            read_bytes=read_bytes,
            write_bytes=write_bytes,
            read_ops=_operations(read_bytes),
            write_ops=_operations(write_bytes),
            received_bytes=int(received or 0) if counted else None,
            sent_bytes=int(sent or 0) if counted else None,
            gpu_percent=last(at, "gpu_percent"),
            gpu_memory_bytes=int(last(at, "gpu_memory_bytes") or 0),
        )

    def _percent(self, number: int) -> float:
        end = self._start + number * self._interval
        idle_usec = self._idle(number) - self._idle(number - 1)
        idle = idle_usec / MICROS / (self._interval / NANOS) * 100
        return self._usage.cpu(end - self._interval, end, idle)

    def _idle(self, number: int) -> int:
        """Give the CPU time of a process that only waits, in microseconds."""
        if not number:
            return 0
        # A process costs some CPU to start, and next to none while it waits.
        launch_usec = 8_000 + self._draw(1) % 24_000
        idle_usec = 50 + self._draw(2) % 450
        return launch_usec + number * idle_usec + self._draw(7, number) % idle_usec

    def _used(self, number: int) -> int:
        end = self._start + number * self._interval
        if not number or self._usage.last(end - 1, "cpu_percent") is None:
            return self._idle(number)
        average = self._usage.cpu(self._start, end, idle=0.0)
        return round(average / 100 * number * self._interval / 1000)

    def _draw(self, what: int, number: int = 0) -> int:
        """Give a number that looks random, the same for the same arguments (splitmix64)."""
        mixed = (self._seed * 0x9E3779B97F4A7C15 + what * 0xD1342543DE82EF95 + number) & MASK
        mixed = (mixed + 0x9E3779B97F4A7C15) & MASK
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & MASK
        return mixed ^ (mixed >> 31)


def readings(said: Iterable[Metrics]) -> list[Reading]:
    """Give the readings that say just this, one for each; what none of them says is zero.

    >>> two = readings([Metrics(memory_bytes=1), Metrics(cpu_percent=2.0)])
    >>> [(each.memory_bytes, each.cpu_percent) for each in two]
    [(1, 0), (1, 2.0)]
    """
    usage, made = Usage(), []
    for number, metrics in enumerate(said):
        usage.note(number, metrics)

        def last(name: str, at: int = number) -> float:
            return usage.last(at, name) or 0

        read_bytes, write_bytes = int(last("disk_read_bytes")), int(last("disk_write_bytes"))
        received = usage.last(number, "net_recv_bytes")
        sent = usage.last(number, "net_sent_bytes")
        counted = received is not None or sent is not None
        made.append(
            Reading(
                cpu_percent=last("cpu_percent"),
                memory_bytes=int(last("memory_bytes")),
                read_bytes=read_bytes,
                write_bytes=write_bytes,
                read_ops=_operations(read_bytes),
                write_ops=_operations(write_bytes),
                received_bytes=int(received or 0) if counted else None,
                sent_bytes=int(sent or 0) if counted else None,
                gpu_percent=usage.last(number, "gpu_percent"),
                gpu_memory_bytes=int(last("gpu_memory_bytes")),
            )
        )
    return made


def _operations(count: int) -> int:
    """Give how many operations of 64 KiB at most a number of bytes takes."""
    return -(-count // (16 * PAGE))
