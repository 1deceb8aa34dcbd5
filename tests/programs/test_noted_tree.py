"""What a process finds in a volume, it finds again when it goes through its steps again."""

from __future__ import annotations

import pytest

from joblet_fake.model.tree import MemoryTree
from joblet_fake.model.volume import Mount
from joblet_fake.programs.kept import Kept
from joblet_fake.programs.noted_tree import NotedTree


def look(tree: NotedTree) -> list[object]:
    """Use a tree in every way, and give what was found."""
    found: list[object] = [tree.read("a"), tree.read("b"), tree.is_folder("f")]
    for do in (
        lambda: tree.write("a", b"more", append=True),
        lambda: tree.write("missing/c", b""),
        lambda: tree.make_folder("f"),
        lambda: tree.remove("b"),
    ):
        try:
            found.append(do())  # type: ignore[func-returns-value]  # nothing, or an error
        except OSError as error:
            found.append(type(error))
    return [*found, tree.read("a"), list(tree.paths()), sorted(tree.folders())]


def test_it_is_found_again_and_done_once() -> None:
    mount, answers = Mount(MemoryTree({"a": b"1"})), Kept[object]()
    first = look(NotedTree(mount, answers))
    mount.tree.write("a", b"from another job")

    answers.rewind()
    again = look(NotedTree(mount, answers))
    answers.to_end()

    assert again == first
    assert mount.tree.read("a") == b"from another job"
    assert NotedTree(mount, answers).read("a") == b"from another job"


def test_what_asks_for_more_than_before_is_noticed() -> None:
    mount, answers = Mount(MemoryTree({"a": b"1"})), Kept[object]()
    NotedTree(mount, answers).read("a")
    answers.rewind()
    tree = NotedTree(mount, answers)
    tree.read("a")

    with pytest.raises(IndexError):
        tree.read("a")


def test_one_content_is_kept_once_however_often_it_is_read() -> None:
    mount, answers = Mount(MemoryTree({"a": b"content"})), Kept[object]()
    tree = NotedTree(mount, answers)
    for _ in range(3):
        tree.read("a")

    assert len({id(answer) for answer in answers}) == 1
