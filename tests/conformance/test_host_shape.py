"""What a transcript keeps of a host: all but its names, of which comparing sees the shape."""

from __future__ import annotations

from typing import Any

from joblet_conformance.host_shape import REDACTED, HostShape, Unnamed
from joblet_conformance.plain import leaves, plain_message
from joblet_fake import FakeJoblet, load_api


def status(**fields: Any) -> dict[str, Any]:
    """Give a status as a step holds it."""
    method = load_api("2.3.1").method("GetSystemStatus")
    return plain_message(method.decode_response(method.encode(fields)))


def shaped(method: str = "MonitoringService.GetSystemStatus", **fields: Any) -> dict[str, Any]:
    """Give a status as comparing sees it."""
    steps = [{"method": method, "messages": [status(**fields)]}]
    HostShape().apply(steps)
    (message,) = steps[0]["messages"]
    return dict(message)


def test_a_hosts_names_do_not_get_into_a_transcript_and_all_else_does() -> None:
    with FakeJoblet(clock="frozen", tls=False, host="local") as joblet:
        message = joblet.rpc("GetSystemStatus")
    unnamed = Unnamed()
    before = dict(leaves(plain_message(message)))
    unnamed(message)
    after = dict(leaves(plain_message(message)))

    assert plain_message(unnamed.seen[0])["host"]["hostname"] == before["host", "hostname"]
    changed = {path for path in before if before[path] != after[path]}
    assert {part for path in changed for part in path if part in REDACTED}
    assert all(REDACTED & set(path) for path in changed)
    assert {
        after[path] for path in after if REDACTED & set(path) and after[path] not in ("", [])
    } == {"text"}
    assert after["memory", "total_bytes"] == before["memory", "total_bytes"] > 1
    assert set(after) == set(before)


def test_what_is_empty_stays_so_and_what_is_zero_beside_others_could_be_any_number() -> None:
    left = shaped(
        cpu={"load_average": [0, 0, 0]},
        memory={"total_bytes": 7},
        io={"total_reads": 3},
        processes={},
    )

    assert left["cpu"]["load_average"] == [0, 0, 0]
    assert (left["cpu"]["cores"], left["processes"]["total_processes"]) == (0, 0)
    assert (left["memory"]["total_bytes"], left["memory"]["swap_free"]) == (1, 1)
    assert (left["io"]["total_reads"], left["io"]["read_rate"]) == (1, 0)
    assert left["host"] is None


def test_items_of_one_shape_are_one_and_others_stay() -> None:
    disk = {"device": "/dev/a", "mount_point": "/", "filesystem": "ext4", "total_bytes": 5}
    left = shaped(disks=[disk, disk | {"total_bytes": 9}, disk | {"filesystem": ""}])

    assert sorted(each["filesystem"] for each in left["disks"]) == ["", "text"]
    assert {each["inodes_usage_percent"] for each in left["disks"]} == {0}


def test_a_number_that_does_not_fit_the_others_is_seen() -> None:
    disk = {"total_bytes": 10, "free_bytes": 4, "used_bytes": 6, "usage_percent": 60}
    process = {"memory_bytes": 8192, "memory_percent": 50}
    good = {"disks": [disk], "memory": {"total_bytes": 16384, "free_bytes": 16384}}
    same = shaped(**good, processes={"top_by_cpu": [process]})

    assert same["disks"][0]["used_bytes"] == same["processes"]["top_by_cpu"][0]["memory_bytes"] == 1
    for wrong in ({"used_bytes": 7}, {"total_bytes": 11}, {"usage_percent": 61}):
        assert shaped(**good | {"disks": [disk | wrong]})["disks"] != same["disks"]
    for wrong in ({"memory_bytes": 8193}, {"memory_percent": 51}):
        told = shaped(**good, processes={"top_by_cpu": [process | wrong]})
        assert told["processes"] != same["processes"]


def test_other_services_are_left_alone() -> None:
    assert shaped("JobService.ListJobs", memory={"total_bytes": 7})["memory"]["total_bytes"] == 7


def test_a_change_of_a_number_may_go_unseen_and_one_of_what_is_kept_may_not() -> None:
    steps = [{"method": "MonitoringService.GetSystemStatus", "messages": [status()]}]

    assert HostShape().covers((0, "messages", 0, "memory", "total_bytes"), steps)
    assert not HostShape().covers((0, "messages", 0, "io", "read_rate"), steps)
    assert not HostShape().covers((0, "code"), steps)
