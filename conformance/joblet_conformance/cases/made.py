"""Networks and volumes that a run makes, by names that are this suite's, and their removal."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from joblet_conformance.normalise import Joined, Pattern, Unordered
from joblet_conformance.talk import OVER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from joblet_conformance.normalise import Normaliser
    from joblet_conformance.plain import Path, Plain
    from joblet_conformance.talk import Talk

LETTERS: Final = "abcde"
PATIENCE_S: Final = 10.0
"""Seconds that the address of an ended job takes at most until it is free again."""

OUTPUT: Final = Joined("GetJobLogs", "payload")
"""Each job here writes its output in one piece, whose borders are still random."""

NAMES: Final = tuple(
    Pattern(rf"j{letter}[0-9a-f]{{6}}", f"j{letter}", "the names are the run's own")
    for letter in LETTERS
)
NETWORKS: Final[tuple[Normaliser, ...]] = (
    Unordered("ListNetworks", "networks", "the order of the list is random (NET-19)"),
    OUTPUT,
)
NETWORK: Final = "jfnet-"
"""How this suite's networks begin. Every run has the same: their devices stay on the host of a
real server for ever (NET-31), and new ones would make each further network slower."""

FIELD: Final = re.compile(r'\w+=(?:".*?"(?= \w+=|$)|<[^>]*>[^ ]*|[^ ]*)')
SYSTEM: Final = re.compile(r"(\[[^]]+\]) (\[(?:WARN|ERROR)\] [^|]*)\| (.*)")


@dataclass(frozen=True, slots=True)
class VolumeLines:
    """The lines at the head of a job's output that tell of volumes that are missing.

    Their order is random as that of all stored pieces of output, and that of their fields is, too.
    """

    reason: str = "the order of the server's own lines, and of their fields, is random (VOL-27)"

    def apply(self, steps: list[dict[str, Plain]]) -> None:
        """Sort the lines, and the fields of each."""
        for step in steps:
            for message in step["messages"] if step["method"].endswith(".GetJobLogs") else ():
                told = message["payload"]
                lines = told.get("text", "").split("\n")
                found = [match for line in lines if (match := SYSTEM.fullmatch(line))]
                rest = [line for line in lines if not SYSTEM.fullmatch(line)]
                ordered = sorted(f"{each[2]}| {_sorted(each[3])} {each[1]}" for each in found)
                if found:
                    told["text"] = "\n".join(ordered + rest)

    def covers(self, path: Path, steps: list[dict[str, Plain]]) -> bool:  # noqa: ARG002 - as all
        """Tell that nothing is: every word is still compared."""
        return False


def _sorted(fields: str) -> str:
    return " ".join(sorted(FIELD.findall(fields)))


VOLUMES: Final[tuple[Normaliser, ...]] = (
    Unordered("ListVolumes", "volumes", "the order of the list is random (VOL-15)"),
    OUTPUT,
    VolumeLines(),
    *NAMES,
)


@contextmanager
def networks(talk: Talk, letters: str = "a") -> Iterator[list[str]]:
    """Give names for networks; what was made of them, and added to the list, goes at the end."""
    names = [f"{NETWORK}{letter}" for letter in letters]
    try:
        yield names
    finally:
        talk.clean()
        for each in names:
            free(talk, each)
            talk.call("RemoveNetwork", name=each, record=False)


@contextmanager
def volumes(talk: Talk, letters: str = "a") -> Iterator[list[str]]:
    """Give names for volumes; what was made of them, and added to the list, goes at the end."""
    names = [f"j{letter}{talk.mark[:6]}" for letter in letters]
    try:
        yield names
    finally:
        talk.clean()
        for each in names:
            talk.call("RemoveVolume", name=each, record=False)


def listed(talk: Talk, kind: str, *, also: str = "", record: bool = True) -> list[Any]:
    """Ask for all networks or volumes, and give this run's; the step has no others.

    Args:
        talk: the case's.
        kind: `"networks"` or `"volumes"`.
        also: the name of one that is everybody's; how many jobs are on it is not told.
        record: whether that is a step.
    """

    def cut(message: Any) -> None:  # noqa: ANN401 - a run-time message
        everything = getattr(message, kind)
        kept = [
            type(each).FromString(each.SerializeToString())
            for each in everything
            if ours in each.name or each.name == also
        ]
        for each in kept:
            each.job_count = 0 if each.name == also else each.job_count
        del everything[:]
        everything.extend(kept)

    ours = {"networks": NETWORK[:-1], "volumes": talk.mark[:6]}[kind]
    method = {"networks": "ListNetworks", "volumes": "ListVolumes"}[kind]
    reply = talk.call(method, record=record, cut=cut)
    return list(getattr(reply.message, kind))


def count(talk: Talk, network: str) -> int:
    """Give how many jobs hold an address of a network, without a step."""
    every = talk.call("ListNetworks", record=False).message.networks
    counts: list[int] = [each.job_count for each in every if each.name == network]
    return counts[0] if counts else 0


def free(talk: Talk, network: str) -> None:
    """Wait until no job holds an address of a network.

    Raises:
        Unmet: one still does.
    """
    talk.until(f"no job is on {network!r}", lambda: count(talk, network) == 0, PATIENCE_S)


def told(talk: Talk, script: str, *, record: bool = True, **fields: Any) -> bytes:  # noqa: ANN401 - as `talk.call`
    """Run a script to its end, and give what it says, in one piece.

    Args:
        talk: the case's.
        script: for `sh -c`.
        record: whether its status is a step: after a restart its times are far from the first.
        **fields: what is asked for besides.
    """
    job = talk.shell(f'echo "$({script})"', **fields)
    if record:
        talk.until_status(job)
    else:
        talk.until("the script has ended", lambda: talk.status(job).status in OVER)
    return talk.output(job)
