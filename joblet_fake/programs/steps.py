"""What a program does, step by step, as data."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from inspect import isgeneratorfunction, isroutine
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from joblet_fake.model.log import CHUNK_LIMIT
from joblet_fake.model.usage import Metrics
from joblet_fake.programs.job_files import is_writable
from joblet_fake.words import check_number

if TYPE_CHECKING:
    from joblet_fake.programs.context import Context

SIGNALS: Final = (
    "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGKILL",
    "SIGUSR1", "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT", "SIGCHLD",
    "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU", "SIGXFSZ",
    "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR", "SIGSYS",
)  # fmt: skip
"""Linux's signals: jobs run there, wherever the test does."""


def _check_bytes(name: str, data: object) -> None:
    if not isinstance(data, bytes):
        like = data.encode() if isinstance(data, str) else b"..."
        raise TypeError(f"{name}({data!r}): give bytes, such as {name}({like!r})")


def _check_times(name: str, times: object) -> None:
    if not isinstance(times, int) or times < 0:
        raise ValueError(f"{name}(times={times!r}): how often is a whole number, not negative")


def pieces(data: bytes, times: int) -> Iterator[bytes]:
    r"""Give something that is written many times as a pipe's reader gets it: 32 KiB at once.

    >>> [len(piece) for piece in pieces(b"a line\n", 10_000)]
    [32768, 32768, 4464]
    """
    length = len(data)
    if times == 1 or not length:
        yield data
        return
    window = data * (CHUNK_LIMIT // length + 2)
    for start in range(0, length * times, CHUNK_LIMIT):
        place = start % length
        yield window[place : place + min(CHUNK_LIMIT, length * times - start)]


@dataclass(frozen=True, slots=True)
class Stdout:
    r"""Write bytes to stdout: one chunk of the log, or more where it is longer than 32 KiB.

    Attributes:
        data: the bytes.
        times: how often, all at once; a million lines cost little.

    Raises:
        TypeError: the data is no bytes.
        ValueError: the number of times is none.

    >>> Stdout(b"epoch 1\n")
    Stdout(data=b'epoch 1\n', times=1)
    """

    data: bytes
    times: int = 1

    def __post_init__(self) -> None:
        _check_bytes("Stdout", self.data)
        _check_times("Stdout", self.times)


@dataclass(frozen=True, slots=True)
class Stderr:
    """Write bytes to stderr: chunks of the same log (JOB-LOG-02); otherwise like `Stdout`."""

    data: bytes
    times: int = 1

    def __post_init__(self) -> None:
        _check_bytes("Stderr", self.data)
        _check_times("Stderr", self.times)


@dataclass(frozen=True, slots=True)
class Sleep:
    """Do nothing for a while.

    Attributes:
        seconds: clock seconds.
        child: whether a child of the job's shell sleeps: it dies of a SIGTERM, and the shell
            goes on with status 143. The job's own process ignores SIGTERM (JOB-STP-06).

    Raises:
        TypeError: the seconds are no number.
        ValueError: they are negative or endless.
    """

    seconds: float
    child: bool = False

    def __post_init__(self) -> None:
        if type(self.seconds) not in (int, float):  # programs sleep often, and seldom wrongly
            check_number(f"Sleep({self.seconds!r})", self.seconds)
        if not self.seconds >= 0:
            raise ValueError(f"Sleep({self.seconds}): time only moves forward")
        if self.seconds == float("inf"):
            raise ValueError("Sleep(inf): what never ends is Hang()")


@dataclass(frozen=True, slots=True)
class Hang:
    """Do nothing until killed."""


@dataclass(frozen=True, slots=True)
class Die:
    """End by a signal: the exit code is -1, whichever it is (JOB-SM-02).

    Attributes:
        signal: its name, such as `"SIGSEGV"`.

    Raises:
        ValueError: there is no such signal.
    """

    signal: str = "SIGKILL"

    def __post_init__(self) -> None:
        if self.signal not in SIGNALS:
            raise ValueError(f"unknown signal {self.signal!r}: it is one of {', '.join(SIGNALS)}")


@dataclass(frozen=True, slots=True)
class OutOfMemory:
    """Be killed for using more memory than there is: nothing says why (JOB-SM-03)."""


@dataclass(frozen=True, slots=True)
class Write:
    """Write a file; folders on the way are made.

    Where it can't be written, since the job has no such volume or there is no room for it (VOL-26),
    the program gets an OSError at its `yield`.

    Attributes:
        path: in /work, relative or absolute, or in a volume: `/volumes/models/best`.
        data: all that is to be in it.

    Raises:
        TypeError: the path is no text, or the data no bytes.
        ValueError: the path is elsewhere.
    """

    path: str
    data: bytes

    def __post_init__(self) -> None:
        if not isinstance(self.path, str):
            raise TypeError(f"Write({self.path!r}, ...): give a path as text")
        if not isinstance(self.data, bytes):
            like = self.data.encode() if isinstance(self.data, str) else b"..."
            raise TypeError(f"Write({self.path!r}, {self.data!r}): give bytes, such as {like!r}")
        if not is_writable(self.path):
            raise ValueError(
                f"Write({self.path!r}, ...): give a file in /work or in a volume: "
                "/volumes/NAME/FILE"
            )


@dataclass(frozen=True, slots=True)
class OnStop:
    """Say what happens when the job is stopped, from now on; without it SIGTERM is ignored.

    The handler is a generator like the program: it takes the job, yields steps, and gives the exit
    code. It takes the program's place, and is killed with it 0.1 s later (JOB-STP-05).

    Attributes:
        handler: what runs then; None to ignore SIGTERM again.

    Raises:
        TypeError: the handler is no generator function.
    """

    handler: Callable[[Any], Iterator[Step]] | None

    def __post_init__(self) -> None:
        handler = self.handler
        if handler is None or isgeneratorfunction(handler):
            return
        if isroutine(handler) or not callable(handler):
            raise TypeError(
                f"OnStop({handler!r}): give a generator function that takes the job, or None"
            )


__all__ = [
    "SIGNALS",
    "AnyProgram",
    "Die",
    "Hang",
    "Metrics",
    "OnStop",
    "OutOfMemory",
    "Program",
    "Sleep",
    "Stderr",
    "Stdout",
    "Step",
    "Steps",
    "Work",
    "Write",
    "pieces",
]

Step: TypeAlias = Stdout | Stderr | Sleep | Hang | Die | OutOfMemory | Metrics | Write | OnStop

T = TypeVar("T")

Work: TypeAlias = Generator[Step, int, T]
"""Part of a program at work: yields steps, is sent 143 after a sleep that SIGTERM ended and 0
otherwise, returns something."""

Steps: TypeAlias = Work[int]
"""A program at work: what it returns is the exit code."""

Program: TypeAlias = "Callable[[Context], Steps]"
"""A program: makes its steps for one job. Two calls with the same job give the same steps."""

AnyProgram: TypeAlias = Callable[..., Generator[Step, Any, int | None]]
"""A program of ours, called with a context, or one of the test, called with a `RunningJob`."""
