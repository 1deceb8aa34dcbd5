"""MonitoringService: wire to model and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from joblet_fake.model import gotime
from joblet_fake.model.host_feed import MetricsFeed
from joblet_fake.model.host_snapshot import Cpu, Io, Memory, ProcessCounts
from joblet_fake.services.answer import Answer, Handler, Streamed
from joblet_fake.services.status import StatusError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from joblet_fake.model.errors import Refusal
    from joblet_fake.model.host_snapshot import (
        Cloud,
        Disk,
        HostProcess,
        Machine,
        Snapshot,
        Traffic,
    )
    from joblet_fake.model.model import Model
    from joblet_fake.services.generation import Generation
    from joblet_fake.wire import Api

PARTS: Final = ("cpu", "memory", "disk", "network", "io", "process")
"""What StreamSystemMetrics can be asked for; any other word is nothing (MON-10)."""

SERVER: Final = {
    "version": "v5.0.2+joblet-fake",
    "git_commit": "unknown",
    "git_tag": "unknown",
    "build_date": "unknown",
    "component": "joblet",
    "go_version": "unknown",
    "proto_commit": "unknown",
    "proto_tag": "unknown",
}
"""What the server says of itself (SRV-16): that it is none, as far as the fields let it."""

STATUS: Final = "MonitoringService.GetSystemStatus"
STREAM: Final = "MonitoringService.StreamSystemMetrics"


class MonitoringService:
    """The methods of `joblet.MonitoringService` over one model; they ask for no role (MON-04)."""

    def __init__(self, api: Api, generation: Generation, model: Model) -> None:
        self._method = api.method
        self._generation = generation
        self._model = model
        # Many messages show the same snapshot (MON-08): each form of it is encoded once.
        self._snapshot: Snapshot | None = None
        self._encoded: dict[frozenset[str] | None, bytes] = {}

    def handlers(self) -> Mapping[str, Handler]:
        """Give the handler of each method that is built, by the method's key."""
        return {STATUS: self.get_system_status, STREAM: self.stream_system_metrics}

    def get_system_status(self, _request: object) -> Answer:
        """Give the latest snapshot of the host, up to ten seconds old (MON-01)."""
        return self._bytes(self._model.host.latest(), None)

    def stream_system_metrics(self, request: Any) -> Answer:  # noqa: ANN401 - a run-time message class
        """Give a snapshot at once and at every tick, until the client goes (MON-07 to MON-09)."""
        asked = frozenset(request.metric_types)
        # Words that mean nothing leave nothing, no word at all leaves everything (MON-11).
        parts = asked & frozenset(PARTS) if asked else frozenset(PARTS)
        return Streamed(
            MetricsFeed(self._model.host, self._model.clock, request.interval_seconds),
            lambda snapshot: self._bytes(snapshot, parts),
            self._refused,
        )

    def _bytes(self, snapshot: Snapshot, parts: frozenset[str] | None) -> bytes:
        """Give a message's bytes: of the stream with some parts, or of the status if None."""
        if snapshot is not self._snapshot:
            self._snapshot, self._encoded = snapshot, {}
        data = self._encoded.get(parts)
        if data is None:
            fields = _fields(snapshot, frozenset(PARTS) if parts is None else parts)
            fields["host"] = _machine(snapshot.machine, self._model.node_id)
            if parts is None:
                platform = f"linux/{snapshot.machine.architecture}"
                fields |= {"available": True, "server_version": {**SERVER, "platform": platform}}
            data = self._method(STATUS if parts is None else STREAM).encode(fields)
            self._encoded[parts] = data
        return data

    def _refused(self, refusal: Refusal) -> StatusError:
        return StatusError(self._generation.code("system metrics", refusal.kind), refusal.text)


def _fields(snapshot: Snapshot, parts: frozenset[str]) -> dict[str, object]:
    """Give a message's fields; of the parts that are left out, what is empty of them (MON-11)."""
    memory = snapshot.memory
    shown = 0 if snapshot.first else memory.total
    return {
        "timestamp": gotime.rfc3339(snapshot.at_ns),
        "cpu": _cpu(snapshot.cpu if "cpu" in parts else Cpu()),
        "memory": _memory(memory if "memory" in parts else Memory()),
        "disks": [_disk(each) for each in snapshot.disks] if "disk" in parts else [],
        "networks": [_traffic(each) for each in snapshot.traffic] if "network" in parts else [],
        "io": _io(snapshot.io if "io" in parts else Io()),
        "processes": _processes(
            snapshot.processes if "process" in parts else ProcessCounts(), shown
        ),
        "cloud": None if snapshot.cloud is None else _cloud(snapshot.cloud),
    }


