"""What all tests share: measurements that are printed when the run is over, never asserted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

MEASURED = "measured"

# Doctests are looked for in every module; two modules named conftest can't both be imported so.
collect_ignore_glob = ["*/conftest.py"]


@pytest.fixture
def measured(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Print a line when the run is over, from any worker."""

    def note(line: str) -> None:
        record_property(MEASURED, line)

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    lines = [
        value
        for report in terminalreporter.stats.get("passed", [])
        for name, value in getattr(report, "user_properties", [])
        if name == MEASURED and report.when == "call"
    ]
    if lines:
        terminalreporter.section("measured")
        for line in lines:
            terminalreporter.line(line)
