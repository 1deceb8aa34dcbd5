"""The runtimes of a server: a folder on its disk, read anew for every answer."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from joblet_fake.model.errors import Kind, Refusal
from joblet_fake.model.runtime import RUNTIMES, Runtime, language_of
from joblet_fake.model.runtime_script import Installs
from joblet_fake.model.runtime_spec import wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONFIG: Final = "runtime.yml"
CONFIG_SIZE: Final = 400
"""Bytes of a runtime.yml, as far as its runtime has that many."""

NAME_LIMIT: Final = 255
PATH_LIMIT: Final = 4095
"""The longest name of a file, and the longest path, in bytes."""

JOBLET: Final = posixpath.dirname(RUNTIMES)
ELSEWHERE: Final = frozenset(
    {
        "/",
        posixpath.dirname(JOBLET),
        JOBLET,
        *(f"{JOBLET}/{name}" for name in ("bin", "config", "jobs", "logs", "run", "volumes")),
    },
)
"""Folders outside of the runtimes' that every real server has."""


@dataclass(frozen=True, slots=True)
class File:
    """A file: how long it is, and the runtime that it describes if it is a runtime.yml."""

    size: int
    runtime: Runtime | None = None


Folder: TypeAlias = "dict[str, Folder | File]"


@dataclass(frozen=True, slots=True)
class Installed:
    """An installed runtime: where it lies, below the runtimes' folder, and what it is."""

    path: str
    runtime: Runtime

    @property
    def key(self) -> str:
        """Its name and version in one, as installations and lookups take it."""
        return f"{self.runtime.name}@{self.runtime.version}"

    @property
    def listed_language(self) -> str:
        """The language that ListRuntimes gives: the folder's, where the file names none (RT-02)."""
        return self.runtime.language or language_of(self.path.partition("/")[0])


