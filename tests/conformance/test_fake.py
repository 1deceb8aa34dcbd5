"""The fake conforms: every case as facts say, and as a real server was recorded."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import pytest

import joblet_conformance.cases
from joblet_conformance import CASES, FakeTarget, read_known, read_recordings, run
from joblet_conformance.report import FAILED, told
from joblet_fake import FakeJoblet

if TYPE_CHECKING:
    from collections.abc import Callable

    from joblet_conformance import Finding

assert joblet_conformance.cases.__all__
AREAS = tuple(dict.fromkeys(case.area for case in CASES))


@dataclass
class Ran:
    """What came of an area's cases, and what each left behind on the server."""

    findings: list[Finding]
    left: dict[str, set[str]]
    seconds: float


@cache
def ran(area: str) -> Ran:
    cases = [case for case in CASES if case.area == area]
    left: dict[str, set[str]] = {}
    began = time.perf_counter()
    with FakeJoblet(clock="frozen", pace="real") as fake:
        target = FakeTarget(fake)
        before = things(fake)

        def look(finding: Finding) -> None:
            # After each case: a later one may restart the server, or remove all jobs.
            if more := things(fake) - before:
                left[finding.case.id] = more

        findings = run(cases, target, read_recordings("2.3.1"), read_known(), look)
        target.close()
        fake.check()
    return Ran(findings, left, time.perf_counter() - began)


def things(fake: FakeJoblet) -> set[str]:
    """Give what is on a server: its jobs, networks, volumes and runtimes."""
    kinds = {
        "job": fake.jobs,
        "network": fake.networks,
        "volume": fake.volumes,
        "runtime": fake.runtimes,
    }
    return {f"{kind} {name}" for kind, there in kinds.items() for name in there}


@pytest.mark.parametrize("area", AREAS)
def test_the_fake_does_what_a_real_server_was_recorded_to_do(
    area: str, measured: Callable[[str], None]
) -> None:
    findings = ran(area).findings
    compared = sum(finding.compared for finding in findings)
    measured(
        f"conformance of the fake, {area}: {len(findings)} cases in {ran(area).seconds:.1f} s, "
        f"{compared} compared"
    )

    wrong = {each.case.id: told(each) for each in findings if each.verdict in FAILED}
    assert wrong == {}


@pytest.mark.parametrize("area", AREAS)
def test_no_case_leaves_a_job_network_volume_or_runtime_behind(area: str) -> None:
    """Workflows stay: no call removes one, and a server forgets them when it ends."""
    assert ran(area).left == {}
