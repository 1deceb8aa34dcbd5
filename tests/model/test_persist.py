"""A persist service that is gone or hung: what its core does, and what is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from puppets import Reader, Stage

from joblet_fake.model import Kind, Refusal
from joblet_fake.model.ranges import Range

if TYPE_CHECKING:
    from joblet_fake.model import Job

START = 1_767_225_600 * 10**9
REFUSED = (
    'latest balancer error: connection error: desc = "transport: Error while dialing: '
    'dial unix /opt/joblet/run/persist-grpc.sock: connect: connection refused"'
)
AWAY = ("gone", "hung")


@pytest.fixture
def stage() -> Stage:
    return Stage("real")


def become(stage: Stage, state: str) -> None:
    with stage.model.change():
        stage.model.persist_state = state


def now(stage: Stage) -> float:
    return (stage.clock.now_ns() - START) / 1e9


def stored(stage: Stage, job: Job) -> list[bytes]:
    return [record.content for record in stage.model.history.query(job.uuid)]


def samples(stage: Stage, job: Job) -> list[int]:
    found = stage.model.history.metrics.query(job.uuid, Range())
    return [record.sequence for record in found]


def test_it_is_up_until_told_otherwise_and_nothing_else_can_be_said(stage: Stage) -> None:
    assert stage.model.persist_state == "up"
    with pytest.raises(ValueError, match=r"^persist_state='down': it is one of up, gone, hung$"):
        become(stage, "down")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("hung", "context deadline exceeded"),
        ("gone", REFUSED),
    ],
)
def test_a_ping_fails_after_two_seconds_in_the_clients_words(
    stage: Stage, state: str, words: str
) -> None:
    """JOB-RUN-02, PER-70."""
    become(stage, state)
    answer = stage.model.persist.ping()
    stage.clock.advance(1.999)
    assert not answer.done
    stage.clock.advance(0.001)
    with pytest.raises(Refusal) as caught:
        answer.result()

    assert caught.value.kind is Kind.UNAVAILABLE
    assert caught.value.text == (
        "persist service unavailable: ping failed: rpc error: code = DeadlineExceeded "
        f"desc = {words} - cannot execute job to prevent data loss"
    )


@pytest.mark.parametrize("state", AWAY)
def test_a_ping_is_answered_when_it_returns_in_time(stage: Stage, state: str) -> None:
    become(stage, state)
    answer = stage.model.persist.ping()
    stage.clock.advance(1.5)
    become(stage, "up")
    assert answer.done
    answer.result()
    stage.clock.advance(10)


@pytest.mark.parametrize("state", AWAY)
def test_a_job_is_deleted_after_ten_seconds_and_its_history_stays(stage: Stage, state: str) -> None:
    """PER-74: it is gone from the job store at once."""
    job = stage.run()
    stage.puppet(job).write(b"kept")
    stage.puppet(job).exit()
    stage.clock.advance(1)
    become(stage, state)
    with stage.model.change():
        answer = stage.model.lifecycle.delete(job.uuid)
    assert stage.model.jobs.stored.exact(job.uuid) is None
    began = now(stage)
    stage.finish(answer)
    assert round(now(stage) - began, 3) == 10
    become(stage, "up")
    stage.clock.advance(60)

    assert stored(stage, job) == [b"kept"]
    assert samples(stage, job) == [0]


@pytest.mark.parametrize("state", AWAY)
def test_a_deletion_is_done_when_it_returns_in_time(stage: Stage, state: str) -> None:
    job = stage.run()
    stage.puppet(job).write(b"gone")
    stage.puppet(job).exit()
    stage.clock.advance(1)
    become(stage, state)
    with stage.model.change():
        answer = stage.model.lifecycle.delete(job.uuid)
    stage.clock.advance(5)
    assert not answer.done
    become(stage, "up")

    assert answer.done
    with pytest.raises(Refusal, match="no logs found"):
        stored(stage, job)


def test_deleting_all_takes_thirty_seconds_a_job(stage: Stage) -> None:
    """PER-74: three deletions for each, one after another; the others are there meanwhile."""
    jobs = [stage.run() for _ in range(2)]
    for job in jobs:
        stage.puppet(job).exit()
    stage.clock.advance(1)
    become(stage, "hung")
    with stage.model.change():
        answer = stage.model.lifecycle.delete_all()
    began = now(stage)
    stage.clock.advance(29)
    assert len(stage.model.jobs.stored) == 1
    assert stage.finish(answer) == (2, 0)

    assert round(now(stage) - began, 3) == 60
    assert len(stage.model.jobs.buffered) == 0


@pytest.mark.parametrize("state", AWAY)
def test_readers_wait_until_it_returns(stage: Stage, state: str) -> None:
    """PER-71: of an unknown id too."""
    job = stage.run()
    stage.puppet(job).write(b"one")
    stage.puppet(job).exit()
    stage.clock.advance(1)
    become(stage, state)
    known, unknown = Reader(stage, job.uuid), Reader(stage, "nope")
    stage.clock.advance(3600)
    assert (known.got, known.ended, unknown.error, known.wakes) == (b"", False, None, 0)
    become(stage, "up")

    assert (known.got, known.ended) == (b"one", True)
    unknown.read()
    assert str(unknown.error) == "job not found: nope"
    assert (known.wakes, unknown.wakes) == (1, 1)


def test_a_reader_that_leaves_while_it_waits_is_forgotten(stage: Stage) -> None:
    become(stage, "hung")
    reader = Reader(stage, "nope")
    reader.feed.close()
    become(stage, "up")

    assert (reader.wakes, reader.feed.take(9)) == (0, ())


def test_what_is_written_while_it_is_gone_is_lost_from_the_history_alone(stage: Stage) -> None:
    """PER-44, PER-75: until the core's next try, every five seconds."""
    job = stage.run()
    puppet = stage.puppet(job)
    for second in range(1, 13):
        stage.clock.advance(second - now(stage))
        puppet.write(b"%d " % second)
        if second == 2:
            become(stage, "gone")
        if second == 7:
            become(stage, "up")
    puppet.exit()
    stage.clock.advance(1)

    # The tries come at 5, when it is gone, and at 10, before what is written then.
    assert stored(stage, job) == [b"1 ", b"2 ", b"10 ", b"11 ", b"12 "]
    assert [record.sequence for record in stage.model.history.query(job.uuid)] == [0, 1, 9, 10, 11]
    assert Reader(stage, job.uuid).got == b"1 2 10 11 12 "
    assert Reader(stage, job.uuid[:8]).got == b"1 2 3 4 5 6 7 8 9 10 11 12 "
    # Of the samples at 0.15, 5.15 and 10.15 the second is missing.
    assert samples(stage, job) == [0, 2]


