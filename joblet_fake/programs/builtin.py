"""The built-in commands: those that examples and smoke tests use."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from joblet_fake.programs.context import WORK
from joblet_fake.programs.steps import Sleep, Stderr, Stdout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from joblet_fake.programs.context import Context
    from joblet_fake.programs.steps import Steps

UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
ESCAPES: Final = {
    "n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "\\": "\\",
}  # fmt: skip
LONGEST_SEQUENCE: Final = 10_000_000


@dataclass
class Io:
    """What a command reads from, and where it is."""

    stdin: bytes = b""
    cwd: str = WORK
    environment: dict[str, str] = field(default_factory=dict)

    def absolute(self, path: str) -> str:
        """Give a path from the root."""
        return posixpath.normpath(posixpath.join(self.cwd, path))

    def place(self, path: str) -> str:
        """Give a file's place relative to /work; one elsewhere keeps its whole path."""
        absolute = self.absolute(path)
        return absolute.removeprefix(WORK + "/")


def _text(words: Iterable[str]) -> bytes:
    return " ".join(words).encode(errors="surrogateescape")


def _say(text: str) -> Stderr:
    return Stderr(text.encode(errors="surrogateescape"))


def _curly(text: str) -> str:
    """Quote as coreutils does."""
    return f"\u2018{text}\u2019"


def _unescape(text: str) -> tuple[str, bool]:
    r"""Give a text with its escapes done, and whether `\c` cut it off."""
    cut = False

    def replace(match: re.Match[str]) -> str:
        code = match[1]
        if code[0] == "0" or code.isdigit():
            return chr(int(code, 8) & 0xFF)
        if code[0] == "x":
            return chr(int(code[1:], 16))
        return ESCAPES[code]

    head, marker, _ = text.partition("\\c")
    if marker:
        text, cut = head, True
    return re.sub(
        r"\\(0[0-7]{0,3}|[1-7][0-7]{0,2}|x[0-9a-fA-F]{1,2}|[ntrabfv\\])", replace, text
    ), cut


def echo(_context: Context, args: list[str], _io: Io) -> Steps:
    """`echo [-neE]`."""
    newline, escapes = True, False
    while args and re.fullmatch(r"-[neE]+", args[0]):
        newline = newline and "n" not in args[0]
        escapes = "e" in args[0] or (escapes and "E" not in args[0])
        args = args[1:]
    text = " ".join(args)
    if escapes:
        text, cut = _unescape(text)
        newline = newline and not cut
    yield Stdout((text + "\n" * newline).encode(errors="surrogateescape"))
    return 0


def _formatted(form: str, values: Iterator[str]) -> tuple[str, bool]:
    """Give a format filled once, and whether all values were what it asks for."""
    right = True
    out = []
    for piece in re.split(r"(%[-+ 0#]*\d*(?:\.\d+)?[sbcdiuoxXfeg%])", form):
        spec = re.fullmatch(r"%([-+ 0#]*\d*(?:\.\d+)?)([sbcdiuoxXfeg%])", piece)
        if spec is None:
            out.append(_unescape(piece)[0])
            continue
        flags, kind = spec[1], spec[2]
        if kind == "%":
            out.append("%")
            continue
        value = next(values, "")
        if kind in "sbc":
            text = _unescape(value)[0] if kind == "b" else value
            out.append(f"%{flags}s" % (text[:1] if kind == "c" else text))
            continue
        number: float = 0
        try:
            number = float(value or "0") if kind in "feg" else int(value or "0", 0)
        except ValueError:
            right = False
        out.append(f"%{flags}{'d' if kind == 'u' else kind}" % number)
    return "".join(out), right


def printf(_context: Context, args: list[str], _io: Io) -> Steps:
    """`printf FORMAT [ARGUMENT...]`; the format is used again while arguments are left."""
    if not args:
        yield _say("printf: usage: printf format [arguments]\n")
        return 2
    form, left = args[0], args[1:]
    out, status = [], 0
    while True:
        values = iter(left)
        text, right = _formatted(form, values)
        out.append(text)
        status = status or int(not right)
        rest = list(values)
        if not rest or len(rest) == len(left):
            break
        left = rest
    data = "".join(out).encode(errors="surrogateescape")
    if data:
        yield Stdout(data)
    return status


