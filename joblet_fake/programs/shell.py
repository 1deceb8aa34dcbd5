"""`sh -c`: runs what the shell grammar reads, with the built-in commands."""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from joblet_fake.programs import shell_grammar as grammar
from joblet_fake.programs.arithmetic import UncomputableError, compute
from joblet_fake.programs.builtin import BUILTINS
from joblet_fake.programs.command_io import Io
from joblet_fake.programs.shell_commands import COMMANDS, TERM, Exit, Killed, Loop
from joblet_fake.programs.shell_parser import parse
from joblet_fake.programs.shell_words import Words
from joblet_fake.programs.steps import Sleep, Stderr, Stdout

if TYPE_CHECKING:
    from collections.abc import Callable

    from joblet_fake.programs.context import Context
    from joblet_fake.programs.job_files import JobFiles
    from joblet_fake.programs.steps import Steps, Work

NOT_FOUND: Final = 127
"""The status of a command that is not there."""

CANNOT_CREATE: Final = {errno.ENOENT: "Directory nonexistent"}
"""What a shell calls a problem that the system calls otherwise."""

BUILT_INTO_SH: Final = ("echo", "printf", "pwd")
"""The commands with output that a plain `sh` does itself."""

ROUNDS: Final = 50_000
"""A loop that goes round more often without sleeping is taken for one that never ends."""


