"""What all ports of a server share: errors of the fake itself, and the end of its calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest

if TYPE_CHECKING:
    from joblet_fake import FakeJoblet


class OwnError(Exception):
    """A bug in the fake."""


def broken(*_: object) -> Any:
    raise OwnError("ours")


def refused(call: Any) -> tuple[str, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    error: Any = caught.value
    return error.code().name, error.details()


@pytest.mark.parametrize("method", ["ListJobs", "GetJobLogs"])
def test_a_bug_of_the_fake_fails_the_test_with_its_traceback(
    joblet: FakeJoblet, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setitem(joblet._exchange._handlers, f"JobService.{method}", broken)
    code, text = refused(lambda: list(joblet.rpc(method)))
    assert code == "INTERNAL"
    assert "joblet-fake failed by itself (OwnError: ours)" in text
    assert joblet.calls.last().code == "INTERNAL"

    with pytest.raises(OwnError, match="ours") as kept:
        joblet.check()

    assert kept.traceback[-1].name == "broken"
    # It is told once.
    joblet.check()


def test_a_bug_in_the_middle_of_a_stream_is_kept_too(
    joblet: FakeJoblet, monkeypatch: pytest.MonkeyPatch
) -> None:
    joblet.programs.on("train").prints("x").hangs()
    job_id = joblet.rpc("RunJob", command="train").job_uuid
    stream = joblet.rpc("GetJobLogs", uuid=job_id, timeout=10)
    next(stream)
    next(stream)
    feed = "joblet_fake.model.log_feed.LogFeed.take"
    monkeypatch.setattr(feed, broken)
    joblet.rpc("StopJob", uuid=job_id)

    assert refused(lambda: list(stream))[0] == "INTERNAL"
    with pytest.raises(OwnError):
        joblet.check()


def test_a_bug_in_a_timer_is_kept_too(joblet: FakeJoblet) -> None:
    """Nobody calls here: the loop fires it."""
    joblet.clock.call_later(0.01, broken)
    joblet.jobs.wait(joblet.rpc("RunJob", command="sleep", args=["0.1"]).job_uuid)

    with pytest.raises(OwnError):
        joblet.check()


def test_the_readers_of_a_forgotten_state_are_let_go(joblet: FakeJoblet) -> None:
    joblet.programs.on("train").prints("x").hangs()
    job_id = joblet.rpc("RunJob", command="train").job_uuid
    stream = joblet.rpc("GetJobLogs", uuid=job_id[:8], timeout=10)
    next(stream)

    joblet.reset()

    assert list(stream) == []
    assert list(joblet.rpc("ListJobs").jobs) == []


def test_a_read_is_remembered_so_that_polling_shows(joblet: FakeJoblet) -> None:
    server = joblet._server
    assert server is not None
    backend = server.backend
    assert not backend.seen("GetJobStatus", b"1", b"RUNNING")
    assert backend.seen("GetJobStatus", b"1", b"RUNNING")
    assert not backend.seen("GetJobStatus", b"2", b"RUNNING")
    assert not backend.seen("GetJobStatus", b"1", b"COMPLETED")
    # Any number of different reads takes bounded memory.
    for number in range(5000):
        backend.seen("GetJobStatus", b"%d" % number, b"")
    assert len(backend._last_seen) <= 1001
