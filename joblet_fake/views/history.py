"""`joblet.history`: what PersistService has stored of a server's jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from joblet_fake.clock import NANOS
from joblet_fake.model.history import STDERR
from joblet_fake.model.ranges import Range
from joblet_fake.model.seeding import add_history
from joblet_fake.model.usage import Metrics
from joblet_fake.views.moments import to_moment, to_nanos
from joblet_fake.words import Named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from joblet_fake.model.model import Model

SHOWN = 10
"""How many known jobs an error about an unknown one lists."""


@dataclass(frozen=True, slots=True)
class StoredLine:
    """A record of a job's output, as QueryLogs gives it: what the job wrote at once (PER-31).

    Attributes:
        at: when, in whole seconds (PER-32).
        sequence: how many there were before; one that was not stored leaves a gap (PER-33).
        content: the bytes, of any number of lines.
    """

    at: datetime
    sequence: int
    content: bytes

    @property
    def text(self) -> str:
        """`content` as text; bytes that are no UTF-8 are replaced."""
        return self.content.decode(errors="replace")


@dataclass(frozen=True, slots=True)
class StoredSample:
    """A sample of what a job used, of which QueryMetrics gives most (PER-38).

    Attributes:
        at: when it was taken, in whole seconds (PER-37).
        sequence: how many there were before.
        cpu_percent: percent of one core; 0 in the first sample of a job that ran here.
        memory_bytes: bytes held.
        disk_read_bytes: bytes read since the start.
        disk_write_bytes: bytes written since the start.
        net_recv_bytes: bytes received since the start; None if nobody counted.
        net_sent_bytes: bytes sent since the start; None if nobody counted.
        gpu_percent: percent of one GPU; None without one.
    """

    at: datetime
    sequence: int
    cpu_percent: float
    memory_bytes: int
    disk_read_bytes: int
    disk_write_bytes: int
    net_recv_bytes: int | None
    net_sent_bytes: int | None
    gpu_percent: float | None


class StoredJobView(Named):
    """What is stored of one job at the moment of asking; made by `joblet.history[...]`."""

    _called = "a job's history"

    __slots__ = ("_model", "_uuid")

    def __init__(self, model: Model, uuid: str) -> None:
        self._model = model
        self._uuid = uuid

    def __repr__(self) -> str:
        return f"<history of job {self.uuid}: lines {len(self.lines)}, metrics {len(self.metrics)}>"

    @property
    def uuid(self) -> str:
        """The job's id."""
        return self._uuid

    @property
    def lines(self) -> list[StoredLine]:
        """The records of its output, in the order in which they are stored (PER-24, PER-34)."""
        return self._lines()

    @property
    def metrics(self) -> list[StoredSample]:
        """The samples of what it used, in the order in which they are stored (PER-36)."""
        with self._model.clock.lock:
            if not self._model.history.metrics.has(self._uuid):
                return []
            records = list(self._model.history.metrics.query(self._uuid, Range()))
        samples = []
        for record in records:
            reading = record.sample.reading
            samples.append(
                StoredSample(
                    at=to_moment(record.timestamp * NANOS),
                    sequence=record.sequence,
                    cpu_percent=reading.cpu_percent,
                    memory_bytes=reading.memory_bytes,
                    disk_read_bytes=reading.read_bytes,
                    disk_write_bytes=reading.write_bytes,
                    net_recv_bytes=reading.received_bytes,
                    net_sent_bytes=reading.sent_bytes,
                    gpu_percent=reading.gpu_percent,
                )
            )
        return samples

    @property
    def stdout_bytes(self) -> bytes:
        """What is stored as stdout: all that it wrote, to stderr too (PER-30)."""
        with self._model.clock.lock:
            chunks = self._model.history.chunks(self._uuid)
        return b"".join(chunks)

    @property
    def stderr_bytes(self) -> bytes:
        """What is stored as stderr: nothing of any real job (PER-30)."""
        return b"".join(line.content for line in self._lines(STDERR))

    @property
    def stdout(self) -> str:
        """`stdout_bytes` as text; bytes that are no UTF-8 are replaced."""
        return self.stdout_bytes.decode(errors="replace")

    @property
    def stderr(self) -> str:
        """`stderr_bytes` as text; bytes that are no UTF-8 are replaced."""
        return self.stderr_bytes.decode(errors="replace")

    def _lines(self, stream: int = 0) -> list[StoredLine]:
        with self._model.clock.lock:
            if not self._model.history.has(self._uuid):
                return []
            records = list(self._model.history.query(self._uuid, stream=stream))
        return [
            StoredLine(
                to_moment(record.timestamp),
                record.sequence,
                record.content,
            )
            for record in records
        ]


