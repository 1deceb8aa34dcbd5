"""`joblet.programs`: which program runs for a job, and how it is started."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from joblet_fake.model import system_lines
from joblet_fake.programs.builtin import BUILTINS
from joblet_fake.programs.command_io import Io
from joblet_fake.programs.context import context_of
from joblet_fake.programs.local import Local
from joblet_fake.programs.run import ScriptedProcess
from joblet_fake.programs.script import Script
from joblet_fake.programs.shell import Shell
from joblet_fake.programs.shell_grammar import ShellSyntaxError
from joblet_fake.programs.shell_parser import parse
from joblet_fake.programs.steps import Stdout

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from joblet_fake.clock import Clock
    from joblet_fake.model.job import Job, JobSpec
    from joblet_fake.model.process import Output, Process
    from joblet_fake.programs.context import Context
    from joblet_fake.programs.steps import Steps

SHELLS: Final = ("sh", "bash", "dash")
UNKNOWN: Final = ("succeed", "not found")


class Programs:
    """What jobs do when they run: scripted by the test, built in, or real local processes.

    The most specific script that matches a job wins, the last written among equals. Without one,
    a built-in command runs; with local execution a real process does. A command that none of
    them knows succeeds with no output, and the job's explanation says that nothing was run.

    Args:
        clock: when things happen.
        local: run jobs without a script as real local processes.
        timeout: real seconds after which a local process is killed.
    """

    def __init__(self, clock: Clock, *, local: bool = False, timeout: float = 300.0) -> None:
        self._clock = clock
        self._scripts: list[Script] = []
        self._default: Script | None = None
        self._unknown = UNKNOWN[0]
        self._local = Local(clock, timeout) if local else None

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
        self._scripts.append(script)
        return script

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

    def clear(self) -> None:
        """Forget all scripts and end all processes."""
        self._scripts.clear()
        self._default = None
        self._unknown = UNKNOWN[0]
        self.close()

    def close(self) -> None:
        """End all real processes and remove their folders."""
        if self._local is not None:
            self._local.close()

    # The server's side

    @property
    def asks_user_code(self) -> bool:
        """Whether `choose` would call predicates of the test."""
        return any(script.when is not None for script in self._scripts)

    @property
    def busy(self) -> bool:
        """Whether a local process is at work."""
        return self._local is not None and self._local.busy

    def choose(self, spec: JobSpec, *, asking: bool = True) -> Script | None:
        """Give the script for a job.

        Args:
            spec: what was asked for.
            asking: whether predicates are called, which needs a caller without any lock; scripts
                with one are left out otherwise.
        """
        best: Script | None = None
        for script in tuple(self._scripts):
            if script.when is not None and not asking:
                continue
            fits = script.matches(spec) and (script.when is None or script.when(spec))
            if fits and (best is None or script.weight >= best.weight):
                best = script
        return best

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
        chosen = job.spec.program
        if chosen is None:
            # Predicates had their say when RunJob came; here the model's lock is held.
            chosen = self.choose(job.spec, asking=False)
        if isinstance(chosen, Script):
            job.explanation = f"scripted: {chosen!r}"
            chosen.check_start()
            program: Callable[[Context], Steps] = chosen
        elif self._local is not None:
            job.explanation = "a real local process"
            return self._local.launch(job, output, exited, delay)
        else:
            program = self._unscripted(job)
        context = context_of(job, self._clock)
        return ScriptedProcess(program(context), self._clock, output, exited, delay)

    def _unscripted(self, job: Job) -> Callable[[Context], Steps]:
        context = context_of(job, self._clock)
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
                    shell = Shell(context, base, context.args[2:])
                    status = yield from shell.run(script)
                except (ShellSyntaxError, RecursionError) as error:
                    job.explanation += f"; ended early, since {error}"
                    return 2
                if context.unknown:
                    names = ", ".join(repr(name) for name in dict.fromkeys(context.unknown))
                    outcome = "not found" if context.unknown_fails else "nothing was run for"
                    job.explanation += f"; {outcome} {names}, which no program knows"
                return status

            return shell
        builtin = BUILTINS.get(base)
        if builtin is None:
            return self._nothing(job, repr(context.command))
        job.explanation = f"built in: {base}"
        return lambda context: builtin(context, list(context.args), Io())

    def _nothing(self, job: Job, what: str) -> Callable[[Context], Steps]:
        default = self._default
        if default is not None:
            job.explanation = f"no program knows {what}; default: {default!r}"
            default.check_start()
            return default
        if self._unknown == "not found":
            job.explanation = f"no program knows {what}; it failed as a command that is not there"

            def not_found(context: Context) -> Steps:
                yield Stdout(
                    system_lines.unknown_command(self._clock.now_ns(), context.command),
                )
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
