"""A persist service that is gone or hung, as clients of both ports see it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from joblet_fake import FakeJoblet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

UNWELL = (
    "persist service unavailable: ping failed: rpc error: code = DeadlineExceeded desc = "
    "context deadline exceeded - cannot execute job to prevent data loss"
)
AWAY = ("gone", "hung")


@pytest.fixture
def frozen() -> Iterator[FakeJoblet]:
    with FakeJoblet(clock="frozen", tls=False) as joblet:
        yield joblet
        joblet.check()


def refused(call: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    error: Any = caught.value
    return error.code().name, error.details()


def seconds(joblet: FakeJoblet, call: Callable[[], object]) -> float:
    """Give the clock seconds that a call takes."""
    began = joblet.clock.now()
    call()
    return (joblet.clock.now() - began).total_seconds()


class Asking:
    """A call on a thread of its own."""

    def __init__(self, call: Callable[[], object]) -> None:
        self._call = call
        self.answer: object = None
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def _ask(self) -> None:
        try:
            self.answer = self._call()
        except grpc.RpcError as error:
            self.answer = error

    def wait(self) -> Any:
        self._thread.join(10)
        assert not self._thread.is_alive()
        return self.answer


@pytest.mark.parametrize(
    "fields",
    [
        {"command": "echo"},
        # before any field is looked at (JOB-RUN-01)
        {"command": ""},
        {"command": "echo", "schedule": "2027-01-01T00:00:00Z"},
        {"command": "echo", "workflow_uuid": "any"},
    ],
)
def test_run_job_is_refused_after_two_seconds(frozen: FakeJoblet, fields: dict[str, Any]) -> None:
    """JOB-RUN-02, PER-70."""
    frozen._set_persist("hung")
    answers: list[tuple[str, str]] = []

    took = seconds(frozen, lambda: answers.append(refused(lambda: frozen.rpc("RunJob", **fields))))
    assert (answers, took) == ([("UNAVAILABLE", UNWELL)], 2)
    assert len(frozen.jobs) == 0


def test_a_caller_without_a_role_is_refused_before() -> None:
    """JOB-RUN-01."""
    with FakeJoblet(clock="frozen") as joblet:
        joblet._set_persist("gone")
        code, _ = refused(lambda: joblet.rpc("RunJob", role="viewer", command="echo"))

    assert code == "PERMISSION_DENIED"


def test_a_job_runs_when_it_returns_in_time() -> None:
    with FakeJoblet(clock="flowing", tls=False) as joblet:
        joblet.programs.on(when=lambda _spec: True).prints("ran\n")
        joblet._set_persist("hung")
        asking = Asking(lambda: joblet.rpc("RunJob", command="train").job_uuid)
        while not joblet.calls.to("RunJob"):
            time.sleep(0.001)
        joblet._set_persist("up")

        assert joblet.jobs[asking.wait()].stdout == "ran\n"


@pytest.mark.parametrize("state", AWAY)
def test_a_workflows_jobs_run_all_the_same(frozen: FakeJoblet, state: str) -> None:
    """JOB-RUN-04."""
    frozen._set_persist(state)
    frozen.rpc("RunWorkflow", workflow="w", yaml_content="jobs: {a: {command: echo, args: [hi]}}")
    (job,) = frozen.jobs.values()

    assert (job.status, job.stdout) == ("COMPLETED", "hi\n")


@pytest.mark.parametrize("state", AWAY)
def test_logs_and_metrics_hang_until_it_returns(state: str) -> None:
    """PER-71."""
    with FakeJoblet(clock="flowing", tls=False) as joblet:
        uuid = joblet.rpc("RunJob", command="echo", args=["hi"]).job_uuid
        joblet._set_persist(state)
        for method in ("GetJobLogs", "GetJobMetrics"):
            code, _ = refused(lambda m=method: list(joblet.rpc(m, uuid=uuid, timeout=0.3)))
            assert code == "DEADLINE_EXCEEDED"
        logs = joblet.rpc("GetJobLogs", uuid=uuid)
        metrics = joblet.rpc("GetJobMetrics", uuid=uuid)
        joblet._set_persist("up")

        assert b"".join(chunk.payload for chunk in logs) == b"hi\n"
        assert len(list(metrics)) == 1


def test_an_empty_id_is_refused_without_asking(frozen: FakeJoblet) -> None:
    frozen._set_persist("gone")

    assert refused(lambda: list(frozen.rpc("GetJobMetrics")))[0] == "INVALID_ARGUMENT"


@pytest.mark.parametrize("state", AWAY)
def test_deleting_a_job_takes_ten_seconds_and_leaves_its_history(
    frozen: FakeJoblet, state: str
) -> None:
    """PER-74."""
    uuid = frozen.rpc("RunJob", command="echo", args=["hi"]).job_uuid
    frozen._set_persist(state)
    took = seconds(frozen, lambda: frozen.rpc("JobService.DeleteJob", uuid=uuid))
    assert (took, len(frozen.jobs)) == (10, 0)
    frozen._set_persist("up")

    assert [line.content for line in frozen.rpc("QueryLogs", job_uuid=uuid)] == [b"hi\n"]


def test_deleting_all_jobs_takes_thirty_seconds_for_each(frozen: FakeJoblet) -> None:
    frozen.rpc("RunJob", command="echo")
    frozen._set_persist("hung")
    replies: list[Any] = []
    took = seconds(frozen, lambda: replies.append(frozen.rpc("DeleteAllJobs")))

    assert (took, replies[0].deleted_count) == (30, 1)


def test_a_hung_service_answers_when_it_goes_on() -> None:
    with FakeJoblet(clock="flowing", tls=False) as joblet:
        uuid = joblet.rpc("RunJob", command="echo", args=["hi"]).job_uuid
        joblet._set_persist("hung")
        code, _ = refused(lambda: joblet.rpc("Ping", timeout=0.2))
        assert code == "DEADLINE_EXCEEDED"
        asked = [
            Asking(lambda: joblet.rpc("Ping").healthy),
            Asking(lambda: len(list(joblet.rpc("QueryLogs", job_uuid=uuid)))),
            Asking(lambda: len(list(joblet.rpc("QueryMetrics", job_uuid=uuid)))),
            Asking(lambda: list(joblet.rpc("QueryLogs", job_uuid="nope"))),
        ]
        joblet.calls.wait_for("Ping")
        joblet._set_persist("up")
        healthy, lines, samples, error = [asking.wait() for asking in asked]

        assert (healthy, lines, samples) == (True, 1, 1)
        assert error.details() == "failed to read logs: no logs found for job nope"


def test_a_hung_service_takes_no_time_off_a_frozen_clock(frozen: FakeJoblet) -> None:
    """Nobody knows when it goes on; what else is due stays due."""
    frozen.programs.on("train").sleeps(30)
    uuid = frozen.rpc("RunJob", command="train").job_uuid
    frozen._set_persist("hung")
    before = frozen.clock.now()
    refused(lambda: frozen.rpc("Ping", timeout=0.3))

    assert frozen.clock.now() == before
    assert frozen.jobs[uuid].status == "RUNNING"


def test_a_service_that_is_gone_can_not_be_reached(frozen: FakeJoblet) -> None:
    frozen._set_persist("gone")
    for call in (
        lambda: frozen.rpc("Ping"),
        lambda: frozen.rpc("PersistService.DeleteJob", job_uuid="x"),
        lambda: list(frozen.rpc("QueryLogs", job_uuid="x")),
        lambda: list(frozen.rpc("QueryMetrics", job_uuid="x")),
    ):
        code, text = refused(call)
        assert (code, "Connection refused" in text) == ("UNAVAILABLE", True)


def test_a_reset_ends_the_calls_that_wait() -> None:
    with FakeJoblet(clock="flowing", tls=False) as joblet:
        joblet._set_persist("hung")
        asked = [
            Asking(lambda: joblet.rpc("Ping")),
            Asking(lambda: joblet.rpc("RunJob", command="echo")),
            Asking(lambda: list(joblet.rpc("GetJobMetrics", uuid="nope"))),
        ]
        while len(joblet.calls) < len(asked):
            threading.Event().wait(0.01)
        joblet.reset()
        ping, run, metrics = [asking.wait() for asking in asked]

        assert (ping.code().name, run.code().name) == ("UNAVAILABLE",) * 2
        assert metrics == []
        assert len(joblet.jobs) == 0


def test_there_is_no_other_state(frozen: FakeJoblet) -> None:
    with pytest.raises(ValueError, match="it is one of up, gone, hung"):
        frozen._set_persist("away")
