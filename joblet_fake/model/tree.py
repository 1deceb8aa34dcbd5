"""A tree of files that jobs write to, and the room that they may take."""

from __future__ import annotations

import errno
import posixpath
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


class Tree(Protocol):
    """Files and folders by paths relative to the tree's root, which is `""`."""

    def read(self, path: str) -> bytes | None:
        """Give a file's content; None if there is no such file."""

    def write(self, path: str, data: bytes, *, append: bool = False) -> None:
        """Write a file anew, or add to its end.

        Raises:
            OSError: the folder is not there, the path is one, or there is not room for all of
                the data: then what fits is written.
        """

    def make_folder(self, path: str) -> None:
        """Make a folder in one that is there.

        Raises:
            OSError: something is there already, or the parent is not.
        """

    def remove(self, path: str) -> None:
        """Remove a file or an empty folder.

        Raises:
            OSError: there is none, or the folder is not empty.
        """

    def is_folder(self, path: str) -> bool:
        """Tell whether a path is a folder."""

    def paths(self) -> Iterator[str]:
        """Give the path of every file."""

    def folders(self) -> Iterator[str]:
        """Give the path of every folder but the root."""

    def clear(self) -> None:
        """Remove everything."""

    def drop(self) -> None:
        """Remove everything, and let nobody make anything any more."""


def names(tree: Tree, folder: str) -> list[str]:
    """Give what lies in a folder, sorted as in the C locale."""
    inside = f"{folder}/" if folder else ""
    found = {
        path.removeprefix(inside).split("/")[0]
        for paths in (tree.paths(), tree.folders())
        for path in paths
        if path.startswith(inside)
    }
    return sorted(found, key=lambda name: name.encode(errors="surrogateescape"))


class MemoryTree:
    """A tree in memory.

    Args:
        contents: files that are there from the start; their folders are, too.
        folders: folders that are there from the start.
        capacity: how many bytes fit, in whole blocks; None for any number.
        block: a file takes whole blocks of so many bytes.
        folder_block: what a folder takes.

    >>> tree = MemoryTree({"a/b": b"1"}, capacity=8192, block=4096)
    >>> tree.write("a/b", b"2", append=True)
    >>> tree.read("a/b"), tree.room
    (b'12', 4096)
    """

    def __init__(
        self,
        contents: Mapping[str, bytes] | None = None,
        *,
        folders: Iterable[str] = (),
        capacity: int | None = None,
        block: int = 1,
        folder_block: int = 0,
    ) -> None:
        self.capacity = capacity
        self._block = block
        self._folder_block = folder_block
        self._files: dict[str, bytearray] = {}
        self._folders: set[str] = {"", *folders}
        self._used = 0
        # What is removed from under its users lets nobody make anything any more.
        self._gone = False
        for path, data in (contents or {}).items():
            for parent in parents(path):
                self._folders.add(parent)
            self.write(path, data)

    @property
    def room(self) -> int | None:
        """How many more bytes fit; None for any number."""
        return None if self.capacity is None else max(0, self.capacity - self._used)

    def read(self, path: str) -> bytes | None:
        """Give a file's content; None if there is no such file."""
        content = self._files.get(path)
        return None if content is None else bytes(content)

    def write(self, path: str, data: bytes, *, append: bool = False) -> None:
        """Write a file anew, or add to its end.

        Raises:
            OSError: see `Tree.write`.
        """
        if path in self._folders:
            raise IsADirectoryError(errno.EISDIR, "Is a directory", path)
        self._check_parent(path)
        content = self._files.setdefault(path, bytearray())
        self._used -= self._blocks(len(content))
        if not append:
            content.clear()
        most = None if self.room is None else self.room // self._block * self._block - len(content)
        content += data if most is None else data[: max(0, most)]
        self._used += self._blocks(len(content))
        if most is not None and len(data) > most:
            raise OSError(errno.ENOSPC, "No space left on device", path)

    def make_folder(self, path: str) -> None:
        """Make a folder in one that is there.

        Raises:
            OSError: see `Tree.make_folder`.
        """
        if path in self._folders or path in self._files:
            raise FileExistsError(errno.EEXIST, "File exists", path)
        self._check_parent(path)
        if self.room is not None and self.room < self._folder_block:
            raise OSError(errno.ENOSPC, "No space left on device", path)
        self._folders.add(path)
        self._used += self._folder_block

    def remove(self, path: str) -> None:
        """Remove a file or an empty folder.

        Raises:
            OSError: see `Tree.remove`.
        """
        if path in self._files:
            self._used -= self._blocks(len(self._files.pop(path)))
        elif path not in self._folders:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
        elif names(self, path):
            raise OSError(errno.ENOTEMPTY, "Directory not empty", path)
        else:
            self._folders.discard(path)
            self._used -= self._folder_block

    def is_folder(self, path: str) -> bool:
        """Tell whether a path is a folder."""
        return path in self._folders

    def paths(self) -> Iterator[str]:
        """Give the path of every file."""
        return iter(tuple(self._files))

    def folders(self) -> Iterator[str]:
        """Give the path of every folder but the root."""
        return iter(tuple(self._folders - {""}))

    def clear(self) -> None:
        """Remove everything."""
        self._files.clear()
        self._folders = {""}
        self._used = 0

    def drop(self) -> None:
        """Remove everything, and let nobody make anything any more."""
        self.clear()
        self._gone = True

    def _check_parent(self, path: str) -> None:
        parent = posixpath.dirname(path)
        if parent in self._files:
            raise NotADirectoryError(errno.ENOTDIR, "Not a directory", path)
        if self._gone or parent not in self._folders:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)

    def _blocks(self, length: int) -> int:
        return -(-length // self._block) * self._block


def parents(path: str) -> list[str]:
    """Give the folders that a path lies in, the outermost first.

    >>> parents("a/b/c")
    ['a', 'a/b']
    """
    parts = path.split("/")[:-1]
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]
