"""The built-in commands: those that examples and smoke tests use."""

from __future__ import annotations

import re
from decimal import Decimal
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, Final

from joblet_fake.clock import NANOS
from joblet_fake.programs.command_io import Io, is_folder, say
from joblet_fake.programs.condition import bracket, test
from joblet_fake.programs.file_commands import FILE_COMMANDS
from joblet_fake.programs.printing import echo, printf
from joblet_fake.programs.steps import Sleep, Stdout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from joblet_fake.programs.context import Context
    from joblet_fake.programs.steps import Steps

UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
LONGEST_SEQUENCE: Final = 10_000_000
LONGEST_SLEEP: Final = 100 * 365 * 86_400.0
"""Clock seconds that `sleep infinity` sleeps."""

SEQ_FULL: Final = 3
TRY_SEQ: Final = "Try 'seq --help' for more information.\n"


def _text(words: Iterable[str]) -> bytes:
    return " ".join(words).encode(errors="surrogateescape")


def _quoted(text: str) -> str:
    """Quote as coreutils does in the C locale, in which jobs run."""
    return f"'{text}'"


def sleep(_context: Context, args: list[str], _io: Io) -> Steps:
    """`sleep NUMBER[smhd]...`."""
    if not args:
        yield say("sleep: missing operand\nTry 'sleep --help' for more information.\n")
        return 1
    total = 0.0
    for arg in args:
        match = re.fullmatch(r"(\d+\.?\d*|\.\d+)([smhd]?)", arg, re.ASCII)
        if match is None and arg not in ("infinity", "inf"):
            yield say(
                f"sleep: invalid time interval {_quoted(arg)}\n"
                "Try 'sleep --help' for more information.\n",
            )
            return 1
        total += float(match[1]) * UNITS[match[2] or "s"] if match else LONGEST_SLEEP
    yield Sleep(min(total, LONGEST_SLEEP))
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
    """`seq [-w] [-s SEPARATOR] [FIRST [STEP]] LAST`."""
    separator, pad, args = _seq_options(args)
    numbers = []
    for arg in args:
        if not re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)", arg, re.ASCII):
            yield say(f"seq: invalid floating point argument: {_quoted(arg)}\n{TRY_SEQ}")
            return 1
        numbers.append(Decimal(arg))
    match numbers:
        case [last]:
            first, step = Decimal(1), Decimal(1)
        case [first, last]:
            step = Decimal(1)
        case [first, step, last] if step:
            pass
        case [_, _, _]:
            yield say(f"seq: invalid Zero increment value: {_quoted(args[1])}\n{TRY_SEQ}")
            return 1
        case [_, _, _, _, *_]:
            yield say(f"seq: extra operand {_quoted(args[3])}\n{TRY_SEQ}")
            return 1
        case _:
            yield say(f"seq: missing operand\n{TRY_SEQ}")
            return 1
    places = max(_places(arg) for arg in (args[:2] if len(args) == SEQ_FULL else args[:1]))
    if len(args) == 1:
        places = 0
    count = min(max(0, int((last - first) / step) + 1), LONGEST_SEQUENCE)
    if (last - first) * step < 0:
        count = 0
    width = max(len(f"{end:.{places}f}") for end in (first, first + (count - 1) * step))
    whole = not places and not pad
    form = f"0{width}.{places}f" if pad else f".{places}f"
    for start in range(0, count, 4096):
        end = min(start + 4096, count)
        if whole:
            begin, by = int(first + step * start), int(step)
            text = separator.join(map(str, range(begin, begin + by * (end - start), by)))
        else:
            text = separator.join(f"{first + step * place:{form}}" for place in range(start, end))
        yield Stdout((text + (separator if end < count else "\n")).encode())
    return 0


def _seq_options(args: list[str]) -> tuple[str, bool, list[str]]:
    separator, pad = "\n", False
    while args:
        if args[0] == "-w":
            pad, args = True, args[1:]
        elif args[0] == "-s" and len(args) > 1:
            separator, args = args[1], args[2:]
        else:
            break
    return separator, pad, args


def _places(number: str) -> int:
    """Give how many decimal places a number was written with."""
    return len(number.partition(".")[2])


