"""An entry of the programs: which jobs it is for, and where it was written."""

from __future__ import annotations

import inspect
import os.path
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from joblet_fake.model.job import JobSpec
    from joblet_fake.programs.steps import AnyProgram

PACKAGE: Final = str(Path(__file__).parents[1])


class Entry:
    """What both kinds of programs of a test have: fluent scripts and generators.

    Attributes:
        where: the file and line of the test that it was written in.
    """

    verb = "on"

    def __init__(
        self,
        *,
        command: str | None = None,
        args: Sequence[str] | None = None,
        name: str | None = None,
        env: Mapping[str, str] | None = None,
        when: Callable[[JobSpec], object] | None = None,
    ) -> None:
        _check_text("command", command)
        _check_text("name", name)
        if isinstance(args, str):
            raise TypeError(f"args={args!r}: give a list of arguments, such as args=[{args!r}]")
        for arg in args or ():
            _check_text("args", arg)
        given: object = env
        if given is not None and not isinstance(given, Mapping):
            raise TypeError(f"env={given!r}: give variables by name, such as {{'MODE': 'fast'}}")
        for item in (env or {}).items():
            for text in item:
                _check_text("env", text)
        if when is not None and not callable(when):
            raise TypeError(f"when={when!r}: give a function of the job's request")
        self.command = command
        self.args = None if args is None else tuple(args)
        self.name = name
        self.env = None if env is None else dict(env)
        self.when = when
        self.where = written()

    def __repr__(self) -> str:
        return self.said

    @property
    def conditions(self) -> dict[str, object]:
        """What it asks for, by the names that the test used."""
        wanted = {
            "command": self.command,
            "args": None if self.args is None else list(self.args),
            "name": self.name,
            "env": self.env,
            "when": self.when,
        }
        return {key: value for key, value in wanted.items() if value is not None}

    @property
    def said(self) -> str:
        """What it asks for, as the test wrote it."""
        named = ", ".join(
            f"{key}={getattr(value, '__name__', None) or repr(value)}"
            for key, value in self.conditions.items()
        )
        return f"{self.verb}({named})"

    @property
    def weight(self) -> int:
        """How much it asks for; the heaviest of the matching ones wins."""
        return len(self.conditions)

    def matches(self, spec: JobSpec) -> bool:
        """Tell whether everything but the predicate fits a job."""
        everything = {**spec.environment, **spec.secret_environment}
        return (
            self.command in (None, spec.command)
            and self.args in (None, spec.args)
            and self.name in (None, spec.name)
            and (self.env is None or self.env.items() <= everything.items())
        )

    def misses(self, spec: JobSpec) -> list[str]:
        """Say what of everything but the predicate does not fit a job."""
        reasons = []
        if self.command not in (None, spec.command):
            reasons.append(f"the command is {spec.command!r}")
        if self.args not in (None, spec.args):
            reasons.append(f"the arguments are {list(spec.args)!r}")
        if self.name not in (None, spec.name):
            reasons.append(f"the name is {spec.name!r}" if spec.name else "the job has no name")
        for name, value in (self.env or {}).items():
            if name in spec.secret_environment:
                if spec.secret_environment[name] != value:
                    reasons.append(f"the secret {name} is another")
            elif name not in spec.environment:
                reasons.append(f"{name} is not set")
            elif spec.environment[name] != value:
                reasons.append(f"{name} is {spec.environment[name]!r}")
        return reasons

    def for_attempt(self, attempt: int) -> AnyProgram:
        """Give what a run of it does.

        Args:
            attempt: the how manieth run it is, from 1 on.
        """
        raise NotImplementedError

    def describe(self, attempt: int) -> str:
        """Say in a few words what a run of it does, for the job's explanation."""
        raise NotImplementedError

    def check_start(self, attempt: int) -> None:
        """Refuse to start, if that was said.

        Raises:
            LaunchError: with the reason.
        """


def written() -> str:
    """Give the file and line from which this package was called."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame = frame.f_back
    if frame is None:  # pragma: no cover - somebody has called
        return ""
    return place(frame.f_code.co_filename, frame.f_lineno)


def place(file: str, line: int) -> str:
    """Give a place in a file as a person finds it: from the current folder on."""
    path = Path(file)
    if path.is_relative_to(Path.cwd()):
        return f"{os.path.relpath(file)}:{line}"
    return f"{path.name}:{line}"


def _check_text(condition: str, value: object) -> None:
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{condition}: {value!r} is no text; every job's is text")
