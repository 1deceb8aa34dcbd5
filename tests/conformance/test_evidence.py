"""The evidence page is what is known now, and every fact without a case has a reason."""

from __future__ import annotations

from pathlib import Path

import joblet_conformance.cases
from joblet_conformance import CASES, read_recordings
from joblet_conformance.evidence import page, short
from joblet_conformance.facts import (
    covering,
    done_otherwise,
    read_facts,
    reason_of,
    uncovered_reasons,
)
from joblet_conformance.hollow import hollow, reasons

assert joblet_conformance.cases.__all__
ROOT = Path(__file__).parents[2]
FACTS = {key: fact for key, fact in read_facts().items() if "2.3" in fact.generations}


def test_the_page_in_the_documents_is_not_stale() -> None:
    """`make docs` writes it."""
    assert (ROOT / "docs" / "evidence.md").read_text() == page()


def test_every_fact_of_the_generation_has_a_case_or_a_reason() -> None:
    covered, reasons = covering(CASES), uncovered_reasons()

    assert [key for key in FACTS if key not in covered and not reason_of(key, reasons)] == []


def test_what_the_fake_does_otherwise_is_listed_apart_with_its_kind() -> None:
    """A difference is no reason why a client could not observe a fact."""
    listed = page().partition("### What the fake does otherwise")[2].partition("###")[0]

    assert set(done_otherwise()) <= set(FACTS)
    for fact_id, kind in done_otherwise().items():
        assert f"| {fact_id} | {kind} |" in listed


def test_no_fact_has_both_a_case_and_a_reason_for_having_none() -> None:
    assert sorted(set(covering(CASES)) & set(uncovered_reasons())) == []


def test_every_reason_is_for_a_fact_or_a_group_of_the_generation() -> None:
    groups = {key.rpartition("-")[0] for key in FACTS}

    assert sorted(set(uncovered_reasons()) - set(FACTS) - groups) == []


def test_every_case_covers_facts_that_exist() -> None:
    assert sorted(set(covering(CASES)) - set(read_facts())) == []


def test_a_fact_is_recorded_when_a_recorded_case_covers_it() -> None:
    recordings = read_recordings("2.3.1")
    shown = {
        fact for case in CASES if case.id in recordings and recordings[case.id].runs
        for fact in case.facts
    }  # fmt: skip

    assert sorted(key for key, fact in FACTS.items() if fact.evidence == "recorded") == sorted(
        shown & set(FACTS)
    )


def test_the_short_form_counts_axis_by_axis() -> None:
    said = short(read_recordings("2.3.1"))

    for axis in ("methods", "implemented", "driven by a published client", "recorded"):
        assert axis in said


def test_every_response_field_is_seen_filled_or_has_a_fact_why_not() -> None:
    """Nothing is hollow: what real servers fill, the recordings hold."""
    empty = hollow("2.3.1", read_recordings("2.3.1"))
    listed = reasons()

    assert [name for name in empty if name not in listed] == []
    assert [name for name in listed if name not in empty] == [], "these are filled after all"
    assert sorted(set(listed.values()) - set(read_facts())) == []
