"""What a script says for some of its runs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from joblet_fake.programs.builtin import cat
from joblet_fake.programs.command_io import Io, say
from joblet_fake.programs.steps import OnStop, Step, Steps, Write

if TYPE_CHECKING:
    from collections.abc import Callable

    from joblet_fake.programs.context import Context

Said: TypeAlias = "Step | Callable[[Context], Steps]"
"""A step, or steps that depend on the job; where these give a status, the program ends with it."""


@dataclass(slots=True)
class Part:
    """What the runs from one to another do; called with a job's context it is a program.

    Attributes:
        first: the first run that it is for.
        last: the last one; None for all that follow.
        steps: what they do.
        code: what they exit with.
        said: the words that said so.
        ended: the word after which nothing can follow.
        refusal: why they don't start; None if they do.
        at_stop: what they do when they are stopped; None to ignore that.
        stop_word: the word that said so.
    """

    first: int
    last: int | None = None
    steps: list[Said] = field(default_factory=list)
    code: int = 0
    said: list[str] = field(default_factory=list)
    ended: str = ""
    refusal: str | None = None
    at_stop: Part | None = None
    stop_word: str = ""

    def is_for(self, attempt: int) -> bool:
        """Tell whether it says what a run does."""
        return self.first <= attempt and (self.last is None or attempt <= self.last)

    def closed(self) -> Part:
        """Give it as it is now, whatever is said later."""
        return replace(self, steps=list(self.steps))

    def __call__(self, context: Context) -> Steps:
        """Run."""
        if self.at_stop is not None:
            yield OnStop(self.at_stop)
        for said in self.steps:
            if not isinstance(said, Step):
                status = yield from said(context)
                if status:
                    return status
                continue
            try:
                yield said
            except OSError as error:
                path = said.path if isinstance(said, Write) else ""
                context.job.explanation += f"; it could not write {path}: {error.strerror}"
                yield say(f"cannot write {path}: {error.strerror}\n")
                return 1
        return self.code


def print_file(path: str) -> Said:
    """Give what writes a file to stdout, as `cat` does."""

    def printing(context: Context) -> Steps:
        return (yield from cat(context, [path], Io()))

    return printing
