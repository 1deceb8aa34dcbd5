"""What type checkers make of the public names, seen from outside of the repository."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mypy")

HERE = Path(__file__).parent
# Beside the caches that git ignores: a second run is quick.
CACHE = HERE.parents[1] / ".mypy_cache" / "consumer"
ERROR = re.compile(r"\w+\.py:(\d+): error: (.*)  \[([a-z-]+)\]$")


def mypy(file: Path, folder: Path) -> tuple[dict[int, str], str]:
    """Check a copy of a file elsewhere, strictly; give the errors' codes by line, and all text."""
    shutil.copy(file, folder)
    result = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", f"--cache-dir={CACHE}", file.name],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    output = result.stdout + result.stderr
    errors = (ERROR.match(line) for line in output.splitlines())
    return {int(error[1]): error[3] for error in errors if error is not None}, output


def test_strict_users_need_no_casts(tmp_path: Path) -> None:
    errors, output = mypy(HERE / "consumer_uses.py", tmp_path)
    assert errors == {}, output
    assert output.startswith("Success: no issues found")


def test_mistakes_are_found_where_they_are(tmp_path: Path) -> None:
    file = HERE / "consumer_mistakes.py"
    lines = enumerate(file.read_text().splitlines(), 1)
    expected = {n: line.partition("# E: ")[2] for n, line in lines if "# E: " in line}
    errors, output = mypy(file, tmp_path)
    assert errors == expected, output
