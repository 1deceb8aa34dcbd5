"""`joblet.programs.register(...)`: a generator of the test says what a job does."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, TypeAlias, cast

from joblet_fake.programs.entry import Entry, place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from joblet_fake.model.job import JobSpec
    from joblet_fake.programs.inside import RunningJob
    from joblet_fake.programs.steps import AnyProgram, Step

GeneratorProgram: TypeAlias = "Callable[[RunningJob], Iterator[Step]]"
"""A generator function: takes the job from the inside, yields steps, returns the exit code.

Many annotate one as giving an iterator; that it is a generator is looked at when it is written.
"""


class Registered(Entry):
    """A generator function and the jobs that it is for; made by `programs.register`.

    Raises:
        TypeError: it is no generator function of one argument.
    """

    verb = "register"

    def __init__(
        self,
        function: GeneratorProgram,
        *,
        command: str | None = None,
        args: Sequence[str] | None = None,
        name: str | None = None,
        env: Mapping[str, str] | None = None,
        when: Callable[[JobSpec], object] | None = None,
    ) -> None:
        super().__init__(command=command, args=args, name=name, env=env, when=when)
        check_generator(function)
        self.function = function
        self.where = label(function).partition(" ")[2].strip("()") or self.where

    def for_attempt(self, attempt: int) -> AnyProgram:  # noqa: ARG002 - the job knows its attempt
        """Give the function: it is told the attempt by the job."""
        return cast("AnyProgram", self.function)

    def describe(self, attempt: int) -> str:
        """Say which function it is, and which run of it."""
        more = f", run {attempt}" if attempt > 1 else ""
        return f"program: {label(self.function)}, {self.said}{more}"


def label(function: object) -> str:
    """Give a function's name, and where it is."""
    inner = inspect.unwrap(function) if callable(function) else function
    inner = getattr(inner, "func", inner)
    code = getattr(inner, "__code__", None)
    name = getattr(inner, "__name__", None) or type(function).__name__
    return name if code is None else f"{name} ({place(code.co_filename, code.co_firstlineno)})"


def check_generator(function: object) -> None:
    """Refuse what is no program.

    Raises:
        TypeError: it is no generator function of one argument; the message says what is.
    """
    like = "def program(job): yield Stdout(b'...')"
    if inspect.isasyncgenfunction(function) or inspect.iscoroutinefunction(function):
        raise TypeError(f"{label(function)} is async: a program is a plain generator, like {like}")
    if not inspect.isgeneratorfunction(function):
        what = f"{label(function)} yields nothing" if callable(function) else repr(function)
        raise TypeError(f"{what}: a program is a generator function, like {like}")
    try:
        inspect.signature(function).bind(None)
    except TypeError:
        raise TypeError(
            f"{label(function)} can't be called with the job alone: a program takes one argument, "
            f"like {like}"
        ) from None
