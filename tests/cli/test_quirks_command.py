"""`joblet-fake quirks`: a table, and the page of documentation."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from joblet_fake.cli import main
from joblet_fake.cli.quirks import page
from joblet_fake.model import QUIRKS


def run(*arguments: str, columns: int = 100) -> str:
    result = CliRunner().invoke(main, arguments, env={"COLUMNS": str(columns)})
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("columns", [80, 160])
def test_the_table_has_every_quirk_with_its_facts_at_any_width(columns: int) -> None:
    text = run("quirks", columns=columns)

    rows = dict(re.findall(r"^│ ([a-z0-9-]+) +│ (on|off) ", text, re.MULTILINE))
    assert rows == {name: "on" if quirk.documented else "off" for name, quirk in QUIRKS.items()}
    for quirk in QUIRKS.values():
        assert [fact for fact in quirk.facts if fact not in text] == []
    assert max(map(len, text.splitlines())) <= columns


def test_the_page_of_documentation_is_written_as_it_stands() -> None:
    assert run("quirks", "--markdown") == page()
