"""`joblet.volumes`, from a test's side."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from joblet_fake import FakeJoblet

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def frozen() -> Iterator[FakeJoblet]:
    with FakeJoblet(clock="frozen", tls=False) as joblet:
        yield joblet
        joblet.check()


def test_volumes_are_a_mapping_by_name_oldest_first(frozen: FakeJoblet) -> None:
    frozen.rpc("CreateVolume", name="b", size="1.5KB", type="memory")
    frozen.clock.advance(60)
    added = frozen.volumes.add("a")
    assert (list(frozen.volumes), len(frozen.volumes), "c" in frozen.volumes) == (
        ["b", "a"],
        2,
        False,
    )
    assert (added.size, added.type, added.created) == (
        "1GB", "filesystem", datetime(2026, 1, 1, 0, 1, tzinfo=UTC),
    )  # fmt: skip
    made = frozen.volumes["b"]
    assert (made.name, made.size, made.size_bytes, made.path) == (
        "b", "1.5KB", 1536, "/opt/joblet/volumes/b",
    )  # fmt: skip


def test_files_are_what_the_next_job_finds(frozen: FakeJoblet) -> None:
    """VOL-28."""
    data = frozen.volumes.add("data", "1MB", "memory", files={"in/\u00fc": "\u00fc", "b": b"\xff"})
    assert data.files == {"b": b"\xff", "in/\u00fc": b"\xc3\xbc"}
    script = "cat /volumes/data/in/*; rm /volumes/data/b; echo new > /volumes/data/out"
    frozen.programs.on("other").writes("/volumes/data/out", "scripted")
    frozen.rpc(
        "RunJob", command="sh", args=["-c", script.replace("/*", "/\u00fc")], volumes=["data"]
    )
    assert data.files == {"in/\u00fc": b"\xc3\xbc", "out": b"new\n"}
    frozen.rpc("RunJob", command="other", volumes=["data"])
    assert data.files["out"] == b"scripted"
    assert repr(data) == "<volume 'data' memory 1MB, files 2>"


def test_a_removed_volume_is_not_there(frozen: FakeJoblet) -> None:
    frozen.volumes.add("data")
    frozen.rpc("RemoveVolume", name="data")
    with pytest.raises(KeyError, match="no volume 'data' on this server; its volumes: none"):
        frozen.volumes["data"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"name": "a b"}, "invalid volume name: a b"),
        ({"name": "a", "size": "1 GB"}, "unsupported size unit:  GB"),
        ({"name": "a", "type": "nfs"}, "invalid volume type: nfs"),
        ({"name": "there"}, "'there' is there already"),
        ({"name": "a", "files": {"/x": ""}}, "'/x' is no path below a volume"),
        ({"name": "a", "files": {"../x": ""}}, "'../x' is no path below a volume"),
        ({"name": "a", "files": {"x/": ""}}, "'x/' is no path below a volume"),
        ({"name": "a", "files": {"": ""}}, "'' is no path below a volume"),
        ({"name": "a", "files": {"x": "", "x/y": ""}}, "'x/y' can't be in this volume"),
        (
            {"name": "a", "size": "4KB", "type": "memory", "files": {"x": "x" * 5000}},
            "'x' can't be in this volume: No space left on device",
        ),
    ],
)
def test_what_can_not_be_added(frozen: FakeJoblet, arguments: dict[str, Any], reason: str) -> None:
    frozen.volumes.add("there")
    with pytest.raises(ValueError, match=reason):
        frozen.volumes.add(**arguments)
    assert list(frozen.volumes) == ["there"]
    assert "a" not in frozen.model.volumes


def test_a_volume_is_removed_with_its_files(frozen: FakeJoblet) -> None:
    """VOL-22: whether a job uses it or not."""
    frozen.volumes.add("data", files={"a": "1"})
    frozen.volumes.add("more")
    frozen.rpc("RunJob", command="sleep", args=["9"], volumes=["data"])

    frozen.volumes.remove("data")
    del frozen.volumes["more"]

    assert list(frozen.volumes) == []
    assert len(frozen.rpc("ListVolumes").volumes) == 0
    assert frozen.volumes.add("data").files == {}
    with pytest.raises(KeyError, match="no volume 'more' on this server; its volumes: 'data'"):
        frozen.volumes.remove("more")
