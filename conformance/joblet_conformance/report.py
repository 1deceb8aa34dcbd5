"""What a run found: for a person on a terminal, as JUnit XML, as one HTML page."""

from __future__ import annotations

import html
from collections import Counter
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from rich.console import Console

    from joblet_conformance.run import Finding

VERDICTS: Final = ("same", "different", "known", "gone", "not applicable")
FAILED: Final = frozenset({"different", "gone"})
SHOWN: Final = 4


def failed(findings: Iterable[Finding]) -> bool:
    """Tell whether any finding is a difference that is not listed, or a listed one that is gone."""
    return any(each.verdict in FAILED for each in findings)


def told(finding: Finding) -> list[str]:
    """Give what a finding says, a line each: unmet facts, then differences in order."""
    lines = [f"not as the fact says: {text}" for text in finding.unmet]
    lines += [str(difference) for difference in finding.differences]
    lines += [
        f"{each}: listed in known_differences.toml, and no longer different: remove it there"
        for each in finding.gone
    ]
    return lines


def print_report(console: Console, findings: Sequence[Finding], target: str) -> None:
    """Print a table by area, then each difference and what was not applicable."""
    table = Table(title=f"Conformance of {target}", title_justify="left")
    table.add_column("area")
    for verdict in VERDICTS:
        table.add_column(verdict, justify="right")
    table.add_column("compared with recordings", justify="right")
    for area in dict.fromkeys(each.case.area for each in findings):
        ours = [each for each in findings if each.case.area == area]
        table.add_row(area, *_counts(ours), str(sum(each.compared for each in ours)))
    table.add_section()
    table.add_row("all", *_counts(findings), str(sum(each.compared for each in findings)))
    console.print(table)
    for finding in findings:
        if finding.verdict in FAILED:
            console.print(f"\n[bold red]{finding.verdict}[/]  {finding.case.id}", highlight=False)
            console.print(f"  {escape(finding.case.sentence)}", highlight=False)
            lines = told(finding)
            for line in lines[:SHOWN]:
                console.print(f"  {escape(line)}", highlight=False)
            if len(lines) > SHOWN:
                console.print(f"  and {len(lines) - SHOWN} more", highlight=False)
    for verdict in ("known", "not applicable"):
        ours = [each for each in findings if each.verdict == verdict]
        if ours:
            console.print(f"\n[bold]{verdict}[/]: {len(ours)}", highlight=False)
        for finding in ours:
            console.print(f"  {finding.case.id}: {escape(finding.why)}", highlight=False)


def _counts(findings: Iterable[Finding]) -> list[str]:
    counted = Counter(each.verdict for each in findings)
    return [str(counted[verdict]) for verdict in VERDICTS]


def write_junit(path: Path, findings: Sequence[Finding], target: str) -> None:
    """Write a JUnit XML report: a test suite for each area."""
    root = ET.Element("testsuites", name=f"conformance of {target}")
    for area in dict.fromkeys(each.case.area for each in findings):
        ours = [each for each in findings if each.case.area == area]
        suite = ET.SubElement(
            root,
            "testsuite",
            name=area,
            tests=str(len(ours)),
            failures=str(sum(each.verdict in FAILED for each in ours)),
            errors="0",
            skipped=str(sum(each.verdict == "not applicable" for each in ours)),
            time=f"{sum(each.seconds for each in ours):.3f}",
        )
        for finding in ours:
            test = ET.SubElement(
                suite,
                "testcase",
                classname=f"conformance.{area}",
                name=finding.case.id,
                time=f"{finding.seconds:.3f}",
            )
            if finding.verdict in FAILED:
                lines = told(finding)
                ET.SubElement(test, "failure", message=lines[0]).text = "\n".join(lines)
            elif finding.verdict == "not applicable":
                ET.SubElement(test, "skipped", message=finding.why)
            elif finding.why:
                ET.SubElement(test, "system-out").text = finding.why
    ET.indent(root)
    path.write_bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


STYLE: Final = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse } td, th { padding: .2rem .8rem; text-align: left }
tr + tr { border-top: 1px solid #8884 } td.n { text-align: right }
code { font-size: .9em; overflow-wrap: anywhere }
.different, .gone { color: #c33 } .same { color: #2a7 } .known { color: #b70 }
"""


def write_html(path: Path, findings: Sequence[Finding], target: str) -> None:
    """Write one HTML page that needs nothing else."""
    rows = []
    for area in dict.fromkeys(each.case.area for each in findings):
        counts = _counts(each for each in findings if each.case.area == area)
        cells = "".join(f'<td class="n">{count}</td>' for count in counts)
        rows.append(f"<tr><td>{html.escape(area)}</td>{cells}</tr>")
    head = "".join(f"<th>{verdict}</th>" for verdict in VERDICTS)
    cases = []
    for each in findings:
        lines = [*told(each), *([each.why] if each.why else [])]
        items = "".join(f"<li><code>{html.escape(line)}</code></li>" for line in lines)
        kind = each.verdict.split()[0]
        cases.append(
            f'<tr><td class="{kind}">{each.verdict}</td><td><b>{html.escape(each.case.id)}</b><br>'
            f"{html.escape(each.case.sentence)}<br><small>{' '.join(each.case.facts)}</small>"
            f"<ul>{items}</ul></td></tr>",
        )
    title = html.escape(f"Conformance of {target}")
    path.write_text(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style><h1>{title}</h1>"
        f"<table><tr><th>area</th>{head}</tr>{''.join(rows)}</table>"
        f"<h2>Cases</h2><table>{''.join(cases)}</table></html>\n",
    )