def _machine(machine: Machine, node_id: str) -> dict[str, object]:
    return {
        "hostname": machine.hostname,
        "os": machine.os,
        "kernel_version": machine.kernel,
        "architecture": machine.architecture,
        "boot_time": gotime.rfc3339(machine.boot_ns),
        "uptime": machine.uptime,
        "node_id": node_id,
        "server_ips": machine.server_ips,
        "mac_addresses": machine.mac_addresses,
    }


def _cpu(cpu: Cpu) -> dict[str, object]:
    return {
        "cores": cpu.cores,
        "usage_percent": cpu.usage,
        "user_time": cpu.user,
        "system_time": cpu.system,
        "idle_time": cpu.idle,
        "io_wait_time": cpu.io_wait,
        "steal_time": cpu.steal,
        "load_average": cpu.load,
        "per_core_usage": cpu.per_core,
    }


def _memory(memory: Memory) -> dict[str, object]:
    return {
        "total_bytes": memory.total,
        "used_bytes": memory.used,
        "free_bytes": memory.free,
        "available_bytes": memory.available,
        "usage_percent": _percent(memory.used, memory.total),
        "cached_bytes": memory.cached,
        "buffered_bytes": memory.buffered,
        "swap_total": memory.swap_total,
        "swap_used": memory.swap_total - memory.swap_free,
        "swap_free": memory.swap_free,
    }


def _disk(disk: Disk) -> dict[str, object]:
    return {
        "device": disk.device,
        "mount_point": disk.mount_point,
        "filesystem": disk.filesystem,
        "total_bytes": disk.total,
        "used_bytes": disk.total - disk.free,
        "free_bytes": disk.free,
        "usage_percent": _percent(disk.total - disk.free, disk.total),
        "inodes_total": disk.inodes_total,
        "inodes_used": disk.inodes_total - disk.inodes_free,
        # Their percentage is never sent in this generation (MON-19).
        "inodes_free": disk.inodes_free,
    }


def _traffic(traffic: Traffic) -> dict[str, object]:
    return {
        "interface": traffic.interface,
        "bytes_received": traffic.bytes_received,
        "bytes_sent": traffic.bytes_sent,
        "packets_received": traffic.packets_received,
        "packets_sent": traffic.packets_sent,
        "errors_in": traffic.errors_in,
        "errors_out": traffic.errors_out,
        "drops_in": traffic.drops_in,
        "drops_out": traffic.drops_out,
        "receive_rate": traffic.receive_rate,
        "transmit_rate": traffic.transmit_rate,
        "ip_addresses": traffic.addresses,
        "mac_address": traffic.mac,
    }


def _io(io: Io) -> dict[str, object]:
    # Rates and single disks are never sent in this generation (MON-21).
    return {
        "total_reads": io.reads,
        "total_writes": io.writes,
        "read_bytes": io.bytes_read,
        "write_bytes": io.bytes_written,
    }


def _processes(counts: ProcessCounts, memory: int) -> dict[str, object]:
    # Most of the greediest are in both lists.
    greediest = {each.pid: each for each in (*counts.by_cpu, *counts.by_memory)}
    shown = {pid: _process(each, memory) for pid, each in greediest.items()}
    return {
        "total_processes": counts.total,
        "running_processes": counts.running,
        "sleeping_processes": counts.sleeping,
        "stopped_processes": counts.stopped,
        "zombie_processes": counts.zombie,
        "total_threads": counts.threads,
        "top_by_cpu": [shown[each.pid] for each in counts.by_cpu],
        "top_by_memory": [shown[each.pid] for each in counts.by_memory],
    }


def _process(process: HostProcess, memory: int) -> dict[str, object]:
    return {
        "pid": process.pid,
        "ppid": process.ppid,
        "name": process.name,
        "command": process.command,
        "cpu_percent": process.cpu,
        "memory_percent": _percent(process.memory, memory),
        "memory_bytes": process.memory,
        "status": process.status,
        "start_time": gotime.rfc3339(process.start_ns),
    }


def _cloud(cloud: Cloud) -> dict[str, object]:
    return {
        "provider": cloud.provider,
        "region": cloud.region,
        "zone": cloud.zone,
        "instance_id": cloud.instance_id,
        "instance_type": cloud.instance_type,
        "hypervisor_type": cloud.hypervisor_type,
        "metadata": cloud.metadata,
    }


def _percent(part: int, whole: int) -> float:
    return part / whole * 100 if whole else 0.0
