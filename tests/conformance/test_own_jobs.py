"""A case sees, and takes away, the jobs of its own run alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from joblet_conformance import FakeTarget, Talk
from joblet_fake import FakeJoblet

if TYPE_CHECKING:
    from collections.abc import Iterator

FAR = "2099-01-01T00:00:00Z"


@pytest.fixture
def fake() -> Iterator[FakeJoblet]:
    with FakeJoblet(clock="frozen", pace="real") as fake:
        yield fake


@pytest.fixture
def target(fake: FakeJoblet) -> Iterator[FakeTarget]:
    target = FakeTarget(fake)
    yield target
    target.close()


def test_a_list_has_this_runs_jobs_those_too_that_nobody_told_it_of(target: FakeTarget) -> None:
    other, talk = Talk(target, "x"), Talk(target, "x")
    foreign = other.run("true", schedule=FAR)
    mine = talk.run("true", schedule=FAR)
    talk.call("RunJob", command="true", network="none such", environment=talk.marked)

    listed = {job.uuid: job.status for job in talk.listed()}

    assert foreign not in listed
    assert listed.pop(mine) == "SCHEDULED"
    assert list(listed.values()) == ["FAILED"]
    told = talk.transcript.plain()[-1]["messages"][0]["jobs"]
    assert len(told) == 2


def test_what_a_run_made_is_removed_and_nothing_else(target: FakeTarget, fake: FakeJoblet) -> None:
    other, talk = Talk(target, "x"), Talk(target, "x")
    foreign = {other.run("sleep", "60"), other.run("true", schedule=FAR)}
    running, waiting = talk.run("sleep", "60"), talk.run("true", schedule=FAR)
    stopped = talk.run("sleep", "60")
    talk.call("StopJob", uuid=stopped)
    done = talk.run("true")
    talk.until_status(done)
    talk.call("RunJob", command="true", network="none such", environment=talk.marked)
    assert {running, waiting, stopped, done} < set(fake.jobs)
    noted = len(talk.transcript.steps)

    talk.clean()
    fake.clock.advance(2)

    assert set(fake.jobs) == foreign
    assert len(talk.transcript.steps) == noted


@pytest.mark.parametrize("hours", [0, 2, -3])
def test_a_moment_is_told_by_the_targets_clock(target: FakeTarget, hours: int) -> None:
    talk = Talk(target, "x")
    moment = talk.moment(60, hours)
    assert re.fullmatch(r"2026-01-01T\d\d:01:00\.123(Z|[+-]\d\d:00)|2025-.*-03:00", moment)
    job = talk.run("true", schedule=moment)
    talk.wait(59)
    assert talk.status(job).status == "SCHEDULED"
    talk.wait(2)
    assert talk.until_status(job).status == "COMPLETED"
