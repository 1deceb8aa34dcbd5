"""What a job sees of its files, from the inside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from joblet_fake.clock import Clock
from joblet_fake.model import Job, JobSpec
from joblet_fake.model.tree import MemoryTree
from joblet_fake.model.volume import Mount
from joblet_fake.programs.context import Context, context_of
from joblet_fake.programs.job_files import is_writable

if TYPE_CHECKING:
    from collections.abc import Mapping

MIB = 2**20


def context(
    files: Mapping[str, bytes] | None = None, *, roomy: bool = True, **mounts: MemoryTree
) -> Context:
    job = Job("u", JobSpec("train"), "RUNNING", start_ns=0)
    job.files = dict(files or {})
    job.roomy = roomy
    job.mounts = {name: Mount(tree) for name, tree in mounts.items()}
    return context_of(job, Clock("frozen"))


def test_what_is_in_work_and_in_volumes_is_read_by_path() -> None:
    inside = context({"a/b": b"1"}, data=MemoryTree({"m/n": b"2"}))
    for path in ("a/b", "/work/a/b", "./a/../a/b", "//work/a/b"):
        assert inside.read(path) == b"1"
    for path in ("/volumes/data/m/n", "../volumes/data/m/n"):
        assert inside.read(path) == b"2"
    assert sorted(inside.files) == ["/volumes/data/m/n", "a/b"]
    assert (len(inside.files), inside.volumes) == (2, ("data",))
    for path in ("b", "/volumes/data/m", "/volumes/other/m", "/volumes", "/work", "/etc/hosts", ""):
        with pytest.raises(FileNotFoundError):
            inside.read(path)


def test_what_is_written_to_a_volume_is_the_volumes() -> None:
    tree = MemoryTree()
    inside = context(data=tree)
    inside.write("/volumes/data/x", "\u00fc")
    inside.write("/volumes/data/x", b"!", append=True)
    assert tree.read("x") == b"\xc3\xbc!"
    del inside.files["/volumes/data/x"]
    assert list(tree.paths()) == []
    with pytest.raises(KeyError):
        del inside.files["/volumes/data/x"]


def test_a_folder_must_be_there() -> None:
    inside = context(data=MemoryTree())
    for path in ("sub/x", "/volumes/data/sub/x", "/volumes/other/x"):
        with pytest.raises(FileNotFoundError):
            inside.write(path, b"")
    for path in ("/volumes/data", "/work", "/volumes", "/"):
        with pytest.raises(IsADirectoryError):
            inside.write(path, b"")


def test_elsewhere_any_folder_is_taken_to_be_there() -> None:
    """Nothing is known of the rest of a job's root; what a job writes there is its own."""
    inside = context()
    inside.write("/tmp/a/b", b"x")
    assert inside.read("/tmp/a/b") == b"x"
    assert inside.files.names("/") == ["tmp", "volumes", "work"]
    inside.write("/volumes/stray", b"y")
    assert inside.files.names("/volumes") == ["stray"]


def test_without_volumes_and_uploads_work_holds_a_megabyte() -> None:
    """VOL-26."""
    inside = context(roomy=False)
    with pytest.raises(OSError, match="No space left on device"):
        inside.write("x", b"1" * 2 * MIB)
    assert len(inside.read("x")) == MIB
    inside.write("/tmp/x", b"1" * 2 * MIB)
    context(roomy=True).write("x", b"1" * 2 * MIB)


def test_two_jobs_share_a_volume_and_nothing_else() -> None:
    tree = MemoryTree()
    one, other = context(data=tree), context(data=tree)
    for path in ("/volumes/data/x", "x", "/tmp/x"):
        one.write(path, b"one")
    assert other.read("/volumes/data/x") == b"one"
    assert sorted(other.files) == ["/volumes/data/x"]


@pytest.mark.parametrize(
    ("path", "writable"),
    [
        ("x", True), ("a/b", True), ("/work/x", True), ("/volumes/v/x", True),
        ("../volumes/v/a/b", True), ("//volumes/v/x", True),
        ("", False), (".", False), ("/work", False), ("/work/", False), ("a/", False),
        ("/volumes", False), ("/volumes/v", False), ("/volumes/v/", False), ("/etc/x", False),
        ("../x", False), ("/volumes/../x", False), ("/workers/x", False),
    ],
)  # fmt: skip
def test_where_a_script_may_write(path: str, writable: bool) -> None:  # noqa: FBT001 - pytest gives it
    assert is_writable(path) is writable
