"""`joblet.programs.on(...)`: what a test says that a job does."""

from __future__ import annotations

import signal
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, Self

from joblet_fake.model.process import LaunchError
from joblet_fake.programs.steps import Die, Hang, Sleep, Stderr, Stdout, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from joblet_fake.model.job import JobSpec
    from joblet_fake.programs.context import Context
    from joblet_fake.programs.steps import Steps

STREAMS: Final[dict[str, type[Stdout | Stderr]]] = {"stdout": Stdout, "stderr": Stderr}
SIGNALS: Final = tuple(each.name for each in signal.Signals)
HIGHEST_EXIT_CODE: Final = 255


class Script:
    r"""What matching jobs do, in the order in which it is said; made by `programs.on`.

    >>> script = Script(command="train").prints("epoch 1\n").sleeps(60).exits(0)
    >>> script
    on(command='train').prints('epoch 1\n').sleeps(60).exits(0)
    """

    def __init__(
        self,
        *,
        command: str | None = None,
        args: Sequence[str] | None = None,
        name: str | None = None,
        env: Mapping[str, str] | None = None,
        when: Callable[[JobSpec], object] | None = None,
    ) -> None:
        if isinstance(args, str):
            raise TypeError(f"args={args!r}: give a list of arguments, such as args=[{args!r}]")
        self.command = command
        self.args = None if args is None else tuple(args)
        self.name = name
        self.env = None if env is None else dict(env)
        self.when = when
        self._steps: list[Step] = []
        self._said: list[str] = []
        self._code: int | None = None
        self._ended = ""
        self._refusal: str | None = None

    def __repr__(self) -> str:
        conditions = ", ".join(f"{key}={value!r}" for key, value in self._conditions.items())
        return ".".join([f"on({conditions})", *self._said])

    # Matching

    @property
    def _conditions(self) -> dict[str, object]:
        wanted = {
            "command": self.command,
            "args": None if self.args is None else list(self.args),
            "name": self.name,
            "env": self.env,
            "when": self.when,
        }
        return {key: value for key, value in wanted.items() if value is not None}

    @property
    def weight(self) -> int:
        """How much it asks for; the heaviest of the matching ones wins."""
        return len(self._conditions)

    def matches(self, spec: JobSpec) -> bool:
        """Tell whether everything but the predicate fits a job."""
        everything = {**spec.environment, **spec.secret_environment}
        return (
            self.command in (None, spec.command)
            and self.args in (None, spec.args)
            and self.name in (None, spec.name)
            and (self.env is None or self.env.items() <= everything.items())
        )

    # Saying

    def prints(self, text: str | bytes, stream: str = "stdout") -> Self:
        """Write something: one chunk of the log, exactly these bytes.

        Args:
            text: text, which becomes UTF-8, or bytes.
            stream: `"stdout"` or `"stderr"`; clients get both merged (JOB-LOG-02).

        Raises:
            ValueError: there is no such stream, or the program has ended before.
        """
        if stream not in STREAMS:
            raise ValueError(f"unknown stream {stream!r}: it is stdout or stderr")
        data = text.encode() if isinstance(text, str) else bytes(text)
        more = "" if stream == "stdout" else f", stream={stream!r}"
        return self._say(f"prints({text!r}{more})", STREAMS[stream](data))

    def sleeps(self, seconds: float) -> Self:
        """Let time pass.

        Args:
            seconds: clock seconds.

        Raises:
            ValueError: they are negative, or the program has ended before.
        """
        if not seconds >= 0:
            raise ValueError(f"sleeps({seconds}): time only moves forward")
        return self._say(f"sleeps({seconds:g})", Sleep(seconds))

    def exits(self, code: int) -> Self:
        """End with an exit code; a program that says nothing ends with 0.

        Args:
            code: 0 to 255 (JOB-SM-12).

        Raises:
            ValueError: the code is none, or the program has ended before.
        """
        if not 0 <= code <= HIGHEST_EXIT_CODE:
            raise ValueError(f"exits({code}): an exit code is 0 to 255; for a signal use dies()")
        self._say(f"exits({code})", end=True)
        self._code = code
        return self

    def dies(self, by: str = "SIGKILL") -> Self:
        """End by a signal: FAILED with exit code -1 (JOB-SM-02).

        Args:
            by: the signal's name, such as `"SIGSEGV"`.

        Raises:
            ValueError: there is no such signal, or the program has ended before.
        """
        if by not in SIGNALS:
            near = get_close_matches(by.upper(), SIGNALS, n=1)
            hint = f"; near: {near[0]}" if near else ", such as SIGKILL or SIGSEGV"
            raise ValueError(f"unknown signal {by!r}{hint}")
        return self._say(f"dies({by!r})", Die(by), end=True)

    def hangs(self) -> Self:
        """Run until stopped.

        Raises:
            ValueError: the program has ended before.
        """
        return self._say("hangs()", Hang(), end=True)

    def fails_to_start(self, reason: str) -> Self:
        """Fail the launch: RunJob is INTERNAL, the job FAILED with -1 (JOB-RUN-81).

        Args:
            reason: what follows `job run failed: execution failed: `.

        Raises:
            ValueError: the program does something before.
        """
        if self._said:
            raise ValueError("fails_to_start() stands alone: what does not start does nothing")
        self._say(f"fails_to_start({reason!r})", end=True)
        self._refusal = reason
        return self

    def _say(self, said: str, step: Step | None = None, *, end: bool = False) -> Self:
        if self._ended:
            raise ValueError(f"{said} after {self._ended}: the program has ended there")
        self._said.append(said)
        if step is not None:
            self._steps.append(step)
        if end:
            self._ended = said
        return self

    # Running

    def check_start(self) -> None:
        """Refuse to start, if that was said.

        Raises:
            LaunchError: with the reason.
        """
        if self._refusal is not None:
            raise LaunchError(self._refusal)

    def __call__(self, _context: Context) -> Steps:
        """Run: the steps that were said until now."""
        for step in tuple(self._steps):  # noqa: UP028 - a tuple takes nothing that is sent back
            yield step
        return self._code or 0
