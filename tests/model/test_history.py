from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from joblet_fake.model import Kind, Refusal
from joblet_fake.model.history import NEAR, WRITERS, History, QueryFeed, Record, StoredLog
from joblet_fake.model.log import Log

NANOS = 10**9
JOB = "abcdef01-2222-4333-8444-555555555555"
LOGS = "/opt/joblet/logs"
UNDELETED = "Failed to delete job: failed to delete log directory: unlinkat"


def history_of(*chunks: tuple[bytes, float], job: str = JOB) -> tuple[History, Log]:
    """Give a history of chunks, each with its second."""
    history, log = History(), Log()
    for data, second in chunks:
        write(history, log, data, second, job)
    return history, log


def write(history: History, log: Log, data: bytes, second: float, job: str = JOB) -> None:
    start = len(log)
    log.append(data, round(second * NANOS))
    history.store(job, log, start, len(log))


def contents(history: History, job: str = JOB, **query: int) -> list[bytes]:
    return [record.content for record in history.query(job, **query)]


ABC, LOG = history_of((b"a", 1), (b"b", 2.9), (b"c", 3))


def test_a_record_is_a_chunk_with_a_whole_second_and_a_number() -> None:
    """PER-30 to PER-33."""
    assert list(ABC.query(JOB)) == [
        Record(JOB, 1 * NANOS, 0, b"a"),
        Record(JOB, 2 * NANOS, 1, b"b"),
        Record(JOB, 3 * NANOS, 2, b"c"),
    ]


@pytest.mark.parametrize("stream", [0, 1, 3, -1, 2**31 - 1])
def test_every_stream_but_stderr_gives_everything(stream: int) -> None:
    """PER-23, PER-30."""
    assert contents(ABC, stream=stream) == [b"a", b"b", b"c"]


def test_stderr_is_always_empty() -> None:
    """PER-21, PER-30."""
    assert contents(ABC, stream=2) == []


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0, 0, b"abc"),
        (-5, -5, b"abc"),
        (1, 0, b"abc"),
        (NANOS, 3 * NANOS, b"abc"),
        (NANOS + 1, 0, b"bc"),
        (2 * NANOS, 2 * NANOS, b"b"),
        (0, 2 * NANOS - 1, b"a"),
        (0, 1, b""),
        (3 * NANOS + 1, 0, b""),
        (3 * NANOS, 2 * NANOS, b""),
        (2**63 - 1, 0, b""),
        (0, 2**63 - 1, b"abc"),
    ],
)
def test_the_range_of_time_is_inclusive(start: int, end: int, expected: bytes) -> None:
    """PER-25."""
    assert b"".join(contents(ABC, start=start, end=end)) == expected


@pytest.mark.parametrize(
    ("limit", "offset", "expected"),
    [
        (0, 0, b"abc"),
        (-1, -1, b"abc"),
        (2, 0, b"ab"),
        (2, 1, b"bc"),
        (1, 2, b"c"),
        (5, 2, b"c"),
        (0, 3, b""),
        (1, 99, b""),
    ],
)
def test_limit_and_offset(limit: int, offset: int, expected: bytes) -> None:
    """PER-26."""
    assert b"".join(contents(ABC, limit=limit, offset=offset)) == expected


@given(
    seconds=st.lists(st.integers(1, 6), max_size=12),
    holes=st.sets(st.integers(0, 11)),
    start=st.integers(-1, 7),
    end=st.integers(-1, 7),
    limit=st.integers(-1, 5),
    offset=st.integers(-1, 5),
)
def test_a_query_is_filter_then_skip_then_limit(  # noqa: PLR0917 - the query's own fields
    seconds: list[int], holes: set[int], start: int, end: int, limit: int, offset: int
) -> None:
    """PER-24 to PER-26, with chunks missing from the store too (PER-33)."""
    history, log = History(), Log()
    kept = []
    for number, second in enumerate(sorted(seconds)):
        data = b"%d" % number
        log.append(data, second * NANOS)
        if number not in holes:
            history.store(JOB, log, number, number + 1)
            kept.append((second, data))
    if not kept:
        return
    matching = [
        data
        for second, data in kept
        if (start <= 0 or second >= start) and (end <= 0 or second <= end)
    ][max(offset, 0) :]
    expected = matching[:limit] if limit > 0 else matching
    query = {"start": start * NANOS, "end": end * NANOS, "limit": limit, "offset": offset}
    assert contents(history, **query) == expected


# Ids


