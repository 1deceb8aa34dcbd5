"""PersistService: what was stored of the jobs' output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from joblet_fake.model.errors import Refusal
from joblet_fake.model.history import STDOUT, QueryFeed
from joblet_fake.model.persist import GONE, SOCKET, UP
from joblet_fake.model.ranges import Range
from joblet_fake.services.answer import Answer, Handler, Streamed
from joblet_fake.services.status import StatusError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from joblet_fake.model.history import Record
    from joblet_fake.model.metrics_history import MetricRecord
    from joblet_fake.model.model import Model
    from joblet_fake.services.generation import Generation
    from joblet_fake.wire import Api

T = TypeVar("T")


class PersistService:
    """The methods of `joblet.persist.PersistService`; it asks for no role (PER-12)."""

    def __init__(self, api: Api, generation: Generation, model: Model) -> None:
        self._method = api.method
        self._generation = generation
        self._model = model

    def handlers(self) -> Mapping[str, Handler]:
        """Give the handler of each method that is built, by the method's key."""
        return {
            "PersistService.Ping": self.ping,
            "PersistService.QueryLogs": self.query_logs,
            "PersistService.QueryMetrics": self.query_metrics,
            "PersistService.DeleteJob": self.delete_job,
        }

    def ping(self, _request: object) -> Answer:
        """Say that all is well, and the time in nanoseconds (PER-42)."""
        return self._unary(
            lambda: self._method("PersistService.Ping").encode(
                {"healthy": True, "timestamp": self._model.clock.now_ns()},
            ),
        )

    def query_logs(self, request: Any) -> Answer:  # noqa: ANN401 - a run-time message class
        """Stream stored chunks (PER-20 to PER-34)."""
        encode = self._method("PersistService.QueryLogs").encode

        def line(record: Record) -> bytes:
            return encode(
                {
                    "job_uuid": record.job_id,
                    "stream": STDOUT,
                    "timestamp": record.timestamp,
                    "sequence": record.sequence,
                    "content": record.content,
                },
            )

        return self._streamed(
            "query logs",
            lambda: self._model.history.query(
                request.job_uuid,
                stream=request.stream,
                start=request.start_time,
                end=request.end_time,
                limit=request.limit,
                offset=request.offset,
            ),
            line,
        )

    def query_metrics(self, request: Any) -> Answer:  # noqa: ANN401 - as above
        """Stream stored samples (PER-35 to PER-38)."""
        encode = self._method("PersistService.QueryMetrics").encode
        return self._streamed(
            "query metrics",
            lambda: self._model.history.metrics.query(
                request.job_uuid,
                Range(
                    start=request.start_time,
                    end=request.end_time,
                    limit=request.limit,
                    offset=request.offset,
                ),
            ),
            lambda record: encode(_metric(record)),
        )

    def delete_job(self, request: Any) -> Answer:  # noqa: ANN401 - as above
        """Remove a job's history; failures are told in an OK reply (PER-43)."""

        def delete() -> bytes:
            success, message = self._model.history.delete(request.job_uuid)
            return self._method("PersistService.DeleteJob").encode(
                {"success": success, "message": message},
            )

        return self._unary(delete)

    # It stands still with its core's view of it

    def _unary(self, answer: Callable[[], bytes]) -> Answer:
        """Answer now, or when it goes on."""
        persist = self._model.persist
        self._check_there()
        if persist.state == UP:
            return answer()
        return (
            persist.wait()
            .recover(Refusal, lambda refusal: StatusError("UNAVAILABLE", refusal.text))
            .then(lambda _: answer())
        )

    def _streamed(
        self,
        site: str,
        query: Callable[[], Iterator[T]],
        encode: Callable[[T], bytes],
    ) -> Answer:
        """Stream what a query gives, now or when it goes on."""

        def refused(refusal: Refusal) -> StatusError:
            return StatusError(self._generation.code(site, refusal.kind), refusal.text)

        self._check_there()
        try:
            feed = self._model.persist.feed(lambda: QueryFeed(query()))
        except Refusal as refusal:
            raise refused(refusal) from None
        return Streamed(feed, encode, refused)

    def _check_there(self) -> None:
        if self._model.persist.state == GONE:
            # A client of a real one that is gone finds no socket to connect to.
            raise StatusError("UNAVAILABLE", f"connect: {SOCKET}: Connection refused")


def _metric(record: MetricRecord) -> dict[str, object]:
    reading = record.sample.reading
    network = None
    if reading.received_bytes is not None:
        network = {"rx_bytes": reading.received_bytes, "tx_bytes": reading.sent_bytes}
    return {
        "job_uuid": record.job_id,
        "timestamp": record.timestamp,
        "sequence": record.sequence,
        "data": {
            "cpu_usage": reading.cpu_percent / 100,
            "memory_usage": reading.memory_bytes,
            "gpu_usage": (reading.gpu_percent or 0.0) / 100,
            "disk_io": {
                "read_bytes": reading.read_bytes,
                "write_bytes": reading.write_bytes,
                "read_ops": reading.read_ops,
                "write_ops": reading.write_ops,
            },
            "network_io": network,
        },
    }
