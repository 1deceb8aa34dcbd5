"""The commands that a shell does itself, and how they leave what runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from joblet_fake.programs.command_io import is_folder
from joblet_fake.programs.shell_parser import parse
from joblet_fake.programs.steps import Stderr

if TYPE_CHECKING:
    from collections.abc import Callable

    from joblet_fake.programs.shell import Shell
    from joblet_fake.programs.steps import Steps


SIGNALLED: Final = 128
"""What a shell adds to the number of the signal that ended a child."""

SIGNALS: Final = {"HUP": 1, "INT": 2, "QUIT": 3, "ABRT": 6, "KILL": 9, "USR1": 10, "TERM": 15}
TERM: Final = SIGNALS["TERM"]
SAID: Final = {
    1: "Hangup",
    2: "",
    3: "Quit",
    6: "Aborted",
    9: "Killed",
    10: "User defined signal 1",
    15: "Terminated",
}
"""What a shell says of a child that a signal ended."""


class Exit(Exception):  # noqa: N818 - it is control flow, as in a shell
    """`exit N`."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Killed(Exception):  # noqa: N818 - as above
    """A signal ends the shell.

    Attributes:
        status: what the shell that waits for it sees.
        said: what that shell says of it.
        group: whether that shell got the signal, too.
    """

    def __init__(self, signal: int, *, group: bool = False) -> None:
        super().__init__(signal)
        self.group = group
        self.status = SIGNALLED + signal
        self.said = SAID[signal]


class Loop(Exception):  # noqa: N818 - it is control flow, as in a shell
    """`break` and `continue`."""

    def __init__(self, *, again: bool) -> None:
        super().__init__(again)
        self.again = again


def _exit(shell: Shell, args: list[str]) -> Steps:
    status = shell.status
    if args:
        if not re.fullmatch(r"[0-9]{1,9}", args[0]):
            yield Stderr(f"{shell.name}: 1: exit: Illegal number: {args[0]}\n".encode())
            raise Exit(2)
        status = int(args[0]) & 0xFF
    raise Exit(status)


def _break(shell: Shell, _args: list[str]) -> Steps:
    yield from ()
    if shell.loops:
        raise Loop(again=False)
    return 0


def _continue(shell: Shell, _args: list[str]) -> Steps:
    yield from ()
    if shell.loops:
        raise Loop(again=True)
    return 0


def _export(shell: Shell, args: list[str]) -> Steps:
    yield from ()
    for arg in args:
        name, equals, value = arg.partition("=")
        if equals:
            shell.variables[name] = value
        shell.exported.add(name)
    return 0


def _unset(shell: Shell, args: list[str]) -> Steps:
    yield from ()
    for arg in args:
        shell.variables.pop(arg, None)
        shell.exported.discard(arg)
    return 0


def _cd(shell: Shell, args: list[str]) -> Steps:
    target = args[0] if args else shell.variables.get("HOME", "/")
    if not is_folder(shell.context, target, shell.io):
        yield Stderr(f"{shell.name}: 1: cd: can't cd to {target}\n".encode())
        return 2
    shell.variables["OLDPWD"] = shell.io.cwd
    shell.io.cwd = shell.variables["PWD"] = shell.io.absolute(target)
    return 0


def _set(shell: Shell, args: list[str]) -> Steps:
    yield from ()
    for arg in args:
        if arg in ("-e", "+e"):
            shell.stops_on_failure = arg == "-e"
        else:
            shell.context.unknown.append(f"set {arg}")
    return 0


def _eval(shell: Shell, args: list[str]) -> Steps:
    return (yield from shell.run_list(parse(" ".join(args))))


def _exec(shell: Shell, args: list[str]) -> Steps:
    if not args:
        return 0
    raise Exit((yield from shell.call(args, {}, last=True)))


def _wait(_shell: Shell, _args: list[str]) -> Steps:
    yield from ()
    return 0


def _kill(shell: Shell, args: list[str]) -> Steps:
    name, targets = "TERM", list(args)
    if targets[:1] == ["-s"]:
        name, targets = targets[1] if targets[1:] else "", targets[2:]
    elif targets and targets[0].startswith("-"):
        name, targets = targets[0][1:], targets[1:]
    if not shell.io.posix:
        name = name.removeprefix("SIG")
    signal = SIGNALS.get(name, int(name) if name.isdecimal() else -1)
    if signal not in {0, *SAID} or len(targets) != 1 or not targets[0].isdecimal():
        shell.context.unknown.append(" ".join(["kill", *args]))
        return 0
    if targets[0] not in ("1", str(shell.pid)):
        yield Stderr(f"{shell.name}: 1: kill: No such process\n\n".encode())
        return 1
    if targets[0] != str(shell.pid) or not signal:
        return 0
    if signal == TERM and shell.trap is not None:
        yield from shell.run_list(shell.trap)
    elif shell.pid != 1 and not (signal == TERM and shell.deaf):
        # Process 1 of a namespace gets no signal that it does not handle (JOB-SM-12).
        raise Killed(signal)
    return 0


def _read(shell: Shell, args: list[str]) -> Steps:
    yield from ()
    names = [arg for arg in args if not arg.startswith("-")] or ["REPLY"]
    line, newline, shell.io.stdin = shell.io.stdin.partition(b"\n")
    text = line.decode(errors="surrogateescape")
    if "-r" not in args:
        text = re.sub(r"\\(.)", r"\1", text)
    fields = text.strip(" \t").split(maxsplit=len(names) - 1) if len(names) > 1 else []
    fields = fields or [text.strip(" \t")]
    for place, name in enumerate(names):
        shell.variables[name] = fields[place] if place < len(fields) else ""
    return 0 if newline else 1


def _trap(shell: Shell, args: list[str]) -> Steps:
    yield from ()
    for name in args[1:]:
        if name in ("TERM", "SIGTERM", "15"):
            shell.trap = None if args[0] == "-" else parse(args[0])
            shell.deaf = not args[0]
        elif name in ("EXIT", "0"):
            shell.at_exit = None if args[0] == "-" else parse(args[0])
    # No other signal ever reaches a job.
    return 0


COMMANDS: Final[dict[str, Callable[[Shell, list[str]], Steps]]] = {
    "break": _break,
    "cd": _cd,
    "continue": _continue,
    "eval": _eval,
    "exec": _exec,
    "exit": _exit,
    "export": _export,
    "kill": _kill,
    "read": _read,
    "set": _set,
    "trap": _trap,
    "unset": _unset,
    "wait": _wait,
}
"""The commands by name; each takes its shell and its arguments, and returns its status."""
