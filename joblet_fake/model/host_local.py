"""The machine that the fake runs on, through psutil: `FakeJoblet(host="local")`."""

from __future__ import annotations

import os
import platform
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from joblet_fake.clock import NANOS
from joblet_fake.model.host_snapshot import (
    PROCESSES,
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

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DAY_NS: Final = 86_400 * NANOS
SKIPPED: Final = ("veth", "br-", "virbr", "tap", "tun")
"""Beginnings of the names of interfaces that a server passes over (MON-20)."""

PARTITION_LETTERS: Final = 4
"""The length of a name such as sda1."""

ARCHITECTURES: Final = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64"}
"""Go's names of what Python calls otherwise."""

LETTERS: Final = {
    "running": "R",
    "sleeping": "S",
    "disk-sleep": "D",
    "stopped": "T",
    "tracing-stop": "t",
    "zombie": "Z",
    "dead": "Z",
    "idle": "I",
    "parked": "I",
    "waking": "R",
    "wake-kill": "D",
}
"""psutil's words for a process's status, and the kernel's letters."""

WANTED: Final = (
    "pid",
    "ppid",
    "name",
    "cmdline",
    "status",
    "num_threads",
    "memory_info",
    "cpu_times",
    "create_time",
)


class LocalHost:
    """Real values, measured when asked for; rates are those since the time before.

    Processes of local execution are real ones, and so show up by themselves; scripted ones, which
    run nothing, do not. A look takes some tens of milliseconds, once in ten seconds at most.
    """

    def __init__(self) -> None:
        # Imported late: only who asks for the local host needs it.
        import psutil  # noqa: PLC0415 - as the comment says

        self._psutil: Any = psutil
        self._before: dict[str, Any] = {}

    def snapshot(self, at_ns: int, *, first: bool) -> Snapshot:  # noqa: ARG002 - it knows by itself
        """Measure everything now, and date it as asked.

        Args:
            at_ns: the moment on the fake's clock, which may be any other than the real one.
            first: not used: the first measurement is the one without any before it.
        """
        ps, before = self._psutil, self._before
        now: dict[str, Any] = {
            "time": time.monotonic(),
            "cpu": ps.cpu_times(),
            "cores": ps.cpu_times(percpu=True),
            "net": ps.net_io_counters(pernic=True),
            "processes": {},
        }
        elapsed = now["time"] - before["time"] if before else 0.0
        addresses = self._addresses()
        snapshot = Snapshot(
            at_ns,
            self._machine(at_ns, addresses),
            self._cpu(now),
            self._memory(),
            tuple(self._disks()),
            tuple(self._traffic(now, elapsed, addresses)),
            self._io(),
            counted(self._processes(at_ns, now)),
            None,
            not before,
        )
        self._before = now
        return snapshot

    def _machine(self, at_ns: int, addresses: Mapping[str, tuple[list[str], str]]) -> Machine:
        uptime = max(0, int(time.time() - self._psutil.boot_time()))
        machine = platform.machine()
        return Machine(
            socket.gethostname(),
            _os_name(),
            platform.release(),
            ARCHITECTURES.get(machine, machine),
            at_ns - uptime * NANOS,
            uptime,
            tuple(each for some, _ in addresses.values() for each in some if ":" not in each),
            tuple(mac for _, mac in addresses.values() if mac.strip("0:")),
        )

    def _cpu(self, now: dict[str, Any]) -> Cpu:
        cores = len(now["cores"])
        one, five, fifteen = self._psutil.getloadavg()
        load = (one, five, fifteen)
        if not self._before:
            return Cpu(cores=cores, load=load, per_core=(0.0,) * cores)
        parts = _percentages(self._before["cpu"], now["cpu"])
        per_core = tuple(
            100 - _percentages(old, new)["idle"]
            for old, new in zip(self._before["cores"], now["cores"], strict=False)
        )
        return Cpu(
            cores=cores,
            usage=100 - parts["idle"],
            user=parts["user"],
            system=parts["system"],
            idle=parts["idle"],
            io_wait=parts.get("iowait", 0.0),
            steal=parts.get("steal", 0.0),
            load=load,
            per_core=per_core,
        )

    def _memory(self) -> Memory:
        memory, swap = self._psutil.virtual_memory(), self._psutil.swap_memory()
        return Memory(
            total=memory.total,
            free=memory.free,
            available=memory.available,
            cached=getattr(memory, "cached", 0),
            buffered=getattr(memory, "buffers", 0),
            swap_total=swap.total,
            swap_free=swap.free,
        )

    def _disks(self) -> Iterable[Disk]:
        for mounted in self._psutil.disk_partitions(all=False):
            # A drive without a disk, or a folder that is not ours to look into.
            with suppress(OSError):
                usage = self._psutil.disk_usage(mounted.mountpoint)
                inodes, inodes_free = 0, 0
                if hasattr(os, "statvfs"):
                    told = os.statvfs(mounted.mountpoint)
                    inodes, inodes_free = told.f_files, told.f_ffree
                yield Disk(
                    mounted.device,
                    mounted.mountpoint,
                    mounted.fstype,
                    usage.total,
                    usage.free,
                    inodes,
                    inodes_free,
                )

    def _traffic(
        self,
        now: dict[str, Any],
        elapsed: float,
        addresses: Mapping[str, tuple[list[str], str]],
    ) -> Iterable[Traffic]:
        old = self._before.get("net", {})
        for name, seen in now["net"].items():
            if name == "lo" or name.startswith(SKIPPED):
                continue
            last = old.get(name, seen)
            some, mac = addresses.get(name, ([], ""))
            yield Traffic(
                name,
                seen.bytes_recv,
                seen.bytes_sent,
                seen.packets_recv,
                seen.packets_sent,
                (seen.bytes_recv - last.bytes_recv) / elapsed if elapsed else 0.0,
                (seen.bytes_sent - last.bytes_sent) / elapsed if elapsed else 0.0,
                tuple(some),
                mac,
                seen.errin,
                seen.errout,
                seen.dropin,
                seen.dropout,
            )

    def _io(self) -> Io:
        # There is none where the system does not tell, such as in some containers.
        disks = self._psutil.disk_io_counters(perdisk=True) or {}
        whole = [told for name, told in disks.items() if not _passed_over(name)]
        return Io(
            sum(told.read_count for told in whole),
            sum(told.write_count for told in whole),
            sum(told.read_bytes for told in whole),
            sum(told.write_bytes for told in whole),
        )

    def _processes(self, at_ns: int, now: dict[str, Any]) -> Iterable[HostProcess]:
        old = self._before.get("processes", {})
        spent = sum(now["cpu"]) - sum(self._before["cpu"]) if self._before else 0.0
        boot = self._psutil.boot_time()
        for place, process in enumerate(self._psutil.process_iter(WANTED)):
            if place == PROCESSES:
                return
            told = process.info
            times, memory = told["cpu_times"], told["memory_info"]
            busy = times.user + times.system if times else 0.0
            key = (told["pid"], told["create_time"])
            now["processes"][key] = busy
            used = busy - old[key] if key in old else 0.0
            command = " ".join(told["cmdline"] or ()) or f"[{told['name']}]"
            yield HostProcess(
                told["pid"],
                told["ppid"] or 0,
                told["name"] or "",
                command,
                100 * used / spent if spent > 0 else 0.0,
                memory.rss if memory else 0,
                LETTERS.get(told["status"], "S"),
                # A real server takes every host for one that has been up for a day (MON-23).
                at_ns - DAY_NS + round((told["create_time"] - boot) * NANOS),
                told["num_threads"] or 1,
            )

    def _addresses(self) -> dict[str, tuple[list[str], str]]:
        """Give each interface's addresses and its MAC, but those of the loopback."""
        link = self._psutil.AF_LINK
        found = {}
        for name, told in self._psutil.net_if_addrs().items():
            some = [
                each.address.partition("%")[0]
                for each in told
                if each.family in (socket.AF_INET, socket.AF_INET6)
            ]
            if any(each.startswith("127.") or each == "::1" for each in some):
                continue
            mac = next((each.address for each in told if each.family == link), "")
            found[name] = (some, mac.lower().replace("-", ":"))
        return found


def _percentages(old: Any, new: Any) -> dict[str, float]:  # noqa: ANN401 - psutil's tuples
    """Give the parts of the time between two looks, in percent; a guest's time is a user's too."""
    spent = {
        name: max(0.0, getattr(new, name) - getattr(old, name))
        for name in new._fields
        if not name.startswith("guest")
    }
    total = sum(spent.values())
    return {name: 100 * value / total if total else 0.0 for name, value in spent.items()}


def _os_name() -> str:
    with suppress(OSError):
        for line in Path("/etc/os-release").read_text("utf-8").splitlines():
            if line.startswith("PRETTY_NAME="):
                return line.partition("=")[2].strip("\"'")
    return f"{platform.system()} {platform.release()}"


def _passed_over(name: str) -> bool:
    """Tell whether a server leaves a disk out of the sums: no disk, or a part of one (MON-21)."""
    if name.startswith(("loop", "ram", "dm-", "sr")):
        return True
    if not name[-1:].isdigit():
        return False
    return (
        ("sd" in name and len(name) == PARTITION_LETTERS)
        or ("nvme" in name and "p" in name.removeprefix("nvme"))
        or ("mmcblk" in name and "p" in name.removeprefix("mmcblk"))
    )
