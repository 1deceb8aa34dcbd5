"""`joblet.programs.on(...)`: what a test says that a job does."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, Self

from joblet_fake.model.process import LaunchError
from joblet_fake.programs.job_files import is_writable
from joblet_fake.programs.steps import Die, Hang, Sleep, Stderr, Stdout, Step, Write

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from joblet_fake.model.job import JobSpec
    from joblet_fake.programs.context import Context
    from joblet_fake.programs.steps import Steps

STREAMS: Final[dict[str, type[Stdout | Stderr]]] = {"stdout": Stdout, "stderr": Stderr}
SIGNALS: Final = (
    "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGKILL",
    "SIGUSR1", "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT", "SIGCHLD",
    "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU", "SIGXFSZ",
    "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR", "SIGSYS",
)  # fmt: skip
"""Linux's signals: jobs run there, wherever the test does."""
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
        _check_text("command", command)
        _check_text("name", name)
        if isinstance(args, str):
            raise TypeError(f"args={args!r}: give a list of arguments, such as args=[{args!r}]")
        for arg in args or ():
            _check_text("args", arg)
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
        self._steps: list[Step | Write] = []
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
        r"""Write something: one chunk of the log, exactly these bytes (up to 32 KiB, JOB-LOG-01).

        Args:
            text: text, which becomes UTF-8, or bytes.
            stream: `"stdout"` or `"stderr"`; clients get both merged (JOB-LOG-02).

        Raises:
            TypeError: it is neither text nor bytes.
            ValueError: there is no such stream, or the program has ended before.

        >>> Script().prints("one\n").prints(b"\xff", stream="stderr")
        on().prints('one\n').prints(b'\xff', stream='stderr')
        """
        if stream not in STREAMS:
            raise ValueError(f"unknown stream {stream!r}: it is stdout or stderr")
        if not isinstance(text, str | bytes | bytearray | memoryview):
            raise TypeError(f"prints({text!r}): give text or bytes")
        data = text.encode() if isinstance(text, str) else bytes(text)
        more = "" if stream == "stdout" else f", stream={stream!r}"
        return self._say(f"prints({text!r}{more})", STREAMS[stream](data))

    def sleeps(self, seconds: float) -> Self:
        """Let time pass.

        Args:
            seconds: clock seconds.

        Raises:
            ValueError: they are negative or endless, or the program has ended before.

        >>> Script().sleeps(0.5)
        on().sleeps(0.5)
        """
        if not seconds >= 0:
            raise ValueError(f"sleeps({seconds}): time only moves forward")
        if seconds == float("inf"):
            raise ValueError("sleeps(inf): what never ends is hangs()")
        return self._say(f"sleeps({seconds:g})", Sleep(seconds))

    def writes(self, path: str, data: str | bytes) -> Self:
        r"""Write a file, in /work or in a volume, where later jobs find it (VOL-28).

        Folders on the way are made. Where it can't be written, since the job has no such volume or
        there is no room for it (VOL-26), the job says so on stderr and ends with exit code 1.

        Args:
            path: relative to /work, or absolute: `/work/...` or `/volumes/NAME/...`.
            data: the whole content: text, which becomes UTF-8, or bytes.

        Raises:
            TypeError: the data is neither text nor bytes.
            ValueError: the path is elsewhere, or the program has ended before.

        >>> Script().writes("/volumes/models/best.bin", b"\x01\x02")
        on().writes('/volumes/models/best.bin', b'\x01\x02')
        """
        if not isinstance(data, str | bytes | bytearray | memoryview):
            raise TypeError(f"writes({path!r}, {data!r}): give text or bytes")
        if not is_writable(path):
            raise ValueError(
                f"writes({path!r}): give a file in /work or in a volume: /volumes/NAME/FILE"
            )
        content = data.encode() if isinstance(data, str) else bytes(data)
        return self._say(f"writes({path!r}, {data!r})", Write(path, content))

    def exits(self, code: int) -> Self:
        """End with an exit code; a program that says nothing ends with 0.

        Args:
            code: 0 to 255 (JOB-SM-12).

        Raises:
            ValueError: the code is none, or the program has ended before.

        >>> Script().exits(3)
        on().exits(3)
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

        >>> Script().dies("SIGSEGV")
        on().dies('SIGSEGV')
        """
        if by not in SIGNALS:
            near = get_close_matches(str(by).upper(), SIGNALS, n=1)
            hint = f"near: {near[0]}" if near else f"it is one of {', '.join(SIGNALS)}"
            raise ValueError(f"unknown signal {by!r}; {hint}")
        return self._say(f"dies({by!r})", Die(by), end=True)

    def hangs(self) -> Self:
        """Run until stopped.

        Raises:
            ValueError: the program has ended before.

        >>> Script().prints("ready").hangs()
        on().prints('ready').hangs()
        """
        return self._say("hangs()", Hang(), end=True)

    def fails_to_start(self, reason: str) -> Self:
        """Fail the launch: RunJob is INTERNAL, the job FAILED with -1 (JOB-RUN-81).

        Args:
            reason: what follows `job run failed: execution failed: `.

        Raises:
            ValueError: the program does something before.

        >>> Script().fails_to_start("no space left on device")
        on().fails_to_start('no space left on device')
        """
        if self._said:
            raise ValueError("fails_to_start() stands alone: what does not start does nothing")
        self._say(f"fails_to_start({reason!r})", end=True)
        self._refusal = reason
        return self

    def ends(self, where: str) -> Self:
        """Refuse whatever would be said after this.

        Args:
            where: what stands there in the refusal.
        """
        self._ended = where
        return self

    def _say(self, said: str, step: Step | Write | None = None, *, end: bool = False) -> Self:
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

    def __call__(self, context: Context) -> Steps:
        """Run: the steps that were said until now."""
        for step in tuple(self._steps):
            if not isinstance(step, Write):
                yield step
                continue
            try:
                context.files.make_parents(step.path)
                context.write(step.path, step.data)
            except OSError as error:
                context.job.explanation += f"; it could not write {step.path}: {error.strerror}"
                yield Stderr(f"cannot write {step.path}: {error.strerror}\n".encode())
                return 1
        return self._code or 0


def _check_text(condition: str, value: object) -> None:
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{condition}: {value!r} is no text; every job's is text")
