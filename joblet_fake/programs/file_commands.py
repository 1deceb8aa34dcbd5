"""The built-in commands that make, move and remove files, in /work and in volumes."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from joblet_fake.model.tree import parents
from joblet_fake.programs.command_io import say
from joblet_fake.programs.steps import Stdout

if TYPE_CHECKING:
    from collections.abc import Callable

    from joblet_fake.programs.command_io import Io
    from joblet_fake.programs.context import Context
    from joblet_fake.programs.job_files import JobFiles
    from joblet_fake.programs.steps import Steps

LINES: Final = 10
"""How many lines `head` and `tail` give when nothing is said."""

ABSENT: Final = "No such file or directory"
FULL: Final = "No space left on device"


class UsageError(ValueError):
    """A command was called as it can't be; the text follows its name."""


class Operands(NamedTuple):
    """What a command was given: the flags that it knows, and all that is none."""

    flags: set[str]
    names: list[str]


def mkdir(context: Context, args: list[str], io: Io) -> Steps:
    """`mkdir [-p] FOLDER...`."""
    flags, names = _operands(context, "mkdir", args, "p")
    status = 0
    for name in names:
        place = io.absolute(name)
        try:
            for folder in [*parents(place)[1:], place] if flags else [place]:
                if not (flags and context.files.is_folder(folder)):
                    context.files.make_folder(folder)
        except OSError as error:
            yield say(f"mkdir: cannot create directory '{name}': {error.strerror}\n")
            status = 1
    return status


def rm(context: Context, args: list[str], io: Io) -> Steps:
    """`rm [-r] [-f] FILE...`."""
    flags, names = _operands(context, "rm", args, "rRf", needed=False)
    if not names and "f" not in flags:
        raise UsageError("missing operand")
    status = 0
    for name in names:
        place = io.absolute(name)
        problem = ""
        if context.files.is_folder(place) and not flags & {"r", "R"}:
            problem = "Is a directory"
        elif place in context.files or context.files.is_folder(place):
            problem = _removed(context.files, place)
        elif "f" not in flags:
            problem = ABSENT
        if problem:
            yield say(f"rm: cannot remove '{name}': {problem}\n")
            status = 1
    return status


def rmdir(context: Context, args: list[str], io: Io) -> Steps:
    """`rmdir FOLDER...`."""
    status = 0
    for name in _operands(context, "rmdir", args, "").names:
        place = io.absolute(name)
        problem = "Not a directory" if place in context.files else ""
        try:
            if not problem:
                context.files.remove(place)
        except OSError as error:
            problem = error.strerror or str(error)
        if problem:
            yield say(f"rmdir: failed to remove '{name}': {problem}\n")
            status = 1
    return status


def touch(context: Context, args: list[str], io: Io) -> Steps:
    """`touch FILE...`; times are not kept."""
    status = 0
    for name in _operands(context, "touch", args, "", missing="file operand").names:
        place = io.absolute(name)
        try:
            if not context.files.is_folder(place):
                context.files.write(place, b"", append=True)
        except OSError as error:
            yield say(f"touch: cannot touch '{name}': {error.strerror}\n")
            status = 1
    return status


def cp(context: Context, args: list[str], io: Io) -> Steps:
    """`cp [-r] FILE... TARGET`."""
    flags, names = _operands(context, "cp", args, "rRa", missing="file operand")
    status = 0
    for name, end in _pairs(context, names, io):
        place, target = io.absolute(name), io.absolute(end)
        if context.files.is_folder(place) and not flags:
            problem = f"-r not specified; omitting directory '{name}'"
        elif place not in context.files and not context.files.is_folder(place):
            problem = f"cannot stat '{name}': {ABSENT}"
        elif target == place:
            problem = f"'{name}' and '{end}' are the same file"
        elif f"{target}/".startswith(f"{place}/"):
            problem = f"cannot copy a directory, '{name}', into itself, '{end}'"
        else:
            problem = _copied(context.files, place, target)
            if problem:
                start = "error writing" if problem == FULL else "cannot create regular file"
                problem = f"{start} '{end}': {problem}"
        if problem:
            yield say(f"cp: {problem}\n")
            status = 1
    return status


def mv(context: Context, args: list[str], io: Io) -> Steps:
    """`mv FILE... TARGET`."""
    _, names = _operands(context, "mv", args, "f", missing="file operand")
    status = 0
    for name, end in _pairs(context, names, io):
        place, target = io.absolute(name), io.absolute(end)
        if place not in context.files and not context.files.is_folder(place):
            problem = f"cannot stat '{name}': {ABSENT}"
        elif target == place:
            problem = f"'{name}' and '{end}' are the same file"
        elif f"{target}/".startswith(f"{place}/"):
            problem = f"cannot move '{name}' to a subdirectory of itself, '{end}'"
        else:
            problem = _copied(context.files, place, target)
            problem = problem or _removed(context.files, place)
            problem = problem and f"cannot move '{name}' to '{end}': {problem}"
        if problem:
            yield say(f"mv: {problem}\n")
            status = 1
    return status


