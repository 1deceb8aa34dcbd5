"""`joblet-fake demo`: a job's life, each step with the lines of code that made it."""

from __future__ import annotations

import inspect
import itertools
import sys
import textwrap
import time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.syntax import Syntax

from joblet_fake.fake import FakeJoblet

if TYPE_CHECKING:
    from collections.abc import Callable


def submit(joblet: FakeJoblet) -> str:
    """A client submits a job, over mutual TLS."""
    script = "for epoch in 1 2 3; do echo epoch $epoch; sleep 0.4; done"
    reply = joblet.rpc("JobService.RunJob", command="sh", args=["-c", script])
    return f"{reply.status}, with the id {reply.job_uuid}"


def follow(joblet: FakeJoblet) -> str:
    """It follows the log live, until the job ends."""
    (job,) = joblet.jobs.values()
    for chunk in joblet.rpc("JobService.GetJobLogs", uuid=job.uuid):
        sys.stdout.write(f"    {time.strftime('%X')}  {chunk.payload.decode()}")
    return (
        "the stream has ended. The first line came twice: real servers send what is stored, then\n"
        "what is in memory from the start; a client that adds lines up counts some double"
    )


def status(joblet: FakeJoblet) -> str:
    """It asks what has become of the job."""
    (job,) = joblet.jobs.values()
    reply = joblet.rpc("JobService.GetJobStatus", uuid=job.uuid)
    return f"{reply.status}, exit code {reply.exit_code}"


def history(joblet: FakeJoblet) -> str:
    """The other port, PersistService, has the log's history."""
    (job,) = joblet.jobs.values()
    lines = joblet.rpc("PersistService.QueryLogs", job_uuid=job.uuid)
    return "\n".join(f"chunk {line.sequence}: {line.content!r}" for line in lines)


def failure(joblet: FakeJoblet) -> str:
    """A job fails: the program that stands in for it is three words of the test's."""
    joblet.programs.on("train").prints("out of data\n", stream="stderr").exits(3)
    job_id = joblet.rpc("JobService.RunJob", command="train").job_uuid
    reply = joblet.rpc("JobService.GetJobStatus", uuid=job_id)
    return f"{reply.status}, exit code {reply.exit_code}, stderr {joblet.jobs[job_id].stderr!r}"


def an_hour(joblet: FakeJoblet) -> str:
    """A job takes an hour, and the test does not wait for it."""
    began = time.perf_counter()
    job_id = joblet.rpc("JobService.RunJob", command="sleep", args=["3600"]).job_uuid
    before = joblet.jobs[job_id].status
    joblet.clock.advance(hours=1)
    after = joblet.rpc("JobService.GetJobStatus", uuid=job_id)
    took = (time.perf_counter() - began) * 1000
    return (
        f"{before}, then {after.status}: {after.start_time} to {after.end_time}, in {took:.0f} ms"
    )


STEPS: tuple[Callable[[FakeJoblet], str], ...] = (
    submit,
    follow,
    status,
    history,
    failure,
    an_hour,
)


def demo() -> None:
    """Start a fake, take every step, show each with its code and what came of it."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 100)
    with FakeJoblet() as joblet:
        console.print(f"[bold]A fake Joblet[/], API {joblet.options.api}, started in this process:")
        console.print(f"  core services on {joblet.address}, PersistService on ", end="")
        console.print(f"{joblet.persist_address}, mutual TLS on both")
        for number, step in enumerate(STEPS, 1):
            console.print(f"\n[bold cyan]{number}. {step.__doc__}[/]")
            code = Syntax(_body(step), "python", theme="ansi_dark", background_color="default")
            console.print(Padding(code, (0, 0, 0, 2)))
            console.print(Padding(f"[green]→ {escape(step(joblet))}[/]", (0, 0, 0, 2)))
        console.print(f"\n{len(joblet.calls)} calls were made; the journal has them all:")
        for call in joblet.calls:
            console.print(f"  {call.role:6} {call.method:27} {call.code:4} {call.sent} message(s)")


def _body(step: Callable[[FakeJoblet], str]) -> str:
    """Give a step's code without its first lines, its docstring and its return."""
    lines = inspect.getsource(step).splitlines()[2:]
    code = list(itertools.takewhile(lambda line: not line.startswith("    return"), lines))
    return textwrap.dedent("\n".join(code))
