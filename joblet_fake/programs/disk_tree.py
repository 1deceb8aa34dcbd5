"""A volume's files in a folder of this machine, where real local processes use them."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from joblet_fake.model.tree import MemoryTree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from joblet_fake.model.tree import Tree


class DiskTree:
    """A tree in a folder; a size limit is not kept there.

    Only regular files are read: processes may make links and pipes.

    Args:
        folder: the folder, which is there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, path: str) -> bytes | None:
        """Give a file's content; None if there is no such file, or it can't be read."""
        with suppress(OSError, ValueError):
            if stat.S_ISREG((self._folder / path).lstat().st_mode):
                return (self._folder / path).read_bytes()
        return None

    def write(self, path: str, data: bytes, *, append: bool = False) -> None:
        """Write a file anew, or add to its end.

        Raises:
            OSError: see `Tree.write`.
        """
        file = self._folder / path
        if file.is_symlink() or (file.exists() and not file.is_file()):
            raise IsADirectoryError(errno.EISDIR, "Is a directory", path)
        with file.open("ab" if append else "wb") as stream:
            stream.write(data)

    def make_folder(self, path: str) -> None:
        """Make a folder in one that is there.

        Raises:
            OSError: see `Tree.make_folder`.
        """
        (self._folder / path).mkdir()

    def remove(self, path: str) -> None:
        """Remove a file or an empty folder.

        Raises:
            OSError: see `Tree.remove`.
        """
        place = self._folder / path
        if place.is_dir() and not place.is_symlink():
            place.rmdir()
        else:
            place.unlink()

    def is_folder(self, path: str) -> bool:
        """Tell whether a path is a folder."""
        place = self._folder / path
        return place.is_dir() and not place.is_symlink()

    def paths(self) -> Iterator[str]:
        """Give the path of every regular file."""
        return iter(self._walk(folders=False))

    def folders(self) -> Iterator[str]:
        """Give the path of every folder but the root."""
        return iter(self._walk(folders=True))

    def clear(self) -> None:
        """Remove everything."""
        for place in tuple(self._folder.iterdir()) if self._folder.is_dir() else ():
            if place.is_dir() and not place.is_symlink():
                shutil.rmtree(place, ignore_errors=True)
            else:
                with suppress(OSError):
                    place.unlink()

    def drop(self) -> None:
        """Remove everything, and let nobody make anything any more."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _walk(self, *, folders: bool) -> list[str]:
        found = []
        for parent, below, files in os.walk(self._folder):
            for name in below if folders else files:
                place = Path(parent, name)
                if folders or stat.S_ISREG(place.lstat().st_mode):
                    found.append(place.relative_to(self._folder).as_posix())
        return found


def to_disk(tree: Tree, folder: Path) -> DiskTree:
    """Write a tree into an empty folder.

    Args:
        tree: what to write.
        folder: a folder that is there.

    Raises:
        OSError: this machine can't have such files.
    """
    disk = DiskTree(folder)
    # Parents are shorter than what lies in them.
    for path in sorted(tree.folders(), key=len):
        disk.make_folder(path)
    for path in tree.paths():
        disk.write(path, tree.read(path) or b"")
    return disk


def to_memory(tree: Tree) -> MemoryTree:
    """Read a tree into memory."""
    contents = {path: data for path in tree.paths() if (data := tree.read(path)) is not None}
    return MemoryTree(contents, folders=tree.folders())
