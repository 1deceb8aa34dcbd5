"""The page on faults says what happens: each example is run, each table is what it shows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from joblet_fake import Rule, ServerFaults
from joblet_fake.faults import PRESETS

if TYPE_CHECKING:
    from joblet_fake import FakeJoblet

PAGE = Path(__file__).parents[1] / "docs" / "faults.md"
TEXT = PAGE.read_text("utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
DEADLINE = 0.5
pytest_plugins = ["pytester"]


def table(heading: str) -> list[list[str]]:
    """Give the cells of the table below a heading, row by row."""
    part = TEXT.partition(f"# {heading}\n")[2].partition("\n#")[0]
    rows = [line.strip("|").split("|") for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in row] for row in rows[2:]]


def rows(heading: str) -> Any:
    cells = table(heading)
    assert len(cells) > 5
    return pytest.mark.parametrize("row", cells, ids=[row[0] for row in cells])


def ends_with(call: Any) -> str:
    """Give the messages that come, if it is a stream, and the code."""
    got: list[str] = []
    try:
        answer = call()
        if hasattr(answer, "__next__"):
            got.extend(chunk.payload.decode() for chunk in answer)
    except grpc.RpcError as error:
        code: Any = error
        return " ".join([*got, code.code().name])
    return " ".join([*got, "OK"])


def run(joblet: FakeJoblet) -> str:
    return ends_with(lambda: joblet.rpc("RunJob", command="true", timeout=DEADLINE))


def write(joblet: FakeJoblet, text: str) -> Any:
    return eval(f"joblet.faults.{text}", {"joblet": joblet})


unused = pytest.mark.joblet(unused_faults=True)


@unused
@rows("Which calls: conditions")
def test_conditions(joblet: FakeJoblet, row: list[str]) -> None:
    rule, _, codes = row
    write(joblet, rule)

    assert " ".join(run(joblet) for _ in range(4)) == codes


@rows("What happens: actions")
def test_actions(joblet: FakeJoblet, row: list[str]) -> None:
    rule, _, code, jobs = row
    write(joblet, rule)

    assert (run(joblet), str(len(joblet.jobs))) == (code, jobs)
    joblet.faults.clear()
    joblet.faults.server.settle()


@rows("Inside a stream")
def test_streams(joblet: FakeJoblet, row: list[str]) -> None:
    rule, _, log = row
    script = joblet.programs.on("letters")
    for letter in "abcd":
        script.prints(letter)
    job_id = joblet.rpc("RunJob", command="letters").job_uuid
    write(joblet, rule)

    assert ends_with(lambda: joblet.rpc("GetJobLogs", uuid=job_id, timeout=DEADLINE)) == log


@rows("The server")
def test_the_server(joblet: FakeJoblet, row: list[str]) -> None:
    verb, _, code = row
    joblet.rpc("ListJobs")

    write(joblet, f"server.{verb}")

    assert run(joblet) == code
    joblet.faults.clear()
    joblet.faults.server.clear()
    assert run(joblet) == "OK"


def test_presets() -> None:
    listed = [(name, says) for name, says, _ in table("What production does")]
    assert listed == [(name, preset.says) for name, preset in PRESETS.items()]


@pytest.mark.parametrize("row", table("What production does"), ids=lambda row: row[0])
def test_preset_options(joblet: FakeJoblet, row: list[str]) -> None:
    name, _, options = row
    with pytest.raises(ValueError, match="has no option 'surprise'") as caught:
        joblet.faults.preset(name, surprise=1)

    possible = options or "it has none"
    assert all(option in str(caught.value) for option in possible.split(", "))


@pytest.mark.parametrize("kind", [Rule, ServerFaults])
def test_nothing_is_left_out(kind: type) -> None:
    names = [name for name in vars(kind) if not name.startswith("_")]
    inside = {"lasting", "methods", "settle", "stopped"}
    # Awaitable twins go with their verbs.
    inside |= {f"{name}_async" for name in names}

    assert [n for n in names if n not in inside and not re.search(rf"\b{n}\b", TEXT)] == []


def test_examples(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(**{f"test_{number}": text for number, text in enumerate(BLOCKS)})

    result = pytester.runpytest_subprocess("-p", "no:asyncio")

    result.assert_outcomes(passed=4)
