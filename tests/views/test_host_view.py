"""`joblet.host` as a test's author uses it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from joblet_fake import FakeJoblet

GIB = 1 << 30


@pytest.fixture
def joblet() -> FakeJoblet:
    """One that is not started: state needs no server."""
    return FakeJoblet(clock="frozen")


def test_what_is_set_is_what_is_read(joblet: FakeJoblet) -> None:
    host = joblet.host
    host.hostname, host.os, host.kernel, host.architecture = "n1", "Debian 12", "6.1", "arm64"
    host.cpus, host.cpu_percent, host.load = 96, 87.5, (90.0, 60.5, 30.25)
    host.memory, host.memory_used, host.swap = 512 * GIB, 500 * GIB, 8 * GIB

    assert (host.hostname, host.os, host.kernel, host.architecture) == (
        "n1",
        "Debian 12",
        "6.1",
        "arm64",
    )
    assert (host.cpus, host.load) == (96, (90.0, 60.5, 30.25))
    assert host.cpu_percent == pytest.approx(87.5)
    assert (host.memory, host.memory_used, host.swap) == (512 * GIB, 500 * GIB, 8 * GIB)
    assert repr(host) == "<host n1 with 96 CPUs>"


def test_none_gives_a_value_back_to_the_seed(joblet: FakeJoblet) -> None:
    host = joblet.host
    before = host.cpu_percent, host.load, host.memory_used

    host.cpu_percent, host.load, host.memory_used = 1, [0, 0, 0], 0
    assert (host.cpu_percent, host.load, host.memory_used) == (pytest.approx(1), (0, 0, 0), 0)
    host.cpu_percent = host.load = host.memory_used = None

    assert (host.cpu_percent, host.load, host.memory_used) == before


def test_a_cloud_is_set_and_taken_away(joblet: FakeJoblet) -> None:
    assert joblet.host.cloud is None
    joblet.host.cloud = {"provider": "GCP", "zone": "b"}
    assert joblet.host.cloud is not None
    assert joblet.host.cloud["provider"] == "GCP"
    assert joblet.host.cloud["region"] == ""
    joblet.host.cloud = None
    assert joblet.host.cloud is None


def test_time_and_addresses_are_read_alone(joblet: FakeJoblet) -> None:
    host = joblet.host

    assert timedelta(days=3) <= joblet.clock.now() - host.booted <= timedelta(days=31)
    assert host.addresses[1] == "172.20.0.1"
    assert len(host.node_id) == 36


@pytest.mark.parametrize(
    ("name", "value", "error", "text"),
    [
        ("cpus", 0, ValueError, "1 to 4096"),
        ("cpus", 5000, ValueError, "1 to 4096"),
        ("cpu_percent", -0.1, ValueError, "0 to 100"),
        ("cpu_percent", 100.1, ValueError, "0 to 100"),
        ("cpu_percent", float("nan"), ValueError, "0 to 100"),
        ("load", (1.0, 2.0), ValueError, "three numbers"),
        ("load", (1.0, 2.0, -3.0), ValueError, "three numbers"),
        ("load", (1.0, 2.0, float("inf")), ValueError, "three numbers"),
        ("memory", 1024, ValueError, "67108864 bytes or more"),
        ("memory", 2**63, ValueError, "bytes or more"),
        ("memory_used", -1, ValueError, "0 to 8323874816"),
        ("memory_used", 9 * GIB, ValueError, "0 to 8323874816"),
        ("swap", -1, ValueError, "0 or more"),
        ("hostname", 3, TypeError, "give text"),
        ("cloud", {"vendor": "x"}, ValueError, "no 'vendor'; its keys: provider"),
    ],
)
def test_what_can_not_be_is_refused(
    joblet: FakeJoblet, name: str, value: Any, error: type[Exception], text: str
) -> None:
    before = getattr(joblet.host, name)

    with pytest.raises(error, match=text):
        setattr(joblet.host, name, value)

    assert getattr(joblet.host, name) == before


def test_memory_can_not_be_less_than_what_was_said_to_be_used(joblet: FakeJoblet) -> None:
    joblet.host.memory_used = 4 * GIB

    with pytest.raises(ValueError, match="set it to None first"):
        joblet.host.memory = 2 * GIB


# Disks


def test_disks_are_mounted_filled_and_taken_away(joblet: FakeJoblet) -> None:
    disks = joblet.host.disks
    data = disks.add("/data", total=100 * GIB, used=10 * GIB, filesystem="xfs")
    data.used += GIB
    data.inodes_used = 7
    disks.add("/more", total=GIB)

    assert list(disks) == ["/", "/boot/efi", "/data", "/more"]
    assert len(disks) == 4
    assert (data.device, data.filesystem, data.total, data.used) == (
        "/dev/sdb",
        "xfs",
        100 * GIB,
        11 * GIB,
    )
    assert (data.inodes_total, data.inodes_used) == (100 * GIB // 16384, 7)
    assert disks["/more"].device == "/dev/sdc"
    assert repr(disks["/data"]) == "<disk /dev/sdb at /data>"

    disks.remove("/data")
    assert "/data" not in disks
    with pytest.raises(KeyError, match="there is: /, /boot/efi, /more"):
        disks["/data"]
    with pytest.raises(KeyError, match="nothing is mounted"):
        disks.remove("/data")


def test_a_disk_never_holds_more_than_fits(joblet: FakeJoblet) -> None:
    disks = joblet.host.disks
    root = disks["/"]

    with pytest.raises(ValueError, match="0 to 53687091200"):
        root.used = root.total + 1
    with pytest.raises(ValueError, match="0 to 3276800"):
        root.inodes_used = -1
    with pytest.raises(ValueError, match="more is used than there is"):
        disks.add("/x", total=1, used=2)
    with pytest.raises(ValueError, match="has a file system"):
        disks.add("/", total=1)
    assert list(disks) == ["/", "/boot/efi"]


def test_the_local_host_is_read_and_not_set() -> None:
    host = FakeJoblet(host="local").host

    assert host.cpus > 0
    assert host.memory > 0
    assert host.cloud is None
    for change in (
        lambda: setattr(host, "cpus", 2),
        lambda: setattr(host, "memory", GIB),
        lambda: host.disks.add("/nowhere/else", total=1),
    ):
        with pytest.raises(RuntimeError, match="host='local'"):
            change()


def test_an_unknown_kind_of_host_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown host 'remote': it is one of seeded, local"):
        FakeJoblet(host="remote")
