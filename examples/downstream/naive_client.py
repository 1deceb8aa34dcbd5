"""A client as one writes it first. It works, as long as nothing goes wrong."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import grpc
from calls import Calls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Client:
    """Runs jobs and looks after them.

    Args:
        address: where the server listens, as host:port.
        credentials: what it is asked with.
        sleep: how to let seconds pass.
    """

    def __init__(
        self,
        address: str,
        credentials: grpc.ChannelCredentials,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._channel = grpc.secure_channel(address, credentials)
        self._jobs = Calls(self._channel)
        self._sleep = sleep

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    def submit(self, command: str, *args: str, schedule: str = "") -> str:
        """Run a job; give its id."""
        tries = 3
        while True:
            try:
                answer = self._jobs.RunJob(command=command, args=args, schedule=schedule)
            except grpc.RpcError:
                tries -= 1
                if not tries:
                    raise
            else:
                return answer.job_uuid

    def wait(self, job_id: str) -> int:
        """Wait until a job is over; give its exit code."""
        while True:
            try:
                job = self._jobs.GetJobStatus(uuid=job_id)
            except grpc.RpcError:
                pass  # the server will be back
            else:
                if job.status in {"COMPLETED", "FAILED"}:
                    return job.exit_code
            self._sleep(1)

    def stop(self, job_id: str) -> None:
        """Stop a job."""
        try:
            self._jobs.StopJob(uuid=job_id)
        except grpc.RpcError:
            self._jobs.StopJob(uuid=job_id)

    def log(self, job_id: str) -> str:
        """Give all that a job writes."""
        return b"".join(self._payloads(job_id)).decode()

    def _payloads(self, job_id: str) -> Iterator[bytes]:
        try:
            for chunk in self._jobs.GetJobLogs(uuid=job_id):
                yield chunk.payload
        except grpc.RpcError:
            return  # the log is over

    def table(self) -> str:
        """Give a line for each job, for people."""
        return "\n".join(
            f"{job.uuid} {job.status} {job.command} {dict(job.environment)} "
            f"{dict(job.secret_environment)}"
            for job in self._jobs.ListJobs().jobs
        )
