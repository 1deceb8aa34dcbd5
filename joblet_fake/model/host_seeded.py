"""A host made of a seed: values that fit each other, at any moment of the clock.

Nothing is simulated step by step. Every value is a function of the seed, the moment, and the
jobs that ran until then, so that a month can be skipped and two fakes with one seed agree.
"""

from __future__ import annotations

import math
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, TypeAlias

from joblet_fake.clock import NANOS
from joblet_fake.model.host import WINDOW
from joblet_fake.model.host_snapshot import (
    Cpu,
    Disk,
    HostProcess,
    Io,
    Machine,
    Memory,
    Snapshot,
    Traffic,
    counted,
)
from joblet_fake.model.job import FINISHED, RUNNING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from joblet_fake.model.copying import Copying
    from joblet_fake.model.host import HostSettings
    from joblet_fake.model.host_snapshot import ProcessCounts
    from joblet_fake.model.job import Job

MIB: Final = 1 << 20
PAGE: Final = 4096
KIB: Final = 1024
WINDOW_S: Final = WINDOW / NANOS
AVERAGES_S: Final = (60, 300, 900)
DAY_NS: Final = 86_400 * NANOS
FADED_NS: Final = 6 * AVERAGES_S[-1] * NANOS
"""After so long a job that has ended does not show in any load average."""

FULL: Final = 0.97
"""The part of the memory that is used at most: the kernel would have killed something before."""

DAEMONS: Final = (
    # Name, command, pid, seconds from boot to its start, MiB, threads, part of the daemons' CPU.
    ("systemd", "/sbin/init", 1, 0, 12, 1, 0.04),
    ("systemd-journal", "/lib/systemd/systemd-journald", 388, 3, 38, 1, 0.07),
    ("multipathd", "/sbin/multipathd -d -s", 424, 4, 27, 7, 0.02),
    ("systemd-udevd", "/lib/systemd/systemd-udevd", 431, 4, 7, 1, 0.01),
    ("systemd-network", "/lib/systemd/systemd-networkd", 601, 6, 8, 1, 0.01),
    ("systemd-resolve", "/lib/systemd/systemd-resolved", 603, 6, 13, 1, 0.02),
    ("systemd-timesyn", "/lib/systemd/systemd-timesyncd", 605, 6, 7, 2, 0.01),
    ("dbus-daemon", "@dbus-daemon --system --address=systemd: --nofork", 671, 8, 5, 1, 0.02),
    ("rsyslogd", "/usr/sbin/rsyslogd -n -iNONE", 684, 8, 6, 4, 0.03),
    ("snapd", "/usr/lib/snapd/snapd", 686, 8, 41, 10, 0.05),
    ("systemd-logind", "/lib/systemd/systemd-logind", 689, 8, 7, 1, 0.01),
    ("cron", "/usr/sbin/cron -f -P", 702, 9, 3, 1, 0.01),
    ("polkitd", "/usr/libexec/polkitd --no-debug", 715, 9, 9, 3, 0.01),
    ("sshd", "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", 742, 10, 9, 1, 0.01),
    ("agetty", "/sbin/agetty -o -p -- \\u --noclear tty1 linux", 748, 10, 2, 1, 0.0),
    ("unattended-upgr", "/usr/bin/python3 /usr/bin/unattended-upgrade-shutdown", 761, 11, 22, 2, 0),
    ("joblet", "/opt/joblet/bin/joblet", 1204, 31, 46, 14, 0.38),
    ("persist", "/opt/joblet/bin/persist", 1231, 32, 34, 11, 0.17),
    ("state", "/opt/joblet/bin/state", 1236, 32, 19, 9, 0.13),
)
SERVER_PID: Final = 1204
"""The server's own process, every job's parent."""

FIRST_JOB_PID: Final = 2400
BRIDGE: Final = "bridge"
JOBLET0: Final = "joblet0"
"""The device of the network that is there from the start."""

Interface: TypeAlias = "tuple[str, tuple[str, ...], str, float, float]"
"""A name, addresses, a MAC or "", and bytes that come and go in a second."""

KERNEL_THREADS: Final = 58
KERNEL_THREADS_OF_A_CPU: Final = 11


