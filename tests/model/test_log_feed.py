from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from puppets import Reader, Stage

from joblet_fake.model import Kind, Refusal

PREFIX = 8


@pytest.fixture
def stage() -> Stage:
    return Stage("real")


# Joining before, during and after the output


def test_a_reader_that_joins_before_the_first_output_gets_all_of_it_once(stage: Stage) -> None:
    """JOB-LOG-23."""
    job = stage.run()
    reader = Reader(stage, job.uuid)
    for line in (b"one\n", b"two\n"):
        stage.puppet(job).write(line)
    assert reader.chunks == []
    assert reader.got == b"one\ntwo\n"
    assert reader.chunks == [b"one\n", b"two\n"]


def test_a_reader_that_joins_later_gets_the_early_output_twice(stage: Stage) -> None:
    """PER-50, JOB-LOG-13: history, then the whole buffer, then what comes."""
    job = stage.run()
    stage.puppet(job).write(b"one\n")
    reader = Reader(stage, job.uuid)
    stage.puppet(job).write(b"two\n")
    assert reader.got == b"one\none\ntwo\n"


def test_with_a_prefix_it_gets_the_early_output_once(stage: Stage) -> None:
    """JOB-UID-03: the stored history is asked for with the id as it was sent."""
    job = stage.run()
    stage.puppet(job).write(b"one\n")
    reader = Reader(stage, job.uuid[:PREFIX])
    stage.puppet(job).write(b"two\n")
    assert reader.got == b"one\ntwo\n"


@pytest.mark.parametrize("length", [36, PREFIX])
def test_after_the_end_it_gets_everything_once_and_ends_at_once(stage: Stage, length: int) -> None:
    """PER-50: from the history with the whole id, from the buffer with a prefix."""
    job = stage.run()
    for line in (b"one\n", b"two\n"):
        stage.puppet(job).write(line)
    stage.puppet(job).exit()
    stage.clock.advance(0.3)
    reader = Reader(stage, job.uuid[:length])
    assert (reader.chunks, reader.ended) == ([b"one\n", b"two\n"], True)
    assert stage.clock.next_due() is None


def test_a_finished_job_without_output_gives_an_empty_stream(stage: Stage) -> None:
    """JOB-LOG-20: nothing is stored, so the buffer is replayed, and that is empty."""
    job = stage.run()
    stage.puppet(job).exit()
    stage.clock.advance(0.3)
    reader = Reader(stage, job.uuid)
    assert (reader.chunks, reader.ended, reader.error) == ([], True, None)


def test_an_empty_write_is_no_output(stage: Stage) -> None:
    """It makes no history either (PER-20)."""
    job = stage.run()
    stage.puppet(job).write(b"")
    assert not stage.model.history.has(job.uuid)


def test_stderr_is_in_between(stage: Stage) -> None:
    """JOB-LOG-02."""
    job = stage.run()
    reader = Reader(stage, job.uuid)
    for data, stream in ((b"a", "stdout"), (b"b", "stderr"), (b"c", "stdout")):
        stage.puppet(job).write(data, stream)
    assert reader.got == b"abc"


# The end


def test_a_live_stream_ends_half_a_second_after_the_end_status(stage: Stage) -> None:
    """JOB-LOG-14, PER-51."""
    job = stage.run()
    reader = Reader(stage, job.uuid)
    stage.puppet(job).exit()
    stage.clock.advance(0.3)
    assert job.status == "COMPLETED"
    stage.clock.advance(0.499)
    assert not reader.ended
    stage.clock.advance(0.001)
    assert reader.ended


def test_the_first_of_two_end_statuses_counts(stage: Stage) -> None:
    """JOB-STP-07b: half a second after STOPPED, whatever comes then."""
    job = stage.run()
    reader = Reader(stage, job.uuid)
    stage.stop(job)
    stage.clock.advance(0.499)
    assert (job.status, reader.ended) == ("FAILED", False)
    stage.clock.advance(0.001)
    assert reader.ended


def test_at_the_immediate_pace_it_ends_with_the_job() -> None:
    stage = Stage()
    job = stage.run()
    reader = Reader(stage, job.uuid)
    stage.puppet(job).write(b"x")
    stage.puppet(job).exit()
    assert (reader.got, reader.ended) == (b"x", True)


