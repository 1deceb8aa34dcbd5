from __future__ import annotations

import pytest
from hypothesis import find, given, settings

from joblet_fake import FakeJoblet, Script
from joblet_fake.strategies import programs


@given(script=programs(command="train"))
@settings(max_examples=30, deadline=None)
def test_a_program_runs_to_its_end(script: Script) -> None:
    with FakeJoblet(clock="frozen", tls=False) as joblet:
        joblet.programs.add(script)
        job = joblet.jobs.add("train", status="RUNNING")
        joblet.clock.run_until_idle()

        assert job.status in ("COMPLETED", "FAILED")
        assert job.explanation == f"scripted: {script!r}"


def test_one_may_hang_if_that_is_wanted() -> None:
    assert repr(
        find(programs(may_hang=True), lambda script: repr(script).endswith(".hangs()"))
    ) == ("on().hangs()")
    with pytest.raises(Exception, match="hangs"):
        find(programs(), lambda script: repr(script).endswith(".hangs()"))