def cat(context: Context, args: list[str], io: Io) -> Steps:
    """`cat [FILE...]`, of the job's files."""
    status = 0
    for arg in args or ["-"]:
        if arg == "-":
            data: bytes | None = io.stdin
            io.stdin = b""
        else:
            data = context.files.get(io.place(arg))
        if data is None:
            problem = (
                "Is a directory" if is_folder(context, arg, io) else "No such file or directory"
            )
            yield say(f"cat: {arg}: {problem}\n")
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
    """`ls [-a] [-d] [FILE...]`, names alone."""
    flags = "".join(arg[1:] for arg in args if arg.startswith("-"))
    targets = [arg for arg in args if not arg.startswith("-")] or ["."]
    status = 0
    files, folders = [], []
    for arg in targets:
        place = io.absolute(arg)
        folder = context.files.is_folder(place)
        if place in context.files or (folder and "d" in flags):
            files.append(arg)
        elif folder:
            folders.append(arg)
        else:
            yield say(f"ls: cannot access '{arg}': No such file or directory\n")
            status = 2
    blocks = ["".join(f"{name}\n" for name in sorted(files))] if files else []
    for arg in sorted(folders):
        names = context.files.names(io.absolute(arg))
        if "a" in flags:
            names = [".", "..", *names]
        elif "A" not in flags:
            names = [name for name in names if not name.startswith(".")]
        title = f"{arg}:\n" if len(targets) > 1 else ""
        blocks.append(title + "".join(f"{name}\n" for name in names))
    text = "\n".join(blocks)
    if text:
        yield Stdout(text.encode(errors="surrogateescape"))
    return status


def wc(context: Context, args: list[str], io: Io) -> Steps:
    """`wc -l`, `wc -c`, `wc -w` of stdin or one file."""
    flags = "".join(arg[1:] for arg in args if arg.startswith("-"))
    names = [arg for arg in args if not arg.startswith("-")]
    data = context.files.get(io.place(names[0])) if names else io.stdin
    if data is None:
        yield say(f"wc: {names[0]}: No such file or directory\n")
        return 1
    counts = {"l": data.count(b"\n"), "w": len(data.split()), "c": len(data)}
    shown = [str(counts[flag]) for flag in "lwc" if not flags or flag in flags]
    # Several numbers stand in columns: seven wide for a pipe, else as wide as the size needs.
    width = 0 if len(shown) == 1 else len(str(len(data))) if names else 7
    yield Stdout(_text([*(number.rjust(width) for number in shown), *names[:1]]) + b"\n")
    return 0


def date(context: Context, args: list[str], _io: Io) -> Steps:
    """`date [-u] [+FORMAT]`, by the fake's clock, in UTC."""
    now = context.clock.now()
    form = next((arg[1:] for arg in args if arg.startswith("+")), "%a %b %e %H:%M:%S UTC %Y")
    form = form.replace("%s", str(int(now.timestamp())))
    form = form.replace("%N", f"{context.clock.now_ns() % NANOS:09}")
    yield Stdout(f"{now.strftime(form)}\n".encode(errors="surrogateescape"))
    return 0


def hostname(context: Context, args: list[str], _io: Io) -> Steps:
    """`hostname`, the host's (NET-35), and `hostname -I`, the addresses other than `lo`'s."""
    if args == ["-I"]:
        address = context.address
        parsed = ip_address(address) if address else None
        # Of IPv6 addresses those of the link are left out.
        hidden = isinstance(parsed, IPv6Address) and parsed.is_link_local
        yield Stdout(b"\n" if parsed is None or hidden else f"{address} \n".encode())
        return 0
    if args:
        yield say(f"hostname: joblet-fake knows no other option than -I: {args[0]}\n")
        return 1
    yield Stdout(b"joblet\n")
    return 0


def whoami(_context: Context, _args: list[str], _io: Io) -> Steps:
    """`whoami`: jobs are root (JOB-RUN-83)."""
    yield Stdout(b"root\n")
    return 0


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
    **FILE_COMMANDS,
}
"""The commands by name; each takes its arguments and where it is, and returns its status."""
