"""The README's code runs, and does what the README says."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)
PYTHON = [text for language, text in BLOCKS if language == "python"]
SHELL = [line for language, text in BLOCKS if language == "sh" for line in text.splitlines()]
pytest_plugins = ["pytester"]


def test_the_opening_test_finds_its_bug(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(PYTHON[0])

    result = pytester.runpytest_subprocess("-p", "no:asyncio")

    result.assert_outcomes(failed=1)
    (said,) = [text for language, text in BLOCKS if language == "text"]
    result.stdout.fnmatch_lines([line.replace("[", "[[]") for line in said.splitlines()])


def test_the_other_tests_pass(pytester: pytest.Pytester) -> None:
    tests = [text for text in PYTHON[1:] if "def test_" in text]
    pytester.makepyfile(**{f"test_{number}": text for number, text in enumerate(tests)})

    result = pytester.runpytest_subprocess("-p", "no:asyncio")

    result.assert_outcomes(passed=len(tests))
    assert len(tests) >= 3


@pytest.mark.parametrize("code", [text for text in PYTHON if "def test_" not in text])
def test_scripts_run(code: str) -> None:
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout


@pytest.mark.parametrize(
    "line",
    [line for line in SHELL if line.startswith("joblet-fake")],
)
def test_commands_and_their_options_exist(line: str) -> None:
    words = shlex.split(line, comments=True)
    ran = subprocess.run(
        [sys.executable, "-m", "joblet_fake", words[1], "--help"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    for word in words[2:]:
        if word.startswith("--"):
            assert word in ran.stdout


def test_make_targets_exist() -> None:
    makefile = (README.parent / "Makefile").read_text()
    targets = [shlex.split(line, comments=True)[1] for line in SHELL if line.startswith("make ")]

    assert targets[:2] == ["demo", "test"]
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)]+)\)", README.read_text()):
        if not link.startswith("https:"):
            assert (README.parent / link).is_file(), link
