"""Facts are marked in their table as recorded, and nothing else of it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from joblet_conformance import CASES, Recording
from joblet_conformance.facts import facts_file, read_facts
from joblet_conformance.recorded import mark, shown_facts

if TYPE_CHECKING:
    from pathlib import Path

TABLE = """\
# Facts.
[JOB-STP-07]
says = "One [bracketed]."
generations = ["2.3"]
evidence = "seen"

[JOB-STP-07a]
about = "RunJob"
says = "Another, evidence = \\"seen\\"."
generations = ["2.3"]
evidence = "read"
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "facts.toml"
    path.write_text(TABLE)
    return path


def test_a_fact_is_marked_by_its_whole_id(table: Path) -> None:
    assert mark(table, {"JOB-STP-07"}) == []
    assert table.read_text() == TABLE.replace('evidence = "seen"\n\n', 'evidence = "recorded"\n\n')
    assert mark(table, {"JOB-STP-07", "JOB-STP-07a", "SRV-01"}) == []
    assert [fact.evidence for fact in read_facts(table).values()] == ["recorded", "recorded"]


def test_a_fact_that_is_marked_in_vain_is_named(table: Path) -> None:
    mark(table, {"JOB-STP-07"})
    assert mark(table, {"JOB-STP-07a"}) == ["JOB-STP-07"]


def test_only_a_case_that_was_run_shows_its_facts() -> None:
    case = CASES["jobs/restart"]
    ran = Recording(case.id, "2.3.1", "v", "2026-01-01", [], [[]])
    skipped = Recording(case.id, "2.3.1", "v", "2026-01-01", skipped="it needs more")
    assert shown_facts([case], {case.id: ran}) == set(case.facts)
    assert shown_facts([case], {case.id: skipped}) == shown_facts([case], {}) == set()


def test_the_real_table_can_be_marked_and_stays_as_it_is_otherwise(tmp_path: Path) -> None:
    copy = tmp_path / "facts.toml"
    before = facts_file().read_text()
    copy.write_text(before)
    some = list(read_facts())[::7]
    mark(copy, some)
    changed = [
        new
        for old, new in zip(before.splitlines(), copy.read_text().splitlines(), strict=True)
        if old != new
    ]
    assert set(changed) <= {'evidence = "recorded"'}
    assert all(read_facts(copy)[fact].evidence == "recorded" for fact in some)