@dataclass
class Shell:
    """One shell.

    Attributes:
        context: the job that it runs in.
        name: what it was called as; a plain `sh` has another echo than `bash`.
        pid: its process; 1 is the job's own, which no signal kills (JOB-SM-12).
        args: what follows the script, `$0` first.
        environment: the variables that it is given; the job's own if None.
        variables: all its variables.
        exported: the names of those that its commands get.
        status: the last command's.
        trap: what SIGTERM does.
        deaf: whether SIGTERM does nothing, to its commands either.
        at_exit: what is run at the end.
        loops: how many loops it is in.
        rounds: how often loops went round since it last slept.
        stops_on_failure: whether a command that fails ends it (`set -e`).
        io: what it reads from, and where it is.
    """

    context: Context
    name: str = "sh"
    args: tuple[str, ...] = ()
    environment: dict[str, str] | None = None
    variables: dict[str, str] = field(default_factory=dict)
    exported: set[str] = field(default_factory=set)
    status: int = 0
    trap: grammar.Script | None = None
    deaf: bool = False
    at_exit: grammar.Script | None = None
    stops_on_failure: bool = False
    io: Io = field(default_factory=Io)
    pid: int = 1
    _substituted: int = 0
    _lenient: int = 0
    loops: int = 0
    rounds: int = 0

    def __post_init__(self) -> None:
        given = self.context.environment if self.environment is None else self.environment
        self.variables = dict(given)
        self.exported = set(given)
        self.io.shell = self.name

    # Scripts

    def run(self, script: grammar.Script) -> Steps:
        """Run a whole `sh -c`; the last command takes a bash's place, not that of a plain shell."""
        yield from self._until_exit(script, last=not self.io.posix)
        if self.at_exit is not None:
            script, self.at_exit, status = self.at_exit, None, self.status
            yield from self._until_exit(script)
            self.status = status
        return self.status

    def _until_exit(self, script: grammar.Script, *, last: bool = False) -> Steps:
        try:
            yield from self.run_list(script, last=last)
        except Exit as exit_:
            self.status = exit_.status
        return self.status

    def run_list(self, script: grammar.Script, *, last: bool = False) -> Steps:
        """Run commands one after another."""
        for place, item in enumerate(script.items):
            yield from self._and_or(item, last=last and place == len(script.items) - 1)
        return self.status

    def _and_or(self, item: grammar.AndOr, *, last: bool) -> Steps:
        pipelines = [("", item.first), *item.rest]
        for place, (joint, pipeline) in enumerate(pipelines):
            final = place == len(pipelines) - 1
            if joint and (joint == "&&") != (self.status == 0):
                continue
            # What is tested may fail, and whatever runs inside of it.
            self._lenient += not final or pipeline.negated
            try:
                yield from self._pipeline(pipeline, last=last and final)
            finally:
                self._lenient -= not final or pipeline.negated
            counts = final and _fails_alone(pipeline) and not self._lenient
            if self.stops_on_failure and self.status and counts:
                raise Exit(self.status)
        return self.status

    def _condition(self, script: grammar.Script) -> Steps:
        self._lenient += 1
        try:
            return (yield from self.run_list(script))
        finally:
            self._lenient -= 1

    def _pipeline(self, pipeline: grammar.Pipeline, *, last: bool) -> Steps:
        if len(pipeline.commands) == 1:
            yield from self._command(pipeline.commands[0], last=last and not pipeline.negated)
        else:
            stdin = self.io.stdin
            before = self.status
            for command in pipeline.commands[:-1]:
                # Each part of a real pipeline starts out with the same `$?`.
                self.io.stdin = yield from self._captured(self._subshell(command))
                self.status = before
            yield from self._subshell(pipeline.commands[-1])
            self.io.stdin = stdin
        if pipeline.negated:
            self.status = int(self.status == 0)
        return self.status

    def _subshell(self, command: grammar.Command) -> Steps:
        kept = dict(self.variables), set(self.exported), self.io.cwd, self.trap, self.loops
        stops, at_exit = self.stops_on_failure, self.at_exit
        self.at_exit, self.loops = None, 0
        try:
            yield from self._command(command)
        except Exit as exit_:
            self.status = exit_.status
        self.variables, self.exported, self.io.cwd, self.trap, self.loops = kept
        self.stops_on_failure, self.at_exit = stops, at_exit
        return self.status

    def _command(self, command: grammar.Command, *, last: bool = False) -> Steps:
        match command:
            case grammar.Simple():
                yield from self._simple(command, last=last)
            case grammar.If(branches, otherwise):
                yield from self._if(branches, otherwise, last=last)
            case grammar.For(name, words, body):
                items: list[str] = []
                for word in words:
                    items.extend((yield from self._expand(word)))
                self.status = self.status if items else 0
                for item in items:
                    self.variables[name] = item
                    if not (yield from self._round(body)):
                        break
            case grammar.While(condition, body, until):
                yield from self._while(condition, body, until=until)
            case grammar.Redirected(inner, redirections):
                self.status = yield from self._all_redirected(self._command(inner), redirections)
            case grammar.Group(body, subshell):
                if subshell:
                    yield from self._subshell(grammar.Group(body, subshell=False))
                else:
                    yield from self.run_list(body, last=last)
        return self.status

    def _if(
        self,
        branches: tuple[tuple[grammar.Script, grammar.Script], ...],
        otherwise: grammar.Script | None,
        *,
        last: bool,
    ) -> Steps:
        for condition, body in branches:
            if not (yield from self._condition(condition)):
                return (yield from self.run_list(body, last=last))
        if otherwise is not None:
            return (yield from self.run_list(otherwise, last=last))
        self.status = 0
        return 0

    def _while(self, condition: grammar.Script, body: grammar.Script, *, until: bool) -> Steps:
        status = 0
        while ((yield from self._condition(condition)) == 0) != until:
            self.rounds += 1
            if self.rounds > ROUNDS:
                raise grammar.ShellSyntaxError(
                    f"a loop went round {ROUNDS:,} times and let no time pass"
                )
            again = yield from self._round(body)
            status = self.status
            if not again:
                break
        self.status = status
        return status

    def _round(self, body: grammar.Script) -> Work[bool]:
        """Go round a loop once; returns whether to go on."""
        self.loops += 1
        try:
            yield from self.run_list(body)
        except Loop as loop:
            return loop.again
        finally:
            self.loops -= 1
        return True

    # Simple commands

    def _simple(self, command: grammar.Simple, *, last: bool) -> Steps:
        words: list[str] = []
        for word in command.words:
            words.extend((yield from self._expand(word)))
        steps = self._assigned(command, words, last=last)
        self.status = yield from self._all_redirected(steps, command.redirections)
        return self.status

    def _assigned(self, command: grammar.Simple, words: list[str], *, last: bool) -> Steps:
        """Run a command with the variables that are set for it; its redirections hold for both."""
        assigned = {}
        for name, word in command.assignments:
            assigned[name] = "".join((yield from self._expand(word, split=False)))
        substituted, self._substituted = self._substituted, 0
        if words:
            return (yield from self.call(words, assigned, last=last))
        # The status of no command is that of the last `$(...)`, if there was one.
        self.variables.update(assigned)
        return substituted

    def _all_redirected(self, steps: Steps, redirections: tuple[grammar.Redirection, ...]) -> Steps:
        # They hold in the order written, so that the last one is the innermost.
        for redirection in reversed(redirections):
            target = "".join((yield from self._expand(redirection.target, split=False)))
            steps = self._redirected(steps, redirection, target)
        return (yield from steps)

    def call(self, words: list[str], assigned: dict[str, str], *, last: bool) -> Steps:
        """Run a command whose words are known."""
        name, args = words[0], words[1:]
        special = COMMANDS.get(name)
        if name == ":":
            self.variables.update(assigned)
            return 0
        if special is not None:
            return (yield from special(self, args))
        base = name.rpartition("/")[2]
        if base in ("sh", "bash", "dash") and args[:1] == ["-c"] and len(args) > 1:
            # The last command takes the shell's own place, where it may.
            pid = self.pid if last and self.trap is None else self.context.next_pid()
            inner = Shell(
                self.context,
                name,
                tuple(args[2:]),
                self._environment(assigned),
                io=Io(self.io.stdin, self.io.cwd),
                pid=pid,
            )
            try:
                return (yield from inner.run(parse(args[1])))
            except Killed as killed:
                if pid == self.pid:
                    raise
                if killed.group:
                    return (yield from self._terminated(killed.status))
                if killed.said:
                    yield Stderr(f"{killed.said}\n".encode())
                return killed.status
        builtin = BUILTINS.get(base)
        if builtin is None:
            self.context.unknown.append(name)
            if not self.context.unknown_fails:
                return 0
            yield Stderr(f"{self.name}: 1: {name}: not found\n".encode(errors="surrogateescape"))
            return NOT_FOUND
        self.io.environment = self._environment(assigned)
        child = (not last or self.trap is not None or self.pid != 1) and not self.deaf
        steps = builtin(self.context, args, self.io)
        status = 0
        try:
            step = next(steps)
            while True:
                if isinstance(step, Sleep):
                    self.rounds = 0
                    step = Sleep(step.seconds, child=child)
                status = yield step
                if status:
                    steps.close()
                    return (yield from self._terminated(status))
                step = steps.send(status)
        except StopIteration as stop:
            return stop.value or 0
        except OSError as error:
            # What it writes to is full (JOB-SM-10, VOL-28).
            steps.close()
            yield self._unwritten(name, error)
            return 1

    def _unwritten(self, name: str, error: OSError) -> Stderr:
        problem = f"{name}: write error: {error.strerror}"
        if self.io.posix and name in BUILT_INTO_SH:
            problem = f"{self.name}: 1: {name}: {name}: I/O error"
        return Stderr(f"{problem}\n".encode(errors="surrogateescape"))

    def _environment(self, assigned: dict[str, str]) -> dict[str, str]:
        """Give what a command sees: the exported variables and those set for it alone."""
        return {name: self.variables[name] for name in self.variables if name in self.exported} | (
            assigned
        )

    def _terminated(self, status: int) -> Steps:
        """A child died of SIGTERM: say so, run the trap, if there is one, and go on."""
        if self.trap is None and self.pid != 1:
            raise Killed(TERM, group=True)
        yield Stderr(b"Terminated\n")
        if self.trap is None:
            return status
        trap, self.trap = self.trap, None
        yield from self.run_list(trap)
        self.trap = trap
        return status

    def _redirected(self, steps: Steps, redirection: grammar.Redirection, target: str) -> Steps:
        """Give a command's steps with one of its streams sent elsewhere."""
        match redirection.operator, target:
            case ">&", "1" | "2":
                sink = Stdout if target == "1" else Stderr
                return (yield from _moved(steps, redirection.stream, sink))
            case ">" | ">>", "/dev/null":
                return (yield from _moved(steps, redirection.stream, None))
            case ">" | ">>", _:
                path = self.context_path(target)
                files = self.context.files
                try:
                    files.write(path, b"", append=redirection.operator == ">>")
                except OSError as error:
                    steps.close()
                    problem = CANNOT_CREATE.get(error.errno or 0, error.strerror)
                    yield Stderr(f"{self.name}: 1: cannot create {target}: {problem}\n".encode())
                    return 2
                try:
                    return (yield from _moved(steps, redirection.stream, _adding(files, path)))
                except OSError:
                    # It could not even say that there is no room.
                    return 1
            case "<", _:
                path = self.context_path(target)
                if target != "/dev/null" and path not in self.context.files:
                    text = f"{self.name}: 1: cannot open {target}: No such file\n"
                    yield Stderr(text.encode())
                    return 2
                stdin, self.io.stdin = self.io.stdin, self.context.files.get(path, b"")
                status = yield from steps
                self.io.stdin = stdin
                return status
        raise grammar.ShellSyntaxError(
            f"{redirection.operator}{target} is more than this shell knows"
        )

    def context_path(self, path: str) -> str:
        """Give a file's place relative to /work."""
        return self.io.place(path)

    def _captured(self, steps: Steps) -> Work[bytes]:
        """Run something and return what it wrote to stdout."""
        kept: list[bytes] = []
        self.status = yield from _moved(steps, 1, kept.append)
        return b"".join(kept)

    # Words

    def _expand(self, word: grammar.Word, *, split: bool = True) -> Work[list[str]]:
        """Give the words that a word becomes; unquoted values are split at blanks."""
        words = Words()
        for piece in word:
            quoted = True
            if isinstance(piece, grammar.Text):
                value = piece.text
            elif isinstance(piece, grammar.Arithmetic):
                try:
                    value = str(compute(piece.expression, self.variables))
                except UncomputableError as error:
                    yield Stderr(f"{self.name}: 1: {error}\n".encode(errors="surrogateescape"))
                    raise Exit(2) from None
            elif isinstance(piece, grammar.Variable) and piece.name == "@" and piece.quoted:
                words.each(self.args[1:])
                continue
            elif isinstance(piece, grammar.Variable):
                value, quoted = self._variable(piece), piece.quoted
            else:
                before = self.status
                output = yield from self._captured(self._subshell(_group(piece.script)))
                # `$?` stays the last command's; a command that is nothing else takes this one.
                self._substituted, self.status = self.status, before
                value = output.decode(errors="surrogateescape").rstrip("\n")
                quoted = piece.quoted
            if quoted or not split:
                words.join(value)
            else:
                words.split(value)
        return words.all()

    def _variable(self, piece: grammar.Variable) -> str:
        name = piece.name
        special = {
            "?": str(self.status),
            "$": str(self.pid),
            "#": str(max(0, len(self.args) - 1)),
            "@": " ".join(self.args[1:]),
            "*": " ".join(self.args[1:]),
            "0": self.args[0] if self.args else self.name,
        }
        if name in special:
            return special[name]
        if name.isdigit():
            return self.args[int(name)] if int(name) < len(self.args) else ""
        return self.variables.get(name) or piece.default or ""