@dataclass(frozen=True, slots=True)
class Load:
    """What a job asks of the host in one window.

    Attributes:
        job: the job.
        start_ns: when it began to run.
        end_ns: when it ended; None while it runs.
        part: the part of the window in which it ran.
        cores: how many processors it would keep busy while it ran.
        memory: bytes, while it runs.
    """

    job: Job
    start_ns: int
    end_ns: int | None
    part: float
    cores: float
    memory: int

    def average(self, at_ns: int, seconds: int) -> float:
        """Give its share of a load average: it grows while it runs, and fades afterwards."""
        end_ns = at_ns if self.end_ns is None else min(self.end_ns, at_ns)
        fading, grown = (at_ns - end_ns) / NANOS, (at_ns - self.start_ns) / NANOS
        return self.cores * (math.exp(-fading / seconds) - math.exp(-grown / seconds))


class SeededHost:
    """A host made of a seed, its settings, and the jobs that run on it.

    Args:
        settings: what was said of it.
        seed: where everything else comes from.
        now_ns: the clock's first moment; the host has been up for some days by then.
        jobs: gives the server's jobs.
    """

    def __init__(
        self,
        settings: HostSettings,
        seed: int,
        now_ns: int,
        jobs: Callable[[], Iterable[Job]],
    ) -> None:
        self._settings = settings
        self._seed = seed
        self._jobs = jobs
        self._began_ns = now_ns

    # Most servers are never asked for their host: it is made when the first client asks.

    @cached_property
    def _boot_ns(self) -> int:
        # Three to thirty days, in whole windows.
        days = 3 + 27 * self._noise("uptime")
        return self._began_ns - round(days * DAY_NS / WINDOW) * WINDOW

    @cached_property
    def _idle_busy(self) -> float:
        return 0.015 + 0.05 * self._noise("idle")

    @cached_property
    def _interfaces(self) -> tuple[Interface, ...]:
        address = f"10.{int(256 * self._noise('net'))}.0.{4 + int(240 * self._noise('ip'))}"
        mac, former = self._mac("52:54:00", "eth0"), self._mac("6a:fb:50", JOBLET0)
        return (
            ("eth0", (address, _link_local(mac)), mac, 5200.0, 7400.0),
            (JOBLET0, ("172.20.0.1", _link_local(former)), "", 310.0, 420.0),
        )

    def copied(self, copying: Copying) -> SeededHost:
        """Give the same host with the copy's jobs on it."""
        made = copying.note(self, copy(self))
        made._settings = copying.of(self._settings)  # noqa: SLF001 - its own kind
        made._jobs = copying.model.host_jobs  # noqa: SLF001
        return made

    def snapshot(self, at_ns: int, *, first: bool) -> Snapshot:
        """Give all values of a moment; `first` leaves out what compares it with the one before."""
        settings = self._settings
        window = (at_ns - self._boot_ns) // WINDOW
        loads = list(self._loads(at_ns))
        memory, scale = self._memory(window, [load for load in loads if load.end_ns is None])
        cpu, shares = self._cpu(at_ns, window, loads)
        counts = self._processes(at_ns, loads, cpu, shares, scale, first=first)
        if first:
            cpu = Cpu(cores=cpu.cores, load=cpu.load, per_core=(0.0,) * cpu.cores)
        # Each job on the bridge has a device there, whose MAC the bridge takes on (MON-20).
        devices = [
            self._mac("6a:fb:50", load.job.number)
            for load in loads
            if load.end_ns is None and load.job.spec.network == BRIDGE
        ]
        interfaces = [
            (name, addresses, mac or min(devices, default=""), received, sent)
            for name, addresses, mac, received, sent in self._interfaces
        ]
        return Snapshot(
            at_ns,
            Machine(
                settings.hostname,
                settings.os,
                settings.kernel,
                settings.architecture,
                self._boot_ns,
                (at_ns - self._boot_ns) // NANOS,
                tuple(addresses[0] for _, addresses, *_ in interfaces),
                (*(mac for _, _, mac, *_ in interfaces if mac), *devices),
            ),
            cpu,
            memory,
            tuple(
                Disk(
                    disk.device,
                    mount_point,
                    disk.filesystem,
                    disk.total,
                    disk.total - disk.used,
                    disk.inodes_total,
                    disk.inodes_total - disk.inodes_used,
                )
                for mount_point, disk in settings.disks.items()
            ),
            tuple(self._traffic(interfaces, window, first=first)),
            self._io(window),
            counts,
            settings.cloud,
            first,
        )

    # What jobs ask for

    def _loads(self, at_ns: int) -> Iterable[Load]:
        begin_ns = at_ns - WINDOW
        for job in sorted(self._jobs(), key=lambda job: job.number):
            start_ns, end_ns = _span(job)
            if start_ns is None or start_ns >= at_ns:
                continue
            if end_ns is not None and end_ns >= at_ns:
                end_ns = None
            last_ns = at_ns if end_ns is None else end_ns
            if at_ns - last_ns > FADED_NS:
                continue
            ran_ns = last_ns - max(start_ns, begin_ns)
            cores = 0.55 + 0.4 * self._noise("job", job.number)
            if job.spec.max_cpu:
                cores = min(cores, job.spec.max_cpu / 100)
            memory = MIB * (24 + int(136 * self._noise("job memory", job.number)))
            if job.spec.max_memory:
                memory = min(memory, job.spec.max_memory * MIB * 9 // 10)
            yield Load(job, start_ns, end_ns, max(0, ran_ns) / WINDOW, cores, _pages(memory))

    # The parts

    def _cpu(self, at_ns: int, window: int, loads: list[Load]) -> tuple[Cpu, list[float]]:
        """Give the processors, and how much of the machine each load gets, in percent."""
        cores = self._settings.cpus
        idle_busy = [
            self._idle_busy * (0.4 + 1.2 * self._noise("core", core, window))
            for core in range(cores)
        ]
        asked = [0.0] * cores
        places = []
        for load in loads:
            allowed = _allowed(load.job.spec.cpu_cores, cores) or range(cores)
            place = min(allowed, key=lambda core: idle_busy[core] + asked[core])
            asked[place] += load.cores * load.part
            places.append(place)
        # A processor that is asked for too much gives everybody less.
        given = [
            min(1.0, (1 - own) / wanted) if wanted else 1.0
            for own, wanted in zip(idle_busy, asked, strict=True)
        ]
        shares = [
            100 * load.cores * load.part * given[place] / cores
            for load, place in zip(loads, places, strict=True)
        ]
        own, jobs = 100 * sum(idle_busy) / cores, sum(shares)
        per_core = [
            100 * (busy + wanted * part)
            for busy, wanted, part in zip(idle_busy, asked, given, strict=True)
        ]
        usage = self._settings.cpu_percent
        if usage is not None:
            factor = usage / (own + jobs)
            own, jobs, shares = own * factor, jobs * factor, [share * factor for share in shares]
            per_core = [usage] * cores
        usage = min(100.0, own + jobs)
        user, system = 0.55 * own + 0.92 * jobs, 0.35 * own + 0.08 * jobs
        load_average = self._settings.load or self._load(at_ns, window, loads)
        return Cpu(
            cores=cores,
            usage=usage,
            user=user,
            system=system,
            idle=100 - usage,
            io_wait=max(0.0, usage - user - system),
            load=load_average,
            per_core=tuple(min(100.0, each) for each in per_core),
        ), shares

    def _load(self, at_ns: int, window: int, loads: list[Load]) -> tuple[float, float, float]:
        one, five, fifteen = (
            round(
                self._settings.cpus * self._idle_busy * (0.8 + 0.4 * self._noise("load", s, window))
                + sum(load.average(at_ns, s) for load in loads),
                2,
            )
            for s in AVERAGES_S
        )
        return one, five, fifteen

    def _memory(self, window: int, running: list[Load]) -> tuple[Memory, float]:
        """Give the memory, and by how much processes have less than they would like."""
        settings = self._settings
        total = settings.memory
        wanted = int(0.02 * total) + sum(mib for *_, mib, _, _ in DAEMONS) * MIB * 5 // 4
        wanted += int(0.004 * total * self._noise("memory", window))
        wanted += sum(load.memory for load in running)
        used = _pages(min(wanted, int(FULL * total)))
        if settings.memory_used is not None:
            used = settings.memory_used
        rest = total - used
        cached = _pages(min(int(0.35 * total), int(0.75 * rest)))
        buffered = _pages(min(int(0.02 * total), int(0.1 * rest)))
        free = rest - cached - buffered
        return Memory(
            total=total,
            free=free,
            available=free + _pages((cached + buffered) * 4 // 5),
            cached=cached,
            buffered=buffered,
            swap_total=settings.swap,
            swap_free=settings.swap - _pages(settings.swap // 200),
        ), min(1.0, used / wanted)

    def _traffic(
        self, interfaces: list[Interface], window: int, *, first: bool
    ) -> Iterable[Traffic]:
        for name, addresses, mac, received, sent in interfaces:
            now_in, now_out = (
                self._count(name, "in", received, window),
                self._count(name, "out", sent, window),
            )
            before_in = self._count(name, "in", received, window - 1)
            before_out = self._count(name, "out", sent, window - 1)
            yield Traffic(
                name,
                now_in,
                now_out,
                now_in // 612,
                now_out // 740,
                0.0 if first else (now_in - before_in) / WINDOW_S,
                0.0 if first else (now_out - before_out) / WINDOW_S,
                addresses,
                mac,
            )

    def _io(self, window: int) -> Io:
        read = self._count("disk", "read", 21_000.0, window) // 512 * 512
        written = self._count("disk", "written", 64_000.0, window) // 512 * 512
        return Io(read // 22_016, written // 17_408, read, written)

    def _processes(
        self,
        at_ns: int,
        loads: list[Load],
        cpu: Cpu,
        shares: list[float],
        scale: float,
        *,
        first: bool,
    ) -> ProcessCounts:
        # What the kernel itself takes is nobody's.
        own = 0.8 * max(0.0, cpu.usage - sum(shares))
        # A real server takes every host for one that has been up for a day (MON-23).
        wrong = at_ns - DAY_NS - self._boot_ns
        processes = [
            HostProcess(
                pid,
                1 if pid > 1 else 0,
                name,
                command,
                0.0 if first else part * own,
                _pages(int(mib * MIB * scale)),
                "S",
                wrong + self._boot_ns + after * NANOS,
                threads,
            )
            for name, command, pid, after, mib, threads, part in DAEMONS
        ]
        processes += [
            HostProcess(
                FIRST_JOB_PID + 3 * load.job.number,
                SERVER_PID,
                load.job.spec.command.rpartition("/")[2][:15],
                " ".join((load.job.spec.command, *load.job.spec.args)),
                0.0 if first else share,
                _pages(int(load.memory * scale)),
                "R",
                wrong + load.start_ns,
            )
            for load, share in zip(loads, shares, strict=True)
            if load.end_ns is None
        ]
        return counted(processes, KERNEL_THREADS + KERNEL_THREADS_OF_A_CPU * self._settings.cpus)

    # Numbers

    def _noise(self, *what: object) -> float:
        """Give a number from 0 up to 1: the same for the same seed and words."""
        digest = blake2b(repr((self._seed, *what)).encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") / 2**64

    def _count(self, name: str, what: str, per_second: float, window: int) -> int:
        """Give a counter that never goes back, whatever the seed: noise is less than a window."""
        return int(per_second * WINDOW_S * (window + 0.8 * self._noise(name, what, window)))

    def _mac(self, vendor: str, name: object) -> str:
        return vendor + "".join(
            f":{int(256 * self._noise('mac', name, place)):02x}" for place in range(3)
        )


def _span(job: Job) -> tuple[int | None, int | None]:
    """Give when a job began to run and when it ended; None for what has not been."""
    start_ns = next((at for at, status in job.statuses if status == RUNNING), None)
    if start_ns is None:
        return None, None
    ends = (at for at, status in job.statuses if status in FINISHED and at >= start_ns)
    return start_ns, next(ends, None)


def _allowed(cpu_cores: str, cores: int) -> range | list[int]:
    """Give the processors that a job is limited to, of those that there are; none for all."""
    first, dash, last = cpu_cores.partition("-")
    if dash:
        return range(int(first), min(int(last), cores - 1) + 1)
    named = [int(part) for part in cpu_cores.split(",") if part.strip()]
    return [core for core in named if core < cores]


def _pages(number: int) -> int:
    return number // PAGE * PAGE


def _link_local(mac: str) -> str:
    """Give the IPv6 address that an interface makes of its own MAC."""
    parts = [int(part, 16) for part in mac.split(":")]
    parts = [parts[0] ^ 2, *parts[1:3], 0xFF, 0xFE, *parts[3:]]
    groups = (f"{parts[i] << 8 | parts[i + 1]:x}" for i in range(0, 8, 2))
    return f"fe80::{':'.join(groups)}"
