"""The same client, after its tests have met what goes wrong."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any

import grpc
from calls import Calls

if TYPE_CHECKING:
    from collections.abc import Callable

PAUSES = (1, 2, 4, 8, 16, 32)
"""Seconds before each further try: a minute in all, in which a server comes back."""

MARK = "SUBMISSION"
"""The variable by which a submission finds its job again."""

AWAY = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}
OVER = {"COMPLETED", "FAILED", "CANCELED"}


class JobLostError(LookupError):
    """The server knows nothing of a job any more: it was restarted, or the job deleted."""


class Client:
    """Runs jobs and looks after them.

    Args:
        address: where the server listens, as host:port.
        credentials: what it is asked with.
        sleep: how to let seconds pass.
        patience: seconds that the server gets for one answer.
    """

    def __init__(
        self,
        address: str,
        credentials: grpc.ChannelCredentials,
        sleep: Callable[[float], object] = time.sleep,
        patience: float = 2.0,
    ) -> None:
        self._channel = grpc.secure_channel(address, credentials)
        self._jobs = Calls(self._channel)
        self._sleep = sleep
        self._patience = patience

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    def submit(self, command: str, *args: str, schedule: str = "") -> str:
        """Run a job; give its id.

        A try whose reply was lost may have made the job: it is looked for before the next one.
        """
        mark = str(uuid.uuid4())
        tries = 0

        def run() -> str:
            nonlocal tries
            tries += 1
            if tries > 1:
                for job in self._jobs.ListJobs(timeout=self._patience).jobs:
                    if job.environment.get(MARK) == mark:
                        return job.uuid
            return self._jobs.RunJob(
                command=command,
                args=args,
                schedule=schedule,
                environment={MARK: mark},
                timeout=self._patience,
            ).job_uuid

        return self._patiently(run)

    def wait(self, job_id: str) -> int:
        """Wait until a job is over; give its exit code.

        Raises:
            JobLostError: the server has forgotten the job.
        """
        while (job := self._status(job_id)).status not in OVER:
            self._sleep(1)
        return job.exit_code

    def stop(self, job_id: str) -> None:
        """Stop a job; one that is over is left as it is."""

        def stop() -> None:
            if self._status(job_id).status not in OVER:
                self._jobs.StopJob(uuid=job_id, timeout=self._patience)

        self._patiently(stop)

    def log(self, job_id: str) -> str:
        """Give all that a job writes, when it is over: nothing is sent twice then.

        A stream can end too early without any error: the log is what two readings agree on.
        """
        self.wait(job_id)
        before, log = None, self._patiently(lambda: self._read(job_id))
        while log != before:
            before, log = log, self._patiently(lambda: self._read(job_id))
        return log.decode()

    def _read(self, job_id: str) -> bytes:
        stream = self._jobs.GetJobLogs(uuid=job_id, timeout=self._patience)
        return b"".join(chunk.payload for chunk in stream)

    def table(self) -> str:
        """Give a line for each job, for people; the server's list has secrets in plain text."""
        jobs = self._patiently(lambda: self._jobs.ListJobs(timeout=self._patience).jobs)
        return "\n".join(
            f"{job.uuid} {job.status} {job.command} {dict(job.environment)} "
            f"{dict.fromkeys(job.secret_environment, '***')}"
            for job in jobs
        )

    def _status(self, job_id: str) -> Any:  # noqa: ANN401 - messages are made at run time
        try:
            return self._patiently(
                lambda: self._jobs.GetJobStatus(uuid=job_id, timeout=self._patience),
            )
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                raise JobLostError(job_id) from error
            raise

    def _patiently(self, call: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever it gives
        """Make a call, again as long as that can help."""
        for pause in PAUSES:
            try:
                return call()
            except grpc.RpcError as error:
                if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
                    self._sleep(float(dict(error.trailing_metadata()).get("retry-after", pause)))
                elif error.code() in AWAY:
                    self._sleep(pause)
                else:
                    raise
        return call()
