"""`joblet.programs.on(...)`: what a test says that a job does."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, Self

from joblet_fake.model.process import LaunchError
from joblet_fake.programs.entry import Entry
from joblet_fake.programs.job_files import is_writable
from joblet_fake.programs.script_part import Part, print_file
from joblet_fake.programs.steps import (
    SIGNALS,
    Die,
    Hang,
    Metrics,
    OutOfMemory,
    Sleep,
    Stderr,
    Stdout,
    Write,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from joblet_fake.model.job import JobSpec
    from joblet_fake.programs.script_part import Said
    from joblet_fake.programs.steps import AnyProgram

STREAMS: Final[dict[str, type[Stdout | Stderr]]] = {"stdout": Stdout, "stderr": Stderr}
HIGHEST_EXIT_CODE: Final = 255


class Script(Entry):
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
        super().__init__(command=command, args=args, name=name, env=env, when=when)
        self._parts = [Part(first=1)]
        self._words: list[str] = []
        self._closed = ""

    def __repr__(self) -> str:
        return ".".join([self.said, *self._words])

    @property
    def _part(self) -> Part:
        return self._parts[-1]

    # Saying

    def prints(self, text: str | bytes, stream: str = "stdout", *, times: int = 1) -> Self:
        r"""Write something: one chunk of the log, exactly these bytes (up to 32 KiB, JOB-LOG-01).

        Args:
            text: text, which becomes UTF-8, or bytes.
            stream: `"stdout"` or `"stderr"`; clients get both merged (JOB-LOG-02).
            times: how often, all at once, so that its chunks are 32 KiB long and cut lines.

        Raises:
            TypeError: it is neither text nor bytes.
            ValueError: there is no such stream, the number of times is none, or the program has
                ended before.

        >>> Script().prints("one\n").prints(b"\xff", stream="stderr")
        on().prints('one\n').prints(b'\xff', stream='stderr')
        """
        if stream not in STREAMS:
            raise ValueError(f"unknown stream {stream!r}: it is stdout or stderr")
        if not isinstance(text, str | bytes | bytearray | memoryview):
            raise TypeError(f"prints({text!r}): give text or bytes")
        more = "" if stream == "stdout" else f", stream={stream!r}"
        more += "" if times == 1 else f", times={times!r}"
        step = STREAMS[stream](_bytes(text), times)
        return self._say(f"prints({text!r}{more})", step)

    def prints_file(self, path: str) -> Self:
        """Write a file's content to stdout, as `cat` does: an upload's, a volume's, one written.

        Where it is not there the program ends like `cat`, with a message and exit code 1.

        Args:
            path: relative to /work, or absolute, such as `"/volumes/models/best"`.

        Raises:
            TypeError: the path is no text.
            ValueError: the program has ended before.

        >>> Script().prints_file("config.json")
        on().prints_file('config.json')
        """
        if not isinstance(path, str):
            raise TypeError(f"prints_file({path!r}): give a path as text")
        return self._say(f"prints_file({path!r})", print_file(path))

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
            TypeError: the path is no text, or the data neither text nor bytes.
            ValueError: the path is elsewhere, or the program has ended before.

        >>> Script().writes("/volumes/models/best.bin", b"\x01\x02")
        on().writes('/volumes/models/best.bin', b'\x01\x02')
        """
        if not isinstance(data, str | bytes | bytearray | memoryview):
            raise TypeError(f"writes({path!r}, {data!r}): give text or bytes")
        if not isinstance(path, str):
            raise TypeError(f"writes({path!r}, ...): give a path as text")
        if not is_writable(path):
            raise ValueError(
                f"writes({path!r}): give a file in /work or in a volume: /volumes/NAME/FILE"
            )
        return self._say(f"writes({path!r}, {data!r})", Write(path, _bytes(data)))

    def metrics(
        self,
        *,
        cpu_percent: float | None = None,
        memory_bytes: int | None = None,
        disk_read_bytes: int | None = None,
        disk_write_bytes: int | None = None,
        net_recv_bytes: int | None = None,
        net_sent_bytes: int | None = None,
        gpu_percent: float | None = None,
        gpu_memory_bytes: int | None = None,
    ) -> Self:
        """Use so much of the host from now on; what is not said stays as it was.

        The job's samples show it: one is taken at the start, with a CPU of 0, and one every five
        clock seconds, with the average CPU since the one before (JOB-MET-22). What no program ever
        says is made up.

        Args:
            cpu_percent: percent of one core; above 100 on several.
            memory_bytes: bytes held.
            disk_read_bytes: bytes read since the start.
            disk_write_bytes: bytes written since the start.
            net_recv_bytes: bytes received since the start; a real server of generation 2.3 never
                measures any (PER-38).
            net_sent_bytes: bytes sent since the start; as above.
            gpu_percent: percent of one GPU.
            gpu_memory_bytes: bytes held on it.

        Raises:
            ValueError: a value is negative or no number, nothing is said, or the program has
                ended before.

        >>> Script().metrics(cpu_percent=93.0, memory_bytes=512 << 20).sleeps(60)
        on().metrics(cpu_percent=93.0, memory_bytes=536870912).sleeps(60)
        """
        step = Metrics(
            cpu_percent=cpu_percent,
            memory_bytes=memory_bytes,
            disk_read_bytes=disk_read_bytes,
            disk_write_bytes=disk_write_bytes,
            net_recv_bytes=net_recv_bytes,
            net_sent_bytes=net_sent_bytes,
            gpu_percent=gpu_percent,
            gpu_memory_bytes=gpu_memory_bytes,
        )
        told = ", ".join(f"{name}={value!r}" for name, value in step.said().items())
        return self._say(f"metrics({told})", step)

    def exits(self, code: int) -> Self:
        """End with an exit code; a program that says nothing ends with 0.

        Args:
            code: 0 to 255 (JOB-SM-12).

        Raises:
            ValueError: the code is none, or the program has ended before.

        >>> Script().exits(3)
        on().exits(3)
        """
        _check_code("exits", code)
        self._say(f"exits({code})", end=True)
        self._part.code = code
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

    def runs_out_of_memory(self) -> Self:
        r"""Be killed for using more than max_memory: FAILED with -1, nothing says why (JOB-SM-03).

        Raises:
            ValueError: the program has ended before.

        >>> Script().prints("loading\n").runs_out_of_memory()
        on().prints('loading\n').runs_out_of_memory()
        """
        return self._say("runs_out_of_memory()", OutOfMemory(), end=True)

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
            TypeError: the reason is no text.
            ValueError: the program does something before.

        >>> Script().fails_to_start("no space left on device")
        on().fails_to_start('no space left on device')
        """
        if not isinstance(reason, str):
            raise TypeError(
                f"fails_to_start({reason!r}): it takes the reason as text, such as "
                "'no space left on device'"
            )
        if self._part.said:
            raise ValueError("fails_to_start() stands alone: what does not start does nothing")
        self._say(f"fails_to_start({reason!r})", end=True)
        self._part.refusal = reason
        return self

    # When it is stopped

    def on_stop(
        self,
        prints: str | bytes = b"",
        *,
        sleeps: float = 0,
        exits: int = 0,
    ) -> Self:
        r"""Say what it does when it is stopped, wherever it is then, instead of being killed.

        It is killed all the same when it is not done within 0.1 s of the clock (JOB-STP-05). The
        job is STOPPED, and then what its exit code makes of it (JOB-STP-07).

        Args:
            prints: what it writes to stdout then.
            sleeps: clock seconds that it takes before.
            exits: its exit code then.

        Raises:
            TypeError: it prints neither text nor bytes.
            ValueError: the seconds are none, the code is none, or another answer to a stop was
                said before.

        >>> Script().prints("up\n").hangs().on_stop(prints="saved\n", exits=3)
        on().prints('up\n').hangs().on_stop(prints='saved\n', exits=3)
        """
        if not isinstance(prints, str | bytes | bytearray | memoryview):
            raise TypeError(f"on_stop(prints={prints!r}): give text or bytes")
        if not 0 <= sleeps < float("inf"):
            raise ValueError(f"on_stop(sleeps={sleeps}): give seconds, not negative nor endless")
        _check_code("on_stop", exits)
        given = [f"prints={prints!r}"] * bool(prints)
        given += [f"sleeps={sleeps:g}"] * bool(sleeps) + [f"exits={exits}"] * bool(exits)
        last: list[Said] = [Sleep(sleeps)] if sleeps else []
        last += [Stdout(_bytes(prints))] if prints else []
        self._answers_stop(f"on_stop({', '.join(given)})")
        self._part.at_stop = Part(first=1, steps=last, code=exits)
        return self

    def ignores_stop(self) -> Self:
        """Say that a stop is ignored until it is killed, as plain commands do (JOB-STP-06).

        A script without `on_stop()` does so anyway: this shows that it matters.

        Raises:
            ValueError: another answer to a stop was said before.

        >>> Script().hangs().ignores_stop()
        on().hangs().ignores_stop()
        """
        return self._answers_stop("ignores_stop()")

    def _answers_stop(self, word: str) -> Self:
        self._check_open(word)
        part = self._part
        if part.stop_word:
            raise ValueError(f"{word} after {part.stop_word}: a run answers a stop in one way")
        if part.refusal is not None:
            raise ValueError(f"{word} after fails_to_start(): what does not start is not stopped")
        part.stop_word = word
        self._words.append(word)
        return self

    # Run after run

    @property
    def then(self) -> Self:
        """What comes is what the runs after this one do, from the next on.

        Raises:
            ValueError: nothing was said for the run before.

        >>> Script(command="flaky").exits(1).then.exits(0)
        on(command='flaky').exits(1).then.exits(0)
        """
        self._check_open("then")
        part = self._part
        if not (part.said or part.stop_word):
            raise ValueError("then: say first what the run before does, such as .exits(1).then")
        part.last = part.first
        self._parts.append(Part(first=part.first + 1))
        self._words.append("then")
        return self

    def attempt(self, number: int) -> Self:
        """What comes is what one run does; the others do what was said without a number.

        Args:
            number: the how manieth run of this script it is, from 1 on.

        Raises:
            ValueError: the number is none, or was told of before.

        >>> Script(command="flaky").exits(0).attempt(2).exits(1)
        on(command='flaky').exits(0).attempt(2).exits(1)
        """
        word = f"attempt({number!r})"
        self._check_open(word)
        if number < 1:
            raise ValueError(f"{word}: runs are counted from 1")
        if any(part.first == part.last == number for part in self._parts):
            raise ValueError(f"{word}: what run {number} does was said before")
        self._parts.append(Part(first=number, last=number))
        self._words.append(word)
        return self

    def ends(self, where: str) -> Self:
        """Refuse whatever would be said after this.

        Args:
            where: what stands there in the refusal.
        """
        self._closed = where
        return self

    def _check_open(self, word: str) -> None:
        if self._closed:
            raise ValueError(f"{word} after {self._closed}: the program has ended there")

    def _say(self, word: str, step: Said | None = None, *, end: bool = False) -> Self:
        self._check_open(word)
        part = self._part
        if part.ended:
            raise ValueError(f"{word} after {part.ended}: the program has ended there")
        part.said.append(word)
        self._words.append(word)
        if step is not None:
            part.steps.append(step)
        if end:
            part.ended = word
        return self

    # Running

    def for_attempt(self, attempt: int) -> AnyProgram:
        """Give what a run does: the steps that were said until now.

        Args:
            attempt: the how manieth run it is, from 1 on.
        """
        return self._part_for(attempt).closed()

    def describe(self, attempt: int) -> str:
        """Say the script, and which run of it this is where that matters."""
        more = f", run {attempt}" if len(self._parts) > 1 else ""
        return f"scripted: {self!r}{more}"

    def check_start(self, attempt: int) -> None:
        """Refuse to start, if that was said.

        Raises:
            LaunchError: with the reason.
        """
        refusal = self._part_for(attempt).refusal
        if refusal is not None:
            raise LaunchError(refusal)

    def _part_for(self, attempt: int) -> Part:
        fitting = (part for part in reversed(self._parts) if part.is_for(attempt))
        # A script that begins with `attempt(2)` says nothing for the first run.
        return next(fitting, Part(first=1))


def _bytes(text: str | bytes | bytearray | memoryview) -> bytes:
    return text.encode() if isinstance(text, str) else bytes(text)


def _check_code(verb: str, code: int) -> None:
    if not 0 <= code <= HIGHEST_EXIT_CODE:
        given = f"exits={code!r}" if verb == "on_stop" else repr(code)
        raise ValueError(f"{verb}({given}): an exit code is 0 to 255; for a signal use dies()")