def sleep(_context: Context, args: list[str], _io: Io) -> Steps:
    """`sleep NUMBER[smhd]...`."""
    if not args:
        yield _say("sleep: missing operand\nTry 'sleep --help' for more information.\n")
        return 1
    total = 0.0
    for arg in args:
        match = re.fullmatch(r"(\d+\.?\d*|\.\d+)([smhd]?)", arg)
        if match is None and arg not in ("infinity", "inf"):
            yield _say(
                f"sleep: invalid time interval {_curly(arg)}\n"
                "Try 'sleep --help' for more information.\n",
            )
            return 1
        total += float(match[1]) * UNITS[match[2] or "s"] if match else 100 * 365 * 86_400.0
    yield Sleep(total)
    return 0


def true(_context: Context, _args: list[str], _io: Io) -> Steps:
    """`true`."""
    yield from ()
    return 0


def false(_context: Context, _args: list[str], _io: Io) -> Steps:
    """`false`."""
    yield from ()
    return 1


def seq(_context: Context, args: list[str], _io: Io) -> Steps:
    """`seq [FIRST [STEP]] LAST`, of whole numbers."""
    try:
        numbers = [int(arg) for arg in args]
    except ValueError:
        yield _say(f"seq: invalid floating point argument: {_curly(args[0])}\n")
        return 1
    match numbers:
        case [last]:
            first, step = 1, 1
        case [first, last]:
            step = 1
        case [first, step, last] if step:
            pass
        case _:
            yield _say("seq: missing operand\n")
            return 1
    run = range(first, last + (1 if step > 0 else -1), step)
    for start in range(0, min(len(run), LONGEST_SEQUENCE), 4096):
        yield Stdout("".join(f"{number}\n" for number in run[start : start + 4096]).encode())
    return 0


def cat(context: Context, args: list[str], io: Io) -> Steps:
    """`cat [FILE...]`, of the job's files."""
    status = 0
    for arg in args or ["-"]:
        if arg == "-":
            data: bytes | None = io.stdin
        else:
            data = context.files.get(io.place(arg))
        if data is None:
            yield _say(f"cat: {arg}: No such file or directory\n")
            status = 1
        elif data:
            yield Stdout(data)
    return status


def env(context: Context, args: list[str], io: Io) -> Steps:
    """`env`, and `env NAME=value... COMMAND`."""
    environment = dict(io.environment or context.environment)
    while args and "=" in args[0]:
        name, _, value = args[0].partition("=")
        environment[name] = value
        args = args[1:]
    if not args:
        lines = "".join(f"{name}={value}\n" for name, value in environment.items())
        yield Stdout(lines.encode(errors="surrogateescape"))
        return 0
    command = BUILTINS.get(args[0].rpartition("/")[2])
    if command is None:
        context.unknown.append(args[0])
        return 0
    io.environment = environment
    return (yield from command(context, args[1:], io))


def printenv(context: Context, args: list[str], io: Io) -> Steps:
    """`printenv [NAME...]`."""
    environment = io.environment or context.environment
    if not args:
        return (yield from env(context, [], io))
    status = 0
    for arg in args:
        if arg in environment:
            yield Stdout(f"{environment[arg]}\n".encode(errors="surrogateescape"))
        else:
            status = 1
    return status


def pwd(_context: Context, _args: list[str], io: Io) -> Steps:
    """`pwd`."""
    yield Stdout(f"{io.cwd}\n".encode())
    return 0


def ls(context: Context, args: list[str], io: Io) -> Steps:
    """`ls [FOLDER...]`, names alone."""
    status = 0
    for arg in [arg for arg in args if not arg.startswith("-")] or ["."]:
        folder = io.place(arg)
        inside = "" if io.absolute(arg) == WORK else f"{folder}/"
        names = sorted(
            {
                path.removeprefix(inside).split("/")[0]
                for path in context.files
                if path.startswith(inside)
            },
        )
        if folder in context.files:
            names = [arg]
        elif not names and inside:
            yield _say(f"ls: cannot access '{arg}': No such file or directory\n")
            status = 2
        if names:
            yield Stdout("".join(f"{name}\n" for name in names).encode(errors="surrogateescape"))
    return status