def test_deleting_the_job_ends_its_stream_at_once(stage: Stage) -> None:
    """JOB-LOG-23: within milliseconds, while it drains too."""
    job = stage.run()
    reader = Reader(stage, job.uuid)
    stage.puppet(job).write(b"last words")
    stage.puppet(job).exit()
    stage.clock.advance(0.3)
    stage.delete(job)
    assert (reader.got, reader.ended) == (b"last words", True)
    assert stage.clock.next_due() is None


def test_the_stream_of_a_cancelled_job_never_ends_but_by_its_deletion(stage: Stage) -> None:
    """JOB-LOG-16, opened before or after the cancel."""
    job = stage.run(schedule="2026-01-01T00:01:00Z")
    before = Reader(stage, job.uuid)
    stage.stop(job)
    after = Reader(stage, job.uuid)
    stage.clock.advance(days=30)
    assert (before.ended, after.ended) == (False, False)
    stage.delete(job)
    assert (before.ended, after.ended) == (True, True)


def test_the_stream_of_a_scheduled_job_waits_for_it(stage: Stage) -> None:
    """JOB-LOG-15."""
    job = stage.run(schedule="2026-01-01T00:01:00Z")
    reader = Reader(stage, job.uuid)
    stage.clock.advance(60)
    assert (reader.got, reader.ended) == (b"", False)
    stage.clock.advance(1)
    stage.puppet(job).write(b"at last")
    stage.puppet(job).exit()
    stage.clock.advance(1)
    assert (reader.got, reader.ended) == (b"at last", True)


def test_a_job_that_ends_between_opening_and_following_still_ends_the_stream(stage: Stage) -> None:
    """The two are two holds of the lock, and another thread may come between."""
    job = stage.run()
    feed = stage.model.follow_log(job.uuid)
    stage.puppet(job).write(b"meanwhile")
    stage.puppet(job).exit()
    stage.clock.advance(5)
    feed.subscribe(lambda: None)
    stage.clock.advance(0.5)
    assert (feed.take(64), feed.ended) == ([b"meanwhile"], True)


def test_a_job_that_is_deleted_between_opening_and_following_ends_it_too() -> None:
    stage = Stage()
    job = stage.run()
    feed = stage.model.follow_log(job.uuid)
    stage.puppet(job).exit()
    stage.delete(job)
    feed.subscribe(lambda: None)
    assert (feed.take(64), feed.ended) == ([], True)


def test_closing_leaves_nothing_behind(stage: Stage) -> None:
    """No timer and no follower: a thousand readers that went away cost nothing."""
    job = stage.run()
    reader = Reader(stage, job.uuid)
    stage.puppet(job).exit()
    stage.clock.advance(0.3)
    reader.feed.close()
    assert stage.clock.next_due() is None
    woken = reader.wakes
    stage.puppet(job).write(b"late")
    job.touch()
    assert reader.wakes == woken


# Who is not known


@pytest.mark.parametrize("text", ["nobody", "\0", "ü" * 40, "x" * 10_000])
def test_an_unknown_id_is_not_found(stage: Stage, text: str) -> None:
    """JOB-LOG-21."""
    reader = Reader(stage, text)
    assert isinstance(reader.error, Refusal)
    assert (reader.error.kind, reader.error.text) == (Kind.NOT_FOUND, f"job not found: {text}")


def test_the_empty_id_finds_the_only_job(stage: Stage) -> None:
    """JOB-LOG-21: jobs removed by DeleteJob still count."""
    assert Reader(stage, "").error is not None
    job = stage.run()
    stage.puppet(job).write(b"mine")
    stage.puppet(job).exit()
    stage.clock.advance(0.3)
    assert Reader(stage, "").got == b"mine"
    stage.delete(job)
    assert Reader(stage, "").got == b"mine"
    stage.run()
    assert str(Reader(stage, "").error) == "job not found: "


def test_a_deleted_job_is_still_read_from_the_buffer(stage: Stage) -> None:
    """JOB-DEL-06, PER-50: with the whole id and with a prefix; not after DeleteAllJobs."""
    first, second = stage.run(), stage.run()
    for job in (first, second):
        stage.puppet(job).write(b"kept")
        stage.puppet(job).exit()
    stage.clock.advance(0.3)
    stage.delete(first)
    for text in (first.uuid, first.uuid[:PREFIX]):
        reader = Reader(stage, text)
        assert (reader.got, reader.ended, reader.error) == (b"kept", True, None)
    stage.delete_all()
    for text in (second.uuid, second.uuid[:PREFIX]):
        assert str(Reader(stage, text).error) == f"job not found: {text}"


