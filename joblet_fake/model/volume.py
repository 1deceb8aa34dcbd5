"""Volumes: what clients see of them, and what jobs find in them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from joblet_fake.model.errors import Kind, Refusal
from joblet_fake.model.tree import MemoryTree
from joblet_fake.model.volume_size import (
    PAGE,
    block_of,
    is_disk,
    parse_size,
    usable,
    whole_pages,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from joblet_fake.model.copying import Copying
    from joblet_fake.model.job import JobSpec
    from joblet_fake.model.tree import Tree

BASE: Final = "/opt/joblet/volumes"
"""Where a real server keeps volumes; clients see it (VOL-13)."""

FILESYSTEM: Final = "filesystem"
MEMORY: Final = "memory"
TYPES: Final = (FILESYSTEM, MEMORY)

LOST_AND_FOUND: Final = "lost+found"
NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?")
RECORD: Final = "volume-info.json"
"""The file beside a volume's data that holds its record (VOL-29)."""

PART_LIMIT: Final = 255
"""The longest part of a path, in bytes."""

COUNT: Final = "JOB_VOLUMES_COUNT"
PLACE: Final = re.compile(r"JOB_VOLUME_(0|[1-9][0-9]{0,8})")


@dataclass(slots=True, eq=False)
class Mount:
    """What one making of a volume put there; jobs that have it keep it (VOL-22).

    Attributes:
        tree: what lies in it.
    """

    tree: Tree

    def copied(self, copying: Copying) -> Mount:
        """Give one with the same files."""
        return copying.note(self, Mount(copying.of(self.tree)))


@dataclass(frozen=True, slots=True)
class Volume:
    """One volume, as it is listed.

    Attributes:
        name: its name.
        size: its size as it was typed (VOL-13).
        type: `"filesystem"` or `"memory"`.
        created_ns: when it was made, nanoseconds since 1970.
        size_bytes: its size.
    """

    name: str
    size: str
    type: str
    created_ns: int
    size_bytes: int

    @property
    def path(self) -> str:
        """Where it is on the host."""
        return f"{BASE}/{self.name}"


@dataclass(slots=True)
class Place:
    """A volume's folder on the host: a plain directory, and the mounts over it.

    Each making but that of a plain directory mounts something; each removal takes one mount away,
    and the folder too when none is left (VOL-12).
    """

    directory: Mount
    mounts: list[Mount] = field(default_factory=list)
    disk: bool = False

    def copied(self, copying: Copying) -> Place:
        """Give one with copies of what is there."""
        mounts = [copying.of(mount) for mount in self.mounts]
        return copying.note(self, Place(copying.of(self.directory), mounts, self.disk))

    @property
    def visible(self) -> Mount:
        """What a job that starts now gets."""
        return self.mounts[-1] if self.mounts else self.directory


class StorageRefusal(Refusal):
    """A volume could be made, were it not for the host."""


