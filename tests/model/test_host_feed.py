"""The feed of a metrics stream: driven by the clock alone."""

from __future__ import annotations

import pytest

from joblet_fake.clock import NANOS, Clock
from joblet_fake.model import host_feed
from joblet_fake.model.host import Host, HostSettings
from joblet_fake.model.host_feed import MetricsFeed
from joblet_fake.model.host_seeded import SeededHost


@pytest.fixture
def clock() -> Clock:
    return Clock("frozen")


@pytest.fixture
def host(clock: Clock) -> Host:
    settings = HostSettings()
    return Host(clock, SeededHost(settings, 0, clock.now_ns(), list), settings)


def moments(feed: MetricsFeed, clock: Clock) -> list[float]:
    """Give when the snapshots that are ready were taken, seconds before now."""
    now = clock.now_ns()
    return [(snapshot.at_ns - now) / NANOS for snapshot in feed.take(1000)]


@pytest.mark.parametrize(
    ("interval", "every"), [(1, 1), (3, 3), (0, 5), (-1, 5), (-(2**31), 5), (3600, 3600)]
)
def test_there_is_a_message_at_once_and_then_one_in_every_interval(
    host: Host, clock: Clock, interval: int, every: int
) -> None:
    """MON-06, MON-07."""
    clock.advance(2)
    feed = MetricsFeed(host, clock, interval)

    assert moments(feed, clock) == [-2]
    clock.advance(every - 0.001)
    assert moments(feed, clock) == []
    clock.advance(0.001)
    assert len(moments(feed, clock)) == 1
    clock.advance(10 * every)
    assert len(moments(feed, clock)) == 10


def test_messages_repeat_a_snapshot_until_there_is_a_new_one(host: Host, clock: Clock) -> None:
    """MON-08, MON-27: the ticks count from the call's beginning, not from the snapshots."""
    clock.advance(7)
    feed = MetricsFeed(host, clock, 2)
    clock.advance(4)

    taken = feed.take(10)
    assert [snapshot is taken[0] for snapshot in taken] == [True, True, False]


def test_the_longest_interval_gives_one_message(host: Host, clock: Clock) -> None:
    """MON-27."""
    feed = MetricsFeed(host, clock, 2**31 - 1)
    clock.advance(days=365)

    assert len(feed.take(10)) == 1


def test_a_reader_is_woken_at_ticks_until_it_goes(host: Host, clock: Clock) -> None:
    """MON-09: the feed itself never ends."""
    feed = MetricsFeed(host, clock, 1)
    woken: list[int] = []
    feed.subscribe(lambda: woken.append(1))

    clock.advance(3)
    assert (len(woken), feed.ended) == (3, False)
    feed.close()
    clock.advance(3)
    assert len(woken) == 3
    assert clock.next_due() is None


def test_an_open_stream_does_not_keep_the_clock_from_idling(host: Host, clock: Clock) -> None:
    feed = MetricsFeed(host, clock, 1)
    done: list[str] = []
    clock.call_later(4.5, lambda: done.append("a job"))

    clock.run_until_idle()

    assert done == ["a job"]
    assert len(feed.take(10)) == 5
    clock.run_until_idle()
    assert feed.take(10) == []


def test_a_slow_reader_misses_ticks(
    host: Host, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_feed, "KEPT", 4)
    feed = MetricsFeed(host, clock, 10)
    clock.advance(100)

    assert moments(feed, clock) == [-100, -90, -80, -70]
    clock.advance(10)
    assert moments(feed, clock) == [0]