def test_a_job_of_before_a_restart_gives_its_output_and_then_is_not_found(stage: Stage) -> None:
    """JOB-LOG-11, JOB-RST-02: the history outlives the job store."""
    job = stage.run()
    stage.puppet(job).write(b"before")
    stage.model.jobs.stored.remove(job.uuid)
    stage.model.jobs.buffered.remove(job.uuid)
    reader = Reader(stage, job.uuid)
    assert reader.chunks == [b"before"]
    assert str(reader.error) == f"job not found: {job.uuid}"
    assert Reader(stage, job.uuid[:PREFIX]).chunks == []


# History that is not whole


def test_without_its_history_a_finished_job_is_read_from_the_buffer(stage: Stage) -> None:
    """PER-50, last row."""
    job = stage.run()
    stage.puppet(job).write(b"one")
    stage.model.history.delete(job.uuid)
    stage.puppet(job).exit()
    stage.clock.advance(0.3)
    reader = Reader(stage, job.uuid)
    assert (reader.got, reader.ended) == (b"one", True)


def test_a_history_with_a_hole_is_given_with_it(stage: Stage) -> None:
    """PER-75, PER-90: the whole id gives what is stored, a prefix all of the buffer."""
    job = stage.run()
    stage.puppet(job).write(b"one ")
    stage.model.history.delete(job.uuid)
    stage.puppet(job).write(b"two")
    live = Reader(stage, job.uuid)
    assert live.got == b"two" + b"one two"
    stage.puppet(job).exit()
    stage.clock.advance(0.3)
    assert Reader(stage, job.uuid).got == b"two"
    assert Reader(stage, job.uuid[:PREFIX]).got == b"one two"


def test_a_history_that_is_deleted_while_it_is_read_is_read_to_its_end(stage: Stage) -> None:
    job = stage.run()
    for number in range(10):
        stage.puppet(job).write(b"%d" % number)
    feed = stage.model.follow_log(job.uuid)
    assert b"".join(feed.take(3)) == b"012"
    stage.model.history.delete(job.uuid)
    assert b"".join(feed.take(100)) == b"3456789" + b"0123456789"


# Slow and many


def test_a_slow_follower_loses_nothing(stage: Stage) -> None:
    """A real one loses chunks after 10,000 (JOB-LOG-18); whoever reads late here gets them all."""
    job = stage.run()
    reader = Reader(stage, job.uuid, limit=64)
    for number in range(12_000):
        stage.puppet(job).write(b"%d\n" % number)
    stage.puppet(job).exit()
    stage.clock.advance(5)
    assert len(reader.chunks) == 0
    assert reader.got == b"".join(b"%d\n" % number for number in range(12_000))
    assert reader.ended


def test_every_one_of_many_followers_gets_all(stage: Stage) -> None:
    """JOB-LOG-17."""
    job = stage.run()
    readers = [Reader(stage, job.uuid) for _ in range(200)]
    for number in range(5):
        stage.puppet(job).write(b"%d" % number)
    stage.puppet(job).exit()
    stage.clock.advance(1)
    assert {(reader.got, reader.ended) for reader in readers} == {(b"01234", True)}


@settings(max_examples=60, deadline=None)
@given(
    early=st.lists(st.binary(min_size=1, max_size=5), max_size=6),
    late=st.lists(st.binary(min_size=1, max_size=5), max_size=6),
    limit=st.integers(1, 5),
    whole=st.booleans(),
)
def test_wherever_a_reader_joins_the_order_is_that_of_writing(
    early: list[bytes], late: list[bytes], limit: int, *, whole: bool
) -> None:
    """History first, then the buffer from its start, in the same chunks (JOB-LOG-03, PER-50)."""
    stage = Stage()
    job = stage.run()
    for data in early:
        stage.puppet(job).write(data)
    reader = Reader(stage, job.uuid if whole else job.uuid[:PREFIX], limit=limit)
    for data in late:
        stage.puppet(job).write(data)
    stage.puppet(job).exit()
    reader.read()
    assert reader.chunks == (early if whole else []) + early + late
    assert reader.ended
