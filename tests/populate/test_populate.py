"""A populated server: realistic, the same for the same seed, alive."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING

import pytest

from joblet_fake import FakeJoblet

if TYPE_CHECKING:
    from collections.abc import Callable


def said(joblet: FakeJoblet) -> str:
    """Give a fingerprint of all that clients see."""
    told = hashlib.sha256()
    for method in ("ListJobs", "ListNetworks", "ListVolumes", "ListRuntimes"):
        told.update(joblet.rpc(method).SerializeToString(deterministic=True))
    for job_id in joblet.jobs:
        told.update(joblet.rpc("GetJobStatus", uuid=job_id).SerializeToString(deterministic=True))
        told.update(joblet.jobs[job_id].output_bytes)
        if joblet.jobs[job_id].ended:
            for sample in joblet.rpc("QueryMetrics", job_uuid=job_id):
                told.update(sample.SerializeToString(deterministic=True))
    return told.hexdigest()


def test_the_same_seed_gives_the_same_bytes_and_another_gives_others() -> None:
    seen = []
    for seed in (7, 7, 8):
        with FakeJoblet(clock="frozen", seed=seed, tls=False) as joblet:
            joblet.populate(jobs=60, networks=2, volumes=2, runtimes=3, days=3)
            seen.append(said(joblet))

    assert seen[0] == seen[1] != seen[2]


def test_what_is_made_is_told_and_is_there() -> None:
    with FakeJoblet(clock="frozen", tls=False) as joblet:
        made = joblet.populate(jobs=300, networks=3, volumes=4, runtimes=5, days=10)

        assert list(joblet.jobs) == list(made.jobs)
        assert set(joblet.networks) == {"bridge", *made.networks}
        assert set(joblet.volumes) == set(made.volumes)
        assert {each.name for each in joblet.runtimes.values()} == set(made.runtimes)
        counted = [len(made.networks), len(made.volumes), len(made.runtimes)]
    assert counted == [3, 4, 5]


def test_the_history_looks_like_one() -> None:
    with FakeJoblet(clock="frozen", tls=False) as joblet:
        joblet.populate(jobs=400, days=10)
        jobs = list(joblet.jobs.values())
        now = joblet.clock.now()
        statuses = {job.status for job in jobs}
        done = [job for job in jobs if job.status == "COMPLETED"]
        volumes = {volume for job in jobs for volume in job.volumes}
        networks = {job.network for job in jobs}

        assert {"COMPLETED", "FAILED", "CANCELED", "SCHEDULED", "RUNNING"} <= statuses
        assert 0.6 < len(done) / len(jobs) < 0.95
        assert all(0 <= (now - job.started).total_seconds() <= 10 * 86_400 for job in jobs)
        assert all(job.ended is not None and job.ended > job.started for job in done)
        assert all(job.ended <= now for job in done if job.ended)
        assert sum(bool(job.stdout) for job in done) > 0.9 * len(done)
        assert any(job.stderr for job in jobs if job.status == "FAILED")
        assert volumes == set(joblet.volumes)
        assert networks == set(joblet.networks)
        assert len({job.command for job in jobs}) > 3


def test_each_jobs_log_and_metrics_can_be_asked_for() -> None:
    with FakeJoblet(clock="frozen", tls=False) as joblet:
        made = joblet.populate(jobs=40)
        over = [joblet.jobs[uuid] for uuid in made.jobs if joblet.jobs[uuid].ended]
        for job in over:
            chunks = b"".join(c.payload for c in joblet.rpc("GetJobLogs", uuid=job.uuid, timeout=5))
            samples = list(joblet.rpc("QueryMetrics", job_uuid=job.uuid))

            assert chunks == job.output_bytes
            assert samples
            assert all(sample.data.memory_usage > 0 for sample in samples)
    assert over


def test_what_runs_or_waits_goes_on_as_time_does() -> None:
    with FakeJoblet(clock="frozen", tls=False) as joblet:
        made = joblet.populate(jobs=300)
        before = {uuid: joblet.jobs[uuid].status for uuid in made.jobs}
        joblet.clock.advance(days=3)
        after = {uuid: joblet.jobs[uuid].status for uuid in made.jobs}

    assert "RUNNING" in before.values()
    for uuid, status in before.items():
        if status in ("RUNNING", "SCHEDULED"):
            assert after[uuid] in ("COMPLETED", "FAILED")
        else:
            assert after[uuid] == status


def test_a_second_call_adds_other_things() -> None:
    with FakeJoblet(clock="frozen", tls=False) as joblet:
        first = joblet.populate(jobs=10, networks=2, volumes=7, runtimes=6)
        second = joblet.populate(jobs=10, networks=2, volumes=7, runtimes=6)

        assert len(joblet.jobs) == 20
        assert len(joblet.volumes) == 14
        assert not set(first.volumes) & set(second.volumes)


@pytest.mark.parametrize("name", ["jobs", "networks", "volumes", "runtimes", "days"])
def test_a_negative_number_is_refused(name: str) -> None:
    with FakeJoblet(tls=False) as joblet, pytest.raises(ValueError, match=f"{name}=-1"):
        joblet.populate(**{name: -1})  # type: ignore[arg-type]


def test_thousands_of_jobs_are_put_there_in_moments(measured: Callable[[str], None]) -> None:
    """Printed, not bounded."""
    with FakeJoblet(clock="frozen", tls=False) as joblet:
        began = time.perf_counter()
        joblet.populate(jobs=2_000, days=30)
        took = time.perf_counter() - began
        lines = sum(job.output_bytes.count(b"\n") for job in joblet.jobs.values())
    measured(f"populate: 2,000 jobs with {lines} lines in {took:.1f} s")
    assert lines > 2_000
