"""What all tests share: measurements that are printed when the run is over, never asserted."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

MEASURED = "measured"

# Doctests are looked for in every module; two modules named conftest can't both be imported so.
collect_ignore_glob = ["*/conftest.py"]


def pytest_configure() -> None:
    """Take signals as a terminal's programs do, also when a shell started this in its background.

    Children inherit what is ignored, and tests send them just these.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    hang_up = getattr(signal, "SIGHUP", None)
    if hang_up is not None and signal.getsignal(hang_up) is signal.SIG_IGN:
        signal.signal(hang_up, signal.SIG_DFL)


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
