"""The fake conforms: every case as facts say, and as a real server was recorded."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

import joblet_conformance.cases
from joblet_conformance import CASES, FakeTarget, read_known, read_recordings, run
from joblet_conformance.report import FAILED, told
from joblet_fake import FakeJoblet

if TYPE_CHECKING:
    from collections.abc import Callable

assert joblet_conformance.cases.__all__
AREAS = tuple(dict.fromkeys(case.area for case in CASES))


@pytest.mark.parametrize("area", AREAS)
def test_the_fake_does_what_a_real_server_was_recorded_to_do(
    area: str, measured: Callable[[str], None]
) -> None:
    cases = [case for case in CASES if case.area == area]
    began = time.perf_counter()
    with FakeJoblet(clock="frozen", pace="real") as fake:
        target = FakeTarget(fake)
        findings = run(cases, target, read_recordings("2.3.1"), read_known())
        target.close()
        fake.check()
    took = time.perf_counter() - began
    compared = sum(finding.compared for finding in findings)
    measured(
        f"conformance of the fake, {area}: {len(cases)} cases in {took:.1f} s, {compared} compared"
    )

    wrong = {each.case.id: told(each) for each in findings if each.verdict in FAILED}
    assert wrong == {}
