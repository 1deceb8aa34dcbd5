"""The persist service's store: what of the jobs' samples was written to disk."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from joblet_fake.clock import NANOS
from joblet_fake.model.errors import Kind, Refusal
from joblet_fake.model.paths import name_problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from joblet_fake.model.collector import Collector, Sample
    from joblet_fake.model.copying import Copying
    from joblet_fake.model.ranges import Range

METRICS: Final = "/opt/joblet/metrics"
"""The directory in which a real persist service keeps a folder for each job."""
METRICS_FILE: Final = "metrics.jsonl.gz"


@dataclass(slots=True)
class StoredMetrics:
    """The stored samples of one job: runs of their numbers; the last one may go on.

    Attributes:
        collector: takes them.
        runs: firsts, and ones past the last; None for one that goes on.
        failing: the first sample of which the writing fails, on a full disk; None with room.
        broken: whether one failed: nothing more is stored then (FAULT-08).
    """

    collector: Collector
    runs: list[tuple[int, int | None]] = field(default_factory=list)
    failing: int | None = None
    broken: bool = False

    def copied(self, copying: Copying) -> StoredMetrics:
        """Give the same samples of the collector's copy."""
        collector = copying.of(self.collector)
        if collector is self.collector:
            return self
        return copying.note(
            self, StoredMetrics(collector, self.runs.copy(), self.failing, self.broken)
        )

    def open(self, number: int) -> None:
        """Store every sample from a number on."""
        self.runs.append((number, None))

    def close(self) -> None:
        """Store no more."""
        if self.runs and self.runs[-1][1] is None:
            self.runs[-1] = (self.runs[-1][0], self.collector.count())

    def fail(self) -> None:
        """Fail to write every sample from now on."""
        self.failing = self.collector.count()

    def heal(self) -> None:
        """Have room again: a file that a failed write cut is lost, one never made begins anew."""
        failed = self.failing is not None and self.collector.count() > self.failing
        self.broken = self.broken or (failed and bool(self.ended_runs()))
        self.failing = None

    def ended_runs(self) -> list[tuple[int, int]]:
        """Give the runs as they are at this moment."""
        count = self.collector.count()
        ends = ((start, count if end is None else end) for start, end in self.runs)
        return [(start, end) for start, end in ends if end > start]


@dataclass(frozen=True, slots=True)
class MetricRecord:
    """One stored sample as the persist service gives it.

    Attributes:
        job_id: the job's id.
        timestamp: Unix seconds, whatever the field's name promises (PER-37).
        sequence: the sample's number.
        sample: the sample.
    """

    job_id: str
    timestamp: int
    sequence: int
    sample: Sample