class Runtimes:
    """The folder of runtimes: `<name>/<version>`, or the old flat `<name>` (RT-01).

    Args:
        architecture: gives the host's, by Go's name.

    Attributes:
        installs: what the test says that installations do.
        at_work: what gives up the installations that are at work.

    >>> runtimes = Runtimes(lambda: "amd64")
    >>> _ = runtimes.put("python-3.11/1.3.1", Runtime("python-3.11", "1.3.1", language="python"))
    >>> "python-3.11@1.3.1" in runtimes, "python:3.11" in runtimes
    (True, False)
    """

    def __init__(self, architecture: Callable[[], str]) -> None:
        self._architecture = architecture
        self.installs = Installs()
        self.at_work: dict[Callable[[], None], None] = {}
        # None once somebody has removed the folder itself.
        self._root: Folder | None = {}

    @property
    def architecture(self) -> str:
        """The host's architecture, by Go's name."""
        return self._architecture()

    def __contains__(self, spec: str) -> bool:
        """Tell whether a job can run on what a text means (JOB-RUN-63)."""
        try:
            self.find(spec)
        except Refusal:
            return False
        return True

    def __iter__(self) -> Iterator[Installed]:
        """Give what ListRuntimes gives, in its order (RT-01)."""
        for name, folder in _sorted(self._root or {}):
            inner = list(_versions(name, folder))
            yield from inner
            if not inner:
                yield from _flat(name, folder)

    def put(self, path: str, runtime: Runtime) -> bool:
        """Lay a runtime down, in the place of what has its files.

        Args:
            path: its folder, below the runtimes' folder.
            runtime: what its runtime.yml says.

        Returns:
            Whether there can be such a folder; there is none outside of the runtimes' folder.
        """
        full = posixpath.normpath(f"{RUNTIMES}/{path}")
        too_long = any(len(part.encode()) > NAME_LIMIT for part in full.split("/"))
        if not full.startswith(f"{RUNTIMES}/") or too_long or _unreadable(full):
            return False
        if self._root is None:
            self._root = {}
        folder = self._root
        for part in full.removeprefix(f"{RUNTIMES}/").split("/"):
            inner = folder.setdefault(part, {})
            if isinstance(inner, File):
                return False  # the last part is a file's name
            folder = inner
        config = min(runtime.size, CONFIG_SIZE)
        folder[CONFIG] = File(config, runtime)
        folder["isolated"] = {"files": File(runtime.size - config)}
        return True

    def has(self, path: str) -> bool:
        """Tell whether there is such a file or folder, below the runtimes' folder."""
        return self._look(f"{RUNTIMES}/{path}")[0] is not None

    def give_up(self) -> None:
        """Break off all installations: the folder that they go to is forgotten."""
        for give_up in tuple(self.at_work):
            give_up()

    # Lookups

    def find(self, spec: str) -> Installed:
        """Give the runtime that a text means: one called so, else the first that fits (RT-03).

        Raises:
            Refusal: there is none, or no folder of runtimes.
        """
        if self._root is None:
            raise Refusal(
                Kind.NOT_FOUND,
                f"failed to read runtimes directory: open {RUNTIMES}: no such file or directory",
            )
        everything = list(self._everything())
        for each in everything:
            if each.runtime.name == spec:
                return each
        meant = wanted(spec)
        for each in everything:
            if meant.fits(each.runtime.name, each.runtime.language, each.runtime.version):
                return each
        raise Refusal(Kind.NOT_FOUND, f"runtime not found for spec {spec}")

    def resolve(self, spec: str) -> Runtime:
        """Give the runtime that a text means, if it can be used on this host (RT-04, RT-06).

        Raises:
            Refusal: there is none, or it is for other architectures.
        """
        try:
            runtime = self.find(spec).runtime
        except Refusal as refusal:
            raise Refusal(refusal.kind, f"runtime not found: {refusal.text}") from None
        if not runtime.runs_on(self.architecture):
            raise Refusal(
                Kind.INVALID,
                "runtime validation failed: runtime requires architecture "
                f"[{' '.join(runtime.architectures)}], but system is {self.architecture}",
            )
        return runtime

    def _everything(self) -> Iterator[Installed]:
        """Give every runtime.yml in the order of a lookup, which looks at flat ones too."""
        for name, folder in _sorted(self._root or {}):
            yield from _versions(name, folder)
            yield from _flat(name, folder)

    # Removal

    def remove(self, spec: str) -> tuple[bool, str, int]:
        """Remove what RemoveRuntime is asked to (RT-13 to RT-16, RT-46).

        With an `@` the text is looked up; without one it is a path below the runtimes' folder,
        unchecked. What lies outside of that folder is a real server's own: here the answer is
        that server's, and nothing happens.

        Returns:
            Whether it worked, the message, and the bytes that are free now.
        """
        if not spec:
            return False, "Runtime name is required", 0
        scope, path = "all versions", posixpath.normpath(f"{RUNTIMES}/{spec}")
        if "@" in spec:
            try:
                path = f"{RUNTIMES}/{self.find(spec).path}"
            except Refusal:
                return False, f"Runtime '{spec}' not found", 0
            scope = "specific version"
        found, problem = self._look(path)
        if problem:
            return False, f"Failed to remove runtime: {problem}", 0
        if found is None:
            return False, f"Runtime '{spec}' not found", 0
        freed = _size(found)
        self._delete(path)
        return True, f"Runtime '{spec}' removed successfully ({scope})", freed

    def discard(self, path: str) -> None:
        """Remove what lies at a path below the runtimes' folder; one that leads out is left alone.

        Args:
            path: as `put` takes it, unchecked.
        """
        self._delete(posixpath.normpath(f"{RUNTIMES}/{path}"))

    def _delete(self, full: str) -> None:
        if full == RUNTIMES:
            self._root = None
        if not full.startswith(f"{RUNTIMES}/"):
            return
        *parents, last = full.removeprefix(f"{RUNTIMES}/").split("/")
        folder: Folder | File | None = self._root
        for part in parents:
            folder = folder.get(part) if isinstance(folder, dict) else None
        if isinstance(folder, dict):
            folder.pop(last, None)

    def _look(self, path: str) -> tuple[Folder | File | None, str]:
        """Give what lies at a full path, or why a system can't say so, in Go's words."""
        parent = posixpath.dirname(path)
        why = _unreadable(path)
        if why:
            if _unreadable(parent):
                return None, f"open {parent}: {why}"
            # Go takes it for removed where the parent is not there.
            found = self._look(parent)[0]
            return ({}, "") if found is None else (None, f"unlinkat {path}: {why}")
        if path != RUNTIMES and not path.startswith(f"{RUNTIMES}/"):
            return (self._root or {}) if path in ELSEWHERE else None, ""
        found = self._root
        at = RUNTIMES
        for part in path.removeprefix(RUNTIMES).split("/")[1:]:
            if found is None:
                return None, ""
            why = "not a directory" if isinstance(found, File) else ""
            if not why and len(part.encode()) > NAME_LIMIT:
                why = "file name too long"
            if why:
                # Go opens the parent, and can't remove the last part in there.
                return None, f"{f'unlinkat {path}' if at == parent else f'open {parent}'}: {why}"
            found = None if isinstance(found, File) else found.get(part)
            at = f"{at}/{part}"
        return found, ""


def _unreadable(path: str) -> str:
    """Say why a path is none to any system, if so."""
    if "\0" in path:
        return "invalid argument"
    return "file name too long" if len(path.encode()) > PATH_LIMIT else ""


def _sorted(folder: Folder | File) -> list[tuple[str, Folder]]:
    """Give the folders in a folder in the order of their names' bytes."""
    if isinstance(folder, File):
        return []
    return [
        (name, inner)
        for name, inner in sorted(folder.items(), key=lambda item: item[0].encode())
        if isinstance(inner, dict)
    ]


def _versions(name: str, folder: Folder) -> Iterator[Installed]:
    for version, inner in _sorted(folder):
        yield from _flat(f"{name}/{version}", inner)


def _flat(path: str, folder: Folder) -> Iterator[Installed]:
    file = folder.get(CONFIG)
    if isinstance(file, File) and file.runtime is not None:
        yield Installed(path, file.runtime)


def _size(found: Folder | File) -> int:
    if isinstance(found, File):
        return found.size
    return sum(map(_size, found.values()))
