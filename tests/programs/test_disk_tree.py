"""A tree in a folder of this machine does what one in memory does; links and pipes are no files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from joblet_fake.model.tree import MemoryTree, names
from joblet_fake.programs.disk_tree import DiskTree, to_disk, to_memory

if TYPE_CHECKING:
    from pathlib import Path

    from joblet_fake.model.tree import Tree


@pytest.fixture(params=["memory", "disk"])
def tree(request: pytest.FixtureRequest, tmp_path: Path) -> Tree:
    return MemoryTree() if request.param == "memory" else DiskTree(tmp_path)


def test_what_is_written_is_read(tree: Tree) -> None:
    tree.make_folder("a")
    tree.write("a/b", b"one")
    tree.write("a/b", b"two", append=True)
    tree.write("c", b"", append=True)
    assert (tree.read("a/b"), tree.read("c"), tree.read("d"), tree.read("a")) == (
        b"onetwo", b"", None, None,
    )  # fmt: skip
    assert sorted(tree.paths()) == ["a/b", "c"]
    assert list(tree.folders()) == ["a"]
    assert names(tree, "") == ["a", "c"]
    tree.write("a/b", b"new")
    assert tree.read("a/b") == b"new"


@pytest.mark.parametrize("path", ["nowhere/x", "f/x"])
def test_a_file_needs_its_folder(tree: Tree, path: str) -> None:
    tree.write("f", b"")
    with pytest.raises((FileNotFoundError, NotADirectoryError)):
        tree.write(path, b"")
    with pytest.raises((FileNotFoundError, NotADirectoryError)):
        tree.make_folder(path)


def test_what_is_there_stays_what_it_is(tree: Tree) -> None:
    tree.make_folder("a")
    tree.write("f", b"")
    with pytest.raises(IsADirectoryError):
        tree.write("a", b"")
    for path in "af":
        with pytest.raises(FileExistsError):
            tree.make_folder(path)
    assert tree.is_folder("a")
    assert not tree.is_folder("f")
    assert tree.is_folder("")


def test_only_what_is_empty_is_removed(tree: Tree) -> None:
    tree.make_folder("a")
    tree.write("a/b", b"")
    with pytest.raises(OSError, match="not empty"):
        tree.remove("a")
    tree.remove("a/b")
    tree.remove("a")
    with pytest.raises(FileNotFoundError):
        tree.remove("a")
    tree.write("x", b"")
    tree.make_folder("y")
    tree.clear()
    assert (list(tree.paths()), list(tree.folders())) == ([], [])
    tree.write("z", b"")
    tree.drop()
    assert list(tree.paths()) == []
    with pytest.raises(FileNotFoundError):
        tree.write("z", b"")


def test_from_memory_to_disk_and_back(tmp_path: Path) -> None:
    tree = MemoryTree({"a/b/c": b"1", "d": b"\xff"}, folders=["empty"])
    disk = to_disk(tree, tmp_path)
    assert (tmp_path / "a" / "b" / "c").read_bytes() == b"1"
    back = to_memory(disk)
    assert {path: back.read(path) for path in back.paths()} == {"a/b/c": b"1", "d": b"\xff"}
    assert back.is_folder("empty")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in folders")
def test_links_and_pipes_are_neither_read_nor_written_to(tmp_path: Path) -> None:
    """A pipe would be read for ever, and a link leads out of the folder."""
    secret = tmp_path / "secret"
    secret.write_text("s")
    folder = tmp_path / "volume"
    folder.mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "link").symlink_to(secret)
    (folder / "out").symlink_to(tmp_path)
    tree = DiskTree(folder)
    assert list(tree.paths()) == []
    assert (tree.read("pipe"), tree.read("link")) == (None, None)
    for path in ("pipe", "link"):
        with pytest.raises(IsADirectoryError):
            tree.write(path, b"x")
    assert secret.read_text() == "s"
    tree.clear()
    assert secret.exists()
    assert list(folder.iterdir()) == []
