"""GetJobLogs over real gRPC: what comes twice, what comes once, and when a stream ends."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from joblet_fake import FakeJoblet

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def frozen() -> Iterator[FakeJoblet]:
    with FakeJoblet(clock="frozen", tls=False) as joblet:
        yield joblet
        joblet.check()


class Reader(threading.Thread):
    """Reads a log stream to its end in the background."""

    def __init__(self, joblet: FakeJoblet, text: str) -> None:
        super().__init__(daemon=True)
        self.chunks: list[bytes] = []
        self.came = threading.Condition()
        self.stream = joblet.rpc("GetJobLogs", uuid=text, timeout=20)
        self.start()

    def run(self) -> None:
        try:
            for chunk in self.stream:
                with self.came:
                    self.chunks.append(chunk.payload)
                    self.came.notify_all()
        except grpc.RpcError:
            return

    def has(self, number: int) -> list[bytes]:
        """Wait until so many chunks have come."""
        with self.came:
            assert self.came.wait_for(lambda: len(self.chunks) >= number, 10), self.chunks
        return self.chunks

    def ended(self) -> tuple[list[bytes], str]:
        """Wait for the end; give all chunks, and the code."""
        self.join(10)
        assert not self.is_alive()
        return self.chunks, self.stream.code().name


def started(joblet: FakeJoblet, *words: str, **fields: object) -> str:
    job_id: str = joblet.rpc("RunJob", command=words[0], args=words[1:], **fields).job_uuid
    return job_id


def test_a_reader_of_a_running_job_gets_the_early_output_twice(frozen: FakeJoblet) -> None:
    """JOB-LOG-20, JOB-LOG-23, PER-50: history, then the buffer from its start, then what comes."""
    frozen.programs.on("train").prints("one\n").sleeps(60).prints("two\n")
    job_id = started(frozen, "train")
    whole, short = Reader(frozen, job_id), Reader(frozen, job_id[:8])
    assert whole.has(2) == [b"one\n", b"one\n"]
    assert short.has(1) == [b"one\n"]

    frozen.clock.advance(60)

    assert whole.ended() == ([b"one\n", b"one\n", b"two\n"], "OK")
    # History is not found by a prefix (JOB-UID-03).
    assert short.ended() == ([b"one\n", b"two\n"], "OK")


def test_a_reader_that_came_before_the_first_output_gets_it_once(frozen: FakeJoblet) -> None:
    """JOB-LOG-23."""
    frozen.programs.on("train").sleeps(1).prints("one\n").sleeps(1).prints("two\n")
    reader = Reader(frozen, started(frozen, "train"))
    frozen.calls.wait_for("RunJob")
    _opened(frozen)

    frozen.clock.advance(2)

    assert reader.ended() == ([b"one\n", b"two\n"], "OK")


def _opened(joblet: FakeJoblet, number: int = 1) -> None:
    """Wait until log streams have reached the server, and one that followed has subscribed."""
    for _ in range(500):
        if len(joblet.calls.to("GetJobLogs")) >= number:
            break
        threading.Event().wait(0.01)
    # A further call is served behind the streams' first steps on the server's loop.
    joblet.rpc("ListJobs")
    joblet.rpc("ListJobs")


@pytest.mark.parametrize("short", [False, True])
def test_a_finished_job_is_read_once_and_the_stream_ends_at_once(
    frozen: FakeJoblet, *, short: bool
) -> None:
    """JOB-LOG-12, PER-50: from history by the whole id, from the buffer by a prefix."""
    frozen.programs.on("train").prints("one\n").prints("err\n", stream="stderr").prints("two")
    job_id = started(frozen, "train")

    reader = Reader(frozen, job_id[:8] if short else job_id)

    # Both streams, merged in the order written, a message for each write (JOB-LOG-01, -02).
    assert reader.ended() == ([b"one\n", b"err\n", b"two"], "OK")


def test_bytes_come_as_they_were_written_in_chunks_of_32_kib_at_most(frozen: FakeJoblet) -> None:
    """JOB-LOG-01, PER-31."""
    everything = bytes(range(256)) * 300
    frozen.programs.on("dump").prints(everything).prints(b"\xc3").prints(b"\xa4")
    chunks, code = Reader(frozen, started(frozen, "dump")).ended()

    assert [len(chunk) for chunk in chunks] == [32_768, 32_768, 11_264, 1, 1]
    assert b"".join(chunks) == everything + "ä".encode()
    assert code == "OK"


def test_a_job_without_output_gives_an_empty_stream(frozen: FakeJoblet) -> None:
    assert Reader(frozen, started(frozen, "true")).ended() == ([], "OK")


def test_at_real_pace_the_stream_ends_half_a_second_after_the_job() -> None:
    """JOB-LOG-14, PER-51."""
    with FakeJoblet(clock="frozen", pace="real", tls=False) as joblet:
        joblet.programs.on("train").prints("x").sleeps(10)
        job_id = started(joblet, "train")
        joblet.clock.advance(1)
        reader = Reader(joblet, job_id[:8])
        reader.has(1)
        _opened(joblet)
        joblet.clock.run_until(lambda: joblet.jobs[job_id].status == "COMPLETED")

        joblet.clock.advance(0.49)
        reader.join(0.1)
        assert reader.is_alive()
        joblet.clock.advance(0.02)

        assert reader.ended() == ([b"x"], "OK")


def test_a_scheduled_jobs_stream_is_silent_until_it_runs(frozen: FakeJoblet) -> None:
    """JOB-LOG-15."""
    job_id = started(frozen, "echo", "late", schedule="2026-01-01T01:00:00Z")
    reader = Reader(frozen, job_id)
    _opened(frozen)
    reader.join(0.05)
    assert reader.is_alive()
    assert not reader.chunks

    frozen.clock.advance(hours=1)

    assert reader.ended() == ([b"late\n"], "OK")


def test_a_canceled_jobs_stream_ends_only_when_it_is_deleted(frozen: FakeJoblet) -> None:
    """JOB-LOG-16, JOB-LOG-23, JOB-DEL-06."""
    job_id = started(frozen, "true", schedule="2026-01-01T01:00:00Z")
    before = Reader(frozen, job_id)
    _opened(frozen)
    frozen.rpc("StopJob", uuid=job_id)
    after = Reader(frozen, job_id)
    _opened(frozen, 2)
    frozen.clock.advance(days=1)
    for reader in (before, after):
        reader.join(0.05)
        assert reader.is_alive()

    frozen.rpc("JobService.DeleteJob", uuid=job_id)

    assert before.ended() == after.ended() == ([], "OK")


def test_any_number_of_readers_get_the_whole_sequence(frozen: FakeJoblet) -> None:
    """JOB-LOG-17."""
    script = frozen.programs.on("count").sleeps(1)
    for number in range(500):
        script.prints(f"{number}\n")
    job_id = started(frozen, "count")
    readers = [Reader(frozen, job_id) for _ in range(20)]
    _opened(frozen, 20)

    frozen.clock.advance(1)

    expected = [f"{number}\n".encode() for number in range(500)]
    assert all(reader.ended() == (expected, "OK") for reader in readers)


@pytest.mark.parametrize("gives_up", ["cancel", "deadline"])
def test_a_client_that_leaves_does_not_disturb_the_job(frozen: FakeJoblet, gives_up: str) -> None:
    """JOB-LOG-17; the journal tells both apart."""
    frozen.programs.on("train").prints("x").hangs()
    job_id = started(frozen, "train")
    stream = frozen.rpc("GetJobLogs", uuid=job_id, timeout=0.2 if gives_up == "deadline" else 20)
    next(stream)

    if gives_up == "cancel":
        stream.cancel()
    with pytest.raises(grpc.RpcError) as caught:
        list(stream)

    code = "CANCELLED" if gives_up == "cancel" else "DEADLINE_EXCEEDED"
    error: Any = caught.value
    assert error.code().name == code
    assert [call.code for call in frozen.calls.wait_for("GetJobLogs")] == [code]
    assert frozen.rpc("GetJobStatus", uuid=job_id).status == "RUNNING"


def test_the_hybrid_pattern_gives_a_finished_job_twice_and_a_running_one_in_parts(
    frozen: FakeJoblet,
) -> None:
    """PER-86, PER-91: QueryLogs and then GetJobLogs, as SDK 2.0 to 2.1 do."""
    frozen.programs.on("train").prints("one\n").sleeps(60).prints("two\n")
    job_id = started(frozen, "train")

    early = [line.content for line in frozen.rpc("QueryLogs", job_uuid=job_id)]
    live = Reader(frozen, job_id)
    live.has(2)
    frozen.clock.advance(60)

    assert early + live.ended()[0] == [b"one\n", b"one\n", b"one\n", b"two\n"]
    stored = [line.content for line in frozen.rpc("QueryLogs", job_uuid=job_id)]
    assert stored + Reader(frozen, job_id).ended()[0] == [b"one\n", b"two\n"] * 2


def test_the_hybrid_pattern_that_begins_before_the_output_gives_it_once(
    frozen: FakeJoblet,
) -> None:
    """PER-91: there is no history yet, which QueryLogs tells as an error (PER-20)."""
    frozen.programs.on("train").sleeps(1).prints("one\n")
    job_id = started(frozen, "train")
    with pytest.raises(grpc.RpcError, match="no logs found for job"):
        list(frozen.rpc("QueryLogs", job_uuid=job_id))
    live = Reader(frozen, job_id)
    _opened(frozen)

    frozen.clock.advance(1)

    assert live.ended() == ([b"one\n"], "OK")


def test_history_removed_on_the_persist_port_leaves_the_buffer(frozen: FakeJoblet) -> None:
    """PER-43, PER-50, PER-90: what is written after that is stored, the early part missing."""
    frozen.programs.on("train").prints("one\n").sleeps(60).prints("two\n").sleeps(60)
    job_id = started(frozen, "train")
    frozen.rpc("PersistService.DeleteJob", job_uuid=job_id)
    reader = Reader(frozen, job_id)
    assert reader.has(1) == [b"one\n"]

    frozen.clock.advance(60)
    lines = list(frozen.rpc("QueryLogs", job_uuid=job_id))
    assert [(line.content, line.sequence) for line in lines] == [(b"two\n", 1)]
    frozen.clock.advance(60)

    assert reader.ended()[0] == [b"one\n", b"two\n"]
    # Now there is history, so it alone is sent, with its hole.
    assert Reader(frozen, job_id).ended()[0] == [b"two\n"]
