"""`joblet-fake demo`: a job's life, each step with the lines of code that made it."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
import time
from typing import TYPE_CHECKING, Final

import grpc
from rich.console import Console
from rich.syntax import Syntax

from joblet_fake.fake import FakeJoblet

if TYPE_CHECKING:
    from collections.abc import Callable

WIDTH: Final = 100
"""How many characters a line has where there is no terminal to ask."""


class Tour:
    """The steps of the demo; what is shown of each is its own source.

    Args:
        joblet: a started fake.
        show: shows a piece of a live log.
    """

    def __init__(self, joblet: FakeJoblet, show: Callable[[bytes], None]) -> None:
        self.joblet = joblet
        self.show = show
        self.job_id = ""

    def submit(self) -> str:
        """A client submits a job."""
        script = "for n in 1 2 3; do echo epoch $n; sleep 0.5; done"
        reply = self.joblet.rpc("JobService.RunJob", command="sh", args=["-c", script])
        self.job_id = reply.job_uuid
        return f"{reply.status}, and the job's id is {reply.job_uuid}"

    def follow(self) -> str:
        """It follows the log live, until the job ends."""
        for chunk in self.joblet.rpc("JobService.GetJobLogs", uuid=self.job_id):
            self.show(chunk.payload)
        return (
            "the stream has ended. Epoch 1 came twice, as it does from a real server: first\n"
            "what is stored so far, then what is in memory. A client that counts lines is wrong."
        )

    def status(self) -> str:
        """It asks what has become of the job."""
        reply = self.joblet.rpc("JobService.GetJobStatus", uuid=self.job_id)
        return f"{reply.status}, exit code {reply.exit_code}"

    def history(self) -> str:
        """It asks PersistService, on the other port, for the log's history."""
        lines = self.joblet.rpc("PersistService.QueryLogs", job_uuid=self.job_id)
        return "\n".join(f"chunk {line.sequence}: {line.content!r}" for line in lines)

    def failure(self) -> str:
        """A job fails as the test wants it to: the test writes its program."""
        self.joblet.programs.on("train").prints("out of data\n", stream="stderr").exits(3)
        job_id = self.joblet.rpc("JobService.RunJob", command="train").job_uuid
        reply = self.joblet.rpc("JobService.GetJobStatus", uuid=job_id)
        stderr = self.joblet.jobs[job_id].stderr
        return f"{reply.status}, exit code {reply.exit_code}, stderr {stderr!r}"

    def refusal(self) -> str:
        """A client with a viewer's certificate is refused."""
        try:
            self.joblet.rpc("JobService.RunJob", role="viewer", command="echo")
        except grpc.RpcError as error:
            refused = error
        return f"{refused.code().name}: {refused.details()}"

    def an_hour(self) -> str:
        """A job takes an hour, and the test does not wait for it: it moves the clock."""
        began = time.perf_counter()
        job_id = self.joblet.rpc("JobService.RunJob", command="sleep", args=["3600"]).job_uuid
        before = self.joblet.jobs[job_id].status
        self.joblet.clock.advance(hours=1)
        after = self.joblet.rpc("JobService.GetJobStatus", uuid=job_id)
        took = (time.perf_counter() - began) * 1000
        return (
            f"{before}, then {after.status}: from {after.start_time}\n"
            f"to {after.end_time}, in {took:.0f} real milliseconds"
        )

    def steps(self) -> tuple[Callable[[], str], ...]:
        """Give the steps in their order."""
        return (
            self.submit,
            self.follow,
            self.status,
            self.history,
            self.failure,
            self.refusal,
            self.an_hour,
        )


def demo() -> None:
    """Start a fake, take every step, show each with its code and what came of it."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    began = time.perf_counter()
    with FakeJoblet() as joblet:
        took = (time.perf_counter() - began) * 1000
        console.print(
            f"[bold]A fake Joblet server[/] of API {joblet.options.api}, started in this process "
            f"in {took:.0f} ms:",
        )
        console.print(f"  core services on {joblet.address}")
        console.print(f"  PersistService on {joblet.persist_address}")
        console.print(
            "Each rpc() below is a call of a real gRPC client over mutual TLS, as an admin.",
        )
        for number, step in enumerate(Tour(joblet, _shower(console)).steps(), 1):
            console.print(f"\n[bold cyan]{number}. {inspect.getdoc(step)}[/]")
            code = textwrap.indent(code_of(step), "   ")
            colours = Syntax("", "python", theme="ansi_dark", background_color="default")
            console.print(colours.highlight(code), end="")
            result = textwrap.indent(step(), "      ").replace("      ", "   => ", 1)
            console.print(result, style="green", markup=False)
        console.print(f"\nThe journal has all {len(joblet.calls)} calls, for a test to look at:")
        for call in joblet.calls:
            sent = f"{call.sent} message{'' if call.sent == 1 else 's'}"
            console.print(f"   {call.role:6}  {call.method:25}  {call.code:17}  {sent}")


def code_of(step: Callable[[], str]) -> str:
    """Give a step's code, as it would stand in a test: without docstring, return and `self`."""
    source = textwrap.dedent(inspect.getsource(step))
    (function,) = ast.parse(source).body
    if not isinstance(function, ast.FunctionDef):
        raise TypeError(f"{step!r} is no plain function")
    docstring, last = function.body[0], function.body[-1]
    lines = source.splitlines()[docstring.end_lineno or 0 : last.lineno - 1]
    return textwrap.dedent("\n".join(lines)).replace("self.", "") + "\n"


def _shower(console: Console) -> Callable[[bytes], None]:
    """Give what shows a piece of a log, with the seconds since the first one."""
    first: list[float] = []

    def show(payload: bytes) -> None:
        now = time.perf_counter()
        first.append(now)
        console.print(f"      after {now - first[0]:.1f} s: {payload!r}", markup=False)

    return show
