"""`joblet.host`: the host that a server says that it runs on."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from joblet_fake.clock import EPOCH
from joblet_fake.model.host_snapshot import Cloud
from joblet_fake.views.disks import MOST_BYTES, DisksView
from joblet_fake.words import Named

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from joblet_fake.model.host import DiskSettings, Host, HostSettings
    from joblet_fake.model.host_snapshot import Snapshot
    from joblet_fake.model.model import Model

MOST_CPUS: Final = 4096
LEAST_MEMORY: Final = 64 << 20


class HostView(Named):
    """The host as MonitoringService shows it: read it, or set it.

    What is read is the latest snapshot, up to ten seconds old (MON-01). What is set holds at once,
    as if it had always been so; None gives a value back to the seed. With `host="local"` it is the
    machine that the fake runs on, and can't be set.

    >>> from joblet_fake import FakeJoblet
    >>> with FakeJoblet(clock="frozen") as joblet:
    ...     joblet.host.cpus, joblet.host.memory = 64, 256 << 30
    ...     joblet.host.load = (70.5, 31.0, 12.25)
    ...     joblet.host.disks["/"].used = joblet.host.disks["/"].total
    ...     status = joblet.rpc("GetSystemStatus")
    ...     print(status.cpu.cores, list(status.cpu.load_average), status.disks[0].usage_percent)
    64 [70.5, 31.0, 12.25] 100.0
    """

    _called = "joblet.host"

    def __init__(self, model: Model) -> None:
        self._model = model

    def __repr__(self) -> str:
        return f"<host {self.hostname} with {self.cpus} CPUs>"

    # What it is

    @property
    def hostname(self) -> str:
        """The host's name."""
        return self._latest.machine.hostname

    @hostname.setter
    def hostname(self, value: str) -> None:
        self._set("hostname", _text("hostname", value))

    @property
    def os(self) -> str:
        """The operating system, as its os-release calls it."""
        return self._latest.machine.os

    @os.setter
    def os(self, value: str) -> None:
        self._set("os", _text("os", value))

    @property
    def kernel(self) -> str:
        """The kernel's version."""
        return self._latest.machine.kernel

    @kernel.setter
    def kernel(self, value: str) -> None:
        self._set("kernel", _text("kernel", value))

    @property
    def architecture(self) -> str:
        """The architecture by Go's name, such as `"amd64"`; runtimes can ask for it (RT-06)."""
        return self._latest.machine.architecture

    @architecture.setter
    def architecture(self, value: str) -> None:
        self._set("architecture", _text("architecture", value))

    @property
    def node_id(self) -> str:
        """The server's id, which every job has too (MON-15)."""
        return self._model.node_id

    @property
    def booted(self) -> datetime:
        """When it was booted, on the clock."""
        return EPOCH + timedelta(microseconds=self._latest.machine.boot_ns // 1000)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Its IPv4 addresses (MON-16)."""
        return self._latest.machine.server_ips

    @property
    def cloud(self) -> dict[str, Any] | None:
        """The cloud that it is in; None on bare metal, where no message has one (MON-24).

        Its keys are `provider`, `region`, `zone`, `instance_id`, `instance_type`,
        `hypervisor_type`, and `metadata`, a mapping.
        """
        cloud = self._latest.cloud
        return None if cloud is None else {key: getattr(cloud, key) for key in Cloud.__slots__}

    @cloud.setter
    def cloud(self, value: Mapping[str, Any] | None) -> None:
        if value is None:
            self._set("cloud", None)
            return
        for key in value:
            if key not in Cloud.__slots__:
                raise ValueError(f"cloud has no {key!r}; its keys: {', '.join(Cloud.__slots__)}")
        self._set("cloud", Cloud(**value))

    # How it is

    @property
    def cpus(self) -> int:
        """How many processors it has."""
        return self._latest.cpu.cores

    @cpus.setter
    def cpus(self, value: int) -> None:
        if not 1 <= value <= MOST_CPUS:
            raise ValueError(f"cpus={value}: 1 to {MOST_CPUS}")
        self._set("cpus", value)

    @property
    def cpu_percent(self) -> float:
        """How busy all processors were in the last ten seconds, 0 to 100 (MON-17)."""
        return self._latest.cpu.usage

    @cpu_percent.setter
    def cpu_percent(self, value: float | None) -> None:
        if value is not None and not 0 <= value <= 100:  # noqa: PLR2004 - percent
            raise ValueError(f"cpu_percent={value}: 0 to 100, or None")
        self._set("cpu_percent", value)

    @property
    def load(self) -> tuple[float, float, float]:
        """The load averages of one, five and fifteen minutes."""
        return self._latest.cpu.load

    @load.setter
    def load(self, value: Sequence[float] | None) -> None:
        if value is not None:
            if len(value) != 3 or not all(math.isfinite(each) and each >= 0 for each in value):  # noqa: PLR2004 - the three averages
                raise ValueError(f"load={value}: three numbers, 0 or more, or None")
            value = (float(value[0]), float(value[1]), float(value[2]))
        self._set("load", value)

    @property
    def memory(self) -> int:
        """Bytes of memory."""
        return self._latest.memory.total

    @memory.setter
    def memory(self, value: int) -> None:
        if not LEAST_MEMORY <= value <= MOST_BYTES:
            raise ValueError(f"memory={value}: {LEAST_MEMORY} bytes or more")
        used = self._settings.memory_used
        if used is not None and used > value:
            raise ValueError(f"memory={value}: memory_used was set to {used}; set it to None first")
        self._set("memory", value)

    @property
    def memory_used(self) -> int:
        """Bytes of it that are neither free nor a cache (MON-18)."""
        return self._latest.memory.used

    @memory_used.setter
    def memory_used(self, value: int | None) -> None:
        if value is not None and not 0 <= value <= self.memory:
            raise ValueError(f"memory_used={value}: 0 to {self.memory}, or None")
        self._set("memory_used", value)

    @property
    def swap(self) -> int:
        """Bytes of swap space."""
        return self._latest.memory.swap_total

    @swap.setter
    def swap(self, value: int) -> None:
        if not 0 <= value <= MOST_BYTES:
            raise ValueError(f"swap={value}: bytes, 0 or more")
        self._set("swap", value)

    @property
    def disks(self) -> DisksView:
        """Its mounted file systems, by where they are mounted."""
        return DisksView(self._model, self._set_disk)

    # Inside

    @property
    def _host(self) -> Host:
        return self._model.host

    @property
    def _latest(self) -> Snapshot:
        with self._model.clock.lock:
            return self._host.latest()

    @property
    def _settings(self) -> HostSettings:
        settings = self._host.settings
        if settings is None:
            raise RuntimeError(
                "this fake shows the machine that it runs on (host='local'), which can't be set",
            )
        return settings

    def _set(self, name: str, value: object) -> None:
        with self._model.clock.lock:
            setattr(self._settings, name, value)
            self._host.changed()

    def _set_disk(self, change: Callable[[dict[str, DiskSettings]], None]) -> None:
        with self._model.clock.lock:
            change(self._settings.disks)
            self._host.changed()


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name}={value!r}: give text")
    return value
