"""The real host: psutil's numbers in a server's form."""

from __future__ import annotations

import os
import socket
import sys
import time

import psutil
import pytest

from joblet_fake.clock import NANOS
from joblet_fake.model.host_local import LocalHost
from joblet_fake.model.host_snapshot import PROCESSES

T0 = 1_767_225_600 * NANOS


def test_it_is_the_machine_that_this_runs_on() -> None:
    snapshot = LocalHost().snapshot(T0, first=False)

    assert snapshot.at_ns == T0
    assert snapshot.machine.hostname == socket.gethostname()
    assert snapshot.cpu.cores == psutil.cpu_count()
    assert snapshot.memory.total == psutil.virtual_memory().total
    assert 0 < snapshot.memory.used < snapshot.memory.total
    assert snapshot.machine.uptime * NANOS == T0 - snapshot.machine.boot_ns
    assert 0 < snapshot.processes.total <= PROCESSES
    assert "127.0.0.1" not in snapshot.machine.server_ips
    assert "lo" not in {traffic.interface for traffic in snapshot.traffic}
    if sys.platform == "linux":
        assert snapshot.machine.kernel == os.uname().release
    assert all(0 <= disk.free <= disk.total for disk in snapshot.disks)


def test_the_first_look_has_no_rates_and_the_next_has() -> None:
    """MON-17, MON-20, MON-23."""
    host = LocalHost()
    first = host.snapshot(T0, first=False)
    until = time.perf_counter() + 0.3
    while time.perf_counter() < until:
        sum(range(1000))
    second = host.snapshot(T0 + 10 * NANOS, first=False)

    assert (first.first, second.first) == (True, False)
    assert (first.cpu.usage, first.cpu.idle, set(first.cpu.per_core)) == (0, 0, {0})
    assert {process.cpu for process in first.processes.by_cpu} == {0}
    cpu = second.cpu
    assert 0 < cpu.usage <= 100
    assert cpu.usage + cpu.idle == pytest.approx(100)
    assert cpu.user + cpu.system + cpu.io_wait + cpu.steal <= cpu.usage + 1e-6
    assert len(cpu.per_core) == cpu.cores
    own = [process for process in second.processes.by_cpu if process.pid == os.getpid()]
    assert own
    assert own[0].cpu > 0
    assert own[0].command.split(" ")[0] == psutil.Process().cmdline()[0]


def test_counts_add_up() -> None:
    counts = LocalHost().snapshot(T0, first=False).processes

    assert counts.total == counts.running + counts.sleeping + counts.stopped + counts.zombie
    assert counts.threads >= counts.total
    assert len(counts.by_memory) == min(10, counts.total)
