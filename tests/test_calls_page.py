"""The page on the journal says what happens: its examples run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from joblet_fake import Call
from joblet_fake.exchange.call import BYTES_KEPT as BYTES_OF_A_CALL
from joblet_fake.exchange.call import FRAMES_KEPT
from joblet_fake.exchange.calls import BYTES_KEPT, CALLS_KEPT

if TYPE_CHECKING:
    import pytest

PAGE = Path(__file__).parents[1] / "docs" / "calls.md"
TEXT = PAGE.read_text("utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
MIB = 1024 * 1024
pytest_plugins = ["pytester"]


def test_every_example_passes_but_the_one_that_fails_as_it_says(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(**{f"test_{number}": text for number, text in enumerate(EXAMPLES)})

    result = pytester.runpytest_subprocess("-p", "no:asyncio")

    assert all(text.count("def test_") == 1 for text in EXAMPLES)
    result.assert_outcomes(passed=len(EXAMPLES) - 1, failed=1)
    (told,) = re.findall(r"^```text\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    first, *rest = told.splitlines()
    result.stdout.fnmatch_lines(
        [f"E*AssertionError: {escaped(first)}", *(f"E*{escaped(line)}" for line in rest)],
        consecutive=True,
    )


def escaped(line: str) -> str:
    """Give a line for a match in which brackets mean themselves."""
    return line.replace("[", "[[]")


def test_what_the_table_names_is_there() -> None:
    names = re.findall(r"^\| (`.*?) \|", TEXT, re.MULTILINE)

    listed = [name for cell in names for name in re.findall(r"`(\w+)`", cell)]

    assert len(listed) > 15
    assert [name for name in listed if not hasattr(Call, name)] == []


def test_the_bounds_are_the_ones_that_hold() -> None:
    assert f"newest {CALLS_KEPT:,} calls, and of their messages {BYTES_KEPT // MIB} MiB" in TEXT
    assert f"first {FRAMES_KEPT} messages and {BYTES_OF_A_CALL // MIB} MiB" in TEXT
