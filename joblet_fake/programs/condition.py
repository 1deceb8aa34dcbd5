"""`test` and `[`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from joblet_fake.programs.command_io import Io
    from joblet_fake.programs.context import Context
    from joblet_fake.programs.steps import Steps

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
    "!=": lambda a, b: a != b,
}

FILES: Final = ("-d", "-e", "-f", "-r", "-s", "-w", "-x")
NEVER: Final = ("-L", "-S", "-b", "-c", "-g", "-h", "-k", "-p", "-t", "-u")
WRONG: Final = 2
"""The status of a condition that can't be read."""


class ConditionError(ValueError):
    """A condition that can't be read."""


def test(context: Context, args: list[str], io: Io) -> Steps:
    """`test`: strings, numbers, files; its status is 2 when the condition can't be read."""
    return (yield from _condition("test", context, args, io))


def bracket(context: Context, args: list[str], io: Io) -> Steps:
    """`[ ... ]`."""
    if args[-1:] != ["]"]:
        yield io.complaint("[", "missing ]")
        return WRONG
    return (yield from _condition("[", context, args[:-1], io))


def _condition(name: str, context: Context, args: list[str], io: Io) -> Steps:
    try:
        return int(not _holds(context, args, io))
    except ConditionError as error:
        yield io.complaint(name, str(error))
        return WRONG


def _holds(context: Context, args: list[str], io: Io) -> bool:
    match args:
        case []:
            return False
        case [text]:
            return bool(text)
        case [left, word, right] if word in STRINGS or (word == "==" and not io.posix):
            return STRINGS[word.replace("==", "=")](left, right)
        case [left, word, right] if word in NUMBERS:
            return NUMBERS[word](_number(left), _number(right))
        case ["!", *rest]:
            return not _holds(context, rest, io)
        case [flag, text]:
            return _unary(context, flag, text, io)
    for joint, both in (("-o", any), ("-a", all)):
        if joint in args[1:-1]:
            place = args.index(joint, 1)
            return both((_holds(context, args[:place], io), _holds(context, args[place + 1 :], io)))
    raise ConditionError(f"{args[0]}: unexpected operator")


def _number(text: str) -> int:
    if not re.fullmatch(r"\s*[-+]?[0-9]{1,18}\s*", text):
        raise ConditionError(f"Illegal number: {text}")
    return int(text)


def _unary(context: Context, flag: str, text: str, io: Io) -> bool:
    if flag in ("-z", "-n"):
        return bool(text) == (flag == "-n")
    if flag in NEVER:
        return False
    if flag not in FILES:
        raise ConditionError(f"{flag}: unexpected operator")
    content = context.files.get(io.place(text))
    # Of what lies outside /work and /volumes only the root is known.
    folder = content is None and context.files.is_folder(io.absolute(text))
    if flag in ("-f", "-s") or content is not None:
        return {"-s": bool(content), "-d": False, "-x": False}.get(flag, content is not None)
    return folder