def wc(context: Context, args: list[str], io: Io) -> Steps:
    """`wc -l`, `wc -c`, `wc -w` of stdin or one file."""
    flags = "".join(arg[1:] for arg in args if arg.startswith("-"))
    names = [arg for arg in args if not arg.startswith("-")]
    data = context.files.get(io.place(names[0]), b"") if names else io.stdin
    counts = {"l": data.count(b"\n"), "w": len(data.split()), "c": len(data)}
    shown = [str(counts[flag]) for flag in "lwc" if not flags or flag in flags]
    yield Stdout(_text([*shown, *names[:1]]) + b"\n")
    return 0


def date(context: Context, args: list[str], _io: Io) -> Steps:
    """`date [+FORMAT]`, by the fake's clock."""
    now = context.clock.now()
    form = args[0][1:] if args and args[0].startswith("+") else "%a %b %e %H:%M:%S UTC %Y"
    form = form.replace("%s", str(int(now.timestamp())))
    yield Stdout(f"{now.strftime(form)}\n".encode())
    return 0


def hostname(_context: Context, _args: list[str], _io: Io) -> Steps:
    """`hostname`."""
    yield Stdout(b"joblet\n")
    return 0


def whoami(_context: Context, _args: list[str], _io: Io) -> Steps:
    """`whoami`: jobs are root (JOB-RUN-83)."""
    yield Stdout(b"root\n")
    return 0


def test(context: Context, args: list[str], io: Io) -> Steps:
    """`test` and `[`: strings, numbers, files."""
    yield from ()
    return int(not _holds(context, args, io))


def bracket(context: Context, args: list[str], io: Io) -> Steps:
    """`[ ... ]`."""
    if args[-1:] != ["]"]:
        yield _say("sh: 1: [: missing ]\n")
        return 2
    return (yield from test(context, args[:-1], io))


NUMBERS: Final[dict[str, Callable[[int, int], bool]]] = {
    "-eq": lambda a, b: a == b,
    "-ne": lambda a, b: a != b,
    "-lt": lambda a, b: a < b,
    "-le": lambda a, b: a <= b,
    "-gt": lambda a, b: a > b,
    "-ge": lambda a, b: a >= b,
}


STRINGS: Final[dict[str, Callable[[str, str], bool]]] = {
    "=": lambda a, b: a == b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}


def _holds(context: Context, args: list[str], io: Io) -> bool:
    match args:
        case ["!", *rest]:
            return not _holds(context, rest, io)
        case [text] | ["-n", text]:
            return bool(text)
        case [flag, text]:
            return _unary(context, flag, text, io)
        case [left, word, right] if word in STRINGS:
            return STRINGS[word](left, right)
        case [left, word, right] if word in NUMBERS:
            numbers = all(re.fullmatch(r"-?\d+", side) for side in (left, right))
            return numbers and NUMBERS[word](int(left), int(right))
    return False


def _unary(context: Context, flag: str, text: str, io: Io) -> bool:
    if flag == "-z":
        return not text
    place = io.place(text)
    file = place in context.files
    folder = io.absolute(text) in (WORK, "/") or any(
        path.startswith(f"{place}/") for path in context.files
    )
    return {"-f": file, "-s": file, "-d": folder, "-e": file or folder, "-r": file or folder}.get(
        flag,
        False,
    )


BUILTINS: Final[dict[str, Callable[[Context, list[str], Io], Steps]]] = {
    "[": bracket,
    "cat": cat,
    "date": date,
    "echo": echo,
    "env": env,
    "false": false,
    "hostname": hostname,
    "ls": ls,
    "printenv": printenv,
    "printf": printf,
    "pwd": pwd,
    "seq": seq,
    "sleep": sleep,
    "test": test,
    "true": true,
    "wc": wc,
    "whoami": whoami,
}
"""The commands by name; each takes its arguments and where it is, and returns its status."""
