"""Trees of files, in memory; tests/programs/test_disk_tree.py has what holds for both kinds."""

from __future__ import annotations

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from joblet_fake.model.tree import MemoryTree, names, parents


def full(tree: MemoryTree, path: str, data: bytes, *, append: bool = False) -> None:
    with pytest.raises(OSError, match="No space left on device") as caught:
        tree.write(path, data, append=append)
    assert caught.value.errno == errno.ENOSPC


def test_what_fits_is_written_and_the_rest_refused() -> None:
    """VOL-28: a job's file has as many bytes as there was room for."""
    tree = MemoryTree(capacity=8192, block=4096)
    full(tree, "a", b"x" * 10_000)
    assert tree.read("a") == b"x" * 8192
    full(tree, "b", b"y")
    assert tree.read("b") == b""


def test_a_file_takes_whole_blocks() -> None:
    tree = MemoryTree({"a": b"1", "b": b"2"}, capacity=8192, block=4096)
    assert tree.room == 0
    tree.write("a", b"1" * 4095, append=True)
    full(tree, "a", b"1", append=True)
    full(tree, "c", b"3")
    tree.remove("b")
    tree.write("c", b"3")
    assert (tree.room, tree.read("c")) == (0, b"3")


def test_writing_anew_makes_room_for_what_was_there() -> None:
    tree = MemoryTree({"a": b"x" * 8192}, capacity=8192, block=4096)
    tree.write("a", b"y" * 8192)
    tree.write("a", b"z")
    assert (tree.read("a"), tree.room) == (b"z", 4096)


def test_folders_take_a_block_where_the_file_system_says_so() -> None:
    tree = MemoryTree(folders=["lost+found"], capacity=2048, block=1024, folder_block=1024)
    tree.make_folder("a")
    tree.make_folder("a/b")
    with pytest.raises(OSError, match="No space left on device"):
        tree.make_folder("c")
    tree.remove("a/b")
    assert tree.room == 1024


def test_removed_from_under_its_users_it_takes_nothing_more() -> None:
    """VOL-32."""
    tree = MemoryTree({"a/b": b"1"})
    tree.drop()
    assert (list(tree.paths()), names(tree, "")) == ([], [])
    with pytest.raises(FileNotFoundError):
        tree.write("c", b"")
    with pytest.raises(FileNotFoundError):
        tree.make_folder("c")


def test_names_are_sorted_by_their_bytes() -> None:
    tree = MemoryTree({"b": b"", "B": b"", "a/x": b"", "\u00e9": b"", "_": b""}, folders=["Z"])
    assert names(tree, "") == ["B", "Z", "_", "a", "b", "\u00e9"]
    assert (names(tree, "a"), parents("a/x")) == (["x"], ["a"])


chunks = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 40), st.booleans()), max_size=30)


@given(chunks, st.integers(0, 12), st.sampled_from([1, 4]))
def test_no_more_is_ever_in_it_than_fits(
    writes: list[tuple[str, int, bool]], blocks: int, block: int
) -> None:
    """And it refuses exactly what does not."""
    tree = MemoryTree(capacity=blocks * block, block=block)
    kept: dict[str, bytes] = {}

    def used(files: dict[str, bytes]) -> int:
        return sum(-(-len(data) // block) * block for data in files.values())

    for path, length, append in writes:
        whole = kept.get(path, b"") * append + b"x" * length
        fits = used(kept | {path: whole}) <= blocks * block
        if fits:
            tree.write(path, b"x" * length, append=append)
            kept[path] = whole
        else:
            with pytest.raises(OSError, match="No space left"):
                tree.write(path, b"x" * length, append=append)
            kept[path] = tree.read(path) or b""
            assert whole.startswith(kept[path])
        assert used(kept) <= blocks * block
        assert tree.room == blocks * block - used(kept)
        assert {path: tree.read(path) for path in tree.paths()} == kept
