"""The examples of docs/programs.md run, and there is one for everything that a program can say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from joblet_fake import Programs, RunningJob, Script
from joblet_fake.programs import Step

PAGE = Path(__file__).parents[1] / "docs" / "programs.md"
TEXT = PAGE.read_text()
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
INSIDE = {"on", "register", "default", "explain"}
pytest_plugins = ["pytester"]


def test_every_example_passes(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(**{f"test_{number}": text for number, text in enumerate(EXAMPLES)})

    result = pytester.runpytest_subprocess("-p", "no:asyncio")

    result.assert_outcomes(passed=len(EXAMPLES))
    assert all(text.count("def test_") == 1 for text in EXAMPLES)


def public(kind: type) -> set[str]:
    return {name for name in vars(kind) if not name.startswith("_")}


@pytest.mark.parametrize(
    "name",
    sorted((public(Script) - {"ends", "for_attempt", "describe", "check_start"}) | INSIDE),
)
def test_every_verb_is_shown_in_an_example(name: str) -> None:
    assert any(re.search(rf"\.{name}\b", text) for text in EXAMPLES)
    assert hasattr(Programs, name) or hasattr(Script, name)


@pytest.mark.parametrize("step", sorted(step.__name__ for step in Step.__args__))
def test_every_step_is_in_the_table(step: str) -> None:
    assert re.search(rf"^\|.*`{step}\(", TEXT, re.MULTILINE)


@pytest.mark.parametrize("name", sorted(public(RunningJob) - {"replaying"}))
def test_what_a_program_sees_of_its_job_is_listed(name: str) -> None:
    assert re.search(rf"`{name}(\(\))?`", TEXT)