def _fails_alone(pipeline: grammar.Pipeline) -> bool:
    """Tell whether its failure ends a shell after `set -e`.

    What runs inside of braces, conditions and loops has had its own say.
    """
    last = pipeline.commands[-1]
    if isinstance(last, grammar.Redirected):
        last = last.command
    simple = isinstance(last, grammar.Simple) or (isinstance(last, grammar.Group) and last.subshell)
    return not pipeline.negated and (simple or len(pipeline.commands) > 1)


def _group(script: grammar.Script) -> grammar.Group:
    return grammar.Group(script, subshell=False)


def _moved(
    steps: Steps,
    stream: int,
    sink: type[Stdout | Stderr] | Callable[[bytes], None] | None,
) -> Steps:
    """Pass steps on, with what goes to one stream given to a sink."""
    moved = Stdout if stream == 1 else Stderr
    status = 0
    try:
        step = next(steps)
        while True:
            try:
                if not isinstance(step, moved):
                    status = yield step
                elif sink is Stdout or sink is Stderr:
                    status = yield sink(step.data)
                elif sink is not None:
                    sink(step.data)
                    status = 0
            except OSError as error:
                # Whoever wrote it learns that there is no room for it.
                step = steps.throw(error)
            else:
                step = steps.send(status)
    except StopIteration as stop:
        return stop.value or 0


def _adding(files: JobFiles, path: str) -> Callable[[bytes], None]:
    return lambda data: files.write(path, data, append=True)
