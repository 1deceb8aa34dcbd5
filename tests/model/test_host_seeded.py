"""A host made of a seed: its numbers fit each other, the clock and the jobs."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from puppets import Stage

from joblet_fake.clock import NANOS
from joblet_fake.model.host import WINDOW, HostSettings
from joblet_fake.model.host_seeded import SeededHost
from joblet_fake.model.job import Job, JobSpec

if TYPE_CHECKING:
    from joblet_fake.model.host_snapshot import Snapshot

T0 = 1_767_225_600 * NANOS
MIB = 1 << 20


def ran(
    number: int, start: float, end: float | None, status: str = "COMPLETED", **spec: Any
) -> Job:
    """Make a job that ran from one moment to another, seconds from the first."""
    job = Job(f"job-{number}", JobSpec("work", **spec), "RUNNING", start_ns=T0, number=number)
    job.statuses.append((T0 + round(start * NANOS), "RUNNING"))
    if end is not None:
        job.statuses.append((T0 + round(end * NANOS), status))
    return job


def shot(
    jobs: list[Job] | None = None,
    *,
    at: float = 60,
    seed: int = 0,
    first: bool = False,
    **said: Any,
) -> Snapshot:
    host = SeededHost(HostSettings(**said), seed, T0, lambda: jobs or [])
    return host.snapshot(T0 + round(at * NANOS), first=first)


JOBS = st.builds(
    lambda number, start, length, cpu, cores: ran(
        number, start, None if length is None else start + length, max_cpu=cpu, cpu_cores=cores
    ),
    st.integers(0, 10_000),
    st.floats(-4000, 70),
    st.none() | st.floats(0, 4000),
    st.integers(0, 100),
    st.sampled_from(["", "0", "1-2", "0-900", "5,3", "64"]),
)


@given(
    seed=st.integers(0, 2**64),
    jobs=st.lists(JOBS, max_size=30, unique_by=lambda job: job.number),
    windows=st.integers(-300, 10_000_000),
    cpus=st.integers(1, 64),
    memory=st.integers(64 * MIB, 1 << 42),
    first=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_whatever_happens_the_numbers_add_up(
    seed: int, jobs: list[Job], windows: int, cpus: int, memory: int, *, first: bool
) -> None:
    snapshot = shot(jobs, at=10 * windows, seed=seed, first=first, cpus=cpus, memory=memory)

    cpu = snapshot.cpu
    assert len(cpu.per_core) == cpu.cores == cpus
    parts = (cpu.user, cpu.system, cpu.io_wait, cpu.steal)
    assert all(0 <= part <= 100 for part in (cpu.usage, cpu.idle, *parts, *cpu.per_core))
    assert cpu.usage == pytest.approx(sum(cpu.per_core) / cpus)
    if not first:
        assert cpu.usage + cpu.idle == pytest.approx(100)
        assert sum(parts) == pytest.approx(cpu.usage)
    assert all(each >= 0 for each in cpu.load)

    told = snapshot.memory
    assert told.total == memory
    assert told.used + told.free + told.cached + told.buffered == memory
    assert all(each >= 0 for each in (told.used, told.free, told.cached, told.buffered))
    assert told.free <= told.available <= memory - told.used
    assert 0 <= told.swap_free <= told.swap_total

    counts = snapshot.processes
    assert counts.total == counts.running + counts.sleeping + counts.stopped + counts.zombie
    assert counts.threads >= counts.total >= len(counts.by_cpu) == len(counts.by_memory) == 10
    assert [p.cpu for p in counts.by_cpu] == sorted((p.cpu for p in counts.by_cpu), reverse=True)
    assert sum(p.cpu for p in counts.by_cpu) <= cpu.usage + 1e-6
    sizes = [p.memory for p in counts.by_memory]
    assert sizes == sorted(sizes, reverse=True)
    assert sum(sizes) <= told.used
    assert len({p.pid for p in counts.by_cpu}) == 10

    for disk in snapshot.disks:
        assert 0 <= disk.free <= disk.total
    assert snapshot.machine.uptime * NANOS == snapshot.at_ns - snapshot.machine.boot_ns


@given(seed=st.integers(), windows=st.integers(0, 1_000_000))
@settings(max_examples=50, deadline=None)
def test_counters_never_go_back_and_rates_are_their_growth_over_ten_seconds(
    seed: int, windows: int
) -> None:
    """MON-20, MON-21."""
    shots = [shot(at=10 * (windows + ahead), seed=seed) for ahead in range(4)]

    for before, after in pairwise(shots):
        for old, new in zip(before.traffic, after.traffic, strict=True):
            assert new.receive_rate == (new.bytes_received - old.bytes_received) / 10 > 0
            assert new.transmit_rate == (new.bytes_sent - old.bytes_sent) / 10 > 0
            assert new.packets_received >= old.packets_received
            assert new.packets_sent >= old.packets_sent
        assert after.io.bytes_read >= before.io.bytes_read
        assert after.io.bytes_written > before.io.bytes_written
        assert after.io.reads >= before.io.reads
        assert after.io.writes >= before.io.writes
        assert after.io.bytes_read % 512 == after.io.bytes_written % 512 == 0


def test_the_same_seed_gives_the_same_host_and_another_one_another() -> None:
    assert shot(seed=1).cpu == shot(seed=1).cpu
    assert shot(seed=1).machine == shot(seed=1).machine
    assert shot(seed=1).cpu != shot(seed=2).cpu
    assert shot(seed=1).machine.mac_addresses != shot(seed=2).machine.mac_addresses
    assert shot(at=60).cpu.usage != shot(at=70).cpu.usage


def test_the_first_snapshot_has_nothing_to_compare_with() -> None:
    """MON-17, MON-20, MON-23."""
    snapshot = shot([ran(0, 0, None)], first=True)

    assert snapshot.cpu.per_core == (0.0,) * 4
    assert (snapshot.cpu.usage, snapshot.cpu.idle, snapshot.cpu.user) == (0, 0, 0)
    assert snapshot.cpu.load != (0, 0, 0)
    assert {(each.receive_rate, each.transmit_rate) for each in snapshot.traffic} == {(0, 0)}
    assert all(each.bytes_received for each in snapshot.traffic)
    assert {process.cpu for process in snapshot.processes.by_cpu} == {0}
    assert snapshot.first


# Jobs


def test_a_running_job_shows_in_cpu_load_memory_and_processes() -> None:
    idle = shot(at=60)
    busy = shot([ran(7, 0, None, args=("-v", "x"))], at=60)

    assert busy.cpu.usage > idle.cpu.usage + 100 * 0.5 / 4
    assert max(busy.cpu.per_core) > 55
    assert all(b > i for b, i in zip(busy.cpu.load, idle.cpu.load, strict=True))
    assert busy.memory.used >= idle.memory.used + 24 * MIB
    assert busy.processes.total == idle.processes.total + 1
    assert busy.processes.running == idle.processes.running + 1
    (job,) = [process for process in busy.processes.by_cpu if process.name == "work"]
    assert (job.command, job.status, job.ppid) == ("work -v x", "R", 1204)
    assert job is busy.processes.by_cpu[0]


def test_a_job_counts_for_the_part_of_the_window_in_which_it_ran() -> None:
    whole, half, none = (
        shot([ran(0, 0, end)], at=60).cpu.usage - shot(at=60).cpu.usage for end in (None, 55, 50)
    )

    assert half == pytest.approx(whole / 2)
    assert none == pytest.approx(0)


def test_what_begins_at_the_very_moment_of_a_snapshot_is_not_in_it() -> None:
    job = ran(0, 60, None)

    assert shot([job], at=60).processes.total == shot(at=60).processes.total
    assert shot([job], at=70).processes.total == shot(at=70).processes.total + 1


def test_the_load_of_a_job_grows_and_fades() -> None:
    job = ran(0, 0, 600)

    def load(at: float) -> float:
        return shot([job], at=at).cpu.load[0] - shot(at=at).cpu.load[0]

    assert 0 < load(10) < load(60) < load(300)
    assert load(600) > load(660) > load(900) >= 0
    assert load(9000) == 0


@pytest.mark.parametrize("status", ["COMPLETED", "FAILED", "STOPPED"])
def test_a_job_that_is_over_is_no_process_whatever_its_end(status: str) -> None:
    over = ran(0, 0, 30, status)

    assert shot([over], at=60).processes.total == shot(at=60).processes.total


def test_limits_limit_what_a_job_takes() -> None:
    """Also more than there is."""
    small = shot([ran(0, 0, None, max_cpu=10, max_memory=10)], at=60)
    (job,) = [process for process in small.processes.by_cpu if process.name == "work"]
    assert job.cpu == pytest.approx(10 / 4)
    assert job.memory <= 10 * MIB

    placed = shot([ran(0, 0, None, cpu_cores="2")], at=60)
    assert placed.cpu.per_core.index(max(placed.cpu.per_core)) == 2

    crowd = shot([ran(n, 0, None) for n in range(200)], at=60)
    assert crowd.cpu.usage == pytest.approx(100)
    assert crowd.memory.used <= 0.97 * crowd.memory.total
    assert crowd.cpu.load[0] > 60


def test_a_job_of_the_model_shows() -> None:
    """The statuses that a lifecycle writes are those that are looked at."""
    stage = Stage()
    job = stage.run("train")
    stage.clock.advance(20)
    names = [process.name for process in stage.model.host.latest().processes.by_cpu]
    assert names[0] == "train"

    stage.puppet(job).exit(0)
    stage.clock.advance(20)

    names = [process.name for process in stage.model.host.latest().processes.by_cpu]
    assert "train" not in names


def test_the_bridge_has_the_mac_of_a_job_that_is_on_it() -> None:
    """MON-16, MON-20."""
    on_it = [ran(number, 0, None, network="bridge") for number in range(2)]
    idle, busy = shot(), shot([*on_it, ran(2, 0, None, network="none"), ran(3, 0, 50)])

    assert [each.mac for each in idle.traffic] == [*idle.machine.mac_addresses, ""]
    own, bridge, *devices = busy.machine.mac_addresses
    assert (own, bridge) == (idle.machine.mac_addresses[0], min(devices))
    assert len(set(devices)) == 2
    assert busy.traffic[1].mac == bridge


# What is said


def test_what_is_said_holds() -> None:
    snapshot = shot(
        [ran(0, 0, None)],
        cpus=2,
        cpu_percent=42.5,
        load=(9.0, 8.0, 7.0),
        memory=1 << 30,
        memory_used=900 * MIB,
        swap=0,
    )

    assert snapshot.cpu.per_core == (42.5, 42.5)
    assert snapshot.cpu.usage == pytest.approx(42.5)
    assert sum(process.cpu for process in snapshot.processes.by_cpu) <= 42.5
    assert snapshot.cpu.load == (9.0, 8.0, 7.0)
    assert snapshot.memory.used == 900 * MIB
    assert sum(process.memory for process in snapshot.processes.by_memory) <= 900 * MIB
    assert (snapshot.memory.swap_total, snapshot.memory.swap_free) == (0, 0)


@pytest.mark.parametrize("percent", [0.0, 100.0])
def test_nothing_and_all_are_percentages_too(percent: float) -> None:
    cpu = shot([ran(0, 0, None)], cpu_percent=percent).cpu

    assert (cpu.usage, cpu.idle) == (pytest.approx(percent), pytest.approx(100 - percent))


def test_windows_are_ten_seconds() -> None:
    """MON-01."""
    assert WINDOW == 10 * NANOS
