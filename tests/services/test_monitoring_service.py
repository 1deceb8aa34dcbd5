"""MonitoringService over real gRPC: what each method answers."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

import grpc
import pytest

from joblet_fake import FakeJoblet

if TYPE_CHECKING:
    from collections.abc import Iterator

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.fixture
def frozen() -> Iterator[FakeJoblet]:
    with FakeJoblet(clock="frozen", tls=False) as joblet:
        yield joblet
        joblet.check()


def set_fields(message: Any) -> set[str]:
    return {field.name for field, _ in message.ListFields()}


class Reader:
    """A client that reads a stream message by message."""

    def __init__(self, joblet: FakeJoblet, **fields: object) -> None:
        self.joblet = joblet
        self.call = joblet.rpc("StreamSystemMetrics", timeout=20, **fields)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.call.cancel()

    def next(self) -> Any:
        return next(self.call)


def test_a_status_has_every_part_and_no_cloud(frozen: FakeJoblet) -> None:
    """MON-12 to MON-25, Z-07: the fields that a server sets, and those that it never does."""
    status = frozen.rpc("GetSystemStatus")

    assert status.available is True
    assert status.timestamp == "2026-01-01T00:00:00Z"
    assert set_fields(status) == {
        "timestamp",
        "available",
        "host",
        "cpu",
        "memory",
        "disks",
        "networks",
        "io",
        "processes",
        "server_version",
    }
    assert set_fields(status.host) == {
        "hostname",
        "os",
        "kernel_version",
        "architecture",
        "boot_time",
        "uptime",
        "node_id",
        "server_ips",
        "mac_addresses",
    }
    assert len(status.cpu.load_average) == 3
    assert len(status.cpu.per_core_usage) == status.cpu.cores == 4
    assert {disk.inodes_usage_percent for disk in status.disks} == {0}
    assert (status.io.read_rate, status.io.write_rate, list(status.io.disk_io)) == (0, 0, [])
    assert {process.user for process in status.processes.top_by_cpu} == {""}
    for process in status.processes.top_by_memory:
        assert TIME.fullmatch(process.start_time)
        assert process.memory_percent == pytest.approx(
            100 * process.memory_bytes / status.memory.total_bytes
        )
    assert status.server_version.component == "joblet"
    assert status.server_version.platform == "linux/amd64"


def test_sizes_and_percentages_fit(frozen: FakeJoblet) -> None:
    """MON-14, MON-18, MON-19."""
    status = frozen.rpc("GetSystemStatus")
    memory = status.memory

    assert memory.usage_percent == pytest.approx(100 * memory.used_bytes / memory.total_bytes)
    assert memory.swap_used == memory.swap_total - memory.swap_free
    for disk in status.disks:
        assert disk.used_bytes == disk.total_bytes - disk.free_bytes
        assert disk.usage_percent == pytest.approx(100 * disk.used_bytes / disk.total_bytes)
        assert disk.inodes_used == disk.inodes_total - disk.inodes_free


def test_the_node_is_the_one_of_its_jobs(frozen: FakeJoblet) -> None:
    """MON-15."""
    job_id = frozen.rpc("RunJob", command="true").job_uuid

    node = frozen.rpc("GetSystemStatus").host.node_id
    assert node == frozen.rpc("GetJobStatus", uuid=job_id).node_id == frozen.host.node_id


def test_a_status_is_up_to_ten_seconds_old(frozen: FakeJoblet) -> None:
    """MON-01, MON-05: a job shows with the next snapshot."""
    before = frozen.rpc("GetSystemStatus")
    frozen.rpc("RunJob", command="sleep", args=["60"])
    frozen.clock.advance(9.9)

    assert frozen.rpc("GetSystemStatus") == before
    frozen.clock.advance(0.1)
    after = frozen.rpc("GetSystemStatus")
    assert after.timestamp == "2026-01-01T00:00:10Z"
    assert after.cpu.usage_percent > before.cpu.usage_percent + 10
    assert after.processes.total_processes == before.processes.total_processes + 1
    assert after.processes.top_by_cpu[0].command == "sleep 60"


def test_rates_are_the_growth_of_counters_between_two_statuses(frozen: FakeJoblet) -> None:
    """MON-20."""
    before = frozen.rpc("GetSystemStatus").networks
    frozen.clock.advance(10)
    after = frozen.rpc("GetSystemStatus").networks

    for old, new in zip(before, after, strict=True):
        assert new.interface == old.interface
        assert new.receive_rate == (new.bytes_received - old.bytes_received) / 10
        assert new.transmit_rate == (new.bytes_sent - old.bytes_sent) / 10


def test_a_server_that_has_just_begun_knows_no_rates(frozen: FakeJoblet) -> None:
    """MON-17, MON-20, MON-23."""
    with frozen.clock.lock:
        frozen.model.host.begin_again()

    status = frozen.rpc("GetSystemStatus")

    assert set_fields(status.cpu) == {"cores", "load_average", "per_core_usage"}
    assert list(status.cpu.per_core_usage) == [0] * 4
    assert {network.receive_rate for network in status.networks} == {0}
    assert {process.memory_percent for process in status.processes.top_by_memory} == {0}
    assert {process.cpu_percent for process in status.processes.top_by_cpu} == {0}


# The stream


def test_the_stream_gives_a_snapshot_at_once_and_then_by_the_clock(frozen: FakeJoblet) -> None:
    """MON-07, MON-08, MON-27: "advance" makes the messages, and nothing else does."""
    with Reader(frozen, interval_seconds=4) as reader:
        first = reader.next()
        frozen.clock.advance(12)
        messages = [first, reader.next(), reader.next(), reader.next()]

    assert [message.timestamp[-3:] for message in messages] == ["00Z", "00Z", "00Z", "10Z"]
    assert messages[0] == messages[1] == messages[2] != messages[3]


def test_the_stream_ends_with_the_client_alone(frozen: FakeJoblet) -> None:
    """MON-09."""
    with Reader(frozen) as reader:
        reader.next()
    frozen.calls.wait_for("StreamSystemMetrics")
    frozen.rpc("GetSystemStatus")

    call = frozen.calls.to("StreamSystemMetrics")[-1]
    assert call.sent == 1
    assert frozen.clock.next_due() is None


def test_a_message_of_the_stream_is_a_status_without_its_server(frozen: FakeJoblet) -> None:
    """MON-12."""
    status = frozen.rpc("GetSystemStatus")
    with Reader(frozen) as reader:
        message = reader.next()

    assert "available" not in message.DESCRIPTOR.fields_by_name
    for name in message.DESCRIPTOR.fields_by_name:
        assert getattr(message, name) == getattr(status, name)


PARTS = {
    "cpu": "cpu",
    "memory": "memory",
    "disk": "disks",
    "network": "networks",
    "io": "io",
    "process": "processes",
}


@pytest.mark.parametrize(
    ("types", "parts"),
    [
        ([], {"cpu", "memory", "disk", "network", "io", "process"}),
        (["cpu"], {"cpu"}),
        (["process", "disk", "process"], {"disk", "process"}),
        (["network", "io", "memory"], {"network", "io", "memory"}),
        (["io", "nothing"], {"io"}),
        (["disks", "processes", "CPU", "", " cpu", "\x00", "é", "../cpu"], set()),
        (["x" * 100_000], set()),
        ([""], set()),
    ],
)
def test_parts_can_be_chosen_and_others_are_there_but_empty(
    frozen: FakeJoblet, types: list[str], parts: set[str]
) -> None:
    """MON-10, MON-11."""
    with Reader(frozen, metric_types=types) as reader:
        message = reader.next()
    status = frozen.rpc("GetSystemStatus")

    assert (message.host, message.timestamp) == (status.host, status.timestamp)
    assert not message.HasField("cloud")
    for part, field in PARTS.items():
        value = getattr(message, field)
        if part in parts:
            assert value == getattr(status, field)
        elif part in {"disk", "network"}:
            assert len(value) == 0
        else:
            assert message.HasField(field)
            assert set_fields(value) == ({"load_average"} if part == "cpu" else set())
    if "cpu" not in parts:
        assert list(message.cpu.load_average) == [0, 0, 0]


@pytest.mark.parametrize("interval", [0, -1, -(2**31)])
def test_no_interval_and_negative_ones_are_five_seconds(frozen: FakeJoblet, interval: int) -> None:
    """MON-06, MON-27."""
    with Reader(frozen, interval_seconds=interval) as reader:
        reader.next()
        frozen.clock.advance(5)
        reader.next()
        assert frozen.clock.next_due() == frozen.clock.now_ns() + 5 * 10**9


def test_the_longest_interval_is_taken_as_it_is(frozen: FakeJoblet) -> None:
    """MON-27."""
    with Reader(frozen, interval_seconds=2**31 - 1) as reader:
        reader.next()
        assert frozen.clock.next_due() == frozen.clock.now_ns() + (2**31 - 1) * 10**9


def test_a_skipping_clock_lets_a_stream_run_through() -> None:
    with FakeJoblet(clock="skipping", tls=False) as joblet, Reader(joblet) as reader:
        moments = [reader.next().timestamp for _ in range(7)]
        assert moments == sorted(moments)
        assert len(set(moments)) == 4


def test_two_readers_with_their_own_parts_and_ticks(frozen: FakeJoblet) -> None:
    with (
        Reader(frozen, interval_seconds=5, metric_types=["cpu"]) as one,
        Reader(frozen, interval_seconds=10, metric_types=["memory"]) as other,
    ):
        one.next(), other.next()
        frozen.clock.advance(10)
        mine, theirs = [one.next(), one.next()], other.next()

    assert [message.memory.total_bytes for message in mine] == [0, 0]
    assert theirs.memory.total_bytes > 0
    assert theirs.timestamp == mine[1].timestamp


# Roles, and a host that is told what to be


def test_anybody_with_a_certificate_may_look_at_the_host() -> None:
    """MON-04."""
    with FakeJoblet(clock="frozen") as joblet:
        for role in ("viewer", "nobody"):
            assert joblet.rpc("GetSystemStatus", role=role).available
            stream = joblet.rpc("StreamSystemMetrics", role=role)
            assert next(stream).cpu.cores == 4
            stream.cancel()
        with pytest.raises(grpc.RpcError):
            joblet.rpc("ListRuntimes", role="nobody")


def test_a_cloud_that_was_set_is_in_both(frozen: FakeJoblet) -> None:
    """MON-24."""
    frozen.host.cloud = {"provider": "AWS", "region": "eu-west-1", "metadata": {"ami": "x"}}

    status = frozen.rpc("GetSystemStatus")
    with Reader(frozen, metric_types=["cpu"]) as reader:
        message = reader.next()

    assert (status.cloud.provider, status.cloud.zone) == ("AWS", "")
    assert dict(message.cloud.metadata) == {"ami": "x"}


def test_the_local_host_is_shown_and_jobs_that_really_run_are_on_it() -> None:
    with FakeJoblet(host="local", exec=True, tls=False) as joblet:
        job_id = joblet.rpc("RunJob", command="sleep", args=["30.25"]).job_uuid
        status = joblet.rpc("GetSystemStatus")
        joblet.rpc("StopJob", uuid=job_id)

    assert status.processes.total_processes > 0
    assert status.memory.total_bytes > 0
    with pytest.raises(RuntimeError, match="can't be set"):
        joblet.host.cpus = 3


def test_an_older_version_has_the_same_under_its_own_names() -> None:
    """SURF-02, SURF-03."""
    with FakeJoblet(api="1.0.0", clock="frozen", tls=False) as joblet:
        status = joblet.rpc("GetSystemStatus")
        assert status.cpu.cores == 4
        assert len(status.processes.top_by_cpu) == 10
        stream = joblet.rpc("StreamSystemMetrics", interval_seconds=1)
        assert next(stream).memory.total_bytes == status.memory.total_bytes
        stream.cancel()


def test_a_reset_ends_open_streams_and_forgets_what_was_said_of_the_host(
    frozen: FakeJoblet,
) -> None:
    frozen.host.cpus = 64
    with Reader(frozen) as reader:
        assert reader.next().cpu.cores == 64
        frozen.reset()
        with pytest.raises(StopIteration):
            reader.next()

    assert frozen.rpc("GetSystemStatus").cpu.cores == 4


def test_time_goes_on_in_uptime_and_boot_time_stays(frozen: FakeJoblet) -> None:
    """MON-14."""
    statuses = []
    for _ in range(4):
        statuses.append(frozen.rpc("GetSystemStatus"))
        frozen.clock.advance(30)

    assert len({status.host.boot_time for status in statuses}) == 1
    assert {new.host.uptime - old.host.uptime for old, new in pairwise(statuses)} == {30}
