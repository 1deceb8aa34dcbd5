"""Snapshots: taken every ten seconds, as far as anybody can tell."""

from __future__ import annotations

import pytest

from joblet_fake.clock import NANOS, Clock
from joblet_fake.model.host import Host, HostSettings
from joblet_fake.model.host_seeded import SeededHost
from joblet_fake.model.model import Model


@pytest.fixture
def clock() -> Clock:
    return Clock("frozen")


@pytest.fixture
def host(clock: Clock) -> Host:
    settings = HostSettings()
    return Host(clock, SeededHost(settings, 0, clock.now_ns(), list), settings)


def test_a_snapshot_is_kept_for_ten_seconds_and_dated_at_its_beginning(
    host: Host, clock: Clock
) -> None:
    """MON-01, MON-05."""
    start = clock.now_ns()
    clock.advance(3)
    first = host.latest()
    clock.advance(6.9)

    assert host.latest() is first
    assert first.at_ns == start
    clock.advance(0.1)
    assert host.latest().at_ns == start + 10 * NANOS
    clock.advance(days=30)
    assert host.latest().at_ns == start + (10 + 30 * 86_400) * NANOS


def test_a_server_is_taken_for_one_that_has_been_up_for_a_while(host: Host) -> None:
    assert not host.latest().first
    assert host.latest().cpu.usage > 0


def test_a_server_that_begins_again_has_a_first_snapshot_and_other_ten_seconds(
    host: Host, clock: Clock
) -> None:
    """MON-17."""
    clock.advance(4)
    boot = host.latest().machine.boot_ns
    host.begin_again()

    assert host.latest().first
    assert host.latest().at_ns == clock.now_ns()
    clock.advance(10)
    assert not host.latest().first
    assert host.latest().machine.boot_ns == boot


def test_what_is_said_of_a_host_holds_for_the_latest_snapshot(host: Host) -> None:
    before = host.latest()
    assert host.settings is not None
    host.settings.cpus = 64
    assert host.latest() is before

    host.changed()

    assert (host.latest().cpu.cores, host.latest().at_ns) == (64, before.at_ns)


def test_an_idle_host_leaves_the_clock_idle(host: Host, clock: Clock) -> None:
    host.latest()
    began = clock.now()

    clock.run_until_idle()

    assert clock.now() == began


def test_a_model_that_is_cleared_has_the_host_that_it_began_with() -> None:
    model = Model(Clock("frozen"), None, seed=3)  # type: ignore[arg-type]  # launches nothing
    before = model.host.latest().cpu
    assert model.host.settings is not None
    model.host.settings.cpus = 1

    model.clear()

    assert model.host.latest().cpu == before


def test_a_host_of_no_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="seeded, local"):
        Model(Clock("frozen"), None, host="remote")  # type: ignore[arg-type]  # as above