class MetricsHistory:
    """Stored samples by job id; they survive what the collectors forget (JOB-RST-02)."""

    def __init__(self) -> None:
        self._stored: dict[str, StoredMetrics] = {}
        self._severed: set[str] = set()
        self._linked = True
        self._full = False

    def copied(self, copying: Copying) -> MetricsHistory:
        """Give one that holds the same."""
        made = copying.note(self, MetricsHistory())
        made._stored = {uuid: copying.of(each) for uuid, each in self._stored.items()}  # noqa: SLF001 - its own kind
        made._severed = self._severed.copy()  # noqa: SLF001
        made._linked, made._full = self._linked, self._full  # noqa: SLF001
        return made

    def begin(self, collector: Collector) -> None:
        """Store a job's samples from its first on."""
        stored = StoredMetrics(collector)
        self._stored[collector.job.uuid] = stored
        if self._full:
            stored.failing = 0
        elif self._linked:
            stored.open(0)

    def lay_down(self, collector: Collector) -> None:
        """Have all samples of a job of the past stored."""
        self._stored[collector.job.uuid] = StoredMetrics(collector, [(0, collector.count())])

    def began(self) -> dict[str, int]:
        """Give when the first stored sample was taken, by job id, nanoseconds since 1970."""
        return {
            uuid: stored.collector.time(runs[0][0])
            for uuid, stored in self._stored.items()
            if (runs := stored.ended_runs())
        }

    def has(self, job_id: str) -> bool:
        """Tell whether any sample is stored under exactly this id."""
        stored = self._stored.get(job_id)
        return stored is not None and bool(stored.ended_runs())

    def unlink(self) -> None:
        """Store nothing any more: the core has lost its persist service (PER-44)."""
        self._linked = False
        for stored in self._stored.values():
            stored.close()
            stored.heal()

    def link(self) -> None:
        """Store again what comes from now on."""
        self._linked = True
        self._go_on()

    def fill(self, *, full: bool) -> None:
        """Store nothing while the disk is full (FAULT-08).

        Args:
            full: False for room again.
        """
        if full == self._full:
            return
        self._full = full
        for stored in self._stored.values():
            stored.close()
            stored.heal()
        if self._linked:
            self._go_on()

    def _go_on(self) -> None:
        for uuid, stored in self._stored.items():
            if stored.collector.stop_ns is not None or uuid in self._severed or stored.broken:
                continue
            if self._full:
                stored.fail()
            else:
                stored.open(stored.collector.count())

    def samples(self, uuid: str) -> Iterator[tuple[Collector, Sample]]:
        """Give what a core that asks for a job's history gets; nothing where there is none."""
        stored = self._stored.get(uuid)
        if stored is None:
            return iter(())
        return (
            (stored.collector, stored.collector.sample(number))
            for start, end in stored.ended_runs()
            for number in range(start, end)
        )

    def forget(self, uuid: str) -> None:
        """Remove a job's samples, as the core does when the job is deleted (JOB-DEL-06)."""
        self._stored.pop(uuid, None)

    def delete(self, job_id: str) -> None:
        """Remove samples as PersistService's DeleteJob does (PER-43, PER-90).

        Args:
            job_id: the id as sent; it is a path below the metrics' folder, unchecked.
        """
        folder = posixpath.normpath(f"{METRICS}/{job_id}")
        uuid = posixpath.basename(folder)
        stored = self._stored.get(uuid)
        if posixpath.dirname(folder) != METRICS or stored is None:
            return
        stored.close()
        goes_on = stored.collector.stop_ns is None
        if job_id != uuid:
            # The writer keeps the removed file open: later samples are lost (PER-90).
            self._severed.add(uuid)
        self._stored[uuid] = StoredMetrics(stored.collector)
        if goes_on and self._linked and not self._full and uuid not in self._severed:
            self._stored[uuid].open(stored.collector.count())

    def query(self, job_id: str, wanted: Range) -> Iterator[MetricRecord]:
        """Give the stored samples of a job, in stored order (PER-35 to PER-38).

        Args:
            job_id: the id as sent; it is joined into a path unchecked.
            wanted: which of them; times are compared as they are stored, in seconds (PER-37).

        Raises:
            Refusal: nothing was ever stored under the id, or it is no possible file name.
        """
        folder = posixpath.normpath(f"{METRICS}/{job_id}")
        self._check(folder)
        uuid = posixpath.basename(folder)
        stored = self._stored.get(uuid) if posixpath.dirname(folder) == METRICS else None
        runs = [] if stored is None else stored.ended_runs()
        if stored is None or not runs:
            raise Refusal(
                Kind.INTERNAL,
                f"failed to read metrics: no metrics found for job {job_id}",
            )
        collector = stored.collector

        def second(number: int) -> int:
            return collector.time(number) // NANOS

        return (
            MetricRecord(uuid, second(number), number, collector.sample(number))
            for number in wanted.numbers(runs, second)
        )

    def _check(self, folder: str) -> None:
        problem = name_problem(folder)
        parent, file = posixpath.split(folder)
        if not problem and file == METRICS_FILE and posixpath.dirname(parent) == METRICS:
            stored = self._stored.get(posixpath.basename(parent))
            if stored is not None and stored.ended_runs():
                problem = "not a directory"
        if problem:
            path = f"{folder}/{METRICS_FILE}"
            raise Refusal(
                Kind.INTERNAL,
                f"error reading metrics: failed to open metrics file: open {path}: {problem}",
            )
