"""`joblet.host.disks`: the file systems of the host."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from joblet_fake.model.host import DiskSettings
from joblet_fake.words import Named

if TYPE_CHECKING:
    from joblet_fake.model.host_snapshot import Disk
    from joblet_fake.model.model import Model

MOST_BYTES: Final = 2**63 - 1
"""What the wire's numbers hold."""

INODE: Final = 16 << 10
"""Bytes for each inode of a disk of which nobody says how many it has, as mkfs.ext4 does it."""


class DiskView(Named):
    """One file system; made by `joblet.host.disks[...]`."""

    _called = "a disk"

    __slots__ = ("_mount_point", "_view")

    def __init__(self, view: DisksView, mount_point: str) -> None:
        self._view = view
        self._mount_point = mount_point

    def __repr__(self) -> str:
        disk = self._disk
        return f"<disk {disk.device} at {self._mount_point}>"

    @property
    def _disk(self) -> Disk:
        return self._view.disk(self._mount_point)

    @property
    def device(self) -> str:
        """The device, such as `"/dev/sda1"`."""
        return self._disk.device

    @property
    def filesystem(self) -> str:
        """The file system's type, such as `"ext4"`."""
        return self._disk.filesystem

    @property
    def total(self) -> int:
        """Bytes of it."""
        return self._disk.total

    @property
    def used(self) -> int:
        """Bytes of it that are not free to everybody (MON-19)."""
        return self._disk.total - self._disk.free

    @used.setter
    def used(self, value: int) -> None:
        total = self.total
        if not 0 <= value <= total:
            raise ValueError(f"used={value}: 0 to {total}")
        self._view.change(self._mount_point, "used", value)

    @property
    def inodes_total(self) -> int:
        """How many inodes it has."""
        return self._disk.inodes_total

    @property
    def inodes_used(self) -> int:
        """How many of them are used."""
        return self._disk.inodes_total - self._disk.inodes_free

    @inodes_used.setter
    def inodes_used(self, value: int) -> None:
        total = self.inodes_total
        if not 0 <= value <= total:
            raise ValueError(f"inodes_used={value}: 0 to {total}")
        self._view.change(self._mount_point, "inodes_used", value)


class DisksView(Named, Mapping[str, DiskView]):
    """The file systems of a host, by where they are mounted.

    >>> from joblet_fake import FakeJoblet
    >>> disks = FakeJoblet(clock="frozen").host.disks
    >>> disks.add("/data", total=1 << 40, used=1 << 39)
    <disk /dev/sdb at /data>
    >>> disks.remove("/boot/efi")
    >>> list(disks)
    ['/', '/data']
    """

    _called = "joblet.host.disks"

    def __init__(
        self,
        model: Model,
        change: Callable[[Callable[[dict[str, DiskSettings]], None]], None],
    ) -> None:
        self._model = model
        self._change = change

    def __getitem__(self, mount_point: str) -> DiskView:
        self.disk(mount_point)
        return DiskView(self, mount_point)

    def __iter__(self) -> Iterator[str]:
        return iter([disk.mount_point for disk in self._disks])

    def __len__(self) -> int:
        return len(self._disks)

    def add(
        self,
        mount_point: str,
        *,
        total: int,
        used: int = 0,
        device: str | None = None,
        filesystem: str = "ext4",
        inodes_total: int | None = None,
        inodes_used: int = 0,
    ) -> DiskView:
        """Mount a file system.

        Args:
            mount_point: where.
            total: bytes of it.
            used: bytes of it that are used.
            device: the device; the next of `/dev/sdb`, `/dev/sdc` and so on if not given.
            filesystem: its type.
            inodes_total: how many inodes it has; as many as are usual if not given.
            inodes_used: how many of them are used.

        Raises:
            ValueError: there is one already, or more is used than there is.
            RuntimeError: the host is the local one.
        """
        if mount_point in self:
            raise ValueError(f"{mount_point!r} has a file system: change it, or remove() it before")
        inodes = total // INODE if inodes_total is None else inodes_total
        if not (0 <= used <= total <= MOST_BYTES and 0 <= inodes_used <= inodes <= MOST_BYTES):
            raise ValueError(f"add({mount_point!r}): more is used than there is")
        taken = {disk.device for disk in self._disks}
        free = (name for letter in "bcdefghijklmnopqrstuvwxyz" if (name := f"/dev/sd{letter}"))
        chosen = device or next((name for name in free if name not in taken), "/dev/sdaa")
        new = DiskSettings(chosen, filesystem, total, used, inodes, inodes_used)
        self._change(lambda disks: disks.update({mount_point: new}))
        return self[mount_point]

    def remove(self, mount_point: str) -> None:
        """Unmount a file system.

        Args:
            mount_point: where.

        Raises:
            KeyError: there is none.
            RuntimeError: the host is the local one.
        """
        self.disk(mount_point)

        def unmount(disks: dict[str, DiskSettings]) -> None:
            del disks[mount_point]

        self._change(unmount)

    def disk(self, mount_point: str) -> Disk:
        """Give what the latest snapshot has of a file system.

        Raises:
            KeyError: there is none; the message lists those that there are.
        """
        for disk in self._disks:
            if disk.mount_point == mount_point:
                return disk
        known = ", ".join(self)
        raise KeyError(f"nothing is mounted at {mount_point!r}; there is: {known}")

    def change(self, mount_point: str, name: str, value: int) -> None:
        """Set a number of a file system; what it can be is checked by who asks."""
        self._change(lambda disks: setattr(disks[mount_point], name, value))

    @property
    def _disks(self) -> tuple[Disk, ...]:
        with self._model.clock.lock:
            return self._model.host.latest().disks
