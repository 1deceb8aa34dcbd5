"""Reports: a table for a person, JUnit XML, one HTML page."""

from __future__ import annotations

import io
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from rich.console import Console

from joblet_conformance import Case, Difference, Finding
from joblet_conformance.report import failed, print_report, write_html, write_junit

if TYPE_CHECKING:
    from pathlib import Path

    from joblet_conformance import Talk
    from joblet_conformance.run import Verdict


def found(case_id: str, verdict: Verdict, **more: object) -> Finding:
    def body(_talk: Talk) -> None:
        """It <shows> something [odd]."""

    return Finding(Case(case_id, ("JOB-RUN-10",), body), verdict, **more)  # type: ignore[arg-type]


DIFFERENT = found(
    "jobs/b",
    "different",
    unmet=["JOB-RUN-10: the code is 'OK', not 'INTERNAL'"],
    differences=[Difference(2, "JobService.RunJob", "messages[0].status", "<a>", None)],
    compared=True,
)
FINDINGS = [
    found("jobs/a", "same", compared=True, seconds=0.25),
    DIFFERENT,
    found("logs/a", "known", why="random, JOB-RUN-10: so it is"),
    found("logs/b", "not applicable", why="needs a host that applies resource limits"),
]


def printed() -> str:
    console = Console(file=io.StringIO(), width=120)
    print_report(console, FINDINGS, "127.0.0.1:1")
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def test_a_person_sees_each_area_and_the_first_differing_step_real_beside_fake() -> None:
    text = printed()

    rows = [line.split() for line in text.splitlines() if line.startswith("│")]
    assert ["│", "jobs", "│", "1", "│", "1", "│", "0", "│", "0", "│", "0", "│", "2", "│"] in rows
    assert "different  jobs/b" in text
    assert "step 2 JobService.RunJob, messages[0].status: real '<a>', here None" in text
    assert "It <shows> something [odd]." in text


def test_nothing_is_skipped_in_silence() -> None:
    text = printed()

    assert "logs/b: needs a host that applies resource limits" in text
    assert "logs/a: random, JOB-RUN-10: so it is" in text


def test_only_what_is_neither_same_nor_listed_fails() -> None:
    assert failed([DIFFERENT])
    assert failed([found("jobs/a", "gone")])
    assert not failed([each for each in FINDINGS if each is not DIFFERENT])


def test_junit_has_a_suite_for_each_area(tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    write_junit(path, FINDINGS, "a target")
    suites = ET.parse(path).getroot()

    assert [
        (each.get("name"), each.get("tests"), each.get("failures"), each.get("skipped"))
        for each in suites
    ] == [("jobs", "2", "1", "0"), ("logs", "2", "0", "1")]
    failure = suites.find("testsuite/testcase/failure")
    assert failure is not None
    assert "real '<a>'" in (failure.text or "")


def test_the_page_needs_nothing_else_and_shows_texts_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_html(path, FINDINGS, "a <target>")
    texts: list[str] = []
    tags: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            tags.append(tag)
            assert not any(name in ("src", "href") for name, _ in attrs)

        def handle_data(self, data: str) -> None:
            texts.append(data)

    Reader().feed(path.read_text())
    assert "Conformance of a <target>" in texts
    assert "It <shows> something [odd]." in texts
    assert not {"script", "link", "img"} & set(tags)
