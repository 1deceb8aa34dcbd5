"""What a transcript keeps of a host: its shape, and nothing of whose it is."""

from __future__ import annotations

from typing import Any

from joblet_conformance.host_shape import Shapes
from joblet_conformance.plain import leaves, plain_message
from joblet_fake import FakeJoblet, load_api


def shaped(**fields: Any) -> tuple[Any, Any]:
    """Give a status as it came, and what is left of it."""
    method = load_api("2.3.1").method("GetSystemStatus")
    message = method.decode_response(method.encode(fields))
    shapes = Shapes()
    shapes(message)
    return shapes.seen[0], message


def test_a_hosts_own_numbers_and_names_do_not_get_into_a_transcript() -> None:
    with FakeJoblet(clock="frozen", tls=False, host="local") as joblet:
        status = joblet.rpc("GetSystemStatus")
    shapes = Shapes()
    shapes(status)

    kept = [
        value
        for path, value in leaves(plain_message(status))
        if path[-1] not in {"timestamp", "boot_time", "node_id"} and value != []
    ]
    assert set(kept) <= {"", "text", 0, 1, None, "joblet"}
    assert shapes.seen[0].host.hostname != "text"


def test_what_is_empty_stays_so_and_what_is_zero_beside_others_could_be_any_number() -> None:
    seen, left = shaped(
        cpu={"load_average": [0, 0, 0]},
        memory={"total_bytes": 7},
        io={"total_reads": 3},
        processes={},
    )

    assert list(left.cpu.load_average) == [0, 0, 0]
    assert (left.cpu.cores, left.processes.total_processes) == (0, 0)
    assert (left.memory.total_bytes, left.memory.swap_free) == (1, 1)
    assert (left.io.total_reads, left.io.read_rate) == (1, 0)
    assert (seen.memory.total_bytes, seen.memory.swap_free) == (7, 0)
    assert not left.HasField("host")


def test_items_of_one_shape_are_one_and_others_stay() -> None:
    disk = {"device": "/dev/a", "mount_point": "/", "filesystem": "ext4", "total_bytes": 5}
    _, left = shaped(disks=[disk, disk | {"total_bytes": 9}, disk | {"filesystem": ""}])

    assert sorted(each.filesystem for each in left.disks) == ["", "text"]
    assert {each.inodes_usage_percent for each in left.disks} == {0}
