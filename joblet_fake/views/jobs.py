"""`joblet.jobs`: what a test sees of a server's jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, Final

from joblet_fake.exchange import wait_until, wait_until_async
from joblet_fake.model.errors import Refusal
from joblet_fake.model.job import CANCELED, FINISHED, RUNNING, JobSpec
from joblet_fake.model.seeding import Past, add_job
from joblet_fake.views.moments import to_moment, to_nanos
from joblet_fake.words import Named, check_text, check_texts, check_whole, near

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from joblet_fake.exchange import Watch
    from joblet_fake.model.job import Job
    from joblet_fake.model.model import Model
    from joblet_fake.programs import Programs

OVER = FINISHED | {CANCELED}

SHOWN = 10
"""How many known jobs an error about an unknown one lists."""


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


OWN: Final = ("status", "exit_code", "stdout", "stderr", "started", "ended", "due", "uuid")
"""What a job is put on the server with, beside the fields of RunJob's request."""


class JobView(Named):
    """One job, as it is at the moment of asking; made by `joblet.jobs[...]`."""

    _called = "a job"

    __slots__ = ("_job", "_model")

    def __init__(self, model: Model, job: Job) -> None:
        self._model = model
        self._job = job

    def __repr__(self) -> str:
        words = " ".join((self.command, *self.args))
        return f"<job {self.uuid} {self.status} {words!r}>"

    @property
    def uuid(self) -> str:
        """The job's id."""
        return self._job.uuid

    @property
    def status(self) -> str:
        """The status word that GetJobStatus gives."""
        return self._job.status

    @property
    def statuses(self) -> list[tuple[datetime, str]]:
        """Every status it has had, with the clock's time at which it got it."""
        return [(to_moment(at), status) for at, status in self._job.statuses]

    @property
    def exit_code(self) -> int:
        """The exit code that GetJobStatus gives: 0 while there is none (JOB-STA-07)."""
        return self._job.exit_code

    @property
    def command(self) -> str:
        """The command, as it was sent."""
        return self._job.spec.command

    @property
    def args(self) -> tuple[str, ...]:
        """The arguments, as they were sent."""
        return self._job.spec.args

    @property
    def name(self) -> str:
        """The name that was sent; a server of generation 2.3 never shows it (JOB-RUN-55)."""
        return self._job.spec.name

    @property
    def environment(self) -> dict[str, str]:
        """The environment, as it was sent."""
        return dict(self._job.spec.environment)

    @property
    def secret_environment(self) -> dict[str, str]:
        """The secrets, as they were sent."""
        return dict(self._job.spec.secret_environment)

    @property
    def network(self) -> str:
        """The network's name; `bridge` when none was asked for (JOB-RUN-53)."""
        return self._job.spec.network

    @property
    def address(self) -> str | None:
        """What it got on its network; None where it has only `lo` (NET-28, NET-30, NET-32)."""
        return self._job.address

    @property
    def volumes(self) -> tuple[str, ...]:
        """The volumes' names, as they were sent."""
        return self._job.spec.volumes

    @property
    def runtime(self) -> str:
        """The runtime, as it was sent (JOB-RUN-18)."""
        return self._job.spec.runtime

    @property
    def started(self) -> datetime:
        """When it was submitted (JOB-STA-06)."""
        return to_moment(self._job.start_ns)

    @property
    def ended(self) -> datetime | None:
        """When it ended; None while it has not."""
        return to_moment(self._job.end_ns)

    @property
    def stdout_bytes(self) -> bytes:
        """What it wrote to stdout; a client sees stderr in between (JOB-LOG-02)."""
        return self._job.log.content("stdout")

    @property
    def stderr_bytes(self) -> bytes:
        """What it wrote to stderr; a process of local execution writes all to stdout."""
        return self._job.log.content("stderr")

    @property
    def output_bytes(self) -> bytes:
        """What it wrote, in the order written: the bytes that clients get."""
        return self._job.log.content()

    @property
    def stdout(self) -> str:
        """`stdout_bytes` as text; bytes that are no UTF-8 are replaced."""
        return self.stdout_bytes.decode(errors="replace")

    @property
    def stderr(self) -> str:
        """`stderr_bytes` as text; bytes that are no UTF-8 are replaced."""
        return self.stderr_bytes.decode(errors="replace")

    @property
    def explanation(self) -> str:
        """Which program ran for it, and why."""
        return self._job.explanation


