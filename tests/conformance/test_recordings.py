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
from joblet_conformance.normalise import NANOS, SECONDS, TIME_FIELDS, Timed, covered
from joblet_conformance.plain import leaves, path_text, replaced
from joblet_conformance.recording import RUNS, Recording, RecordingError, read_recording

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path as File

    from joblet_conformance.plain import Path

assert joblet_conformance.cases.__all__
RECORDINGS = read_recordings("2.3.1")
RECORDED = sorted(case for case, recording in RECORDINGS.items() if recording.runs)
ENOUGH = 0.95
AT_ONCE = 40
SAMPLE = 12
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


def shown(found: dict[tuple[int, str], Any], path: Path, changed: Any) -> bool:
    """Tell whether a change is among the differences at its very place, as it was made."""
    where, end = path_text(path[1:]), changed
    if isinstance(changed, list):
        where, (end,) = f"{where}[0]", changed
    elif isinstance(changed, dict):
        where, end = f"{where}.!", changed["!"]
    elif path[1:] == ("seconds",):
        end = Timed("<seconds>", (changed,))
    return bool(found.get((int(path[0]), where)) == end)


def apart(case_id: str) -> list[tuple[Path, Any]]:
    """Give the leaves that many changes at once do not show, because others hang on them.

    Each of the others was changed, among forty, and the difference was where it was made.
    """
    left: list[tuple[Path, Any]] = []
    everything = list(all_leaves(case_id, 0))
    random.Random(0).shuffle(everything)
    for begin in range(0, len(everything), AT_ONCE):
        some = everything[begin : begin + AT_ONCE]
        found = differences(case_id, some)
        left += [each for each in some if not shown(found, each[0], another(*each))]
    return left


def differences(case_id: str, some: list[tuple[Path, Any]]) -> dict[tuple[int, str], Any]:
    """Give what many changes at once show, by place; half and half where they can't be read."""
    ours = RECORDINGS[case_id].runs[0]
    for path, value in some:
        ours = replaced(ours, path, another(path, value))
    try:
        found = baseline(case_id, 0).differences(ours)
    except (TypeError, ValueError, AttributeError, LookupError):
        if len(some) == 1:
            return {}
        half = len(some) // 2
        return differences(case_id, some[:half]) | differences(case_id, some[half:])
    return {(each.step, each.where): each.ours for each in found}


def test_nearly_every_leaf_is_compared(measured: Callable[[str], None]) -> None:
    """All leaves of every recording are changed, times by an hour.

    Those that a change of many at once does not show are changed one by one, some of each
    recording.
    """
    dice = random.Random(0)
    total = at_once = single = single_seen = 0
    share = 0.0
    unseen: dict[str, int] = {}
    for case_id in RECORDED:
        steps = RECORDINGS[case_id].runs[0]
        if not steps:
            continue
        left = apart(case_id)
        some = dice.sample(left, min(len(left), SAMPLE))
        seen = 0
        for path, value in some:
            if reported(case_id, 0, path, another(path, value)):
                seen += 1
            else:
                assert covered(path, steps, CASES[case_id].normalisers), (case_id, path, value)
                unseen[str(path[-1])] = unseen.get(str(path[-1]), 0) + 1
        count = len(all_leaves(case_id, 0))
        total, at_once = total + count, at_once + count - len(left)
        single, single_seen = single + len(some), single_seen + seen
        share += count - len(left) + (len(left) * seen / len(some) if some else 0)
    share /= total
    measured(
        f"leaves compared: {share:.1%} of {total} in {len(RECORDED)} recordings: {at_once} each "
        f"seen among others, and {single_seen} of {single} of the rest seen one by one; "
        f"behind placeholders: {unseen}"
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
