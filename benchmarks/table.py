"""Results as people read them: a table on a terminal, or the rows of one in a document."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Final

import google.protobuf
import grpc
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.harness import Result, Spread

COLUMNS: Final = ("what", "over", "bare", "", "fake", "control", "target", "")
COLORS: Final = {"met": "green", "missed": "red", "invalid": "yellow"}


def machine() -> str:
    """Describe the machine and the libraries that the numbers come from."""
    return (
        f"{os.cpu_count()} cores, {_processor()}, {platform.system()}; "
        f"Python {platform.python_version()}, grpcio {grpc.__version__}, "
        f"protobuf {google.protobuf.__version__}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def cells(result: Result) -> tuple[str, ...]:
    """Give a result's row, a cell for each of the columns."""
    return (
        result.what,
        result.over,
        result.bare,
        result.scale.name,
        _spread(result.value, result.scale.form),
        _spread(result.control, result.scale.form),
        str(result.target or ""),
        result.verdict,
    )


def rich_table(results: Sequence[Result]) -> Table:
    """Give a table for a terminal."""
    table = Table(*COLUMNS)
    for result in results:
        *row, verdict = cells(result)
        color = COLORS.get(verdict)
        table.add_row(*row, f"[{color}]{verdict}[/]" if color else verdict)
    return table


def markdown(results: Sequence[Result]) -> str:
    """Give a table for a document."""
    lines = [COLUMNS, ["---"] * len(COLUMNS), *map(cells, results)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def notes(results: Sequence[Result]) -> list[str]:
    """Give what was seen besides, a line for each result that has any."""
    return [f"{result.what}, {result.over}: {result.note}" for result in results if result.note]


def _spread(spread: Spread, form: str) -> str:
    low, middle, high = map(form.format, (spread.low, spread.middle, spread.high))
    return f"{middle} [{low}, {high}]"
