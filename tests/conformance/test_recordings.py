"""The recordings: well formed, stable between runs, and no leaf of them is ignored in silence."""

from __future__ import annotations

import random
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import joblet_conformance.cases
from joblet_conformance import CASES, Baseline, compare, read_recordings, write_recording
from joblet_conformance.normalise import NANOS, SECONDS, TIME_FIELDS, covered
from joblet_conformance.plain import leaves, replaced
from joblet_conformance.recording import RUNS, Recording, RecordingError, read_recording

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path as File

    from joblet_conformance.plain import Path

assert joblet_conformance.cases.__all__
RECORDINGS = read_recordings("2.3.1")
RECORDED = sorted(case for case, recording in RECORDINGS.items() if recording.runs)
ENOUGH = 0.95
SAMPLE = 60
HOUR = 3600


def test_every_case_has_a_recording_and_every_recording_a_case() -> None:
    assert set(RECORDINGS) == {case.id for case in CASES if "2.3" in case.generations}


@pytest.mark.parametrize("case_id", sorted(RECORDINGS))
def test_runs_of_the_real_server_differ_only_where_the_case_says_so(case_id: str) -> None:
    recording = RECORDINGS[case_id]
    if recording.skipped:
        assert not recording.runs
        return
    first, *others = recording.runs

    assert len(recording.runs) >= RUNS
    for other in others:
        assert compare(first, other, CASES[case_id].normalisers) == []


def another(path: Path, value: Any) -> Any:
    """Give a value that a client would tell from this one; of a time, an hour later."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        if path[-1] == "seconds":
            return value + 1000
        if path[-1] in TIME_FIELDS:
            return value + (HOUR * 10**9 if value in NANOS else HOUR if value in SECONDS else 1)
        return value + 1
    if isinstance(value, str):
        return value + "!"
    if isinstance(value, list):
        return ["!"]
    return {"!": "!"} if isinstance(value, dict) else "!"


def reported(case_id: str, run: int, path: Path, changed: Any) -> bool:
    """Tell whether a changed leaf of a run is reported."""
    steps = RECORDINGS[case_id].runs[run]
    try:
        return bool(baseline(case_id, run).differences(replaced(steps, path, changed)))
    except (TypeError, ValueError, AttributeError, LookupError):
        return True  # a leaf of another type can't even be read: nobody misses that


@cache
def baseline(case_id: str, run: int) -> Baseline:
    return Baseline(RECORDINGS[case_id].runs[run], CASES[case_id].normalisers)


@cache
def all_leaves(case_id: str, run: int) -> list[tuple[Path, Any]]:
    return list(leaves(RECORDINGS[case_id].runs[run]))


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_changed_leaf_is_reported_unless_a_normaliser_covers_it(data: st.DataObject) -> None:
    case_id = data.draw(st.sampled_from(RECORDED))
    run = data.draw(st.integers(0, len(RECORDINGS[case_id].runs) - 1))
    path, value = data.draw(st.sampled_from(all_leaves(case_id, run)))
    kinds = st.none() | st.booleans() | st.integers() | st.text()
    changed = data.draw(
        kinds.filter(lambda drawn: drawn != value or type(drawn) is not type(value))
    )
    steps, normalisers = RECORDINGS[case_id].runs[run], CASES[case_id].normalisers

    assert reported(case_id, run, path, changed) or covered(path, steps, normalisers)


def test_nearly_every_leaf_is_compared(measured: Callable[[str], None]) -> None:
    """Of a sample of leaves of every recording, each changed: times by an hour."""
    dice = random.Random(0)
    compared = looked_at = 0
    unseen: dict[str, int] = {}
    for case_id in RECORDED:
        everything = all_leaves(case_id, 0)
        for path, value in dice.sample(everything, min(len(everything), SAMPLE)):
            looked_at += 1
            if reported(case_id, 0, path, another(path, value)):
                compared += 1
            else:
                steps = RECORDINGS[case_id].runs[0]
                assert covered(path, steps, CASES[case_id].normalisers), (case_id, path, value)
                unseen[str(path[-1])] = unseen.get(str(path[-1]), 0) + 1
    total = sum(len(all_leaves(case_id, 0)) for case_id in RECORDED)
    share = compared / looked_at
    measured(
        f"leaves compared: {compared} of {looked_at} ({share:.1%}), a sample of {total} in "
        f"{len(RECORDED)} recordings; behind placeholders: {unseen}"
    )

    assert share >= ENOUGH


def test_a_recording_is_read_as_it_was_written(tmp_path: File) -> None:
    recording = Recording("jobs/x", "2.3.1", "v5", "2026-01-01", ["no limits"], [[{"method": "A"}]])

    path = write_recording(recording, tmp_path)

    assert path == tmp_path / "2.3.1" / "jobs" / "x.json"
    assert read_recording(path) == recording


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 99}', '{"format": 1, "x": 1}'])
def test_a_file_that_is_no_recording_is_refused_by_name(tmp_path: File, text: str) -> None:
    path = tmp_path / "broken.json"
    path.write_text(text)

    with pytest.raises(RecordingError, match=r"broken\.json"):
        read_recording(path)
