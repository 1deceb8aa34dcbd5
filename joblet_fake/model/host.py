"""The host that a server runs on: how it is, and the latest that the server has seen of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from joblet_fake.clock import seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from joblet_fake.clock import Clock
    from joblet_fake.model.host_snapshot import Cloud, Snapshot

HOSTS: Final = ("seeded", "local")
"""The kinds of hosts: one made of the seed, and the machine that the fake runs on."""

WINDOW: Final = seconds(10)
"""Clock nanoseconds between two snapshots (MON-01)."""

WARM: Final = 360
"""Windows that a server has seen when it is made: it is no newcomer, and has rates to tell."""

GIB: Final = 1 << 30


@dataclass(slots=True)
class DiskSettings:
    """A mounted file system: bytes, and inodes."""

    device: str
    filesystem: str
    total: int
    used: int
    inodes_total: int
    inodes_used: int


@dataclass(slots=True)
class HostSettings:
    """What can be said of a seeded host; None leaves a value to the seed.

    Attributes:
        cpus: how many processors.
        cpu_percent: how busy all of them are, 0 to 100.
        load: the three load averages.
        memory: bytes.
        memory_used: bytes of them that are neither free nor a cache.
        swap: bytes.
        disks: the file systems by where they are mounted.
        cloud: the cloud that it is in; None on bare metal (MON-24).
    """

    hostname: str = "joblet-host"
    os: str = "Ubuntu 22.04.5 LTS"
    kernel: str = "5.15.0-119-generic"
    architecture: str = "amd64"
    cpus: int = 4
    cpu_percent: float | None = None
    load: tuple[float, float, float] | None = None
    memory: int = 8_323_874_816
    memory_used: int | None = None
    swap: int = 2 * GIB
    disks: dict[str, DiskSettings] = field(
        default_factory=lambda: {
            "/": DiskSettings("/dev/sda1", "ext4", 50 * GIB, 18 * GIB, 3_276_800, 284_112),
            "/boot/efi": DiskSettings("/dev/sda15", "vfat", 109_395_456, 6_393_856, 0, 0),
        },
    )
    cloud: Cloud | None = None


class Source(Protocol):
    """Where a host's values come from."""

    def snapshot(self, at_ns: int, *, first: bool) -> Snapshot:
        """Give all values of a moment.

        Args:
            at_ns: the moment, on the clock.
            first: whether there is none before, so that there are no rates (MON-17).
        """


class Host:
    """The snapshots of a host; each is taken when somebody asks, and kept for ten seconds.

    Nobody can tell that from taking one every ten seconds: what a seeded host does at a moment
    depends on that moment alone, and an idle clock stays idle.

    Args:
        clock: when they are taken.
        source: where the values come from.
        settings: what was said of the host; None if it is the local one.

    Attributes:
        settings: the same.
        readers: what ends the streams that are open.
    """

    def __init__(self, clock: Clock, source: Source, settings: HostSettings | None) -> None:
        self.settings = settings
        self.readers: dict[Callable[[], None], None] = {}
        self._clock = clock
        self._source = source
        self._since = clock.now_ns() - WARM * WINDOW
        self._latest: Snapshot | None = None

    @property
    def architecture(self) -> str:
        """The processors' architecture, by Go's name."""
        return self.settings.architecture if self.settings else self.latest().machine.architecture

    def latest(self) -> Snapshot:
        """Give the latest snapshot, up to ten seconds old (MON-01, MON-05)."""
        window = (self._clock.now_ns() - self._since) // WINDOW
        at_ns = self._since + window * WINDOW
        if self._latest is None or self._latest.at_ns != at_ns:
            self._latest = self._source.snapshot(at_ns, first=window == 0)
        return self._latest

    def changed(self) -> None:
        """Take the latest snapshot anew: the host has other settings, as if it always had."""
        self._latest = None

    def begin_again(self) -> None:
        """Start over, as a server does that is started: the next snapshot is the first one."""
        self._since = self._clock.now_ns()
        self._latest = None

    def give_up(self) -> None:
        """End every stream: the host that they show is forgotten."""
        for end in tuple(self.readers):
            end()