class JobsView(Named, Mapping[str, JobView]):
    """The jobs of a server by id, oldest first; a job that was deleted is not there."""

    _called = "joblet.jobs"

    def __init__(
        self,
        model: Model,
        programs: Programs,
        check: Callable[[], None],
        inside: Callable[[], bool],
    ) -> None:
        self._model = model
        self._programs = programs
        self._check = check
        self._inside = inside

    def __getitem__(self, uuid: str) -> JobView:
        job = self._model.jobs.stored.exact(uuid)
        if job is None:
            raise self._unknown(uuid)
        return JobView(self._model, job)

    def __delitem__(self, uuid: str) -> None:
        self.remove(uuid)

    def __iter__(self) -> Iterator[str]:
        self._check()
        with self._model.clock.lock:
            jobs = sorted(self._model.jobs.stored, key=lambda job: job.number)
        return iter([job.uuid for job in jobs])

    def __len__(self) -> int:
        return len(self._model.jobs.stored)

    def add(
        self,
        command: str,
        args: Sequence[str] = (),
        *,
        status: str = "COMPLETED",
        exit_code: int | None = None,
        stdout: str | bytes = b"",
        stderr: str | bytes = b"",
        started: datetime | None = None,
        ended: datetime | None = None,
        due: datetime | None = None,
        uuid: str | None = None,
        **asked: Any,  # noqa: ANN401 - fields of RunJob's request, checked by their names
    ) -> JobView:
        r"""Put a job on the server, in any state, as if it had been run there.

        Args:
            command: the command.
            args: its arguments.
            status: one of INITIALIZING, RUNNING, COMPLETED, FAILED, STOPPED, SCHEDULED, CANCELED;
                a running job runs its program from now on, and hangs until it is stopped where no
                program knows its command; a scheduled one waits for its time.
            exit_code: None for the status's own: 1 for FAILED, else 0.
            stdout: what it has written; it is in its log and in the history.
            stderr: what it has written there, after stdout.
            started: when it was submitted, an aware datetime; now if not given.
            ended: when it ended; a second after it was submitted if not given.
            due: when it is due, for a scheduled job.
            uuid: its id; the next one if not given.
            **asked: further fields of RunJob's request: name, environment, volumes and the like.

        Raises:
            ValueError: no real job was ever so, or its id is taken; the message says why.
            TypeError: RunJob's request has no such field.

        >>> from joblet_fake import FakeJoblet
        >>> with FakeJoblet(clock="frozen") as joblet:
        ...     job = joblet.jobs.add("train", status="FAILED", exit_code=3, stderr="no GPU\n")
        ...     print(joblet.rpc("GetJobStatus", uuid=job.uuid).exit_code, job.stderr, end="")
        3 no GPU
        """
        self._check()
        possible = {each.name for each in fields(JobSpec)} - {"command", "args", "program"}
        unknown = set(asked) - possible
        if unknown:
            wrong = min(unknown)
            raise TypeError(f"add() has no argument {wrong}; {near(wrong, {*possible, *OWN})}")
        check_text(f"add({command!r})", command, "the command as text")
        check_texts(f"add(args={args!r})", args)
        if exit_code is not None:
            check_whole(f"add(exit_code={exit_code!r})", exit_code)
        spec = JobSpec(command, tuple(args), **asked)
        if status == RUNNING:
            # Predicates of the test are never called under the model's lock.
            choice = replace(self._programs.choose(spec), unknown_hangs=True)
            spec = replace(spec, program=choice)
        with self._model.clock.by_hand():
            start_ns = self._model.clock.now_ns() if started is None else to_nanos(started)
            end_ns = None if ended is None else to_nanos(ended)
            output = tuple(
                (start_ns if end_ns is None else end_ns, _bytes(data), stream)
                for data, stream in ((stdout, "stdout"), (stderr, "stderr"))
                if data
            )
            past = Past(
                status=status,
                exit_code=exit_code,
                start_ns=start_ns,
                end_ns=end_ns,
                due_ns=None if due is None else to_nanos(due),
                output=output,
                uuid=uuid,
            )
            return JobView(self._model, add_job(self._model, spec, past))

    def remove(self, uuid: str) -> None:
        """Remove a job with its history, as DeleteJob does (JOB-DEL-01).

        GetJobLogs still gives its output (JOB-DEL-06). A job that was just stopped comes back with
        its natural end (JOB-DEL-05). While persist is away, the history goes if that is back within
        ten seconds of the clock (PER-74).

        Args:
            uuid: the job's id.

        Raises:
            KeyError: there is none; the message lists those that there are.
            ValueError: the server would refuse it: the job is RUNNING, SCHEDULED or INITIALIZING.

        >>> from joblet_fake import FakeJoblet
        >>> joblet = FakeJoblet()
        >>> job = joblet.jobs.add("train", stdout="epoch 1")
        >>> joblet.jobs.remove(job.uuid)
        >>> len(joblet.jobs), len(joblet.history)
        (0, 0)
        """
        self._check()
        with self._model.change():
            if self._model.jobs.stored.exact(uuid) is None:
                raise self._unknown(uuid)
            try:
                self._model.lifecycle.delete(uuid)
            except Refusal as refusal:
                raise ValueError(f"the server would refuse it: {refusal.text}") from None

    def wait(self, uuid: str, timeout: float = 5) -> JobView:
        """Wait until a job is over: COMPLETED, FAILED, STOPPED or CANCELED.

        Args:
            uuid: the job's id.
            timeout: real seconds to wait at most.

        Raises:
            KeyError: there is no such job.
            TimeoutError: it is not over by then; the message says how it stands.
            RuntimeError: called where waiting would keep the fake itself from going on.
        """
        __tracebackhide__ = True
        view, watch, idle = self._waiting(uuid)
        if not wait_until(lambda: view.status in OVER, watch, timeout, idle=idle):
            raise TimeoutError(self._stuck(view, timeout))
        return view

    async def wait_async(self, uuid: str, timeout: float = 5) -> JobView:  # noqa: ASYNC109 - as its twin
        """Wait like `wait`, without blocking the event loop."""
        __tracebackhide__ = True
        view, watch, idle = self._waiting(uuid)
        if not await wait_until_async(lambda: view.status in OVER, watch, timeout, idle=idle):
            raise TimeoutError(self._stuck(view, timeout))
        return view

    def _waiting(self, uuid: str) -> tuple[JobView, Watch, Callable[[], bool] | None]:
        """Give a job, what tells of its changes, and what a skipping clock does meanwhile."""
        self._check()
        with self._model.clock.lock:
            job = self._model.jobs.stored.exact(uuid)
        if job is None:
            raise self._unknown(uuid)
        clock, inside = self._model.clock, self._inside()
        view = JobView(self._model, job)
        if inside and clock.mode == "frozen" and view.status not in OVER:
            raise RuntimeError(
                f"a program waits for job {uuid}, which is {view.status}, and the frozen clock "
                "waits for the program: let time pass with `yield Sleep(seconds)`"
            )

        def skip() -> bool:
            # While code of the test works for this moment, it stays.
            return (inside or not clock.holds) and clock.skip()

        return view, job.watch, skip if clock.mode == "skipping" else None

    def _unknown(self, uuid: str) -> KeyError:
        known = list(self)
        shown = ", ".join(known[-SHOWN:]) or "none"
        more = f" and {len(known) - SHOWN} earlier" if len(known) > SHOWN else ""
        return KeyError(f"no job {uuid!r} on this server; its jobs: {shown}{more}")

    def _stuck(self, view: JobView, timeout: float) -> str:
        text = f"job {view.uuid} is {view.status} after {timeout:g} s"
        clock = self._model.clock
        due = clock.next_due()
        if clock.mode != "flowing" and due is not None:
            text += (
                f"; the clock is {clock.mode} and the next event is due in "
                f"{(due - clock.now_ns()) / 1e9:g} s: clock.advance()"
            )
        return text