@pytest.mark.parametrize("job", [JOB[:8], JOB.upper(), "x", JOB + "x", "ü", "a/b/c", "../jobs"])
def test_what_was_never_written_is_an_internal_error(job: str) -> None:
    """PER-20, PER-22: no prefixes, case counts, the id as it was sent."""
    with pytest.raises(Refusal) as caught:
        ABC.query(job)
    assert caught.value.kind is Kind.INTERNAL
    assert caught.value.text == f"failed to read logs: no logs found for job {job}"


@pytest.mark.parametrize("job", ["", ".", "..", "../..", "/", "x/.."])
def test_folders_that_are_there_hold_nothing(job: str) -> None:
    """PER-22."""
    assert contents(ABC, job) == []


@pytest.mark.parametrize("form", ["{}/", "/{}", "./{}", "x/../{}", "../logs/{}", "{}/.", "//{}//"])
def test_an_id_is_a_path(form: str) -> None:
    """PER-22: any spelling gives the job's records, under the job's own id."""
    assert [record.job_id for record in ABC.query(form.format(JOB))] == [JOB] * 3


@pytest.mark.parametrize(
    ("job", "stream", "file", "problem"),
    [
        ("x" * 256, 0, "stdout.log.gz", "file name too long"),
        ("x" * 256, 2, "stderr.log.gz", "file name too long"),
        ("ü" * 128, 1, "stdout.log.gz", "file name too long"),
        ("a\0b", 0, "stdout.log.gz", "invalid argument"),
        (f"{JOB}/stdout.log.gz", 0, "stdout.log.gz", "not a directory"),
    ],
)
def test_ids_that_are_no_possible_name(job: str, stream: int, file: str, problem: str) -> None:
    """PER-87."""
    with pytest.raises(Refusal) as caught:
        ABC.query(job, stream=stream)
    path = f"{LOGS}/{job}/{file}"
    assert caught.value.text == (
        f"error reading logs: failed to open log file {path}: open {path}: {problem}"
    )


def test_255_bytes_are_a_possible_name() -> None:
    with pytest.raises(Refusal, match=r"no logs found for job x{255}$"):
        ABC.query("x" * 255)


# Deleting


@pytest.mark.parametrize("job", [JOB, JOB[:8], "unknown", "x" * 255, ".", "../.."])
def test_deleting_always_succeeds(job: str) -> None:
    """PER-43: idempotent, for any text."""
    history, _ = history_of((b"a", 1))
    for _ in range(2):
        assert history.delete(job) == (True, "Job deleted successfully")
    assert history.has(JOB) == (job != JOB)


@pytest.mark.parametrize(
    ("job", "message"),
    [
        ("", "Job ID cannot be empty"),
        (
            "x" * 256,
            f"{UNDELETED} {LOGS}/{'x' * 256}: file name too long",
        ),
        (
            "a\0",
            f"{UNDELETED} {LOGS}/a\0: invalid argument",
        ),
    ],
)
def test_what_cannot_be_deleted_is_told_in_the_reply(job: str, message: str) -> None:
    """PER-43."""
    assert History().delete(job) == (False, message)


def test_output_after_a_deletion_makes_a_new_history_and_counts_on() -> None:
    """PER-90, PER-33."""
    history, log = history_of((b"a", 1))
    history.delete(JOB)
    with pytest.raises(Refusal, match="no logs found"):
        history.query(JOB)
    write(history, log, b"b", 2)
    assert [(record.sequence, record.content) for record in history.query(JOB)] == [(1, b"b")]


def test_deleted_under_another_spelling_later_output_is_lost() -> None:
    """PER-90."""
    history, log = history_of((b"a", 1))
    history.delete(f"x/../{JOB}")
    write(history, log, b"b", 2)
    with pytest.raises(Refusal, match="no logs found"):
        history.query(JOB)


def test_what_the_core_forgets_is_gone() -> None:
    """JOB-DEL-06."""
    history, _ = history_of((b"a", 1))
    history.forget(JOB)
    history.forget("unknown")
    assert list(history.chunks(JOB)) == []
    with pytest.raises(Refusal, match="no logs found"):
        history.query(JOB)


# Reading


def read(history: History, **query: int) -> tuple[list[bytes], str]:
    """Give what a query gives, two records at once, and how it ends."""
    feed = QueryFeed(history.query(JOB, **query))
    got: list[bytes] = []
    try:
        while not feed.ended:
            got += [record.content for record in feed.take(2)]
    except Refusal as refusal:
        return got, refusal.text
    return got, ""


CUT = (
    "error reading logs: error reading log file "
    f"/opt/joblet/logs/{JOB}/stdout.log.gz: unexpected EOF"
)


