"""How the cases of networks and volumes compare the server's own lines, and what they clean up."""

from __future__ import annotations

from typing import Any

import pytest

from joblet_conformance import FakeTarget, Talk, normalised
from joblet_conformance.cases.made import NETWORK, VOLUMES, VolumeLines, listed, networks, volumes
from joblet_fake import FakeJoblet

FIRST = "[2026-01-01T00:00:00.{ms}Z] [WARN] volume does not exist | {fields}"
SECOND = "[2026-01-01T00:00:00.{ms}Z] [WARN] failed to mount volume | {fields}"


def steps(*lines: str) -> list[dict[str, Any]]:
    text = "".join(f"{line}\n" for line in lines)
    return [
        {
            "method": "JobService.GetJobLogs",
            "request": {},
            "messages": [{"payload": {"text": text}}],
            "details": "",
        }
    ]


def told(*lines: str) -> Any:
    return normalised(steps(*lines), [VolumeLines()])


def test_the_order_of_lines_and_fields_makes_no_difference() -> None:
    error = 'error="volume a b does not exist at /v/a b/data"'
    one = told(
        FIRST.format(ms="001", fields='volume="a b" jobID=1'),
        SECOND.format(ms="001", fields=f"{error} volume=x"),
        "on I go",
    )
    other = told(
        SECOND.format(ms="001", fields=f"volume=x {error}"),
        FIRST.format(ms="001", fields='jobID=1 volume="a b"'),
        "on I go",
    )
    assert one == other


@pytest.mark.parametrize(
    "lines",
    [
        (FIRST.format(ms="001", fields="volume=b jobID=1"), "on I go"),
        (FIRST.format(ms="001", fields="volume=a"), "on I go"),
        (FIRST.format(ms="001", fields="volume=a jobID=1"), "on I went"),
        (FIRST.format(ms="001", fields="volume=a jobID=1").replace("WARN", "ERROR"), "on I go"),
        (SECOND.format(ms="001", fields="volume=a jobID=1"), "on I go"),
        ("on I go",),
    ],
)
def test_every_word_of_them_does(lines: tuple[str, ...]) -> None:
    assert told(*lines) != told(FIRST.format(ms="001", fields="volume=a jobID=1"), "on I go")


def test_a_case_leaves_a_server_as_it_was() -> None:
    """Whatever goes wrong in it; what others have there is neither shown nor removed."""
    with FakeJoblet(clock="frozen", pace="real") as fake:
        fake.networks.add("theirs")
        fake.volumes.add("theirs")
        target = FakeTarget(fake)
        talk = Talk(target, "networks/x")
        with pytest.raises(ZeroDivisionError), networks(talk, "ab") as names:  # noqa: PT012 - what goes wrong in the middle
            for name in names:
                talk.call("CreateNetwork", name=name, cidr="10.0.0.0/29")
            talk.run("sleep", "60", network=names[0])
            assert names == [f"{NETWORK}a", f"{NETWORK}b"]
            assert {each.name for each in listed(talk, "networks")} == set(names)
            raise ZeroDivisionError
        with pytest.raises(ZeroDivisionError), volumes(talk, "a") as names:  # noqa: PT012 - as above
            talk.call("CreateVolume", name=names[0], size="1MB", type="memory")
            talk.run("sleep", "60", volumes=names)
            assert [each.name for each in listed(talk, "volumes")] == names
            raise ZeroDivisionError
        target.close()
        assert (list(fake.networks), list(fake.volumes)) == (["bridge", "theirs"], ["theirs"])
        assert not any(job.status == "RUNNING" for job in fake.jobs.values())


def test_names_of_volumes_are_the_runs_own() -> None:
    with FakeJoblet(clock="frozen") as fake:
        target = FakeTarget(fake)
        runs = []
        for _ in range(2):
            talk = Talk(target, "volumes/x")
            with volumes(talk, "a") as (name,):
                talk.call("CreateVolume", name=name, size="1MB", type="memory")
                runs.append((name, talk.transcript.plain()))
        target.close()
    assert runs[0][0] != runs[1][0]
    one, other = (
        [{**step, "seconds": 0} for step in normalised(steps, VOLUMES)] for _, steps in runs
    )
    assert one == other
