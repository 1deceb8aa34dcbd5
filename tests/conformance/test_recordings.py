"""The recordings: well formed, stable between runs, and no leaf of them is ignored in silence."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import joblet_conformance.cases
from joblet_conformance import CASES, compare, read_recordings, write_recording
from joblet_conformance.normalise import covered
from joblet_conformance.plain import leaves, replaced
from joblet_conformance.recording import RUNS, Recording, RecordingError, read_recording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from joblet_conformance.normalise import Normaliser

assert joblet_conformance.cases.__all__
RECORDINGS = read_recordings("2.3.1")
RECORDED = sorted(case for case, recording in RECORDINGS.items() if recording.runs)
ENOUGH = 0.95


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


def another(value: Any) -> Any:
    """Give a value that a client would tell from this one."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, str):
        return value + "!"
    return "!"


def reported(steps: Any, others: Any, normalisers: Iterable[Normaliser]) -> bool:
    """Tell whether a difference is seen; a leaf of another type can't even be read."""
    try:
        return bool(compare(steps, others, normalisers))
    except (TypeError, ValueError, AttributeError, KeyError):
        return True


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_changed_leaf_is_reported_unless_a_normaliser_covers_it(data: st.DataObject) -> None:
    case_id = data.draw(st.sampled_from(RECORDED))
    steps = data.draw(st.sampled_from(RECORDINGS[case_id].runs))
    path, value = data.draw(st.sampled_from(list(leaves(steps))))
    kinds = st.none() | st.booleans() | st.integers() | st.text()
    changed = data.draw(
        kinds.filter(lambda drawn: drawn != value or type(drawn) is not type(value))
    )
    normalisers = CASES[case_id].normalisers

    seen = reported(steps, replaced(steps, path, changed), normalisers)

    assert seen or covered(path, steps, normalisers)


def test_nearly_every_leaf_is_compared(measured: Callable[[str], None]) -> None:
    """Of a sample of the leaves of all recordings, each changed a little."""
    everything = [
        (case_id, path, value)
        for case_id in RECORDED
        for path, value in leaves(RECORDINGS[case_id].runs[0])
    ]
    looked_at = random.Random(0).sample(everything, min(len(everything), 4000))
    unseen: dict[str, int] = {}
    for case_id, path, value in looked_at:
        normalisers = CASES[case_id].normalisers
        steps = RECORDINGS[case_id].runs[0]
        if not reported(steps, replaced(steps, path, another(value)), normalisers):
            assert covered(path, steps, normalisers), (case_id, path, value)
            unseen[str(path[-1])] = unseen.get(str(path[-1]), 0) + 1
    compared = len(looked_at) - sum(unseen.values())
    measured(f"leaves compared: {compared} of {len(looked_at)}; behind placeholders: {unseen}")

    assert compared / len(looked_at) >= ENOUGH


def test_a_recording_is_read_as_it_was_written(tmp_path: Path) -> None:
    recording = Recording("jobs/x", "2.3.1", "v5", "2026-01-01", ["no limits"], [[{"method": "A"}]])

    path = write_recording(recording, tmp_path)

    assert path == tmp_path / "2.3.1" / "jobs" / "x.json"
    assert read_recording(path) == recording


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 99}', '{"format": 1, "x": 1}'])
def test_a_file_that_is_no_recording_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.json"
    path.write_text(text)

    with pytest.raises(RecordingError, match=r"broken\.json"):
        read_recording(path)
