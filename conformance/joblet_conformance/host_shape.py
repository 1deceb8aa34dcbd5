"""A host's names, which no transcript holds, and its numbers, whose shape is compared.

No two hosts are alike, and what runs on one is nobody else's business.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from joblet_conformance.plain import Path, Plain

NEVER: Final = frozenset(
    {
        "cpu_count",
        "inodes_usage_percent",
        "kernel_arch",
        "platform_family",
        "platform_version",
        "read_rate",
        "total_memory",
        "user",
        "write_rate",
    },
)
"""Fields that a server of generation 2.3 never sets (MON-19, MON-21, MON-23, SURF-03)."""

KEPT: Final = NEVER | {"available", "boot_time", "component", "node_id", "timestamp"}
"""Fields that are compared as they are; times and ids are looked after elsewhere."""

REDACTED: Final = frozenset(
    {
        "command",
        "device",
        "hostname",
        "interface",
        "ip_addresses",
        "kernel_version",
        "mac_address",
        "mac_addresses",
        "mount_point",
        "name",
        "os",
        "server_ips",
    },
)
"""Fields of texts that say whose a host is and what runs there: no transcript has them."""

HARDWARE: Final = ("mac_address", "mac_addresses")
"""Fields that depend on what else the host has: a bridge without a job has no MAC (MON-20)."""

POSITIVE: Final = frozenset(
    {
        "available_bytes",
        "cores",
        "pid",
        "read_bytes",
        "total_bytes",
        "total_processes",
        "total_reads",
        "total_threads",
        "total_writes",
        "uptime",
        "write_bytes",
    },
)
"""Fields that are zero on no host that runs: there zero is no number like others."""

PERCENTAGES: Final = (
    "usage_percent",
    "user_time",
    "system_time",
    "idle_time",
    "io_wait_time",
    "steal_time",
)
AVERAGES: Final = "load_average"
NUMBER: Final = 1
TEXT: Final = "text"
WORDS: Final = re.compile(r"[\w.,:+/ ()-]+")
PAGE: Final = 4096
SECTOR: Final = 512
PACKET: Final = 65_550
PID_MAX: Final = 1 << 22
WHOLE_SECONDS: Final = 2
ROUNDING: Final = 0.01
SERVICE: Final = "MonitoringService."


class Unnamed:
    """Takes messages of MonitoringService: keeps them, and puts `text` for each name in them.

    Attributes:
        seen: the messages as they came.
    """

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def __call__(self, message: Any) -> None:  # noqa: ANN401 - a run-time message
        """Take one message."""
        self.seen.append(type(message).FromString(message.SerializeToString()))
        _redact(message)


def _redact(message: Any) -> None:  # noqa: ANN401 - a run-time message
    for field, value in message.ListFields():
        if field.message_type is not None:
            if field.message_type.GetOptions().map_entry:
                continue
            for each in value if field.is_repeated else (value,):
                _redact(each)
        elif field.name in REDACTED:
            if field.is_repeated:
                value[:] = [TEXT] * len(value)
            else:
                setattr(message, field.name, TEXT)


@dataclass(frozen=True, slots=True)
class HostShape:
    """What MonitoringService tells of a host: its shape is compared, and whether numbers fit.

    A number becomes 1, unless it does not fit the others of its part: then it stays. A text of
    plain words becomes `text`. A part in which all is zero stays so, and of the items of a list
    those of different shapes stay.
    """

    reason: str = "no two hosts are alike, and no host is the same a moment later"

    def apply(self, steps: list[dict[str, Plain]]) -> None:
        """Put the shapes."""
        for step in steps:
            if step["method"].startswith(SERVICE):
                for message in step["messages"]:
                    _mark(message)
                    _shape(message)

    def covers(self, path: Path, steps: list[dict[str, Plain]]) -> bool:
        """Tell that what differs from host to host is."""
        told = steps[int(path[0])]["method"].startswith(SERVICE) and path[1] == "messages"
        return told and not (KEPT | REDACTED.difference(HARDWARE)) & set(path)


def _mark(message: dict[str, Plain]) -> None:
    """Put a text for each number that does not fit the others of its part (MON-17 to MON-23)."""
    cpu, memory = message["cpu"] or {}, message["memory"] or {}
    told = message["processes"] or {}
    for name in PERCENTAGES if cpu else ():
        _fits(cpu, name, min(cpu[name], 100))
    if cpu.get("per_core_usage"):
        if _is_number(cpu["usage_percent"]) and _is_number(cpu["idle_time"]):
            _fits(cpu, "idle_time", 100 - cpu["usage_percent"])
        _fits(cpu, "cores", len(cpu["per_core_usage"]))
    if memory.get("total_bytes"):
        total, caches = memory["total_bytes"], memory["cached_bytes"] + memory["buffered_bytes"]
        used, swap = total - memory["free_bytes"] - caches, memory["swap_total"]
        _fits(memory, "available_bytes", min(memory["available_bytes"], total))
        _fits(memory, "usage_percent", 100 * used / total)
        _fits(memory, "used_bytes", used)
        _fits(memory, "swap_used", swap - memory["swap_free"])
    _mark_traffic(message)
    for process in (*told.get("top_by_cpu", ()), *told.get("top_by_memory", ())):
        _fits(process, "pid", min(process["pid"], PID_MAX))
        _fits(process, "ppid", min(process["ppid"], PID_MAX))
        if cpu.get("cores"):
            most = 100 * len(cpu["per_core_usage"])
            _fits(process, "cpu_percent", min(process["cpu_percent"], most))
        if memory.get("total_bytes"):
            share = 100 * process["memory_bytes"] / memory["total_bytes"]
            _fits(process, "memory_percent", share)
        _fits(process, "memory_bytes", process["memory_bytes"] // PAGE * PAGE)
    by_cpu = told.get("top_by_cpu", ())
    for processes in (by_cpu, told.get("top_by_memory", ())):
        if processes and not any(process["ppid"] for process in processes):
            _fits(processes[0], "ppid", math.inf)
    for before, process in reversed(list(pairwise(by_cpu))):
        if not (_is_number(before["cpu_percent"]) and _is_number(process["cpu_percent"])):
            continue
        _fits(process, "cpu_percent", min(process["cpu_percent"], before["cpu_percent"]))
    for disk in message["disks"]:
        _fits(disk, "usage_percent", 100 * disk["used_bytes"] / (disk["total_bytes"] or 1))
        _fits(disk, "used_bytes", disk["total_bytes"] - disk["free_bytes"])
        _fits(disk, "inodes_used", disk["inodes_total"] - disk["inodes_free"])
    states = ("running_processes", "sleeping_processes", "stopped_processes", "zombie_processes")
    if told.get("total_processes"):
        _fits(told, "total_threads", max(told["total_threads"], told["total_processes"]))
        _fits(told, "total_processes", sum(told[each] for each in states))


def _mark_traffic(message: dict[str, Plain]) -> None:
    """Mark bytes that are too few or too many for so many packets, and for so many accesses."""
    for network in message["networks"]:
        for name in ("received", "sent"):
            packets, size = network[f"packets_{name}"], network[f"bytes_{name}"]
            _fits(network, f"bytes_{name}", min(max(size, packets), packets * PACKET))
    disks = message["io"] or {}
    for name in ("read", "write") if disks else ():
        _fits(disks, f"{name}_bytes", max(disks[f"{name}_bytes"], SECTOR * disks[f"total_{name}s"]))
    host = message["host"] or {}
    if host and not _fits_boot(message["timestamp"], host["boot_time"], host["uptime"]):
        _fits(host, "uptime", math.inf)


def _fits_boot(now: str, boot: str, uptime: float) -> bool:
    try:
        passed = (datetime.fromisoformat(now) - datetime.fromisoformat(boot)).total_seconds()
    except (TypeError, ValueError):
        return False
    return abs(passed - uptime) <= WHOLE_SECONDS


def _fits(part: dict[str, Plain], name: str, expected: float) -> None:
    if abs(part[name] - expected) > ROUNDING:
        part[name] = f"<{part[name]} does not fit>"


def _shape(message: dict[str, Plain]) -> None:
    for name, value in message.items():
        if name in KEPT or (name in REDACTED and isinstance(value, str)):
            continue
        if isinstance(value, dict):
            if _says_something(value):
                _fill(value)
        elif isinstance(value, list):
            message[name] = _shaped_list(name, value)
        elif value:
            message[name] = _shaped(value)


def _shaped(value: Plain) -> Plain:
    if isinstance(value, str):
        return TEXT if WORDS.fullmatch(value) else value
    return type(value)(NUMBER) if _is_number(value) else value


def _shaped_list(name: str, value: list[Plain]) -> list[Plain]:
    if name == AVERAGES:
        return [_shaped(each) for each in value] if any(value) else value
    shapes: list[Plain] = []
    for item in value:
        if isinstance(item, dict):
            _fill(item)
        shape = item if isinstance(item, dict) or name in REDACTED else _shaped(item)
        if shape not in shapes:
            shapes.append(shape)
    return sorted(shapes, key=repr)


def _fill(part: dict[str, Plain]) -> None:
    """Shape a part; what is zero in it could be any number, and is one."""
    for name, value in part.items():
        if name in HARDWARE:
            part[name] = [TEXT] if isinstance(value, list) else TEXT
        elif name not in KEPT and _is_number(value) and (value or name not in POSITIVE):
            part[name] = type(value)(NUMBER)
    _shape(part)


def _is_number(value: Plain) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _says_something(part: dict[str, Plain]) -> bool:
    """Tell whether anything in a part is not zero; load averages of a part left out are there."""
    return any(any(value) if name == AVERAGES else value for name, value in part.items())
