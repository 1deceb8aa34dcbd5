"""The list of known differences: each entry whole, with a reason of the closed set, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import joblet_conformance.cases
from joblet_conformance import CASES, read_known
from joblet_conformance.facts import read_facts

if TYPE_CHECKING:
    from pathlib import Path

assert joblet_conformance.cases.__all__
ENTRY = (
    '[[difference]]\ncase = "jobs/x"\nfact = "JOB-RUN-10"\nreason = "{}"\nwhy = "so"\n'
    'leaves = ["0 code"]\n'
)


def test_what_is_listed_names_cases_and_facts_that_exist() -> None:
    facts = read_facts()
    cases = {case.id for case in CASES}
    for known in read_known().values():
        assert known.case in cases
        assert known.fact in facts


def test_an_entry_is_read(tmp_path: Path) -> None:
    file = tmp_path / "known.toml"
    file.write_text(ENTRY.format("random"))

    (known,) = read_known(file).values()

    assert (known.case, known.fact, known.reason, known.why) == (
        "jobs/x", "JOB-RUN-10", "random", "so",
    )  # fmt: skip
    assert (known.leaves, known.unmet) == (("0 code",), ())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ENTRY.format("not implemented"), "'not implemented' is none of random, environment"),
        (ENTRY.format("random") * 2, "jobs/x is listed twice"),
        ('[[difference]]\ncase = "jobs/x"\n', "missing"),
        ('[[difference]]\ncase = "jobs/x"\nleaves = ["0 code"]\n', "missing"),
        (ENTRY.format("random").replace('"0 code"', ""), "jobs/x names no leaf that differs"),
        (ENTRY.format("random") + 'more = "1"\n', "unexpected"),
    ],
)
def test_any_other_entry_is_refused(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "known.toml"
    file.write_text(text)

    with pytest.raises(ValueError, match=said):
        read_known(file)
