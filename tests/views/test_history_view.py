"""`joblet.history` as a test's author uses it: what it tells is what PersistService tells."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from joblet_fake import FakeJoblet, Metrics

if TYPE_CHECKING:
    from collections.abc import Iterator

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
OLD = "00000000-0000-4000-8000-000000000001"


@pytest.fixture
def joblet() -> Iterator[FakeJoblet]:
    with FakeJoblet(clock="frozen", tls=False) as fake:
        yield fake
        fake.check()


def run(joblet: FakeJoblet, command: str, *args: str) -> str:
    return str(joblet.rpc("RunJob", command=command, args=args).job_uuid)


def test_a_new_server_has_stored_nothing(joblet: FakeJoblet) -> None:
    assert len(joblet.history) == 0
    assert list(joblet.history) == []
    with pytest.raises(KeyError, match="nothing is stored of a job 'x'; of these is: none"):
        joblet.history["x"]


def test_it_tells_what_query_logs_tells(joblet: FakeJoblet) -> None:
    """PER-24, PER-30: what was written to stderr is stored as stdout, in between."""
    joblet.programs.on("train").prints("one\n").sleeps(3).prints("oops\n", stream="stderr")
    job_id = run(joblet, "train")
    joblet.clock.advance(3)

    stored = joblet.history[job_id]
    told = list(joblet.rpc("QueryLogs", job_uuid=job_id))

    assert [(line.at.timestamp() * 1e9, line.sequence, line.content) for line in stored.lines] == [
        (line.timestamp, line.sequence, line.content) for line in told
    ]
    assert [line.text for line in stored.lines] == ["one\n", "oops\n"]
    for stream, content in ((1, stored.stdout_bytes), (2, stored.stderr_bytes)):
        told = list(joblet.rpc("QueryLogs", job_uuid=job_id, stream=stream))
        assert content == b"".join(line.content for line in told)
    assert (stored.stdout, stored.stderr) == ("one\noops\n", "")


def test_it_tells_what_query_metrics_tells(joblet: FakeJoblet) -> None:
    joblet.programs.on("train").metrics(cpu_percent=93.0, memory_bytes=512).sleeps(60)
    job_id = run(joblet, "train")
    joblet.clock.advance(12)

    stored = joblet.history[job_id].metrics

    assert [(int(each.at.timestamp()), each.sequence, each.memory_bytes) for each in stored] == [
        (each.timestamp, each.sequence, each.data.memory_usage)
        for each in joblet.rpc("QueryMetrics", job_uuid=job_id)
    ]
    assert [each.cpu_percent for each in stored] == [0, 93.0, 93.0]
    assert repr(joblet.history[job_id]) == f"<history of job {job_id}: lines 0, metrics 3>"


def test_it_outlives_what_a_restart_forgets_and_not_a_reset(joblet: FakeJoblet) -> None:
    """JOB-RST-02."""
    job_id = run(joblet, "echo", "kept")
    snapshot = joblet.snapshot()
    joblet.restart()

    assert job_id not in joblet.jobs
    assert joblet.history[job_id].stdout == "kept\n"

    joblet.reset()
    assert job_id not in joblet.history
    joblet.restore(snapshot)
    assert joblet.history[job_id].stdout == "kept\n"


def test_a_deleted_job_is_not_there(joblet: FakeJoblet) -> None:
    """JOB-DEL-06."""
    kept, gone = run(joblet, "echo", "a"), run(joblet, "echo", "b")
    joblet.rpc("JobService.DeleteJob", uuid=gone)
    assert list(joblet.history) == [kept]
    joblet.rpc("PersistService.DeleteJob", job_uuid=kept)
    assert kept not in joblet.history


def test_what_was_written_while_persist_was_away_is_missing(joblet: FakeJoblet) -> None:
    """PER-33, PER-44: the disk shows here nevertheless, with a gap."""
    joblet.programs.on("train").prints("1").sleeps(20).prints("2").sleeps(20).prints("3").sleeps(20)
    job_id = run(joblet, "train")
    joblet.clock.advance(1)
    joblet.faults.server.refuse("persist")
    joblet.clock.advance(20)
    assert joblet.history[job_id].stdout == "1"
    joblet.faults.server.rebind("persist")
    joblet.clock.advance(20)

    assert [(line.sequence, line.content) for line in joblet.history[job_id].lines] == [
        (0, b"1"), (2, b"3"),
    ]  # fmt: skip


def test_the_oldest_is_first(joblet: FakeJoblet) -> None:
    first = run(joblet, "true")
    joblet.clock.advance(60)
    second = run(joblet, "echo", "x")
    joblet.history.add(OLD, lines=["old"], at=joblet.clock.now() - timedelta(days=1))

    assert list(joblet.history) == [OLD, first, second]
    assert len(joblet.history) == 3


# Laying down


def test_laid_down_history_is_that_of_a_job_the_server_forgot(joblet: FakeJoblet) -> None:
    """JOB-RST-02: GetJobLogs gives the output, and then does not know the job."""
    joblet.history.add(OLD, lines=["epoch 1\n", b"\xff"], at=NOON)

    assert [
        (line.timestamp, line.sequence, line.content)
        for line in joblet.rpc("QueryLogs", job_uuid=OLD)
    ] == [(NOON.timestamp() * 1e9, 0, b"epoch 1\n"), (NOON.timestamp() * 1e9, 1, b"\xff")]
    log = joblet.rpc("GetJobLogs", uuid=OLD)
    assert [next(log).payload, next(log).payload] == [b"epoch 1\n", b"\xff"]
    with pytest.raises(grpc.RpcError, match="job not found"):
        next(log)
    with pytest.raises(grpc.RpcError, match="no metrics found"):
        list(joblet.rpc("QueryMetrics", job_uuid=OLD))


def test_laid_down_samples_say_what_was_said(joblet: FakeJoblet) -> None:
    metrics = [
        Metrics(cpu_percent=150.0, memory_bytes=1 << 20),
        Metrics(cpu_percent=50.0, disk_read_bytes=7, net_sent_bytes=9),
        Metrics(gpu_percent=25.0),
    ]
    stored = joblet.history.add(OLD, metrics=metrics, at=NOON).metrics

    assert [each.at for each in stored] == [NOON + timedelta(seconds=5 * n) for n in range(3)]
    assert [each.cpu_percent for each in stored] == [150.0, 50.0, 50.0]
    assert [each.memory_bytes for each in stored] == [1 << 20] * 3
    assert [each.disk_read_bytes for each in stored] == [0, 7, 7]
    assert [(each.net_recv_bytes, each.net_sent_bytes) for each in stored] == [
        (None, None), (0, 9), (0, 9),
    ]  # fmt: skip
    assert [each.gpu_percent for each in stored] == [None, None, 25.0]
    told = list(joblet.rpc("QueryMetrics", job_uuid=OLD))
    assert [each.data.cpu_usage for each in told] == [1.5, 0.5, 0.5]
    assert [each.data.HasField("network_io") for each in told] == [False, True, True]
    streamed = joblet.rpc("GetJobMetrics", uuid=OLD)
    assert [next(streamed).job_uuid for _ in metrics] == [OLD] * 3
    streamed.cancel()


def test_it_is_there_after_a_restore_and_a_restart_and_jobs_run_on(joblet: FakeJoblet) -> None:
    joblet.history.add(OLD, lines=["old"], metrics=[Metrics(cpu_percent=1.0)] * 2)
    snapshot = joblet.snapshot()
    joblet.history.remove(OLD)
    joblet.restore(snapshot)
    joblet.clock.advance(60)
    joblet.restart()

    assert joblet.history[OLD].stdout == "old"
    assert [each.cpu_percent for each in joblet.history[OLD].metrics] == [1.0, 1.0]
    assert joblet.history[run(joblet, "echo", "new")].stdout == "new\n"


def test_the_next_id_is_its_own_where_none_is_given(joblet: FakeJoblet) -> None:
    first, second = joblet.history.add(lines=["a"]), joblet.history.add(lines=["b"])
    assert sorted([first.uuid, second.uuid]) == sorted(joblet.history)


def test_a_long_write_is_several_records(joblet: FakeJoblet) -> None:
    """PER-31."""
    stored = joblet.history.add(OLD, lines=["x" * 40_000])
    assert [len(line.content) for line in stored.lines] == [32_768, 7_232]


@pytest.mark.parametrize(
    ("more", "error", "said"),
    [
        ({}, ValueError, "say lines, metrics, or both"),
        ({"job_id": "old", "lines": ["x"]}, ValueError, "ids are lower-case UUIDs"),
        ({"lines": "x"}, TypeError, r"give a list, \['x'\]"),
        ({"lines": [3]}, TypeError, "3 is neither text nor bytes"),
        ({"lines": [""]}, ValueError, "a write of nothing"),
        ({"metrics": [{"cpu_percent": 1.0}]}, TypeError, r"is no Metrics\(cpu_percent="),
        ({"lines": ["x"], "at": datetime(2026, 1, 1)}, ValueError, "has no time zone"),  # noqa: DTZ001 - on purpose
    ],
)
def test_what_can_not_be_laid_down(
    joblet: FakeJoblet, more: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        joblet.history.add(**more)
    assert len(joblet.history) == 0


def test_a_job_that_the_server_knows_has_its_own_history(joblet: FakeJoblet) -> None:
    silent = run(joblet, "true")
    joblet.rpc("PersistService.DeleteJob", job_uuid=silent)
    with pytest.raises(ValueError, match=f"the server knows job {silent}"):
        joblet.history.add(silent, lines=["x"])
    joblet.history.add(OLD, lines=["x"])
    with pytest.raises(ValueError, match=r"is there already: remove\(\) it before"):
        joblet.history.add(OLD, metrics=[Metrics(cpu_percent=1.0)])


@given(
    lines=st.lists(st.binary(min_size=1, max_size=100) | st.text(min_size=1), min_size=1),
    percents=st.lists(st.floats(0, 6400)),
    at=st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - as it asks
)
def test_whatever_is_laid_down_is_read_again(
    lines: list[str | bytes], percents: list[float], at: datetime
) -> None:
    fake = FakeJoblet(clock="frozen", tls=False)
    stored = fake.history.add(
        lines=lines, metrics=[Metrics(cpu_percent=each) for each in percents], at=at
    )
    contents = [line.encode() if isinstance(line, str) else line for line in lines]

    assert [line.content for line in stored.lines] == contents
    assert stored.stdout_bytes == b"".join(contents)
    assert [line.sequence for line in stored.lines] == list(range(len(lines)))
    assert {line.at for line in stored.lines} == {at.replace(microsecond=0)}
    assert [sample.cpu_percent for sample in stored.metrics] == percents


# Removing


def test_what_is_removed_is_gone_for_clients_too(joblet: FakeJoblet) -> None:
    job_id = run(joblet, "echo", "x")
    joblet.history.add(OLD, lines=["x"])

    joblet.history.remove(OLD)
    del joblet.history[job_id]

    assert len(joblet.history) == 0
    for method in ("QueryLogs", "QueryMetrics"):
        with pytest.raises(grpc.RpcError, match=r"no (logs|metrics) found"):
            list(joblet.rpc(method, job_uuid=job_id))
    assert joblet.jobs[job_id].stdout == "x\n"


def test_a_running_job_goes_on_to_store(joblet: FakeJoblet) -> None:
    """PER-90."""
    joblet.programs.on("train").prints("1").sleeps(10).prints("2").sleeps(10)
    job_id = run(joblet, "train")
    joblet.history.remove(job_id)
    joblet.clock.advance(10)

    stored = joblet.history[job_id]
    assert [(line.sequence, line.content) for line in stored.lines] == [(1, b"2")]
    assert [each.sequence for each in stored.metrics] == [1, 2]


def test_what_is_not_there_can_not_be_removed(joblet: FakeJoblet) -> None:
    joblet.history.add(OLD, lines=["x"])
    with pytest.raises(KeyError, match=f"nothing is stored of a job 'x'; of these is: {OLD}"):
        joblet.history.remove("x")
    with pytest.raises(KeyError):
        del joblet.history["x"]


def test_a_view_can_be_kept_while_what_it_shows_goes(joblet: FakeJoblet) -> None:
    stored = joblet.history.add(OLD, lines=["x"], metrics=[Metrics(cpu_percent=1.0)])
    joblet.history.remove(OLD)
    assert (stored.lines, stored.metrics, stored.stdout) == ([], [], "")
