"""The persist service's store: what of the jobs' output was written to disk."""

from __future__ import annotations

import posixpath
import random
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from joblet_fake.model.errors import Kind, Refusal
from joblet_fake.model.metrics_history import MetricsHistory
from joblet_fake.model.paths import name_problem
from joblet_fake.model.ranges import Range

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from joblet_fake.model.copying import Copying
    from joblet_fake.model.log import Log

LOGS: Final = "/opt/joblet/logs"
"""The directory in which a real persist service keeps a folder for each job."""

NANOS: Final = 1_000_000_000

WRITERS: Final = 4
"""How many writers a persist service has: so far can a chunk get ahead of others (PER-34)."""
NEAR: Final = 5_000_000
"""Nanoseconds: chunks that come faster than this are with several writers at once (JOB-LOG-03)."""

T = TypeVar("T")

STDOUT: Final = 1
STDERR: Final = 2
STREAM_FILES: Final = {STDOUT: "stdout.log.gz", STDERR: "stderr.log.gz"}


@dataclass(slots=True)
class StoredLog:
    """The stored part of one job's log: runs of chunk numbers, first and one past the last.

    Attributes:
        log: the whole log.
        runs: what is stored of it.
        cut: whether a write failed in the middle: nothing more is stored then (FAULT-02), and
            who reads to the end of it meets an error (FAULT-07).
    """

    log: Log
    runs: list[tuple[int, int]] = field(default_factory=list)
    cut: bool = False
    _chance: random.Random | None = None
    _last_ns: int = 0
    _together: int = 0

    def copied(self, copying: Copying) -> StoredLog:
        """Give the same part of the log's copy."""
        if copying.shared(self.log):
            return self
        return copying.note(
            self,
            StoredLog(
                copying.of(self.log),
                self.runs.copy(),
                self.cut,
                deepcopy(self._chance),
                self._last_ns,
                self._together,
            ),
        )

    def add(self, start: int, end: int) -> None:
        """Store the chunks from `start` up to, without, `end`."""
        if self.runs and self.runs[-1][1] == start:
            self.runs[-1] = (self.runs[-1][0], end)
        else:
            self.runs.append((start, end))

    def scatter(self, start: int, end: int, now_ns: int, seed: str) -> None:
        """Store chunks as parallel writers do that get several at once: never all in order.

        Args:
            start: the first chunk.
            end: one past the last.
            now_ns: the moment, nanoseconds since 1970.
            seed: what decides which writer is first; the same one decides alike.
        """
        if self._chance is None:
            self._chance = random.Random(seed)  # noqa: S311 - it must repeat
        if now_ns - self._last_ns > NEAR:
            self._together = len(self.runs)
        self._last_ns = now_ns
        for number in range(start, end):
            near = len(self.runs) - self._together
            ahead_of = self._chance.randint(int(near == 1), min(near, WRITERS - 1))
            self.runs.insert(len(self.runs) - ahead_of, (number, number + 1))

    def chunks(self) -> Iterator[bytes]:
        """Give the chunks that are stored at this moment, each read when it is asked for."""
        runs = tuple(self.runs)
        return (self.log.chunk(number) for start, end in runs for number in range(start, end))


@dataclass(frozen=True, slots=True)
class Record:
    """One stored chunk as the persist service gives it."""

    job_id: str
    timestamp: int
    sequence: int
    content: bytes


