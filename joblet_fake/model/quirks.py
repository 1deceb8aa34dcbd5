"""Switches for single behaviours: what a server's documentation, luck or kindness would change."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

DOCS: Final = "docs"
CHANCE: Final = "chance"
EASE: Final = "ease"
KINDS: Final = {
    DOCS: "what the documentation says, where servers do something else",
    CHANCE: "another outcome that real servers were seen to have, where it is random",
    EASE: "what is easier for clients than what servers do",
}
"""Where a quirk comes from, each with a phrase on it."""


@dataclass(frozen=True, slots=True)
class Quirk:
    """One behaviour that can be switched on.

    Attributes:
        kind: one of `KINDS`.
        says: what happens while it is on, in a sentence.
        facts: what servers do otherwise, and what is known of this.
    """

    kind: str
    says: str
    facts: tuple[str, ...]

    @property
    def documented(self) -> bool:
        """Whether `behavior="documented"` has it on."""
        return self.kind == DOCS


QUIRKS: Final[Mapping[str, Quirk]] = {
    "cancel-works": Quirk(
        DOCS,
        "CancelJob cancels a scheduled job, for whoever may stop jobs.",
        ("DOC-01", "JOB-CAN-01", "JOB-CAN-02"),
    ),
    "cpu-over-100-allowed": Quirk(
        DOCS,
        "A job can ask for more than 100 % CPU, up to 10000: several cores' worth.",
        ("DOC-01", "JOB-RUN-30", "JOB-RUN-31"),
    ),
    "host-network-allowed": Quirk(
        DOCS,
        "A job runs on the network `host`, without an address of its own.",
        ("DOC-01", "JOB-RUN-62"),
    ),
    "relative-schedules": Quirk(
        DOCS,
        "RunJob takes schedules such as `10s`, `5min` and `1h30m`: so long from now.",
        ("DOC-01", "JOB-RUN-40", "JOB-RUN-41"),
    ),
    "run-job-initializing": Quirk(
        DOCS,
        "RunJob of an immediate job answers INITIALIZING.",
        ("DOC-01", "JOB-RUN-59"),
    ),
    "secrets-masked-everywhere": Quirk(
        DOCS,
        "ListJobs masks the values of secrets, as GetJobStatus does.",
        ("DOC-01", "JOB-LST-03"),
    ),
    "stop-answers": Quirk(
        DOCS,
        "StopJob answers with the status, end time and exit code that GetJobStatus then shows.",
        ("DOC-01", "JOB-STP-01"),
    ),
    "stopped-stays": Quirk(
        DOCS,
        "A job that StopJob ended stays STOPPED, with an end time and exit code -1.",
        ("DOC-01", "JOB-STP-07"),
    ),
    "work-dir-honoured": Quirk(
        DOCS,
        "A job begins in its work_dir, and GetJobStatus shows it.",
        ("DOC-01", "JOB-RUN-55"),
    ),
    "deadline-ends-ok": Quirk(
        CHANCE,
        "A stream ends with OK just before its caller's deadline, in real time.",
        ("JOB-LOG-17", "TIME-22"),
    ),
    "late-link": Quirk(
        CHANCE,
        "For five seconds after a restart output and samples are not stored.",
        ("JOB-LOG-25", "TIME-19"),
    ),
    "natural-result-first": Quirk(
        CHANCE,
        "StopJob has the last word: FAILED or COMPLETED comes first, and STOPPED without an end "
        "time stays.",
        ("JOB-STP-07",),
    ),
    "no-break-space": Quirk(
        CHANCE,
        "Errors about bytes that do not parse have a no-break space after `proto:`.",
        ("SRV-21", "TIME-23"),
    ),
    "quick-stop-kills": Quirk(
        CHANCE,
        "A job that is stopped before its command began ends with exit code -1, not 2.",
        ("JOB-STP-10", "TIME-24"),
    ),
    "random-list-order": Quirk(
        CHANCE,
        "Each call has an order of its own, from the seed: jobs, networks, volumes, workflows and "
        "their jobs.",
        ("JOB-LST-02", "JOB-WF-22", "JOB-WF-23", "NET-19", "TIME-21", "VOL-15"),
    ),
    "shuffled-history": Quirk(
        CHANCE,
        "Chunks that are written within a few milliseconds are stored in another order.",
        ("JOB-LOG-03", "JOB-LOG-24", "PER-34", "TIME-20"),
    ),
    "canceled-ends-logs": Quirk(
        EASE,
        "The log stream of a CANCELED job ends.",
        ("FAKE-06", "JOB-LOG-16", "JOB-LOG-23"),
    ),
    "deleted-stays-away": Quirk(
        EASE,
        "A job that is deleted right after StopJob does not come back.",
        ("JOB-DEL-05", "JOB-STP-07"),
    ),
    "fitting-codes": Quirk(
        EASE,
        "What JobService refuses has the code of its cause, as from late 2.5 on: NOT_FOUND, "
        "FAILED_PRECONDITION, INVALID_ARGUMENT.",
        ("JOB-DEL-02", "JOB-DEL-03", "JOB-GEN-08", "JOB-RUN-30", "JOB-STP-02", "JOB-STP-03"),
    ),
    "logs-once": Quirk(
        EASE,
        "A late reader of a job that runs gets the early output once.",
        ("FAKE-09", "JOB-LOG-13", "JOB-LOG-23", "PER-50"),
    ),
    "workflow-jobs-by-id": Quirk(
        EASE,
        "GetWorkflowJobs gives the jobs of the workflow that is asked for.",
        ("JOB-WF-24",),
    ),
}
"""Every quirk by name, those of one kind together. A server of `behavior="server"` has none on."""

BEHAVIORS: Final[Mapping[str, frozenset[str]]] = {
    "server": frozenset(),
    "documented": frozenset(name for name, quirk in QUIRKS.items() if quirk.documented),
}
"""The sets of quirks that a fake can start with: what `behavior=` takes."""


class Quirks:
    """Which quirks of a server are on; whoever owns a behaviour asks here, when it happens.

    Args:
        behavior: the set that it starts with, and goes back to.

    >>> quirks = Quirks("documented")
    >>> "cancel-works" in quirks, "logs-once" in quirks
    (True, False)
    >>> quirks.switch(["log-once"], on=True)
    Traceback (most recent call last):
    ValueError: there is no quirk 'log-once'; near: 'logs-once'
    """

    def __init__(self, behavior: str = "server") -> None:
        self._first = BEHAVIORS[behavior]
        self._on = self._first

    def __contains__(self, name: str) -> bool:
        if name in self._on:
            return True
        if name not in QUIRKS:
            check(name)
        return False

    def __iter__(self) -> Iterator[str]:
        return iter([name for name in QUIRKS if name in self._on])

    def __len__(self) -> int:
        return len(self._on)

    def switch(self, names: Iterable[str], *, on: bool) -> None:
        """Switch quirks on or off: all of them, or none if one is refused.

        Raises:
            ValueError: there is no such quirk; the message says what is near.
        """
        some = {name for name in names if check(name)}
        self._on = self._on | some if on else self._on - some

    def reset(self) -> None:
        """Go back to what it started with."""
        self._on = self._first


def check(name: object) -> bool:
    """Refuse what is no quirk's name.

    Returns:
        True.

    Raises:
        ValueError: there is no such quirk; the message says what is near.
    """
    if name in QUIRKS:
        return True
    found = get_close_matches(str(name).lower(), QUIRKS, n=3, cutoff=0.6)
    nearest = (
        f"near: {', '.join(map(repr, found))}" if found else f"it is one of {', '.join(QUIRKS)}"
    )
    raise ValueError(f"there is no quirk {name!r}; {nearest}")