class Volumes:
    """The volumes of one server; a new one has none (VOL-15)."""

    def __init__(self) -> None:
        self._volumes: dict[str, Volume] = {}
        self._places: dict[str, Place] = {}

    def __iter__(self) -> Iterator[Volume]:
        """Give the listed volumes, the oldest first."""
        return iter(tuple(self._volumes.values()))

    def __len__(self) -> int:
        return len(self._volumes)

    def __contains__(self, name: str) -> bool:
        """Tell whether a volume's folder is on the host, its volume listed or not (VOL-25)."""
        return name in self._places

    def copied(self, copying: Copying) -> Volumes:
        """Give the same volumes with the same files."""
        made = copying.note(self, Volumes())
        made._volumes = self._volumes.copy()  # noqa: SLF001 - its own kind
        made._places = {name: copying.of(place) for name, place in self._places.items()}  # noqa: SLF001
        return made

    def get(self, name: str) -> Volume | None:
        """Give the listed volume with a name."""
        return self._volumes.get(name)

    def tree(self, name: str) -> Tree:
        """Give what the next job finds in a volume.

        Raises:
            KeyError: its folder is not on the host.
        """
        return self._places[name].visible.tree

    def create(
        self, name: str, size: str, type_: str, now_ns: int, *, full: bool = False
    ) -> Volume:
        """Make a volume, or make one of that name again (VOL-12).

        Args:
            name: its name; case counts.
            size: a number with a unit, such as `"1.5GB"`.
            type_: `"filesystem"` or `"memory"`; there is no default (VOL-10).
            now_ns: the present moment.
            full: whether the disk has no room for another folder.

        Raises:
            StorageRefusal: there is no room; what is there is made again without (FAULT-06).
            Refusal: a field is wrong; the first in the server's order (VOL-02).
        """
        if not name:
            raise Refusal(Kind.INVALID, "volume name cannot be empty")
        if not NAME.fullmatch(name):
            raise Refusal(
                Kind.INVALID,
                f"invalid volume name: {name} "
                "(must contain only alphanumeric characters, hyphens, and underscores)",
            )
        size_bytes = parse_size(size)
        if type_ not in TYPES:
            raise Refusal(Kind.INVALID, f"invalid volume type: {type_}")
        if full and name not in self._places:
            raise StorageRefusal(
                Kind.INVALID,
                "failed to create volume data directory: "
                f"mkdir {BASE}/{name}: no space left on device",
            )
        place = self._places.setdefault(name, Place(Mount(MemoryTree())))
        place.disk = type_ == FILESYSTEM and is_disk(size_bytes)
        if type_ == MEMORY:
            place.mounts.append(Mount(MemoryTree(capacity=whole_pages(size_bytes), block=PAGE)))
        elif place.disk:
            place.mounts.append(Mount(_disk(size_bytes)))
        # A new record is at the end of the list, as one that was never there.
        self._volumes.pop(name, None)
        volume = self._volumes[name] = Volume(name, size, type_, now_ns, size_bytes)
        return volume

    def remove(self, name: str) -> None:
        """Remove a volume, whether jobs use it or not (VOL-22).

        Raises:
            Refusal: there is none (VOL-21).
        """
        volume = self._volumes.pop(name, None)
        if volume is None:
            raise Refusal(Kind.NOT_FOUND, f"volume {name} not found")
        place = self._places[name]
        if (volume.type == MEMORY or place.disk) and place.mounts:
            place.mounts.pop()
        place.disk = False
        if place.mounts:
            # The older mount keeps its folder on the host, and jobs still get it, empty.
            place.visible.tree.clear()
            return
        del self._places[name]
        # Nothing is mounted over the directory itself: jobs that have it lose it, too.
        place.directory.tree.drop()

    def restarted(self, now_ns: int) -> None:
        """Find the volumes again after a restart: all are there, and as old as it (VOL-19)."""
        self._volumes = {
            name: replace(volume, created_ns=now_ns) for name, volume in self._volumes.items()
        }

    def mount(self, name: str) -> tuple[str, Mount] | str:
        """Find what a job that names a volume gets.

        Args:
            name: what the job's request says; a path that leads to a volume will do.

        Returns:
            The volume's name below /volumes and what is mounted there, or why nothing is: "" when
            it does not exist, else what the system says of its path.
        """
        found: list[str] = []
        for part in name.split("/"):
            if len(part.encode()) > PART_LIMIT:
                return "file name too long"
            if part == ".." and found:
                found.pop()
            elif part in ("", "."):
                continue
            elif found:
                # Of what lies in a volume's folder only the record is sure to be a file.
                return "not a directory" if part == RECORD else ""
            elif part not in self._places:
                return ""
            else:
                found.append(part)
        return (found[0], self._places[found[0]].visible) if found else ""


def asked(spec: JobSpec) -> list[str]:
    """Give the volumes that a job gets: what its request names, unless its environment says else.

    They travel to the launcher as variables, which a client can set, as with the command's
    (JOB-RUN-84).

    >>> from joblet_fake.model.job import JobSpec
    >>> asked(JobSpec("true", volumes=("a", "b"), environment={"JOB_VOLUME_1": "c"}))
    ['a', 'c']
    """
    variables = {**environment(spec), **spec.environment, **spec.secret_environment}
    number = re.fullmatch(r"\+?0*([0-9]{1,9})", variables.get(COUNT, ""))
    count = int(number[1]) if number else 0
    places = sorted(int(match[1]) for key in variables if (match := PLACE.fullmatch(key)))
    names = [variables[f"JOB_VOLUME_{place}"] for place in places if place < count]
    return [name for name in names if name]


def environment(spec: JobSpec) -> Mapping[str, str]:
    """Give the variables that tell a job's process of its volumes."""
    if not spec.volumes:
        return {}
    named = {f"JOB_VOLUME_{place}": name for place, name in enumerate(spec.volumes)}
    return {COUNT: str(len(spec.volumes)), **named}


def _disk(size: int) -> MemoryTree:
    block = block_of(size)
    return MemoryTree(
        folders=(LOST_AND_FOUND,), capacity=usable(size), block=block, folder_block=block
    )
