"""Which facts recordings show: `python -m joblet_conformance.recorded` marks them in the table."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Final

import joblet_conformance.cases
from joblet_conformance.case import CASES
from joblet_conformance.facts import facts_file, read_facts
from joblet_conformance.recording import read_recordings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from joblet_conformance.case import Case
    from joblet_conformance.recording import Recording

API: Final = "2.3.1"
AREAS: Final = joblet_conformance.cases.__all__


def shown_facts(cases: Iterable[Case], recordings: Mapping[str, Recording]) -> set[str]:
    """Give the ids of the facts that some case covers which was recorded."""
    return {
        fact
        for case in cases
        if case.id in recordings and recordings[case.id].runs
        for fact in case.facts
    }


def mark(table: Path, shown: Collection[str]) -> list[str]:
    """Mark facts as recorded in their table; every other line stays as it is.

    Args:
        table: the file.
        shown: the ids of the facts that recordings show.

    Returns:
        The ids of those that the table calls recorded and that nothing shows: somebody has to
        say how else they are known.
    """
    text = table.read_text("utf-8")
    for fact_id in shown:
        entry = re.compile(
            rf'(^\[{re.escape(fact_id)}\]\n(?:(?!\[).*\n)*?evidence = )"\w+"', re.MULTILINE
        )
        text = entry.sub(r'\1"recorded"', text, count=1)
    table.write_text(text, "utf-8")
    told = read_facts(table)
    return [key for key, fact in told.items() if fact.evidence == "recorded" and key not in shown]


def main() -> int:
    """Mark the facts, and name those that are marked in vain."""
    vain = mark(facts_file(), shown_facts(CASES, read_recordings(API)))
    for fact_id in vain:
        sys.stderr.write(f"{fact_id} is marked as recorded, and no recorded case covers it\n")
    return bool(vain)


if __name__ == "__main__":
    sys.exit(main())
