"""PersistService: what was stored of the jobs' output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from joblet_fake.model.errors import Refusal
from joblet_fake.model.history import STDOUT, QueryFeed
from joblet_fake.services.answer import Answer, Handler, Streamed
from joblet_fake.services.status import StatusError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from joblet_fake.model.history import Record
    from joblet_fake.model.model import Model
    from joblet_fake.services.generation import Generation
    from joblet_fake.wire import Api


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
            "PersistService.DeleteJob": self.delete_job,
        }

    def ping(self, _request: object) -> Answer:
        """Say that all is well, and the time in nanoseconds (PER-42)."""
        return self._method("PersistService.Ping").encode(
            {"healthy": True, "timestamp": self._model.clock.now_ns()},
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

        def refused(refusal: Refusal) -> StatusError:
            return StatusError(self._generation.code("query logs", refusal.kind), refusal.text)

        try:
            records = self._model.history.query(
                request.job_uuid,
                stream=request.stream,
                start=request.start_time,
                end=request.end_time,
                limit=request.limit,
                offset=request.offset,
            )
        except Refusal as refusal:
            raise refused(refusal) from None
        return Streamed(QueryFeed(records), line, refused)

    def delete_job(self, request: Any) -> Answer:  # noqa: ANN401 - as above
        """Remove a job's history; failures are told in an OK reply (PER-43)."""
        success, message = self._model.history.delete(request.job_uuid)
        return self._method("PersistService.DeleteJob").encode(
            {"success": success, "message": message},
        )
