from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from joblet_fake.model.history import History
from joblet_fake.model.log import CHUNK_LIMIT, STREAMS, Log

NANOS = 10**9
pieces = st.lists(
    st.tuples(st.binary(max_size=20) | st.just(b"x" * (CHUNK_LIMIT + 3)), st.sampled_from(STREAMS)),
    max_size=12,
)


@given(pieces)
def test_however_it_is_cut_a_log_gives_the_same_bytes(written: list[tuple[bytes, str]]) -> None:
    """JOB-LOG-01, JOB-LOG-02: byte-exact, both streams merged in the order written."""
    log = Log()
    for data, stream in written:
        log.append(data, 0, stream)
    assert log.content() == b"".join(data for data, _ in written)
    assert b"".join(log.chunk(number) for number in range(len(log))) == log.content()
    for stream in STREAMS:
        expected = b"".join(data for data, other in written if other == stream)
        assert log.content(stream) == expected


@given(pieces)
def test_a_chunk_is_one_write_of_at_most_32_kib(written: list[tuple[bytes, str]]) -> None:
    """JOB-LOG-01, PER-31."""
    log = Log()
    for data, stream in written:
        before = len(log)
        log.append(data, 0, stream)
        expected = [data[at : at + CHUNK_LIMIT] for at in range(0, len(data), CHUNK_LIMIT)]
        assert [log.chunk(number) for number in range(before, len(log))] == expected


def test_bytes_are_no_text() -> None:
    """JOB-LOG-01: NUL, broken UTF-8, no newline added."""
    log = Log()
    everything = bytes(range(256))
    log.append(everything, 0)
    assert log.content() == everything


@pytest.mark.parametrize("moment", [0, 1_767_225_600_999_999_999, 253_402_300_799 * NANOS, -1])
def test_times_are_whole_seconds(moment: int) -> None:
    """PER-32; any year that a clock can have."""
    log = Log()
    log.append(b"x", moment)
    assert log.second(0) == moment // NANOS


def test_nothing_written_is_no_chunk_and_wakes_nobody() -> None:
    log = Log()
    woken: list[int] = []
    log.follow(lambda: woken.append(len(log)))
    log.append(b"", 0)
    assert (len(log), woken) == (0, [])


def test_followers_are_told_once_for_each_write_until_they_leave() -> None:
    log = Log()
    woken: list[int] = []
    leave = log.follow(lambda: woken.append(len(log)))
    log.append(b"x" * (CHUNK_LIMIT * 2), 0)
    log.append(b"y", 0)
    leave()
    leave()
    log.append(b"z", 0)
    assert woken == [2, 3]


def test_a_follower_may_leave_while_it_is_told() -> None:
    log = Log()
    woken = []

    def first() -> None:
        woken.append("first")
        leave()

    leave = log.follow(first)
    log.follow(lambda: woken.append("second"))
    log.append(b"x", 0)
    log.append(b"y", 0)
    assert woken == ["first", "second", "second"]


def test_a_log_knows_whether_its_times_ever_went_back() -> None:
    log = Log()
    for second in (5, 5, 7):
        log.append(b"x", second * NANOS)
    assert log.ordered
    log.append(b"x", 6 * NANOS)
    log.append(b"x", 9 * NANOS)
    assert not log.ordered


def test_a_million_short_lines_cost_little_more_than_their_bytes() -> None:
    """A tenth of them is enough to tell: the index grows with the lines."""
    line = b"x" * 99 + b"\n"
    tracemalloc.start()
    try:
        log, history = Log(), History()
        for number in range(100_000):
            log.append(line, number * NANOS)
            history.store("uuid", log, number, number + 1)
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert used < 1.5 * 100_000 * len(line)
