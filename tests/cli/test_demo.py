from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from joblet_fake.cli.demo import Tour, code_of

if TYPE_CHECKING:
    from joblet_fake import FakeJoblet

COMMAND = Path(sys.executable).with_name("joblet-fake")


@pytest.fixture(scope="module")
def shown() -> list[str]:
    """The demo's lines, of a process of its own."""
    result = subprocess.run([COMMAND, "demo"], capture_output=True, text=True, check=True)
    assert result.stderr == ""
    return result.stdout.splitlines()


def section(shown: list[str], title: str) -> str:
    (start,) = (n for n, line in enumerate(shown) if line.endswith(title))
    return "\n".join(shown[start : shown.index("", start)])


def test_it_says_what_it_started(shown: list[str]) -> None:
    assert shown[0].startswith("A fake Joblet server of API 2.3.1, started in this process in ")
    assert "mutual TLS" in shown[3]


def test_the_log_is_followed_live(shown: list[str]) -> None:
    """JOB-LOG-23: with the line that comes twice, which is said to be right."""
    text = section(shown, "It follows the log live, until the job ends.")
    lines = [line.strip() for line in text.splitlines() if " after " in line]
    assert [line.partition(": ")[2] for line in lines] == [
        r"b'epoch 1\n'",
        r"b'epoch 1\n'",
        r"b'epoch 2\n'",
        r"b'epoch 3\n'",
    ]
    seconds = [float(line.split()[1]) for line in lines]
    assert seconds[0] < seconds[2] < seconds[3], "the lines came as the job wrote them"
    assert "Epoch 1 came twice" in text


@pytest.mark.parametrize(
    ("title", "code", "result"),
    [
        ("A client submits a job.", 'joblet.rpc("JobService.RunJob"', "=> RUNNING"),
        ("It asks what has become of the job.", "GetJobStatus", "=> COMPLETED, exit code 0"),
        ("for the log's history.", "PersistService.QueryLogs", r"chunk 2: b'epoch 3\n'"),
        ("the test writes its program.", ".exits(3)", "=> FAILED, exit code 3"),
        ("certificate is refused.", 'role="viewer"', "=> PERMISSION_DENIED: role viewer is"),
        ("it moves the clock.", "joblet.clock.advance(hours=1)", "=> RUNNING, then COMPLETED"),
    ],
)
def test_each_step_shows_its_code_and_what_came_of_it(
    shown: list[str],
    title: str,
    code: str,
    result: str,
) -> None:
    text = section(shown, title)
    assert code in text
    assert result in text
    assert "self" not in text
    assert "return" not in text


def test_the_journal_is_shown_last(shown: list[str]) -> None:
    (start,) = (n for n, line in enumerate(shown) if line.startswith("The journal has all 9 calls"))
    calls = shown[start + 1 :]
    assert len(calls) == 9
    assert calls[6].split() == [
        "viewer",
        "JobService.RunJob",
        "PERMISSION_DENIED",
        "0",
        "messages",
    ]


def test_lines_fit_a_page_and_have_no_loose_ends(shown: list[str]) -> None:
    assert max(map(len, shown)) <= 100
    assert [line for line in shown if line != line.rstrip()] == []


def test_the_code_that_is_shown_runs_as_it_stands(joblet: FakeJoblet) -> None:
    """What a reader copies works: every step's text, with nothing but `joblet` and `show`."""
    import time  # noqa: PLC0415 - a name that the shown code uses

    import grpc  # noqa: PLC0415 - as above

    log: list[bytes] = []
    names = {"joblet": joblet, "show": log.append, "time": time, "grpc": grpc}
    for step in Tour(joblet, log.append).steps():
        exec(code_of(step), names)
    assert b"epoch 3\n" in log
    assert [job.status for job in joblet.jobs.values()] == ["COMPLETED", "FAILED", "COMPLETED"]
