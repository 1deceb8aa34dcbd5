"""What a job uses: what its program says counts, and the rest looks like a small process."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from joblet_fake.clock import NANOS
from joblet_fake.model.usage import Metrics, Seeded, Usage

FIVE = 5 * NANOS


def seeded(*said: tuple[float, dict[str, Any]], seed: int = 1) -> Seeded:
    usage = Usage()
    for at, values in said:
        usage.note(round(at * NANOS), Metrics(**values))
    return Seeded(usage, seed, 0, FIVE)


def test_the_cpu_of_a_sample_is_the_average_since_the_one_before() -> None:
    """JOB-MET-22: 0 in the first one."""
    source = seeded(
        (0, {"cpu_percent": 93.3}), (12, {"cpu_percent": 10}), (15, {"cpu_percent": 250})
    )

    percents = [source.reading(number).cpu_percent for number in range(6)]
    assert percents == [0.0, 93.3, 93.3, (2 * 93.3 + 3 * 10) / 5, 250, 250]


def test_cpu_time_adds_up_to_the_percentages() -> None:
    source = seeded((0, {"cpu_percent": 40}), (10, {"cpu_percent": 100}))
    first, *others = [source.reading(number) for number in range(5)]

    assert (first.user_usec, first.system_usec) == (0, 0)
    assert [each.user_usec + each.system_usec for each in others] == [
        2_000_000, 4_000_000, 9_000_000, 14_000_000,
    ]  # fmt: skip


def test_what_was_said_stays_until_it_is_said_anew() -> None:
    source = seeded(
        (0, {"memory_bytes": 100, "disk_write_bytes": 1 << 20}),
        (7, {"memory_bytes": 300, "disk_read_bytes": 65_537}),
        (10, {"net_recv_bytes": 9}),
    )
    readings = [source.reading(number) for number in range(3)]

    assert [each.memory_bytes for each in readings] == [100, 100, 300]
    assert [(each.write_bytes, each.write_ops) for each in readings] == [(1 << 20, 16)] * 3
    assert [(each.read_bytes, each.read_ops) for each in readings] == [(0, 0), (0, 0), (65_537, 2)]
    assert [(each.received_bytes, each.sent_bytes) for each in readings] == [
        (None, None), (None, None), (9, 0),
    ]  # fmt: skip


def test_a_gpu_is_there_only_when_it_is_said() -> None:
    source = seeded((5, {"gpu_percent": 0.0, "gpu_memory_bytes": 7}))

    assert [source.reading(number).gpu_percent for number in range(2)] == [None, 0.0]
    assert source.reading(1).gpu_memory_bytes == 7


@given(st.integers(0, 2**64), st.integers(1, 10_000))
def test_a_process_of_which_nothing_is_said_is_small_and_nearly_idle(
    seed: int, number: int
) -> None:
    source = seeded(seed=seed)
    before, reading = source.reading(number - 1), source.reading(number)

    assert 1 << 20 < reading.memory_bytes < 8 << 20
    assert reading.memory_bytes % 4096 == 0
    assert 0 <= reading.cpu_percent < 2
    assert reading.user_usec >= before.user_usec
    assert reading.system_usec >= before.system_usec
    assert reading.user_usec + reading.system_usec > 0
    assert source.reading(number) == reading == seeded(seed=seed).reading(number)


def test_other_seeds_give_other_values() -> None:
    assert len({seeded(seed=seed).reading(3) for seed in range(50)}) == 50


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({}, "say at least one of cpu_percent, memory_bytes, "),
        ({"cpu_percent": -1}, "cpu_percent=-1: it is 0 to 1,000,000"),
        ({"cpu_percent": float("nan")}, "cpu_percent=nan: it is 0 to "),
        ({"cpu_percent": float("inf")}, "cpu_percent=inf: it is 0 to "),
        ({"memory_bytes": 1.5}, "memory_bytes=1.5 is no int"),
        ({"memory_bytes": True}, "memory_bytes=True is no int"),
        ({"cpu_percent": "9"}, "cpu_percent='9' is no float"),
        ({"disk_read_bytes": 2**64}, f"disk_read_bytes={2**64}: it is 0 to "),
        ({"gpu_percent": 1_000_001}, "gpu_percent=1000001: it is 0 to 1,000,000"),
        ({"memory_bytes": 2**63}, f"memory_bytes={2**63}: it is 0 to "),
    ],
)
def test_what_nobody_can_use_is_refused_when_it_is_said(said: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{problem}"):
        Metrics(**said)


MOMENTS = st.lists(
    st.tuples(st.integers(0, 60 * NANOS), st.floats(0, 800)), min_size=1, max_size=8
).map(sorted)


@given(MOMENTS, st.integers(0, 40 * NANOS), st.integers(1, 20 * NANOS))
def test_the_average_lies_between_what_was_said(
    said: list[tuple[int, float]], start: int, length: int
) -> None:
    usage = Usage()
    for at, percent in said:
        usage.note(at, Metrics(cpu_percent=percent))
    average = usage.cpu(start, start + length, idle=1.0)
    levels = [1.0, *(percent for _, percent in said)]

    assert min(levels) - 1e-6 <= average <= max(levels) + 1e-6
    half = start + length // 2
    if length > 1:
        both = usage.cpu(start, half, 1.0) * (half - start)
        both += usage.cpu(half, start + length, 1.0) * (start + length - half)
        assert both / length == pytest.approx(average, rel=1e-6, abs=1e-6)
