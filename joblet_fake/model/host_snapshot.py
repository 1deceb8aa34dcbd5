"""What a server knows of its host at one moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TOP: Final = 10
"""How many processes the two lists have at most (MON-22)."""

PROCESSES: Final = 1000
"""How many processes a server looks at, at most (MON-22)."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What hardly ever changes."""

    hostname: str
    os: str
    kernel: str
    architecture: str
    boot_ns: int
    uptime: int
    server_ips: tuple[str, ...]
    mac_addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cpu:
    """The processors: percentages of the last window, and the three load averages (MON-17)."""

    cores: int = 0
    usage: float = 0.0
    user: float = 0.0
    system: float = 0.0
    idle: float = 0.0
    io_wait: float = 0.0
    steal: float = 0.0
    load: tuple[float, float, float] = (0.0, 0.0, 0.0)
    per_core: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Memory:
    """The memory, bytes (MON-18)."""

    total: int = 0
    free: int = 0
    available: int = 0
    cached: int = 0
    buffered: int = 0
    swap_total: int = 0
    swap_free: int = 0

    @property
    def used(self) -> int:
        """What is neither free nor a cache."""
        return self.total - self.free - self.cached - self.buffered


@dataclass(frozen=True, slots=True)
class Disk:
    """A mounted file system, bytes and inodes (MON-19)."""

    device: str
    mount_point: str
    filesystem: str
    total: int
    free: int
    inodes_total: int
    inodes_free: int


@dataclass(frozen=True, slots=True)
class Traffic:
    """A network interface: what has gone through it, and bytes a second lately (MON-20)."""

    interface: str
    bytes_received: int
    bytes_sent: int
    packets_received: int
    packets_sent: int
    receive_rate: float
    transmit_rate: float
    addresses: tuple[str, ...]
    mac: str
    errors_in: int = 0
    errors_out: int = 0
    drops_in: int = 0
    drops_out: int = 0


@dataclass(frozen=True, slots=True)
class Io:
    """What has gone to and from all disks (MON-21)."""

    reads: int = 0
    writes: int = 0
    bytes_read: int = 0
    bytes_written: int = 0


@dataclass(frozen=True, slots=True)
class HostProcess:
    """One process of the host (MON-23).

    Attributes:
        cpu: its percentage of the whole machine in the last window.
        memory: bytes.
        start_ns: what a real server takes for its start: right only if the host was booted a day
            ago.
    """

    pid: int
    ppid: int
    name: str
    command: str
    cpu: float
    memory: int
    status: str
    start_ns: int
    threads: int = 1


@dataclass(frozen=True, slots=True)
class ProcessCounts:
    """The processes in numbers, and the greediest of them (MON-22)."""

    total: int = 0
    running: int = 0
    sleeping: int = 0
    stopped: int = 0
    zombie: int = 0
    threads: int = 0
    by_cpu: tuple[HostProcess, ...] = ()
    by_memory: tuple[HostProcess, ...] = ()


@dataclass(frozen=True, slots=True)
class Cloud:
    """The cloud that a server has found itself in (MON-24)."""

    provider: str = ""
    region: str = ""
    zone: str = ""
    instance_id: str = ""
    instance_type: str = ""
    hypervisor_type: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """Everything at one moment; two of them are equal only when they are the same."""

    at_ns: int
    machine: Machine
    cpu: Cpu
    memory: Memory
    disks: tuple[Disk, ...]
    traffic: tuple[Traffic, ...]
    io: Io
    processes: ProcessCounts
    cloud: Cloud | None = None
    first: bool = False


def counted(processes: Iterable[HostProcess], others: int = 0) -> ProcessCounts:
    """Count processes by their status letters, and find the greediest (MON-22).

    Args:
        processes: the processes.
        others: how many more there are that sleep, with one thread and no memory each.
    """
    everything = list(processes)
    letters = [process.status for process in everything]
    return ProcessCounts(
        total=len(everything) + others,
        running=letters.count("R"),
        sleeping=sum(map(letters.count, "SDI")) + others,
        stopped=letters.count("T") + letters.count("t"),
        zombie=letters.count("Z"),
        threads=sum(process.threads for process in everything) + others,
        by_cpu=tuple(sorted(everything, key=lambda each: -each.cpu)[:TOP]),
        by_memory=tuple(sorted(everything, key=lambda each: -each.memory)[:TOP]),
    )