class History:
    """Stored logs by job id; it survives what the job store forgets (JOB-RST-02).

    Attributes:
        metrics: the stored samples, which lie beside the logs.
        linked: whether what is written now is stored; not while the core has lost its persist
            service (PER-44).
    """

    def __init__(self) -> None:
        self._logs: dict[str, StoredLog] = {}
        self._severed: set[str] = set()
        self.metrics = MetricsHistory()
        self.linked = True

    def copied(self, copying: Copying) -> History:
        """Give one that holds the same."""
        made = copying.note(self, History())
        made._logs = {uuid: copying.of(log) for uuid, log in self._logs.items()}  # noqa: SLF001 - its own kind
        made._severed = self._severed.copy()  # noqa: SLF001
        made.metrics = copying.of(self.metrics)
        made.linked = self.linked
        return made

    def store(
        self, uuid: str, log: Log, start: int, end: int, racing_ns: int | None = None
    ) -> None:
        """Write chunks of a job's log, as a real core does within milliseconds (PER-45).

        Args:
            uuid: the job.
            log: its log.
            start: the first chunk.
            end: one past the last.
            racing_ns: the moment, nanoseconds since 1970, if chunks of one moment are to be stored
                in another order (PER-34); None stores them in the order written.
        """
        if uuid in self._severed or start == end or not self.linked:
            return
        stored = self._logs.get(uuid)
        if stored is None:
            stored = self._logs[uuid] = StoredLog(log)
        elif stored.cut:
            return
        if racing_ns is None:
            stored.add(start, end)
        else:
            stored.scatter(start, end, racing_ns, uuid)

    def lay_down(self, uuid: str, log: Log) -> None:
        """Have a log of the past stored, all of it."""
        self._logs[uuid] = StoredLog(log, [(0, len(log))])

    def ids(self) -> list[str]:
        """Give the jobs of which anything is stored, those first of which anything is oldest."""
        began = self.metrics.began()
        for uuid, stored in self._logs.items():
            at = stored.log.second(stored.runs[0][0]) * NANOS
            began[uuid] = min(began.get(uuid, at), at)
        return sorted(began, key=began.__getitem__)

    def lose(self, uuid: str) -> None:
        """Lose what a job writes while the disk is full (FAULT-02).

        That cuts what is stored of it, for good. Where nothing is, no file could be made, and what
        it writes when there is room again is stored.
        """
        stored = self._logs.get(uuid)
        if stored is not None and self.linked:
            stored.cut = True

    def chunks(self, job_id: str) -> Iterator[bytes]:
        """Give what a core that asks for an id's history gets; nothing where there is none."""
        stored = self._logs.get(job_id)
        return iter(()) if stored is None else stored.chunks()

    def has(self, job_id: str) -> bool:
        """Tell whether anything is stored under exactly this id."""
        return job_id in self._logs

    def forget(self, uuid: str) -> None:
        """Remove a job's history, as the core does when the job is deleted (JOB-DEL-06)."""
        self._logs.pop(uuid, None)
        self.metrics.forget(uuid)

    def delete(self, job_id: str) -> tuple[bool, str]:
        """Remove a history as PersistService's DeleteJob does (PER-43, PER-90).

        Args:
            job_id: the id as sent; it is a path below the logs' folder, unchecked.

        Returns:
            Whether it worked, and the message.
        """
        if not job_id:
            return False, "Job ID cannot be empty"
        folder = _folder(job_id)
        problem = name_problem(folder)
        if problem:
            where = f"failed to delete log directory: unlinkat {folder}"
            return False, f"Failed to delete job: {where}: {problem}"
        uuid = posixpath.basename(folder)
        if posixpath.dirname(folder) == LOGS and uuid in self._logs:
            del self._logs[uuid]
            if job_id != uuid:
                # The writer keeps the removed files open: later output is lost (PER-90).
                self._severed.add(uuid)
        self.metrics.delete(job_id)
        return True, "Job deleted successfully"

    def query(
        self,
        job_id: str,
        *,
        stream: int = 0,
        start: int = 0,
        end: int = 0,
        limit: int = 0,
        offset: int = 0,
    ) -> Iterator[Record]:
        """Give the stored records of a job, in stored order (PER-20 to PER-26).

        Args:
            job_id: the id as sent; it is joined into a path unchecked (PER-22).
            stream: 1 for stdout, 2 for stderr, anything else for both (PER-23); every record
                of a job is stdout (PER-30).
            start: the earliest timestamp in nanoseconds, inclusive; 0 or less for no bound.
            end: the latest timestamp in nanoseconds, inclusive; 0 or less for no bound.
            limit: the most records to give; 0 or less for all.
            offset: how many matching records to skip; 0 or less for none.

        Raises:
            Refusal: nothing was ever stored under the id, or it is no possible file name. The
                iterator raises one after its records where it reads to a cut (FAULT-07).
        """
        stored = self._find(job_id, stream)
        if stored is None or stream == STDERR:
            return iter(())
        wanted = Range(start=start, end=end, limit=limit, offset=offset)
        return self._records(posixpath.basename(_folder(job_id)), stored, wanted)

    def _find(self, job_id: str, stream: int) -> StoredLog | None:
        folder = _folder(job_id)
        problem = name_problem(folder)
        parent = posixpath.dirname(folder)
        if not problem and parent not in (LOGS, posixpath.dirname(LOGS)):
            uuid, _, file = folder.removeprefix(LOGS + "/").partition("/")
            if uuid in self._logs and file in STREAM_FILES.values():
                problem = "not a directory"
        if problem:
            path = f"{folder}/{STREAM_FILES.get(stream, STREAM_FILES[STDOUT])}"
            raise Refusal(
                Kind.INTERNAL,
                f"error reading logs: failed to open log file {path}: open {path}: {problem}",
            )
        if posixpath.commonpath([LOGS, folder]) == folder:
            # The logs' folder itself and those above it exist, and hold no log files (PER-22).
            return None
        stored = self._logs.get(posixpath.basename(folder)) if parent == LOGS else None
        if stored is None:
            raise Refusal(
                Kind.INTERNAL,
                f"failed to read logs: no logs found for job {job_id}",
            )
        return stored

    @staticmethod
    def _records(uuid: str, stored: StoredLog, wanted: Range) -> Iterator[Record]:
        log = stored.log

        def timestamp(number: int) -> int:
            return log.second(number) * NANOS

        runs = tuple(stored.runs)
        numbers = wanted.numbers(runs, timestamp, ordered=log.ordered)
        if stored.cut:
            # A reader gets to the cut unless there is one record more than it wants.
            more = replace(wanted, limit=wanted.limit + 1) if wanted.limit > 0 else wanted
            numbers = more.numbers(runs, timestamp, ordered=log.ordered)
        for given, number in enumerate(numbers):
            if 0 < wanted.limit == given:
                return
            yield Record(uuid, timestamp(number), number, log.chunk(number))
        if stored.cut:
            path = f"{LOGS}/{uuid}/{STREAM_FILES[STDOUT]}"
            raise Refusal(
                Kind.INTERNAL,
                f"error reading logs: error reading log file {path}: unexpected EOF",
            )


def _folder(job_id: str) -> str:
    return posixpath.normpath(f"{LOGS}/{job_id}")


class QueryFeed(Generic[T]):
    """A feed of stored records; it never follows a running job (PER-28)."""

    def __init__(self, records: Iterator[T]) -> None:
        self._records = records
        self._error: Refusal | None = None
        self.ended = False

    def take(self, limit: int) -> list[T]:
        """Give the next records.

        Args:
            limit: the most records to give.

        Raises:
            Refusal: what ends the records, after the last of them.
        """
        taken: list[T] = []
        if self._error is not None:
            raise self._error
        try:
            for record in self._records:
                taken.append(record)
                if len(taken) == limit:
                    return taken
        except Refusal as refusal:
            if not taken:
                raise
            self._error = refusal
            return taken
        self.ended = True
        return taken

    def subscribe(self, wake: Callable[[], None]) -> None:
        """Nothing ever comes later."""

    def close(self) -> None:
        """Nothing is held."""
