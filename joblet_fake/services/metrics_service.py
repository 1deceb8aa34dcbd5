"""GetJobMetrics of JobService: samples as generation 2.3 sends them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from joblet_fake.clock import NANOS
from joblet_fake.model.collector import INTERVAL
from joblet_fake.services.answer import Answer, Handler, Streamed
from joblet_fake.services.status import StatusError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from joblet_fake.model.collector import Sample
    from joblet_fake.model.errors import Refusal
    from joblet_fake.model.metrics_feed import Shown
    from joblet_fake.model.model import Model
    from joblet_fake.model.usage import Reading
    from joblet_fake.services.generation import Generation
    from joblet_fake.wire import Api

MEGABYTE: Final = 1 << 20
PAGE: Final = 4096
STORED_INTERVAL: Final = 1
"""What stored samples say that their interval is, whatever it was (JOB-MET-22)."""
DISK: Final = "8:0"
"""The device to which all reads and writes are counted."""


class MetricsService:
    """The metrics methods of JobService, over one model."""

    def __init__(self, api: Api, generation: Generation, model: Model) -> None:
        self._generation = generation
        self._model = model
        self._method = api.method

    def handlers(self) -> Mapping[str, Handler]:
        """Give the handler of each method that is built, by the method's key."""
        return {"JobService.GetJobMetrics": self.get_job_metrics}

    def get_job_metrics(self, request: Any) -> Answer:  # noqa: ANN401 - a run-time message class
        """Stream a job's samples, stored ones first (JOB-MET-20 to -24)."""
        if not request.uuid:
            raise StatusError("INVALID_ARGUMENT", "uuid is required")
        encode = self._method("JobService.GetJobMetrics").encode
        return Streamed(
            self._model.follow_metrics(request.uuid),
            lambda shown: encode(_stored(shown) if shown.stored else _live(shown)),
            self._refused,
        )

    def _refused(self, refusal: Refusal) -> StatusError:
        return StatusError(
            self._generation.code("job metrics", refusal.kind),
            f"failed to stream metrics: {refusal.text}",
        )


def _stored(shown: Shown) -> dict[str, object]:
    """Give a sample as it comes back from the history, without most of it (PER-53)."""
    reading = shown.sample.reading
    return {
        "job_uuid": shown.collector.job.uuid,
        # Seconds are stored where nanoseconds are meant, and so become 1 (PER-37).
        "timestamp": shown.sample.at_ns // NANOS // NANOS,
        "sample_interval_seconds": STORED_INTERVAL,
        "cpu": {"usage_percent": reading.cpu_percent / 100 * 100},
        "memory": {"current": reading.memory_bytes},
        "io": _totals(reading),
        "network": {
            "total_rx_bytes": reading.received_bytes or 0,
            "total_tx_bytes": reading.sent_bytes or 0,
        },
        "process": {},
        "gpu": [{"utilization": reading.gpu_percent}] if reading.gpu_percent else [],
    }


def _live(shown: Shown) -> dict[str, object]:
    sample, job = shown.sample, shown.collector.job
    reading, limit = sample.reading, job.spec.max_memory * MEGABYTE
    return {
        "job_uuid": job.uuid,
        "timestamp": sample.at_ns // NANOS,
        "sample_interval_seconds": INTERVAL,
        "cpu": {
            "usage_usec": reading.user_usec + reading.system_usec,
            "user_usec": reading.user_usec,
            "system_usec": reading.system_usec,
            "usage_percent": reading.cpu_percent,
        },
        "memory": _memory(reading, limit),
        "io": _io(sample),
        "network": _network(sample),
        "process": {"current": reading.processes},
        "gpu": _gpu(reading),
        "cgroup_path": shown.collector.cgroup,
        "limits": {"cpu": job.spec.max_cpu, "memory": limit, "io": job.spec.max_io_bps},
    }


def _memory(reading: Reading, limit: int) -> dict[str, object]:
    current = reading.memory_bytes
    # A small process's usual shares: most of it its own, some of files, some the kernel's.
    kernel = min(current // 8, 4 * PAGE * max(reading.processes, 1))
    anon = (current - kernel) * 7 // 10 // PAGE * PAGE
    return {
        "current": current,
        "max": limit,
        "usage_percent": current / limit * 100 if limit else 0.0,
        "anon": anon,
        "file": (current - kernel - anon) // PAGE * PAGE,
        "kernel_stack": kernel // 4 // PAGE * PAGE,
        "slab": kernel // 2 // PAGE * PAGE,
        "pg_fault": current // PAGE,
    }


def _totals(reading: Reading) -> dict[str, object]:
    return {
        "total_read_bytes": reading.read_bytes,
        "total_write_bytes": reading.write_bytes,
        "total_read_ops": reading.read_ops,
        "total_write_ops": reading.write_ops,
    }


def _io(sample: Sample) -> dict[str, object]:
    reading = sample.reading
    counts = {
        "device": DISK,
        "read_bytes": reading.read_bytes,
        "write_bytes": reading.write_bytes,
        "read_ops": reading.read_ops,
        "write_ops": reading.write_ops,
    }
    return {
        **_totals(reading),
        "devices": {DISK: counts} if reading.read_ops or reading.write_ops else {},
        "read_bps": sample.rate("read_bytes"),
        "write_bps": sample.rate("write_bytes"),
        "read_iops": sample.rate("read_ops"),
        "write_iops": sample.rate("write_ops"),
    }


def _network(sample: Sample) -> dict[str, object] | None:
    """Give what only programs of a test say: a real server measures none (PER-38)."""
    reading, before = sample.reading, sample.before
    if reading.received_bytes is None or reading.sent_bytes is None:
        return None
    received = sent = 0
    if before is not None:
        received, sent = before.received_bytes or 0, before.sent_bytes or 0
    return {
        "total_rx_bytes": reading.received_bytes,
        "total_tx_bytes": reading.sent_bytes,
        "rx_bps": (reading.received_bytes - received) / INTERVAL if before else 0.0,
        "tx_bps": (reading.sent_bytes - sent) / INTERVAL if before else 0.0,
    }


def _gpu(reading: Reading) -> list[dict[str, object]]:
    if reading.gpu_percent is None:
        return []
    return [{"utilization": reading.gpu_percent, "memory_used": reading.gpu_memory_bytes}]
