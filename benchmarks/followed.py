"""Servers with one job that many follow: the fake, and a bare one that does the same."""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

import psutil

from benchmarks import wire
from benchmarks.bare import Bare, tls_of_all
from joblet_fake import FakeJoblet
from joblet_fake.server import shared_loop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from benchmarks.bare import Given

LINES: Final = 20
LINE: Final = b"x" * 63 + b"\n"

SOME_JOB: Final = "00000000-0000-4000-8000-000000000000"

PAUSE: Final = 0.005
"""Real seconds between two lines."""

LATEST: Final = 60.0
"""Real seconds after which it is given up that all followers are there."""


class Followed:
    """What the two servers have in common: who is there, and what it costs."""

    def wait_for(self, followers: int) -> None:
        """Wait until so many follow.

        Raises:
            TimeoutError: they don't.
        """
        end = time.monotonic() + LATEST
        while self.followers() < followers:
            if time.monotonic() > end:
                raise TimeoutError(f"{self.followers()} of {followers} followers came")
            time.sleep(PAUSE)

    def followers(self) -> int:
        """Count the open streams."""
        raise NotImplementedError

    def pems(self) -> tuple[bytes, bytes, bytes]:
        """Give what a client needs: the authority's certificate, its own key and certificate."""
        tls = tls_of_all()
        return tls.ca_pem, tls.key_pem(), tls.cert_pem()

    def memory(self) -> int:
        """Give the process's memory in bytes."""
        return int(psutil.Process().memory_info().rss)

    def processor(self) -> float:
        """Give the processor seconds that the process has used."""
        return time.process_time()


class FollowedFake(Followed):
    """A fake, and a job of it that prints a line whenever its clock is moved on."""

    def __init__(self, joblet: FakeJoblet) -> None:
        self._joblet = joblet
        script = joblet.programs.on("talk")
        for _ in range(LINES):
            script.sleeps(1).prints(LINE)
        joblet.programs.on("wait").hangs()

    def begin(self) -> tuple[str, str]:
        """Run the job; give the address, and the job's id."""
        self._joblet.calls.clear()
        job_id = self._joblet.rpc("RunJob", command="talk").job_uuid
        return self._joblet.address, job_id

    def followers(self) -> int:
        """Count the open streams."""
        return sum(call.code is None for call in self._joblet.calls.to("GetJobLogs"))

    def tell(self) -> None:
        """Have the job print its lines and end."""
        for _ in range(LINES):
            self._joblet.clock.advance(1)
            time.sleep(PAUSE)


class FollowedBare(Followed):
    """A bare server that sends everybody the same lines when they come.

    Args:
        server: the server.
        logs: what it streams.
    """

    def __init__(self, server: Bare, logs: Lines) -> None:
        self._server = server
        self._logs = logs

    def begin(self) -> tuple[str, str]:
        """Forget the lines; give the address, and an id."""
        self._logs.lines.clear()
        self._logs.ended = False
        return self._server.address, SOME_JOB

    def followers(self) -> int:
        """Count the open streams."""
        return self._logs.readers

    def tell(self) -> None:
        """Send the lines and end the streams."""
        for number in range(LINES):
            shared_loop().soon(partial(self._logs.add, last=number == LINES - 1))
            time.sleep(PAUSE)


class Lines:
    """Lines that come by and by, and everybody who reads them."""

    def __init__(self, message: bytes) -> None:
        self.lines: list[bytes] = []
        self.ended = False
        self.readers = 0
        self._message = message
        self._news = asyncio.Event()

    def add(self, *, last: bool) -> None:
        """Add a line, on the loop, and say whether it is the last."""
        self.lines.append(self._message)
        self.ended = last
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def read(self, _data: bytes, _context: object) -> AsyncIterator[bytes]:
        """Give one reader all lines, as a handler."""
        self.readers += 1
        try:
            sent = 0
            while True:
                news, ended = self._news, self.ended
                while sent < len(self.lines):
                    yield self.lines[sent]
                    sent += 1
                if ended:
                    return
                await news.wait()
        finally:
            self.readers -= 1


@contextmanager
def fake(*, tls: bool) -> Iterator[FollowedFake]:
    """Give a started fake."""
    with FakeJoblet(tls=tls) as joblet:
        yield FollowedFake(joblet)


@contextmanager
def bare(*, tls: bool) -> Iterator[FollowedBare]:
    """Give a started bare server, whose answers are as long as the fake's."""
    logs = Lines(wire.answer("GetJobLogs", payload=LINE))
    core: dict[str, Given] = {
        wire.path("GetJobLogs"): logs.read,
        wire.path("RunJob"): wire.answer("RunJob", job_uuid=SOME_JOB, status="RUNNING"),
        wire.path("StopJob"): wire.answer("StopJob", uuid=SOME_JOB),
    }
    with Bare(core, tls=tls) as server:
        yield FollowedBare(server, logs)
