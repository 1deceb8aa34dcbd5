"""Which of the test's programs runs for a job, and why not the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from joblet_fake.model.job import JobSpec
    from joblet_fake.programs.entry import Entry


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen for a job.

    Attributes:
        spec: what was asked for.
        entries: all that could be chosen, in the order written.
        answers: what their predicates said, of those that were asked.
        entry: the one that was chosen; None if none fits.
        unknown_hangs: whether a command that no program knows hangs: the test has put a job with
            it there as RUNNING.
    """

    spec: JobSpec
    entries: tuple[Entry, ...]
    answers: dict[Entry, bool] = field(default_factory=dict)
    entry: Entry | None = None
    unknown_hangs: bool = False

    def verdicts(self) -> Iterable[str]:
        """Say of each entry, the newest first, why it was chosen or not."""
        chosen = self.entry
        for entry in reversed(self.entries):
            if entry is not chosen:
                yield f"{self._why_not(entry)}: {entry.said} ({entry.where})"

    def reason(self) -> str:
        """Say why the chosen one was."""
        chosen = self.entry
        if chosen is None:
            return "no program of the test fits"
        others = [entry for entry in self.entries if entry is not chosen and self._fits(entry)]
        if not others:
            return "it alone fits"
        if any(entry.weight == chosen.weight for entry in others):
            return f"of the {len(others) + 1} that fit it is as specific as any, and written last"
        return f"of the {len(others) + 1} that fit it is the most specific"

    def _fits(self, entry: Entry) -> bool:
        return entry.matches(self.spec) and (entry.when is None or self.answers.get(entry, False))

    def _why_not(self, entry: Entry) -> str:
        reasons = entry.misses(self.spec)
        if reasons:
            return f"does not fit, since {' and '.join(reasons)}"
        if entry.when is not None and entry not in self.answers:
            return "its predicate was not asked"
        if not self._fits(entry):
            return "does not fit, since its predicate said no"
        if self.entry is not None and entry.weight == self.entry.weight:
            return "fits, but was written before"
        return "fits, but asks for less"


def choose(spec: JobSpec, entries: tuple[Entry, ...], *, asking: bool = True) -> Choice:
    """Choose for a job: the entry that asks for most, the last written among equals.

    Args:
        spec: what was asked for.
        entries: all that could be chosen, in the order written.
        asking: whether predicates are called, which needs a caller without any lock; entries with
            one are left out otherwise.
    """
    best: Entry | None = None
    answers: dict[Entry, bool] = {}
    for entry in entries:
        if not entry.matches(spec):
            continue
        if entry.when is not None:
            if not asking:
                continue
            answers[entry] = bool(entry.when(spec))
            if not answers[entry]:
                continue
        if best is None or entry.weight >= best.weight:
            best = entry
    return Choice(spec, entries, answers, best)
