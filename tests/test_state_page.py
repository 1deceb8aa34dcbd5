"""The page on state says what happens: its examples run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from joblet_fake.fake import OF_STATE

if TYPE_CHECKING:
    import pytest

PAGE = Path(__file__).parents[1] / "docs" / "state.md"
TEXT = PAGE.read_text("utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
pytest_plugins = ["pytester"]


def test_every_example_passes(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(**{f"test_{number}": text for number, text in enumerate(EXAMPLES)})

    result = pytester.runpytest_subprocess("-p", "no:asyncio")

    # One of them has two cases.
    result.assert_outcomes(passed=len(EXAMPLES) + 1)
    assert all(text.count("def test_") == 1 for text in EXAMPLES)


def test_the_options_that_must_be_the_same_are_named() -> None:
    (names,) = re.findall(r"made with the same (.*?)\. Ports", TEXT, re.DOTALL)

    assert tuple(re.findall(r"`(\w+)`", names)) == OF_STATE
