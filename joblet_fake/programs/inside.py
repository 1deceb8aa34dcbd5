"""A job from the inside: what a program of the test sees of the job that it runs for."""

from __future__ import annotations

from collections.abc import MutableMapping
from datetime import datetime, timedelta
from functools import cached_property
from random import Random
from typing import TYPE_CHECKING

from joblet_fake.clock import EPOCH
from joblet_fake.words import Named

if TYPE_CHECKING:
    from collections.abc import Iterator

    from joblet_fake.programs.context import Context

SHOWN = 10
"""How many files an error about one that is not there lists."""


class Files(MutableMapping[str, bytes]):
    """The files that a job sees, by path: relative to /work, or absolute.

    Uploads lie in /work, volumes in /volumes by their names: every job that has one sees what is
    in it. Reading and writing takes no time. Folders on the way to a file are made. Where one can't
    be written, since there is no such volume or no room (VOL-26), an OSError says so.
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    def __repr__(self) -> str:
        return f"<files {', '.join(sorted(self)) or 'none'}>"

    def __getitem__(self, path: str) -> bytes:
        with self._context.clock.lock:
            try:
                return self._context.files[_text(path)]
            except KeyError:
                names = sorted(self._context.files)
        more = f" and {len(names) - SHOWN} others" if len(names) > SHOWN else ""
        raise KeyError(f"no file {path!r}; there are {', '.join(names[:SHOWN]) or 'none'}{more}")

    def __setitem__(self, path: str, data: bytes | str) -> None:
        if not isinstance(data, bytes | str):
            raise TypeError(f"files[{path!r}] = {data!r}: give bytes or text")
        files = self._context.files
        with self._context.clock.lock:
            files.make_parents(_text(path))
            files.write(path, data.encode() if isinstance(data, str) else data)

    def __delitem__(self, path: str) -> None:
        with self._context.clock.lock:
            del self._context.files[_text(path)]

    def __iter__(self) -> Iterator[str]:
        with self._context.clock.lock:
            return iter(sorted(self._context.files))

    def __len__(self) -> int:
        with self._context.clock.lock:
            return len(self._context.files)


def _text(path: object) -> str:
    if not isinstance(path, str):
        raise TypeError(f"files[{path!r}]: give a path as text")
    return path


class RunningJob(Named):
    r"""A job from the inside; what a generator program is called with.

    >>> from joblet_fake import FakeJoblet, Stdout
    >>> with FakeJoblet(clock="frozen") as joblet:
    ...     @joblet.programs.register("greet")
    ...     def greet(job):
    ...         yield Stdout(f"hello {job.args[0]}, it is {job.now():%H:%M}\n".encode())
    ...     job_id = joblet.rpc("RunJob", command="greet", args=["Ada"]).job_uuid
    ...     print(joblet.jobs[job_id].stdout, end="")
    hello Ada, it is 00:00
    """

    _called = "a running job"

    def __init__(self, context: Context) -> None:
        self._context = context
        self._files = Files(context)

    def __repr__(self) -> str:
        words = " ".join((self.command, *self.args))
        return f"<running job {self.uuid} {words!r}, attempt {self.attempt}>"

    @property
    def uuid(self) -> str:
        """The job's id."""
        return self._context.job.uuid

    @property
    def name(self) -> str:
        """The name in RunJob's request."""
        return self._context.job.spec.name

    @property
    def command(self) -> str:
        """What is run; a client's JOB_COMMAND has the last word (JOB-RUN-84)."""
        return self._context.command

    @property
    def args(self) -> tuple[str, ...]:
        """Its arguments, without the empty ones, which never reach a process (JOB-RUN-82)."""
        return self._context.args

    @property
    def environment(self) -> dict[str, str]:
        """What the process sees: the server's variables, the client's, the secrets (JOB-RUN-83)."""
        return dict(self._context.environment)

    @property
    def volumes(self) -> tuple[str, ...]:
        """The volumes that it finds; their files are in `/volumes/<name>` (VOL-28)."""
        return self._context.volumes

    @property
    def address(self) -> str | None:
        """What it has on its network; None where it has only `lo` (NET-30, NET-32)."""
        return self._context.address

    @property
    def files(self) -> Files:
        """The files that it sees, to read and to write, by path."""
        return self._files

    @property
    def attempt(self) -> int:
        """The how manieth job it is that this program runs for, from 1 on."""
        return self._context.attempt

    @cached_property
    def random(self) -> Random:
        """Random numbers, the same ones for the same job: its id comes from the fake's seed."""
        return Random(self._context.seed)  # noqa: S311 - they must repeat

    def now(self) -> datetime:
        """Give the clock's time, an aware datetime in UTC."""
        return EPOCH + timedelta(microseconds=self._context.now_ns() // 1000)

    @property
    def replaying(self) -> bool:
        """Whether a restored job goes again through what it did before, up to where it was.

        Its steps have no effect then. Whatever else a program does, such as calls, it should leave
        out meanwhile.
        """
        return self._context.moment_ns is not None
