"""GetJobMetrics and QueryMetrics over real gRPC: which fields say what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest

from joblet_fake import FakeJoblet

if TYPE_CHECKING:
    from collections.abc import Iterator

START = 1_767_225_600


@pytest.fixture
def frozen() -> Iterator[FakeJoblet]:
    with FakeJoblet(clock="frozen", tls=False) as joblet:
        yield joblet
        joblet.check()


def run(joblet: FakeJoblet, command: str = "train", **fields: object) -> str:
    uuid: str = joblet.rpc("RunJob", command=command, **fields).job_uuid
    return uuid


def set_fields(message: Any) -> set[str]:
    return {field.name for field, _ in message.ListFields()}


def live(joblet: FakeJoblet, uuid: str, count: int) -> list[Any]:
    """Give the first live samples of a running job."""
    stream = joblet.rpc("GetJobMetrics", uuid=uuid)
    found = []
    for sample in stream:
        if sample.sample_interval_seconds == 5:
            found.append(sample)
        if len(found) == count:
            stream.cancel()
            break
    return found


def test_no_id_is_refused(frozen: FakeJoblet) -> None:
    """JOB-MET-20."""
    with pytest.raises(grpc.RpcError) as caught:
        list(frozen.rpc("GetJobMetrics"))
    error: Any = caught.value

    assert (error.code().name, error.details()) == ("INVALID_ARGUMENT", "uuid is required")


def test_a_live_sample_has_the_time_and_all_that_is_measured(frozen: FakeJoblet) -> None:
    """JOB-MET-22, PER-53: no network is."""
    frozen.programs.on("train").metrics(
        cpu_percent=150, memory_bytes=48 << 20, disk_write_bytes=10 << 20
    ).hangs()
    uuid = run(frozen, max_cpu=50, max_memory=64, max_io_bps=1000)
    frozen.clock.advance(5)
    first, second = live(frozen, uuid, 2)

    assert (first.timestamp, second.timestamp) == (START, START + 5)
    assert (first.cpu.usage_percent, second.cpu.usage_percent) == (0, 150)
    assert second.cpu.usage_usec == 7_500_000 == second.cpu.user_usec + second.cpu.system_usec
    memory = second.memory
    assert (memory.current, memory.max, memory.usage_percent) == (48 << 20, 64 << 20, 75)
    assert 0 < memory.anon + memory.file + memory.kernel_stack + memory.slab <= memory.current
    assert (second.io.total_write_bytes, second.io.total_write_ops) == (10 << 20, 160)
    assert {name: each.write_bytes for name, each in second.io.devices.items()} == {"8:0": 10 << 20}
    assert (second.limits.cpu, second.limits.memory, second.limits.io) == (50, 64 << 20, 1000)
    assert second.process.current == 1
    assert second.cgroup_path == f"/sys/fs/cgroup/joblet.slice/joblet.service/job-{uuid}"
    assert second.job_uuid == uuid
    assert not second.HasField("network")
    assert list(second.gpu) == []


def test_a_job_without_limits_has_limits_of_zero(frozen: FakeJoblet) -> None:
    uuid = run(frozen, "sleep", args=["60"])
    (sample,) = live(frozen, uuid, 1)

    assert sample.HasField("limits")
    assert set_fields(sample.limits) == set()
    assert (sample.memory.max, sample.memory.usage_percent) == (0, 0)
    assert 0 < sample.memory.current < 8 << 20


def test_a_stored_sample_has_little_and_a_wrong_time(frozen: FakeJoblet) -> None:
    """JOB-MET-22, PER-53."""
    frozen.programs.on("train").metrics(
        cpu_percent=12.5, memory_bytes=9, disk_read_bytes=70_000
    ).sleeps(6)
    uuid = run(frozen)
    frozen.clock.advance(6)
    _, sample = frozen.rpc("GetJobMetrics", uuid=uuid)

    assert set_fields(sample) == {
        "job_uuid", "timestamp", "sample_interval_seconds", "cpu", "memory", "io", "network",
        "process",
    }  # fmt: skip
    assert (sample.timestamp, sample.sample_interval_seconds) == (1, 1)
    assert set_fields(sample.cpu) == {"usage_percent"}
    assert sample.cpu.usage_percent == 12.5
    assert set_fields(sample.memory) == {"current"}
    assert set_fields(sample.io) == {"total_read_bytes", "total_read_ops"}
    assert set_fields(sample.network) == set_fields(sample.process) == set()


def test_what_a_program_says_of_network_and_gpu_is_shown(frozen: FakeJoblet) -> None:
    frozen.programs.on("train").metrics(
        net_recv_bytes=100, net_sent_bytes=50, gpu_percent=80.0, gpu_memory_bytes=7
    ).sleeps(2).metrics(net_recv_bytes=600).sleeps(4)
    uuid = run(frozen)
    frozen.clock.advance(5.5)
    first, second = live(frozen, uuid, 2)
    frozen.clock.advance(1)
    stored = list(frozen.rpc("GetJobMetrics", uuid=uuid))[-1]
    metric = list(frozen.rpc("QueryMetrics", job_uuid=uuid))[-1].data

    assert (first.network.total_rx_bytes, first.network.rx_bps) == (100, 0)
    assert (second.network.total_rx_bytes, second.network.rx_bps) == (600, 100)
    assert [(gpu.utilization, gpu.memory_used) for gpu in second.gpu] == [(80, 7)]
    assert (stored.network.total_rx_bytes, stored.network.total_tx_bytes) == (600, 50)
    assert [gpu.utilization for gpu in stored.gpu] == [80]
    assert (metric.network_io.rx_bytes, metric.network_io.tx_bytes) == (600, 50)
    assert metric.gpu_usage == 0.8


def test_the_history_has_cores_and_seconds(frozen: FakeJoblet) -> None:
    """PER-37, PER-38."""
    frozen.programs.on("train").metrics(cpu_percent=97.9, memory_bytes=9).sleeps(6)
    uuid = run(frozen)
    frozen.clock.advance(6)
    first, second = frozen.rpc("QueryMetrics", job_uuid=uuid)

    assert (first.timestamp, second.timestamp) == (START, START + 5)
    assert (first.sequence, second.sequence) == (0, 1)
    assert (first.data.cpu_usage, second.data.cpu_usage) == (0, pytest.approx(0.979))
    assert (second.data.memory_usage, second.data.gpu_usage) == (9, 0)
    assert second.data.HasField("disk_io")
    assert set_fields(second.data.disk_io) == set()
    assert not second.data.HasField("network_io")


def test_a_query_that_finds_nothing_is_refused(frozen: FakeJoblet) -> None:
    """PER-35."""
    with pytest.raises(grpc.RpcError) as caught:
        list(frozen.rpc("QueryMetrics", job_uuid=""))
    error: Any = caught.value

    assert (error.code().name, error.details()) == (
        "INTERNAL",
        "failed to read metrics: no metrics found for job ",
    )


def test_a_reader_follows_a_job_to_its_end_on_a_clock_that_skips() -> None:
    with FakeJoblet(clock="skipping", pace="real", tls=False) as joblet:
        uuid = run(joblet, "sleep", args=["12"])
        samples = list(joblet.rpc("GetJobMetrics", uuid=uuid))

        assert [sample.sample_interval_seconds for sample in samples] == [1, 5, 5, 5]
        assert joblet.jobs[uuid].status == "COMPLETED"


def test_the_same_seed_gives_the_same_samples() -> None:
    def samples(seed: int) -> list[bytes]:
        with FakeJoblet(clock="frozen", tls=False, seed=seed) as joblet:
            uuid = run(joblet, "sleep", args=["20"])
            joblet.clock.advance(21)
            metrics = joblet.rpc("QueryMetrics", job_uuid=uuid)
            return [metric.SerializeToString() for metric in metrics]

    assert samples(3) == samples(3) != samples(4)


def test_an_older_versions_client_gets_what_its_version_has() -> None:
    with FakeJoblet(api="2.0.3", clock="frozen", tls=False) as joblet:
        joblet.programs.on("train").metrics(cpu_percent=50.0, memory_bytes=9).sleeps(6)
        uuid = run(joblet)
        joblet.clock.advance(6)
        metrics = list(joblet.rpc("QueryMetrics", job_uuid=uuid, offset=1))

    assert [(each.data.cpu_usage, each.data.memory_usage) for each in metrics] == [(0.5, 9)]
