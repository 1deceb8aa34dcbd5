from __future__ import annotations

import uuid

import pytest
from puppets import Stage

from joblet_fake.clock import Clock
from joblet_fake.model import PACES, Model, Refusal


def test_an_unknown_pace_is_refused_with_those_that_are() -> None:
    with pytest.raises(ValueError, match="unknown pace 'fast': it is one of immediate, real"):
        Model(Clock("frozen"), Stage(), pace="fast")


def test_ids_are_version_4_and_repeat_with_the_seed() -> None:
    """JOB-RUN-60."""
    made = [
        [Model(Clock("frozen"), Stage(), seed=seed).new_uuid() for _ in range(2)] for seed in (1, 2)
    ]
    assert made[0][0] == made[0][1] != made[1][0]
    assert uuid.UUID(made[0][0]).version == 4


def test_cleared_it_is_as_new() -> None:
    stage = Stage()
    first = stage.run()
    stage.puppet(first).write(b"x")
    node = stage.model.node_id
    with stage.clock.lock:
        stage.model.clear()
    assert stage.model.node_id == node
    assert len(stage.model.jobs.stored) == len(stage.model.jobs.buffered) == 0
    again = stage.run()
    assert (again.uuid, again.address, again.number) == (first.uuid, first.address, 0)
    assert not stage.model.history.has(first.uuid)


def test_restarted_it_remembers_what_lies_on_its_disk() -> None:
    """JOB-RST-01, JOB-RST-02, JOB-RST-07."""
    stage = Stage("real")
    first, second = stage.run(), stage.run()
    stage.puppet(first).write(b"kept")
    stage.model.volumes.create("data", "1MB", "memory", stage.clock.now_ns())
    stage.model.networks.create("mine", "10.1.0.0/24")
    stopping = stage.ask_stop(second)
    node = stage.model.node_id
    with stage.clock.lock:
        stage.model.restart()
    with pytest.raises(Refusal):
        stopping.result()
    stage.puppet(first).write(b"lost")
    stage.puppet(first).exit()
    stage.puppet(second).exit()
    stage.clock.advance(10)
    assert len(stage.model.jobs.stored) == len(stage.model.jobs.buffered) == 0
    assert list(stage.model.history.chunks(first.uuid)) == [b"kept"]
    assert [volume.name for volume in stage.model.volumes] == ["data"]
    assert stage.model.node_id == node
    assert stage.run().uuid not in {first.uuid, second.uuid}
    assert stage.submit(network="mine").done is False
    stage.clock.advance(1)
    assert [job.status for job in stage.model.jobs.stored].count("FAILED") == 1


def test_a_change_settles_what_it_makes_due_even_when_it_fails() -> None:
    stage = Stage()
    fired = []
    with pytest.raises(KeyError), stage.model.change():  # noqa: PT012 - two lines of one change
        stage.clock.call_later(0, lambda: fired.append(1))
        raise KeyError
    assert fired == [1]


def test_the_immediate_pace_is_nothing_but_zeros_and_the_real_one_has_none() -> None:
    durations = {
        name: [getattr(pace, field) for field in pace.__dataclass_fields__]
        for name, pace in PACES.items()
    }
    assert set(durations["immediate"]) == {0.0}
    assert min(durations["real"]) > 0.0