class HistoryView(Named, Mapping[str, StoredJobView]):
    r"""What PersistService has stored, by job id, oldest first.

    A job is there once any output or sample of it is stored, and stays when the server forgets it
    (JOB-RST-02), until it is deleted (JOB-DEL-06). What lies on the disk shows here too while the
    service itself is gone or hung.

    >>> from joblet_fake import FakeJoblet
    >>> with FakeJoblet(clock="frozen") as joblet:
    ...     job_id = joblet.rpc("RunJob", command="echo", args=["hi"]).job_uuid
    ...     joblet.restart()
    ...     print(job_id in joblet.jobs, repr(joblet.history[job_id].stdout))
    False 'hi\n'
    """

    _called = "joblet.history"

    def __init__(self, model: Model, check: Callable[[], None]) -> None:
        self._model = model
        self._check = check

    def __getitem__(self, job_id: str) -> StoredJobView:
        if job_id not in self:
            raise self._unknown(job_id)
        return StoredJobView(self._model, job_id)

    def __delitem__(self, job_id: str) -> None:
        self.remove(job_id)

    def __contains__(self, job_id: object) -> bool:
        with self._model.clock.lock:
            history = self._model.history
            return isinstance(job_id, str) and (history.has(job_id) or history.metrics.has(job_id))

    def __iter__(self) -> Iterator[str]:
        self._check()
        with self._model.clock.lock:
            return iter(self._model.history.ids())

    def __len__(self) -> int:
        with self._model.clock.lock:
            return len(self._model.history.ids())

    def add(
        self,
        job_id: str | None = None,
        *,
        lines: Sequence[str | bytes] = (),
        metrics: Sequence[Metrics] = (),
        at: datetime | None = None,
    ) -> StoredJobView:
        r"""Lay down what is stored of a job that the server does not know, as after a restart.

        Args:
            job_id: the job's id; the next one if not given.
            lines: what it wrote: text, which becomes UTF-8, or bytes. Each is a record of its own,
                or several where it is longer than 32 KiB (PER-31).
            metrics: what it used, a sample every five seconds; what is not said of it is what was
                said before, or zero.
            at: when it wrote, and the first sample was taken, an aware datetime; now if not given.

        Raises:
            ValueError: nothing is said, the id can't be a job's, or the server knows the job or
                its history; the message says which.
            TypeError: the lines are no sequence of texts, or the metrics none of `Metrics`.

        >>> from joblet_fake import FakeJoblet, Metrics
        >>> with FakeJoblet(clock="frozen") as joblet:
        ...     old = joblet.history.add(lines=["epoch 1\n"], metrics=[Metrics(cpu_percent=93.0)])
        ...     line, = joblet.rpc("QueryLogs", job_uuid=old.uuid)
        ...     sample, = joblet.rpc("QueryMetrics", job_uuid=old.uuid)
        ...     print(line.content, sample.data.cpu_usage, len(joblet.jobs))
        b'epoch 1\n' 0.93 0
        """
        self._check()
        contents = _contents(lines)
        for sample in metrics:
            if not isinstance(sample, Metrics):
                raise TypeError(f"metrics: {sample!r} is no Metrics(cpu_percent=..., ...)")
        with self._model.change():
            at_ns = self._model.clock.now_ns() if at is None else to_nanos(at)
            uuid = add_history(self._model, job_id, contents, list(metrics), at_ns)
        return StoredJobView(self._model, uuid)

    def remove(self, job_id: str) -> None:
        """Remove what is stored of a job, as PersistService's DeleteJob does (PER-43).

        What a running job writes later is stored again (PER-90).

        Args:
            job_id: the job's id.

        Raises:
            KeyError: nothing is stored of it; the message lists the jobs of which something is.
        """
        self._check()
        with self._model.change():
            if job_id not in self:
                raise self._unknown(job_id)
            self._model.history.delete(job_id)

    def _unknown(self, job_id: str) -> KeyError:
        known = list(self)
        shown = ", ".join(known[-SHOWN:]) or "none"
        more = f" and {len(known) - SHOWN} earlier" if len(known) > SHOWN else ""
        return KeyError(f"nothing is stored of a job {job_id!r}; of these is: {shown}{more}")


def _contents(lines: Sequence[str | bytes]) -> list[bytes]:
    if isinstance(lines, str | bytes):
        raise TypeError(f"lines={lines!r}: give a list, [{lines!r}]")
    contents = []
    for line in lines:
        if not isinstance(line, str | bytes):
            raise TypeError(f"lines: {line!r} is neither text nor bytes")
        if not line:
            raise ValueError("lines: nothing is stored of a write of nothing")
        contents.append(line.encode() if isinstance(line, str) else line)
    return contents
