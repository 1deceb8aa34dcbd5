"""A job's files: /work, its volumes, and what it writes elsewhere."""

from __future__ import annotations

import errno
import posixpath
import re
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Final

from joblet_fake.model.tree import MemoryTree, names, parents
from joblet_fake.model.volume_size import MIB, PAGE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from joblet_fake.model.job import Job
    from joblet_fake.model.tree import Tree

WORK: Final = "/work"
VOLUMES: Final = "/volumes"


class JobFiles(MutableMapping[str, bytes]):
    """The files that a job sees, by path: relative ones are below /work.

    What lies in a volume is what every job sees that has it mounted. Of the rest of a job's root
    nothing is known: any folder is taken to be there, and the job alone sees what it writes.

    Args:
        job: the job; its volumes are looked up when they are used, since they are mounted after
            its program was chosen.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._work: MemoryTree | None = None
        self._elsewhere = MemoryTree(folders=(VOLUMES[1:],))

    # As a mapping

    def __getitem__(self, path: str) -> bytes:
        tree, inside = self._find(path)
        data = tree.read(inside)
        if data is None:
            raise KeyError(path)
        return data

    def __setitem__(self, path: str, data: bytes) -> None:
        self.write(path, data)

    def __delitem__(self, path: str) -> None:
        if path not in self:
            raise KeyError(path)
        self.remove(path)

    def __iter__(self) -> Iterator[str]:
        yield from self._own.paths()
        for name, mount in self._job.mounts.items():
            yield from (f"{VOLUMES}/{name}/{path}" for path in mount.tree.paths())
        yield from (f"/{path}" for path in self._elsewhere.paths())

    def __len__(self) -> int:
        return sum(1 for _ in self)

    # As a file system

    def write(self, path: str, data: bytes, *, append: bool = False) -> None:
        """Write a file anew, or add to its end.

        Args:
            path: relative to /work, or absolute.
            data: its bytes.
            append: whether to add them.

        Raises:
            OSError: its folder is not there, it is one, or there is not room for all of it: then
                what fits is written.
        """
        tree, inside = self._find(path)
        if tree is self._elsewhere:
            self._make_parents(inside)
        tree.write(inside, data, append=append)

    def make_folder(self, path: str) -> None:
        """Make a folder.

        Raises:
            OSError: something is there already, or the parent is not.
        """
        tree, inside = self._find(path)
        if tree is self._elsewhere:
            self._make_parents(inside)
        if not inside:
            raise FileExistsError(errno.EEXIST, "File exists", path)
        tree.make_folder(inside)

    def make_parents(self, path: str) -> None:
        """Make the folders that a file lies in, below /work or its volume.

        Raises:
            OSError: one of them is a file, or there is no room for it.
        """
        path = _absolute(path)
        # /work, or /volumes and the volume's name, are there or not.
        given = 2 if path.startswith(VOLUMES + "/") else 1
        for folder in parents(path)[1 + given :]:
            if folder in self:
                raise NotADirectoryError(errno.ENOTDIR, "Not a directory", folder)
            if not self.is_folder(folder):
                self.make_folder(folder)

    def remove(self, path: str) -> None:
        """Remove a file or an empty folder.

        Raises:
            OSError: there is none, it is not empty, or something is mounted there.
        """
        tree, inside = self._find(path)
        if not inside:
            raise OSError(errno.EBUSY, "Device or resource busy", path)
        tree.remove(inside)

    def is_folder(self, path: str) -> bool:
        """Tell whether a path is known to be a folder."""
        tree, inside = self._find(path)
        return tree.is_folder(inside)

    def names(self, path: str) -> list[str]:
        """Give what is known to lie in a folder, sorted."""
        tree, inside = self._find(path)
        found = set(names(tree, inside))
        if tree is self._elsewhere and inside == VOLUMES[1:]:
            found |= set(self._job.mounts)
        if tree is self._elsewhere and not inside:
            found |= {WORK[1:]}
        return sorted(found, key=lambda name: name.encode(errors="surrogateescape"))

    @property
    def _own(self) -> MemoryTree:
        if self._work is None:
            # A job without uploads and volumes has a megabyte (VOL-26).
            self._work = MemoryTree(
                self._job.files, capacity=None if self._job.roomy else MIB, block=PAGE
            )
            begins_in = folder_of(self._job)
            if begins_in.startswith(WORK + "/"):
                self.make_parents(f"{begins_in}/file")
        return self._work

    def _find(self, path: str) -> tuple[Tree, str]:
        """Give the tree that a path is in, and the path there."""
        path = _absolute(path)
        if path == WORK or path.startswith(WORK + "/"):
            return self._own, path[len(WORK) + 1 :]
        if path.startswith(VOLUMES + "/"):
            name, _, inside = path[len(VOLUMES) + 1 :].partition("/")
            mount = self._job.mounts.get(name)
            if mount is not None:
                return mount.tree, inside
        return self._elsewhere, path.lstrip("/")

    def _make_parents(self, inside: str) -> None:
        if inside.startswith(VOLUMES[1:] + "/"):
            return
        for folder in parents(inside):
            if not self._elsewhere.is_folder(folder):
                self._elsewhere.make_folder(folder)


def folder_of(job: Job) -> str:
    """Give the folder that a job begins in: /work, whatever was asked for (JOB-RUN-55).

    Only a job whose work_dir was kept, which no server does, begins in that.
    """
    return _absolute(job.work_dir)


def is_writable(path: str) -> bool:
    """Tell whether a path is a file's in /work or in a volume.

    >>> is_writable("a/b"), is_writable("/volumes/data/x"), is_writable("/volumes/data")
    (True, True, False)
    """
    place = re.fullmatch(r"/work/.+|/volumes/[^/]+/.+", _absolute(path), re.DOTALL)
    return place is not None and not path.endswith("/")


def _absolute(path: str) -> str:
    return "/" + posixpath.normpath(posixpath.join(WORK, path)).lstrip("/")
