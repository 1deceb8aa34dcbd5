"""Values of a wrong type are refused where they are written, with what would be right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from joblet_fake import FakeJoblet


@pytest.mark.parametrize(
    ("write", "told"),
    [
        (lambda j: j.clock.advance("1h"), r"^advance\(seconds='1h'\): give a number$"),
        (lambda j: j.clock.advance(hours="1"), r"^advance\(hours='1'\): give a number$"),
        (lambda j: j.faults.server.clock_skew("1h"), r"^clock_skew\('1h'\): give a number of sec"),
        (lambda j: j.rpc("ListJobs", timeout="1"), r"^timeout='1': give a number of seconds$"),
        (lambda j: j.populate(jobs="3"), r"^populate\(jobs='3'\): give a whole number$"),
        (lambda j: j.populate(days="3"), r"^populate\(days='3'\): give a number$"),
        (lambda j: j.restore("snap"), r"^restore\('snap'\): give what snapshot\(\) gave$"),
        (lambda j: j.programs.on("t", env=["A=1"]), r"^env=\['A=1'\]: give variables by name, "),
        (lambda j: j.jobs.add(["train"]), r"^add\(\['train'\]\): give the command as text$"),
        (lambda j: j.jobs.add("t", args="abc"), r"^add\(args='abc'\): give a list of texts$"),
        (lambda j: j.jobs.add("t", exit_code="0"), r"^add\(exit_code='0'\): give a whole number$"),
        (lambda j: j.jobs.add("t", stdot="x"), r"^add\(\) has no argument stdot; near: 'stdout'$"),
        (lambda j: j.jobs.add("t", started="now"), r"^'now': give an aware datetime$"),
        (lambda j: j.history.add(lines=["a"], at="now"), r"^'now': give an aware datetime$"),
        (lambda j: j.networks.add(3), r"^add\(3\): give the name as text$"),
        (lambda j: j.networks.add("a", 3), r"^add\(cidr=3\): give a block as text, such as '10"),
        (lambda j: j.volumes.add("v", 100), r"^add\(size=100\): give a number and a unit, such as"),
        (lambda j: j.volumes.add("v", files={"x": 3}), r"^files\['x'\]=3: give text or bytes$"),
    ],
)
def test_what_was_written_is_told_with_what_is_right(
    joblet: FakeJoblet, write: Callable[[Any], object], told: str
) -> None:
    with pytest.raises(TypeError, match=told):
        write(joblet)

    assert not joblet.jobs
    assert set(joblet.networks) == {"bridge"}
    assert not joblet.volumes


def test_a_populated_past_is_as_long_as_a_number_says(joblet: FakeJoblet) -> None:
    with pytest.raises(ValueError, match=r"populate\(days=nan\): it is 0 or more"):
        joblet.populate(days=float("nan"))