def tee(context: Context, args: list[str], io: Io) -> Steps:
    """`tee [-a] [FILE...]`."""
    flags, names = _operands(context, "tee", args, "a", needed=False)
    data, io.stdin = io.stdin, b""
    status = 0
    if data:
        yield Stdout(data)
    for name in names:
        try:
            context.files.write(io.absolute(name), data, append=bool(flags))
        except OSError as error:
            yield say(f"tee: {name}: {error.strerror}\n")
            status = 1
    return status


def head(context: Context, args: list[str], io: Io) -> Steps:
    """`head [-n N | -c N | -N] [FILE...]`."""
    return (yield from _parts("head", context, args, io))


def tail(context: Context, args: list[str], io: Io) -> Steps:
    """`tail [-n N | -c N | -N] [FILE...]`."""
    return (yield from _parts("tail", context, args, io))


def _parts(command: str, context: Context, args: list[str], io: Io) -> Steps:
    count, lines, names = _counted(args)
    status, shown = 0, False
    for name in names or ["-"]:
        data = io.stdin if name == "-" else context.files.get(io.absolute(name))
        if data is None:
            known = context.files.is_folder(io.absolute(name))
            yield say(
                f"{command}: error reading '{name}': Is a directory\n"
                if known
                else f"{command}: cannot open '{name}' for reading: {ABSENT}\n"
            )
            status = 1
            continue
        pieces = re.findall(rb"[^\n]*\n|[^\n]+", data) if lines else [data]
        if lines:
            chosen = pieces[:count] if command == "head" else pieces[max(0, len(pieces) - count) :]
        else:
            chosen = [data[:count] if command == "head" else data[max(0, len(data) - count) :]]
        title = f"==> {name} <==\n" if len(names) > 1 else ""
        part = (f"\n{title}" if shown and title else title).encode() + b"".join(chosen)
        shown = True
        if part:
            yield Stdout(part)
    return status


def _counted(args: list[str]) -> tuple[int, bool, list[str]]:
    """Give how many, whether of lines, and of which files."""
    count, lines, names = LINES, True, []
    rest = list(args)
    while rest:
        arg = rest.pop(0)
        match = re.fullmatch(r"-([nc]?)(.*)", arg, re.DOTALL)
        if match is None or arg == "-":
            names.append(arg)
            continue
        lines = match[1] != "c"
        text = match[2] or (rest.pop(0) if match[1] and rest else "")
        if not re.fullmatch(r"[0-9]{1,18}", text):
            raise UsageError(f"invalid number of {'lines' if lines else 'bytes'}: '{text}'")
        count = int(text)
    return count, lines, names


def _pairs(context: Context, names: list[str], io: Io) -> list[tuple[str, str]]:
    """Give each source of `cp` or `mv` with where it goes."""
    if len(names) == 1:
        raise UsageError(f"missing destination file operand after '{names[0]}'")
    *sources, target = names
    into = context.files.is_folder(io.absolute(target))
    if len(sources) > 1 and not into:
        raise UsageError(f"target '{target}': No such file or directory")
    return [
        (name, f"{target.rstrip('/')}/{posixpath.basename(name.rstrip('/'))}" if into else target)
        for name in sources
    ]


def _copied(files: JobFiles, place: str, target: str) -> str:
    """Copy a file, or a folder with all that is in it; give what went wrong."""
    try:
        if not files.is_folder(place):
            files.write(target, files[place])
            return ""
        if not files.is_folder(target):
            files.make_folder(target)
    except OSError as error:
        return error.strerror or str(error)
    problems = [
        _copied(files, f"{place}/{name}", f"{target}/{name}") for name in files.names(place)
    ]
    return next(filter(None, problems), "")


def _removed(files: JobFiles, place: str) -> str:
    """Remove a file, or a folder with all that is in it; give what went wrong."""
    problems = []
    if files.is_folder(place):
        problems = [_removed(files, f"{place}/{name}") for name in files.names(place)]
    try:
        files.remove(place)
    except OSError as error:
        problems.append(error.strerror or str(error))
    return next(filter(None, problems), "")


def _operands(
    context: Context,
    command: str,
    args: list[str],
    known: str,
    *,
    needed: bool = True,
    missing: str = "operand",
) -> Operands:
    """Take a command's arguments apart; a flag that it does not know is passed over, and noted.

    Raises:
        UsageError: there is nothing to do it with.
    """
    flags: set[str] = set()
    names: list[str] = []
    for place, arg in enumerate(args):
        if arg == "--":
            names += args[place + 1 :]
            break
        if len(arg) > 1 and arg[0] == "-":
            flags |= set(arg[1:]) & set(known)
            context.unknown += [f"{command} -{flag}" for flag in arg[1:] if flag not in known]
        else:
            names.append(arg)
    if needed and not names:
        raise UsageError(f"missing {missing}\nTry '{command} --help' for more information.")
    return Operands(flags, names)


def _built_in(
    command: Callable[[Context, list[str], Io], Steps],
) -> Callable[[Context, list[str], Io], Steps]:
    def run(context: Context, args: list[str], io: Io) -> Steps:
        try:
            return (yield from command(context, args, io))
        except UsageError as error:
            yield say(f"{command.__name__}: {error}\n")
            return 1

    return run


FILE_COMMANDS: Final = {
    command.__name__: _built_in(command)
    for command in (cp, head, mkdir, mv, rm, rmdir, tail, tee, touch)
}
"""The commands by name; each takes its arguments and where it is, and returns its status."""
