"""What takes samples of running jobs, and the samples that are kept in memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from joblet_fake.clock import NANOS
from joblet_fake.model.usage import MICROS, Reading, Seeded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from joblet_fake.clock import Clock, Timer
    from joblet_fake.model.copying import Copying
    from joblet_fake.model.job import Job
    from joblet_fake.model.metrics_history import MetricsHistory

INTERVAL: Final = 5
"""Clock seconds between two samples of a job (JOB-MET-22)."""
INTERVAL_NS: Final = INTERVAL * NANOS
CGROUPS: Final = "/sys/fs/cgroup/joblet.slice/joblet.service"
"""Where a real server's host has the groups that it measures."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample.

    Attributes:
        number: how many there were of the job before.
        at_ns: when it was taken, nanoseconds since 1970.
        reading: what the job used.
        before: what it used in the sample before; None for the first.
    """

    number: int
    at_ns: int
    reading: Reading
    before: Reading | None

    def rate(self, field: str) -> float:
        """Give how much one of the reading's totals grew in a second since the sample before."""
        if self.before is None:
            return 0.0
        return float(getattr(self.reading, field) - getattr(self.before, field)) / INTERVAL


class Collector:
    """The samples of one job: the first at its start, then one every five seconds (JOB-MET-22).

    A job without a real process has them without anything being done for it: each is a function
    of its number, so that a job which runs for a month costs what one of a second does. A real
    process is measured by a timer.

    Args:
        job: the job.
        clock: its time.
        seed: where values come from that its program does not say.
        start_ns: when it started, nanoseconds since 1970.

    Attributes:
        stop_ns: when it stopped; None while it goes on.
    """

    __slots__ = (
        "_clock",
        "_followers",
        "_measured",
        "_probe",
        "_seeded",
        "_timer",
        "job",
        "start_ns",
        "stop_ns",
    )

    def __init__(self, job: Job, clock: Clock, seed: int, start_ns: int) -> None:
        self.job = job
        self.start_ns = start_ns
        self.stop_ns: int | None = None
        self._clock = clock
        self._probe = job.usage.probe
        self._seeded = Seeded(job.usage, seed, start_ns, INTERVAL_NS)
        self._measured: list[Reading] | None = None if self._probe is None else []
        self._timer: Timer | None = None
        self._followers: dict[Callable[[], None], None] = {}
        self._measure()
        self._arm()

    @classmethod
    def of_past(
        cls, job: Job, clock: Clock, start_ns: int, readings: Sequence[Reading]
    ) -> Collector:
        """Give the samples of a job that is over, each as it is said.

        Args:
            job: the job.
            clock: its time.
            start_ns: when the first was taken, nanoseconds since 1970.
            readings: what was measured, one reading every five seconds.
        """
        made = cls(job, clock, 0, start_ns)
        made._measured = list(readings)
        made.stop(start_ns + (len(readings) - 1) * INTERVAL_NS)
        return made

    def copied(self, copying: Copying) -> Collector:
        """Give one with the same samples, of the job's copy; nobody follows it."""
        if copying.shares and self.stop_ns is not None and self.job.settled:
            return self
        made = copying.note(self, Collector.__new__(Collector))
        made.job = copying.of(self.job)
        made.start_ns, made.stop_ns = self.start_ns, self.stop_ns
        made._clock = copying.clock  # noqa: SLF001 - its own kind
        # A real process is not measured any more, and what was measured stays.
        made._probe = self._probe  # noqa: SLF001
        made._seeded = self._seeded.of(made.job.usage)  # noqa: SLF001
        made._measured = None if self._measured is None else self._measured.copy()  # noqa: SLF001
        made._timer = None  # noqa: SLF001
        made._followers = {}  # noqa: SLF001
        return made

    @property
    def cgroup(self) -> str:
        """The path of the job's group, as a real server shows it."""
        return f"{CGROUPS}/job-{self.job.uuid}"

    def count(self) -> int:
        """Give how many samples there are at this moment."""
        if self._measured is not None:
            return len(self._measured)
        until = self._clock.now_ns() if self.stop_ns is None else self.stop_ns
        # The first one is taken however soon a job ends.
        return max(1, (until - self.start_ns) // INTERVAL_NS + 1)

    def time(self, number: int) -> int:
        """Give when a sample is taken, nanoseconds since 1970."""
        return self.start_ns + number * INTERVAL_NS

    def sample(self, number: int) -> Sample:
        """Give a sample that was taken."""
        before = self._reading(number - 1) if number else None
        return Sample(number, self.time(number), self._reading(number), before)

    def stop(self, stop_ns: int | None = None) -> None:
        """Take no more from some moment on, nanoseconds since 1970; from now on if it is None."""
        if self.stop_ns is None:
            self.stop_ns = self._clock.now_ns() if stop_ns is None else stop_ns
            self._disarm()
            self._tell()

    def follow(self, told: Callable[[], None]) -> Callable[[], None]:
        """Have a callback told of every sample and of the stop; what is returned ends that."""
        self._followers[told] = None
        self._arm()

        def leave() -> None:
            self._followers.pop(told, None)
            if not self._followers and self._probe is None:
                self._disarm()

        return leave

    def _reading(self, number: int) -> Reading:
        measured = self._measured
        return self._seeded.reading(number) if measured is None else measured[number]

    def _measure(self) -> None:
        if self._probe is None or self._measured is None:
            return
        measured, percent = self._probe(), 0.0
        for before in self._measured[-1:]:
            used = measured.user_usec + measured.system_usec
            used -= before.user_usec + before.system_usec
            percent = max(0, used) / MICROS / INTERVAL * 100
        self._measured.append(replace(measured, cpu_percent=percent))

    def _arm(self) -> None:
        needed = self._probe is not None or self._followers
        if self._timer is None and self.stop_ns is None and needed:
            due = self.time(self.count())
            self._timer = self._clock.call_at(due, self._tick, repeats=True)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        self._timer = None
        self._measure()
        self._arm()
        self._tell()

    def _tell(self) -> None:
        for told in tuple(self._followers):
            told()


class Collectors:
    """The collectors of a server, by job; each is there until its job is deleted.

    Args:
        clock: where time comes from.
        seed: where values come from that no program says.
        history: where samples are stored.
    """

    def __init__(self, clock: Clock, seed: int, history: MetricsHistory) -> None:
        self._clock = clock
        self._seed = seed
        self._history = history
        self._collectors: dict[str, Collector] = {}
        self._lately: dict[Collector, None] = {}
        self._readers: dict[Callable[[], None], None] = {}

    def copied(self, copying: Copying) -> Collectors:
        """Give one with the same samples, of which nobody reads."""
        history = copying.of(self._history)
        made = copying.note(self, Collectors(copying.clock, self._seed, history))
        made._collectors = {uuid: copying.of(each) for uuid, each in self._collectors.items()}  # noqa: SLF001 - its own kind
        made._lately = dict.fromkeys([copying.of(each) for each in self._lately])  # noqa: SLF001
        return made

    def get(self, uuid: str) -> Collector | None:
        """Give a job's collector, which may have stopped."""
        return self._collectors.get(uuid)

    def begin(self, job: Job, start_ns: int | None = None, stop_ns: int | None = None) -> None:
        """Take samples of a job that was launched.

        Args:
            job: the job.
            start_ns: when that was, nanoseconds since 1970; None for now.
            stop_ns: when it ended; None if it has not.
        """
        start = self._clock.now_ns() if start_ns is None else start_ns
        seed = self._seed * 1_000_003 + job.number
        collector = self._collectors[job.uuid] = Collector(job, self._clock, seed, start)
        self._lately[collector] = None
        if stop_ns is not None:
            collector.stop(stop_ns)
        self._history.begin(collector)

    def end(self, uuid: str) -> None:
        """Take no more samples of a job; those that were taken stay."""
        collector = self._collectors.get(uuid)
        if collector is not None:
            collector.stop()

    def forget(self, uuid: str) -> None:
        """Forget a job that is deleted, and its samples in memory (JOB-MET-24)."""
        self.end(uuid)
        self._collectors.pop(uuid, None)

    def drop(self, uuid: str) -> None:
        """Forget a job as if there had never been one: nothing of it stays in memory."""
        self.forget(uuid)
        for collector in [each for each in self._lately if each.job.uuid == uuid]:
            del self._lately[collector]

    def newest(self, now_ns: int) -> int:
        """Give when the last sample of whichever job was taken; 0 if none was lately."""
        newest = 0
        for collector in tuple(self._lately):
            count = collector.count()
            if count:
                newest = max(newest, collector.time(count - 1))
            if collector.stop_ns is not None and now_ns - collector.stop_ns > INTERVAL_NS:
                del self._lately[collector]
        return newest

    def read(self, give_up: Callable[[], None]) -> Callable[[], object]:
        """Name what ends a reader's stream at a reset; what is returned takes that back."""
        self._readers[give_up] = None
        return lambda: self._readers.pop(give_up, None)

    def give_up(self) -> None:
        """End all collectors and all readers' streams: the state that they show is forgotten."""
        for uuid in self._collectors:
            self.end(uuid)
        for give_up in tuple(self._readers):
            give_up()
