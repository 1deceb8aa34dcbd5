"""Recording: all cases run some times against a real server, written raw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from joblet_conformance.compare import compare
from joblet_conformance.recording import Recording, write_recording
from joblet_conformance.run import missing, run_case

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from joblet_conformance.case import Case
    from joblet_conformance.target import Target


def record(
    cases: Iterable[Case],
    target: Target,
    out: Path,
    *,
    server: str,
    date: str,
    environment: list[str],
    runs: int,
    tell: Callable[[str], None],
) -> int:
    """Run cases against a target, and write what it answered.

    Args:
        cases: which.
        target: a real server.
        out: the folder of the recordings; files go to `<out>/<api>/<case>.json`.
        server: the server's version.
        date: the day, as `YYYY-MM-DD`.
        environment: what the machine can't do, a line each.
        runs: how often each case is run.
        tell: is told what happens, a line at a time.

    Returns:
        How many cases have runs that differ where the case declares nothing, or facts that do
        not hold.
    """
    doubtful = 0
    for case in cases:
        recording = Recording(case.id, target.api.version, server, date, environment)
        recording.skipped = missing(case, target)
        notes: list[str] = []
        if not recording.skipped:
            for _ in range(runs):
                transcript = run_case(case, target)
                recording.runs.append(transcript.plain())
                notes += [f"fact: {text}" for text in transcript.unmet]
            first = recording.runs[0]
            for number, other in enumerate(recording.runs[1:], 2):
                found = compare(first, other, case.normalisers)
                notes += [f"runs 1 and {number} differ: {difference}" for difference in found[:5]]
        write_recording(recording, out)
        doubtful += bool(notes)
        tell(f"{case.id}: {recording.skipped or f'{len(recording.runs)} runs'}")
        for note in dict.fromkeys(notes):
            tell(f"  {note}")
    return doubtful