@pytest.mark.parametrize(
    ("query", "content", "end"),
    [
        ({}, b"abc", CUT),
        ({"limit": 2}, b"ab", ""),
        ({"limit": 3}, b"abc", CUT),
        ({"limit": 4}, b"abc", CUT),
        ({"limit": 1, "offset": 1}, b"b", ""),
        ({"limit": 1, "offset": 2}, b"c", CUT),
        ({"offset": 5}, b"", CUT),
        ({"start": 2 * NANOS}, b"bc", CUT),
        ({"stream": 2}, b"", ""),
    ],
)
def test_who_reads_to_the_end_of_a_cut_log_meets_an_error(
    query: dict[str, int], content: bytes, end: str
) -> None:
    """FAULT-07."""
    history, log = history_of((b"a", 1), (b"b", 2), (b"c", 3))
    history.lose(JOB)
    write(history, log, b"d", 4)

    got, seen = read(history, **query)

    assert (b"".join(got), seen) == (content, end)
    assert b"".join(history.chunks(JOB)) == b"abc"


def test_what_a_job_loses_first_of_all_leaves_nothing_cut() -> None:
    """FAULT-02: there is no file yet."""
    history, log = History(), Log()
    log.append(b"a", NANOS)
    history.lose(JOB)
    assert not history.has(JOB)
    write(history, log, b"b", 2)
    assert read(history) == ([b"b"], "")


def test_a_cut_log_that_is_deleted_begins_anew() -> None:
    history, log = history_of((b"a", 1))
    history.lose(JOB)
    history.delete(JOB)
    write(history, log, b"b", 2)
    assert read(history) == ([b"b"], "")


def test_what_never_reaches_persistence_cuts_nothing() -> None:
    history, _ = history_of((b"a", 1))
    history.linked = False
    history.lose(JOB)
    assert read(history) == ([b"a"], "")


def test_a_query_never_follows() -> None:
    """PER-28: it ends at what is stored when it is read."""
    history, _ = history_of(*[(b"x", 1)] * 5)
    feed = QueryFeed(history.query(JOB))
    sizes = []
    while not feed.ended:
        sizes.append(len(feed.take(2)))
    assert sum(sizes) == 5
    assert feed.take(2) == []


def test_a_query_that_is_under_way_when_its_history_goes_is_read_to_its_end() -> None:
    history, _ = history_of(*[(b"x", 1)] * 5)
    feed = QueryFeed(history.query(JOB))
    first = feed.take(2)
    history.delete(JOB)
    assert len(first + feed.take(99)) == 5


def test_neighbours_are_kept_as_one_run() -> None:
    """A million chunks must not cost a million entries."""
    history, log = History(), Log()
    for number in range(1000):
        write(history, log, b"x", number)
    assert history._logs[JOB].runs == [(0, 1000)]


def test_output_that_a_test_dates_back_is_found_all_the_same() -> None:
    """Only a clock's own times never go back."""
    log, history = Log(), History()
    for number, second in enumerate((5, 9, 3, 7)):
        log.append(b"%d" % second, second * NANOS)
        history.store(JOB, log, number, number + 1)

    assert contents(history, start=4 * NANOS, end=7 * NANOS) == [b"5", b"7"]


def test_a_million_lines_are_not_read_for_the_last_ones() -> None:
    """Neither by a time nor by an offset: each takes a fraction of a full reading."""
    log, history = Log(), History()
    for number in range(1_000_000):
        log.append(b"x", number * NANOS)
    history.store(JOB, log, 0, len(log))

    def seconds(**query: int) -> float:
        began = time.perf_counter()
        count = sum(1 for _ in history.query(JOB, **query))
        assert count == (10 if query else 1_000_000)
        return time.perf_counter() - began

    everything = seconds()
    assert seconds(offset=999_990) * 20 < everything
    assert seconds(start=999_990 * NANOS) * 20 < everything
    assert seconds(start=5 * NANOS, end=14 * NANOS) * 20 < everything


@given(gaps=st.lists(st.integers(0, 2 * NEAR), max_size=40), seed=st.uuids().map(str))
def test_racing_writers_lose_nothing_and_mix_only_what_comes_together(
    gaps: list[int], seed: str
) -> None:
    """PER-34, JOB-LOG-03: sorting by number gives the output; what comes slowly is in order."""
    stored, now, moments, groups = StoredLog(Log()), 10**18, [], 0
    for number, gap in enumerate(gaps):
        now += gap
        groups += gap > NEAR or not number
        moments.append(groups)
        stored.scatter(number, number + 1, now, seed)
    order = [start for start, _ in stored.runs]

    assert sorted(order) == list(range(len(gaps)))
    assert [moments[number] for number in order] == sorted(moments)
    for group in set(moments):
        together = [number for number in order if moments[number] == group]
        assert (together == sorted(together)) == (len(together) == 1)
        for place, number in enumerate(together):
            assert sum(other < number for other in together[place:]) < WRITERS