def test_what_is_written_while_it_hangs_is_stored_when_it_goes_on(stage: Stage) -> None:
    """PER-44."""
    job = stage.run()
    become(stage, "hung")
    stage.puppet(job).write(b"one")
    stage.clock.advance(6)
    become(stage, "up")

    assert stored(stage, job) == [b"one"]
    assert samples(stage, job) == [0, 1]


def test_a_job_that_starts_while_it_is_gone_is_stored_from_the_next_link_on(stage: Stage) -> None:
    """JOB-RUN-04: only a workflow's can."""
    become(stage, "gone")
    job = stage.run()
    become(stage, "up")
    stage.clock.advance(5.5 - now(stage))

    assert samples(stage, job) == [1]


def test_without_durations_it_is_linked_again_at_once() -> None:
    stage = Stage("immediate")
    job = stage.run()
    become(stage, "gone")
    stage.puppet(job).write(b"lost")
    become(stage, "up")
    stage.puppet(job).write(b"kept")

    assert stored(stage, job) == [b"kept"]


def test_gone_again_before_the_link_is_back_it_stays_unlinked(stage: Stage) -> None:
    job = stage.run()
    become(stage, "gone")
    become(stage, "up")
    become(stage, "gone")
    stage.clock.advance(12)
    stage.puppet(job).write(b"lost")

    with pytest.raises(Refusal, match="no logs found"):
        stored(stage, job)


def test_a_reset_brings_it_back_and_fails_what_is_owed(stage: Stage) -> None:
    become(stage, "gone")
    ping, wait = stage.model.persist.ping(), stage.model.persist.wait()
    reader = Reader(stage, "nope")
    with stage.clock.lock:
        stage.model.clear()

    assert stage.model.persist_state == "up"
    for owed in (ping, wait):
        with pytest.raises(Refusal, match=r"^joblet-fake was reset during this call$"):
            owed.result()
    reader.read()
    assert str(reader.error) == "job not found: nope"
    job = stage.run()
    stage.puppet(job).write(b"stored")
    assert stored(stage, job) == [b"stored"]


def test_a_restart_links_anew(stage: Stage) -> None:
    become(stage, "gone")
    with stage.clock.lock:
        stage.model.restart()
    job = stage.run()
    stage.puppet(job).write(b"stored")

    assert stage.model.persist_state == "up"
    assert stored(stage, job) == [b"stored"]
