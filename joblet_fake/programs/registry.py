"""`joblet.programs`: which program runs for a job, and how it is started."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar
from weakref import WeakSet

from joblet_fake.model import system_lines
from joblet_fake.programs.builtin import BUILTINS
from joblet_fake.programs.choice import Choice, choose
from joblet_fake.programs.code_process import CodeProcess
from joblet_fake.programs.command_io import Io
from joblet_fake.programs.context import context_of
from joblet_fake.programs.generator import GeneratorProgram, Registered, label
from joblet_fake.programs.job_files import folder_of
from joblet_fake.programs.launcher import before_command, failing
from joblet_fake.programs.local import Local
from joblet_fake.programs.run import LaidDown, ScriptedProcess
from joblet_fake.programs.script import Script
from joblet_fake.programs.shell import Shell
from joblet_fake.programs.shell_grammar import ShellSyntaxError
from joblet_fake.programs.shell_parser import parse
from joblet_fake.programs.steps import Hang, Stderr, Stdout
from joblet_fake.words import Named

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from joblet_fake.clock import Clock
    from joblet_fake.model.copying import Copying
    from joblet_fake.model.job import Job, JobSpec
    from joblet_fake.model.process import Output, Process
    from joblet_fake.programs.context import Context
    from joblet_fake.programs.entry import Entry
    from joblet_fake.programs.run import Run
    from joblet_fake.programs.steps import AnyProgram, Steps

SHELLS: Final = ("sh", "bash", "dash")
UNKNOWN: Final = ("succeed", "not found")

LIMIT: Final = 10.0
"""Real seconds that code of the test may take from one step to the next."""

EXPLAINED: Final = 10_000
"""How many jobs can be explained, the newest."""

F = TypeVar("F", bound=GeneratorProgram)


@dataclass(frozen=True, slots=True)
class State:
    """What programs have done until some moment.

    Attributes:
        chosen: which program ran for a job, by the job's id.
        runs: how often each program has run.
    """

    chosen: Mapping[str, tuple[Job, Choice]]
    runs: Mapping[Entry, int]


class Programs(Named):
    """What jobs do when they run: said by the test, built in, or real local processes.

    The most specific program that matches a job wins, the last written among equals. Without one,
    a built-in command runs; with local execution a real process does. A command that none of
    them knows succeeds with no output, and the job's explanation says that nothing was run.

    Args:
        clock: when things happen.
        local: run jobs without a program of the test as real local processes.
        timeout: real seconds after which a local process is killed.
        limit: real seconds that a generator may take from one step to the next.

    Attributes:
        runs: how many jobs each program of the test has run for.
    """

    _called = "joblet.programs"

    def __init__(
        self,
        clock: Clock,
        *,
        local: bool = False,
        timeout: float = 300.0,
        limit: float = LIMIT,
    ) -> None:
        self._clock = clock
        self._limit = limit
        self._entries: tuple[Entry, ...] = ()
        self._default: Script | None = None
        self._unknown = UNKNOWN[0]
        self._local = Local(clock, timeout) if local else None
        self._running: WeakSet[CodeProcess] = WeakSet()
        self._chosen: dict[str, tuple[Job, Choice]] = {}
        self.runs: dict[Entry, int] = {}

    # The test's side

    def on(
        self,
        command: str | None = None,
        *,
        args: Sequence[str] | None = None,
        name: str | None = None,
        env: Mapping[str, str] | None = None,
        when: Callable[[JobSpec], object] | None = None,
    ) -> Script:
        r"""Say what matching jobs do; without any condition, what every job does.

        Args:
            command: the command, exactly.
            args: the arguments, all of them.
            name: the name in RunJob's request; generation 2.3 shows it nowhere (JOB-RUN-55).
            env: variables that are set so, plain or secret.
            when: a predicate over the job's request. It is called when RunJob comes, on a thread
                of its own and outside of all locks, so that it may call the fake; what it raises
                fails the test.

        Returns:
            A script, to be continued: `.prints(...)`, `.sleeps(...)`, `.exits(...)` and others.

        Raises:
            TypeError: a condition is of a type that no job's request has.

        >>> from joblet_fake.clock import Clock
        >>> Programs(Clock("frozen")).on("train").prints("epoch 1\n").exits(3)
        on(command='train').prints('epoch 1\n').exits(3)
        """
        return self.add(Script(command=command, args=args, name=name, env=env, when=when))

    def add(self, script: Script) -> Script:
        """Use a script that was made elsewhere, such as by `joblet_fake.strategies.programs`.

        >>> from joblet_fake.clock import Clock
        >>> Programs(Clock("frozen")).add(Script(command="train").exits(3))
        on(command='train').exits(3)
        """
        self._entries = (*self._entries, script)
        return script

    def register(
        self,
        command: str | None = None,
        *,
        args: Sequence[str] | None = None,
        name: str | None = None,
        env: Mapping[str, str] | None = None,
        when: Callable[[JobSpec], object] | None = None,
    ) -> Callable[[F], F]:
        r"""Have a generator function say what matching jobs do: a decorator.

        The function is called with a `RunningJob`. It yields steps, and what it returns is the
        exit code, nothing being 0. It runs on a thread of its own, without any lock, so that it
        may call the fake; whoever moved time, or called RunJob, waits until it sleeps or ends. What
        it raises fails the test, and the job. Its own code takes no time on the clock.

        Args:
            command: the command, exactly.
            args: the arguments, all of them.
            name: the name in RunJob's request.
            env: variables that are set so, plain or secret.
            when: a predicate over the job's request, as for `on`.

        Raises:
            TypeError: what is decorated is no generator function of one argument, or a condition
                is of a type that no job's request has.

        >>> from joblet_fake import FakeJoblet, Metrics, Sleep, Stderr, Stdout
        >>> with FakeJoblet(clock="frozen") as joblet:
        ...     @joblet.programs.register("train.py")
        ...     def train(job):
        ...         yield Stdout(b"epoch 1\n")
        ...         yield Sleep(30)
        ...         yield Metrics(cpu_percent=93.0, memory_bytes=512 << 20)
        ...         yield Stderr(b"warning: lr\n")
        ...         return 0
        ...     job_id = joblet.rpc("RunJob", command="train.py").job_uuid
        ...     joblet.clock.advance(30)
        ...     job = joblet.jobs[job_id]
        ...     print(job.status, repr(job.stdout), repr(job.stderr))
        COMPLETED 'epoch 1\n' 'warning: lr\n'
        """
        if callable(command):
            raise TypeError(
                f"@register on {label(command)} lacks the command that it is for: write "
                f"@joblet.programs.register('...'), or register() for every job"
            )

        def registered(function: F) -> F:
            entry = Registered(function, command=command, args=args, name=name, env=env, when=when)
            self._entries = (*self._entries, entry)
            return function

        return registered

    def default(self, *, unknown: str | None = None) -> Script:
        """Say what a job does whose command no program knows.

        Args:
            unknown: `"not found"` fails such jobs as a host without the command does, with exit
                code 1 and the server's line in the log (JOB-RUN-65); `"succeed"` takes that back.

        Returns:
            A script for such jobs, to be continued; it counts from its first step on.

        Raises:
            ValueError: `unknown` is neither.

        >>> from joblet_fake.clock import Clock
        >>> programs = Programs(Clock("frozen"))
        >>> programs.default().prints("unknown, and yet it ran").exits(0)
        on().prints('unknown, and yet it ran').exits(0)
        """
        if unknown is not None:
            if unknown not in UNKNOWN:
                raise ValueError(f"unknown={unknown!r}: it is one of {', '.join(UNKNOWN)}")
            self._unknown = unknown
            self._default = None
            # What would be said here would never happen, so that saying it is refused.
            return Script().ends(f"default(unknown={unknown!r})")
        self._default = Script()
        return self._default

    def explain(self, job_id: str) -> str:
        r"""Say which program ran for a job and why, and why the others did not.

        Args:
            job_id: the job's id, all of it.

        Raises:
            KeyError: no program was started for such a job.

        >>> from joblet_fake import FakeJoblet
        >>> with FakeJoblet(clock="frozen") as joblet:
        ...     _ = joblet.programs.on("train", args=["--fast"]).exits(1)
        ...     _ = joblet.programs.on("train").prints("loss 0.1\n")
        ...     job_id = joblet.rpc("RunJob", command="train").job_uuid
        ...     print(joblet.programs.explain(job_id))  # doctest: +ELLIPSIS
        job ...-...: train
        scripted: on(command='train').prints('loss 0.1\n')
        why: it alone fits
        does not fit, since the arguments are []: on(command='train', args=['--fast']) (...)
        """
        found = self._chosen.get(job_id)
        if found is None:
            raise KeyError(
                f"no program was started for a job {job_id!r}: see joblet.jobs[...].status, and "
                "give the whole id"
            )
        job, choice = found
        words = " ".join((job.spec.command, *job.spec.args))
        return "\n".join(
            [
                f"job {job.uuid}: {words}",
                job.explanation,
                f"why: {choice.reason()}",
                *choice.verdicts(),
            ]
        )

    @property
    def unused(self) -> list[Entry]:
        """The scripts and generators that no job has run yet, in the order written.

        >>> from joblet_fake import FakeJoblet
        >>> with FakeJoblet() as joblet:
        ...     _ = joblet.programs.on("trian").exits(1)
        ...     _ = joblet.programs.on("test").exits(0)
        ...     _ = joblet.rpc("RunJob", command="test")
        ...     joblet.programs.unused
        [on(command='trian').exits(1)]
        """
        return [entry for entry in self._entries if entry not in self.runs]

    def forget(self, job: Job) -> None:
        """Explain a job no more that the server has forgotten."""
        self._chosen.pop(job.uuid, None)

    def clear(self) -> None:
        """Forget all programs and end all processes."""
        self._entries = ()
        self._default = None
        self._unknown = UNKNOWN[0]
        self._chosen.clear()
        self.runs.clear()
        self.close()

    def close(self) -> None:
        """End all processes; real ones leave no folder behind."""
        for process in tuple(self._running):
            process.abandon()
        self._running.clear()
        self.close_local()

    def close_local(self) -> None:
        """End all real processes; called without the lock, which their end needs."""
        if self._local is not None:
            self._local.close()

    # The server's side

    @property
    def asks_user_code(self) -> bool:
        """Whether `choose` would call predicates of the test."""
        return any(entry.when is not None for entry in self._entries)

    @property
    def busy(self) -> bool:
        """Whether a local process is at work."""
        return self._local is not None and self._local.busy

    @property
    def real(self) -> bool:
        """Whether jobs begin at once, whatever the pace: local processes do."""
        return self._local is not None

    def choose(self, spec: JobSpec, *, asking: bool = True) -> Choice:
        """Choose what runs for a job.

        Args:
            spec: what was asked for.
            asking: whether predicates are called, which needs a caller without any lock; programs
                with one are left out otherwise.
        """
        return choose(spec, self._entries, asking=asking)

    def launch(
        self,
        job: Job,
        output: Output,
        exited: Callable[[int], None],
        delay: float = 0,
    ) -> Process:
        """Start what a job runs, and say in `job.explanation` what that is.

        Raises:
            LaunchError: the script says so, or a local process can't be made.
        """
        choice = job.spec.program
        if not isinstance(choice, Choice):
            # Predicates had their say when RunJob came; here the model's lock is held.
            choice = self.choose(job.spec, asking=False)
        self._chosen[job.uuid] = (job, choice)
        if len(self._chosen) > EXPLAINED:
            del self._chosen[next(iter(self._chosen))]
        entry = choice.entry
        context = context_of(job, self._clock)
        lines, fails = before_command(context, self._clock.now_ns())
        if fails:
            job.explanation = "nothing was run: the client set variables of the launcher's"
            return ScriptedProcess(failing(lines), context, output, exited, delay)
        if entry is None and self._local is not None:
            job.explanation = "a real local process"
            if lines:
                output(lines)
            return self._local.launch(job, output, exited, delay)
        if entry is None:
            program: AnyProgram = self._unscripted(job, context)
        else:
            context.attempt = attempt = self._next_attempt(entry)
            job.explanation = entry.describe(attempt)
            entry.check_start(attempt)
            program = entry.for_attempt(attempt)
        if isinstance(entry, Registered):
            return self._of_test(program, context, output, exited, delay, opening=lines)
        return ScriptedProcess(program, context, output, exited, delay, opening=lines)

    def resume(
        self,
        job: Job,
        output: Output,
        exited: Callable[[int], None],
        laid: object,
        copying: Copying,
    ) -> Process:
        """Give a process that goes on for another: see `Launcher.resume`."""
        if not isinstance(laid, LaidDown):
            raise TypeError(f"{laid!r} was laid down by somebody else")
        past = laid.run
        context = context_of(job, self._clock)
        context.attempt = past.attempt
        opening, _ = before_command(context, self._clock.now_ns())
        make = self._of_test if past.of_test else ScriptedProcess
        process = make(past.program, context, output, exited, past=past, opening=opening)
        process.waits_as(laid, copying)
        return process

    def state(self, copying: Copying) -> object:
        """Give which program ran for which job, and how often each has run."""
        return State(self._copied(self._chosen, copying), dict(self.runs))

    @staticmethod
    def _copied(
        chosen: Mapping[str, tuple[Job, Choice]], copying: Copying
    ) -> dict[str, tuple[Job, Choice]]:
        return {uuid: (copying.of(job), choice) for uuid, (job, choice) in chosen.items()}

    def restore(self, state: object, copying: Copying, processes: Sequence[Process]) -> None:
        """Know again which program ran for which job; all processes but those given end."""
        if not isinstance(state, State):
            raise TypeError(f"{state!r} is the state of something else")
        self._chosen = self._copied(state.chosen, copying)
        self.runs = dict(state.runs)
        for process in tuple(self._running):
            if process not in processes:
                process.abandon()
                self._running.discard(process)

    def _next_attempt(self, entry: Entry) -> int:
        """Count a run of a program of the test; give the how manieth it is."""
        self.runs[entry] = attempt = self.runs.get(entry, 0) + 1
        return attempt

    def _of_test(
        self,
        program: AnyProgram,
        context: Context,
        output: Output,
        exited: Callable[[int], None],
        delay: float = 0,
        *,
        past: Run | None = None,
        opening: bytes = b"",
    ) -> CodeProcess:
        context.label = label(program)
        process = CodeProcess(
            program,
            context,
            output,
            exited,
            delay,
            past=past,
            opening=opening,
            owner=self,
            limit=self._limit,
        )
        self._running.add(process)
        return process

    def _unscripted(self, job: Job, context: Context) -> AnyProgram:
        base = context.command.rpartition("/")[2]
        if base in SHELLS and context.args[:1] == ("-c",) and context.args[1:]:
            try:
                script = parse(context.args[1])
            except (ShellSyntaxError, RecursionError) as error:
                return self._nothing(job, f"the script of {base} -c: {error}")
            job.explanation = f"built in: {base} -c"

            def shell(context: Context) -> Steps:
                context.unknown_fails = self._unknown == "not found"
                try:
                    io = Io(cwd=folder_of(job))
                    shell = Shell(context, context.program, context.args[2:], io=io)
                    status = yield from shell.run(script)
                except (ShellSyntaxError, RecursionError) as error:
                    context.job.explanation += f"; ended early, since {error}"
                    return 2
                if context.unknown:
                    names = ", ".join(repr(name) for name in dict.fromkeys(context.unknown))
                    outcome = "not found" if context.unknown_fails else "nothing was run for"
                    context.job.explanation += f"; {outcome} {names}, which no program knows"
                return status

            return shell
        builtin = BUILTINS.get(base)
        if builtin is None:
            return self._nothing(job, repr(context.command))
        job.explanation = f"built in: {base}"
        io = Io(cwd=folder_of(job))
        return lambda context: _called(builtin(context, list(context.args), io), context, base)

    def _nothing(self, job: Job, what: str) -> AnyProgram:
        default = self._default
        if default is not None:
            job.explanation = f"no program knows {what}; default: {default!r}"
            attempt = self._next_attempt(default)
            default.check_start(attempt)
            return default.for_attempt(attempt)
        choice = job.spec.program
        if isinstance(choice, Choice) and choice.unknown_hangs:
            job.explanation = (
                f"nothing was run: no program knows {what}; the test put the job there as RUNNING, "
                "so that it hangs until it is stopped"
            )

            def hanging(_context: Context) -> Steps:
                yield Hang()
                return 0

            return hanging
        if self._unknown == "not found":
            job.explanation = f"no program knows {what}; it failed as a command that is not there"

            def not_found(context: Context) -> Steps:
                now, command = self._clock.now_ns(), context.command
                if command.startswith("/"):
                    # No upload can be executed (JOB-RUN-72).
                    uploaded = Io().place(command) in context.files
                    reason = "permission denied" if uploaded else "no such file or directory"
                    yield Stdout(system_lines.exec_failed(now, job.uuid, reason))
                else:
                    yield Stdout(system_lines.unknown_command(now, command))
                return 1

            return not_found
        job.explanation = (
            f"nothing was run: no program knows {what}; the job succeeded with no output "
            "(joblet.programs.on(...) scripts it, exec runs it for real)"
        )

        def nothing(_context: Context) -> Steps:
            yield from ()
            return 0

        return nothing


def _called(steps: Steps, context: Context, base: str) -> Steps:
    """Give a command that names itself in its errors as a job's process is called: by its path."""
    mentions = re.compile(rf"^{re.escape(base)}(?=:)|(?<=^Try '){re.escape(base)}", re.MULTILINE)
    status = 0
    try:
        while True:
            step = steps.send(status) if status else next(steps)
            if isinstance(step, Stderr):
                text = step.data.decode(errors="surrogateescape")
                told = mentions.sub(context.program.replace("\\", r"\\"), text)
                step = Stderr(told.encode(errors="surrogateescape"))
            status = yield step
    except StopIteration as stop:
        return stop.value or 0
