"""VolumeService over real gRPC, and what jobs find in volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest

from joblet_fake import FakeJoblet

if TYPE_CHECKING:
    from collections.abc import Iterator

CREATE = "failed to create volume: failed to create volume object: "


@pytest.fixture
def frozen() -> Iterator[FakeJoblet]:
    with FakeJoblet(clock="frozen", tls=False) as joblet:
        yield joblet
        joblet.check()


def refused(joblet: FakeJoblet, method: str, **fields: object) -> tuple[str, str]:
    with pytest.raises(grpc.RpcError) as caught:
        joblet.rpc(method, timeout=20, **fields)
    error: Any = caught.value
    return error.code().name, error.details()


def ran(joblet: FakeJoblet, script: str, *volumes: str) -> str:
    """Run a script to its end, and give what it wrote."""
    job = joblet.rpc("RunJob", command="sh", args=["-c", script], volumes=volumes).job_uuid
    return joblet.jobs[job].output_bytes.decode()


def test_a_new_server_has_no_volumes(frozen: FakeJoblet) -> None:
    """VOL-15."""
    assert list(frozen.rpc("ListVolumes").volumes) == []


def test_a_volume_is_shown_as_it_was_made(frozen: FakeJoblet) -> None:
    """VOL-13, VOL-16 to VOL-18: no job ever counts."""
    made = frozen.rpc("CreateVolume", name="data", size=" 1.5gb", type="filesystem")
    assert (made.name, made.size, made.type, made.path) == (
        "data", " 1.5gb", "filesystem", "/opt/joblet/volumes/data",
    )  # fmt: skip
    frozen.rpc("RunJob", command="sleep", args=["60"], volumes=["data"])
    (shown,) = frozen.rpc("ListVolumes").volumes
    assert (shown.name, shown.size, shown.type, shown.path) == (
        "data", " 1.5gb", "filesystem", "/opt/joblet/volumes/data",
    )  # fmt: skip
    assert (shown.created_time, shown.job_count) == ("2026-01-01T00:00:00Z", 0)


def test_lists_have_the_same_order_every_time_and_not_that_of_making(frozen: FakeJoblet) -> None:
    """VOL-15."""
    names = [f"v{number}" for number in range(8)]
    for name in names:
        frozen.rpc("CreateVolume", name=name, size="1", type="memory")
    first, second = (
        [volume.name for volume in frozen.rpc("ListVolumes").volumes] for _ in range(2)
    )
    assert first == second
    assert first not in (names, names[::-1])


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "volume name cannot be empty"),
        ({"name": "a"}, "invalid size: size cannot be empty"),
        ({"name": "a", "size": "1 GB"}, "invalid size: unsupported size unit:  GB"),
        ({"name": "a", "size": "0"}, "volume size must be positive"),
        ({"name": "a", "size": "1"}, "invalid volume type: "),
        ({"name": "a", "size": "1", "type": "\u00fc\n"}, "invalid volume type: \u00fc\n"),
        (
            {"name": "../a", "size": "1", "type": "memory"},
            (
                "invalid volume name: ../a "
                "(must contain only alphanumeric characters, hyphens, and underscores)"
            ),
        ),
    ],
)
def test_what_create_volume_refuses(frozen: FakeJoblet, fields: dict[str, str], text: str) -> None:
    """VOL-01 to VOL-10."""
    assert refused(frozen, "CreateVolume", **fields) == ("INVALID_ARGUMENT", CREATE + text)
    assert len(frozen.volumes) == 0


def test_removals_are_told_in_an_ok_reply(frozen: FakeJoblet) -> None:
    """VOL-20, VOL-21."""
    frozen.volumes.add("data")
    told = [frozen.rpc("RemoveVolume", name=name) for name in ("data", "data", "", "../x")]
    assert [(reply.success, reply.message) for reply in told] == [
        (True, "Volume removed successfully"),
        (False, "volume data not found"),
        (False, "volume  not found"),
        (False, "volume ../x not found"),
    ]


@pytest.mark.parametrize("kind", ["memory", "filesystem"])
def test_what_a_job_writes_the_next_one_reads(frozen: FakeJoblet, kind: str) -> None:
    """VOL-28."""
    frozen.rpc("CreateVolume", name="data", size="1MB", type=kind)
    ran(frozen, "mkdir /volumes/data/in && echo one > /volumes/data/in/f", "data")
    assert ran(frozen, "echo two >> ../volumes/data/in/f; cat /volumes/data/in/f", "data") == (
        "one\ntwo\n"
    )
    assert frozen.volumes["data"].files == {"in/f": b"one\ntwo\n"}
    assert ran(frozen, "cat /volumes/data/in/f") == (
        "cat: /volumes/data/in/f: No such file or directory\n"
    )
    job = frozen.rpc(
        "RunJob", command="cat", args=["/volumes/data/in/f"], volumes=["data"]
    ).job_uuid
    assert frozen.jobs[job].stdout == "one\ntwo\n"


def test_a_running_jobs_writing_is_seen_at_once(frozen: FakeJoblet) -> None:
    frozen.volumes.add("data")
    script = "for i in 1 2 3; do echo $i; sleep 10; done > /volumes/data/f"
    frozen.rpc("RunJob", command="sh", args=["-c", script], volumes=["data"])
    frozen.clock.advance(15)
    assert ran(frozen, "cat /volumes/data/f", "data") == "1\n2\n"


def test_a_job_keeps_a_volume_that_is_removed_or_made_again(frozen: FakeJoblet) -> None:
    """VOL-12, VOL-22."""
    frozen.volumes.add("a", files={"f": "old"})
    frozen.volumes.add("b", files={"f": "old"})
    script = "sleep 10; cat /volumes/a/f /volumes/b/f; echo new > /volumes/a/f"
    job = frozen.rpc("RunJob", command="sh", args=["-c", script], volumes=["a", "b"]).job_uuid
    assert frozen.rpc("RemoveVolume", name="a").success
    frozen.rpc("CreateVolume", name="b", size="1MB", type="memory")
    frozen.clock.advance(10)
    assert (frozen.jobs[job].status, frozen.jobs[job].stdout) == ("COMPLETED", "oldold")
    assert (list(frozen.volumes), frozen.volumes["b"].files) == (["b"], {})


def test_a_full_volume_is_an_error_inside_of_the_job(frozen: FakeJoblet) -> None:
    """VOL-28: what fits is written."""
    frozen.rpc("CreateVolume", name="data", size="4KB", type="memory")
    script = (
        "seq 5000 > /volumes/data/f; echo $?; echo x >> /volumes/data/f; echo $?; "
        "echo y > /volumes/data/g"
    )
    assert ran(frozen, script, "data") == (
        "seq: write error: No space left on device\n1\n"
        "/usr/bin/sh: 1: echo: echo: I/O error\n1\n/usr/bin/sh: 1: echo: echo: I/O error\n"
    )
    assert {path: len(data) for path, data in frozen.volumes["data"].files.items()} == {
        "f": 4096, "g": 0,
    }  # fmt: skip


def test_a_job_without_volumes_has_a_megabyte(frozen: FakeJoblet) -> None:
    """VOL-26: one that names any volume, even a missing one, has no limit."""
    script = "seq 200000 2> /dev/null > f; echo $?; wc -c < f"
    assert ran(frozen, script) == "1\n1048576\n"
    assert ran(frozen, script, "nowhere").endswith("\n0\n1288895\n")


def test_a_missing_volume_is_told_in_the_log(frozen: FakeJoblet) -> None:
    """VOL-24, VOL-27: the job runs on, without the folder."""
    log = ran(frozen, "echo x > /volumes/no/f; echo $?; ls -A /volumes", "no").splitlines()
    assert "[WARN] volume does not exist | " in log[0]
    assert 'error="volume no does not exist at /opt/joblet/volumes/no/data"' in log[1]
    assert log[2:] == ["/usr/bin/sh: 1: cannot create /volumes/no/f: Directory nonexistent", "2"]


def test_volumes_are_in_a_jobs_environment(frozen: FakeJoblet) -> None:
    """VOL-30."""
    for name in "ab":
        frozen.volumes.add(name)
    script = "echo $JOB_VOLUMES_COUNT $JOB_VOLUME_0 $JOB_VOLUME_1 $(ls /volumes)"
    assert ran(frozen, script, "a", "b") == "2 a b a b\n"
    assert ran(frozen, script) == "\n"


def test_making_and_removing_take_time_at_the_real_pace() -> None:
    """VOL-14."""
    with FakeJoblet(clock="frozen", pace="real", tls=False) as joblet:
        for kind in ("memory", "filesystem"):
            joblet.rpc("CreateVolume", name=kind, size="1MB", type=kind)
            joblet.rpc("RemoveVolume", name=kind)
        made, gone, slow, slower = [round(call.duration or 0, 4) for call in joblet.calls]
        assert 0 < made == gone < slower < slow < 0.03


def test_a_volume_removed_right_after_the_answer_is_missing() -> None:
    """VOL-22."""
    with FakeJoblet(clock="frozen", pace="real", tls=False) as joblet:
        joblet.volumes.add("data")
        job = joblet.rpc("RunJob", command="ls", args=["/volumes"], volumes=["data"]).job_uuid
        joblet.rpc("RemoveVolume", name="data")
        joblet.clock.advance(2)
        assert joblet.jobs[job].stdout.count("[WARN]") == 2


def test_a_viewer_only_lists() -> None:
    """AUTH-07, AUTH-09: the role is asked for before anything is looked at."""
    with FakeJoblet(clock="frozen") as joblet:
        assert list(joblet.rpc("ListVolumes", role="viewer").volumes) == []
        for method in ("CreateVolume", "RemoveVolume"):
            assert refused(joblet, method, role="viewer", name="") == (
                "PERMISSION_DENIED",
                "role viewer is not allowed to perform operation run_job",
            )
        assert refused(joblet, "ListVolumes", role="nobody")[1] == (
            "role unknown is not allowed to perform operation stream_jobs"
        )


def test_a_restart_keeps_volumes_and_dates_them_anew() -> None:
    """VOL-19."""
    with FakeJoblet(clock="frozen", tls=False) as joblet:
        joblet.volumes.add("data", files={"f": "kept"})
        joblet.clock.advance(hours=1)
        joblet.restart()
        (shown,) = joblet.rpc("ListVolumes").volumes
        assert (shown.name, shown.created_time) == ("data", "2026-01-01T01:00:00Z")
        assert ran(joblet, "cat /volumes/data/f", "data") == "kept"


def test_a_reset_forgets_volumes(frozen: FakeJoblet) -> None:
    frozen.volumes.add("data", files={"f": "x"})
    frozen.networks.add("lab")
    frozen.reset()
    assert (list(frozen.volumes), list(frozen.networks)) == ([], ["bridge"])
    frozen.volumes.add("data")
    assert frozen.volumes["data"].files == {}


@pytest.mark.parametrize("api", ["1.0.0", "2.0.3", "2.2.0"])
def test_older_versions_have_the_same_methods(api: str) -> None:
    """SURF-02."""
    with FakeJoblet(api=api, clock="frozen", tls=False) as joblet:
        joblet.rpc("CreateVolume", name="data", size="1MB", type="memory")
        assert [volume.name for volume in joblet.rpc("ListVolumes").volumes] == ["data"]
        assert joblet.rpc("RemoveVolume", name="data").success
