"""(f) A thousand live followers of one job, while RunJob and StopJob go on answering."""

from __future__ import annotations

import asyncio
import statistics
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

import grpc

from benchmarks import followed, wire
from benchmarks.bare import CHANNELS
from benchmarks.child import Child
from benchmarks.followed import LINE, LINES
from benchmarks.harness import TIME, Times, alternate, compare
from benchmarks.work import DEADLINE, stream, unary
from joblet_fake.fake import CHANNEL_OPTIONS

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from benchmarks.harness import Result

FOLLOWERS: Final = 1000
CONNECTIONS: Final = 4

ALONE: Final = (*CHANNEL_OPTIONS, ("grpc.use_local_subchannel_pool", 1))
"""Each channel has a connection of its own."""


class Side:
    """One server, in a process of its own, and all its followers in this one.

    Args:
        make: makes the server, in the child.
        followers: how many follow.
        tls: whether they do over mutual TLS.

    Attributes:
        processor: the server's processor seconds, round by round.
        memory: bytes of the server's memory for each open stream, in the first round.
        calls: the seconds of every RunJob and StopJob while the lines came.
    """

    def __init__(
        self, make: Callable[..., AbstractContextManager[object]], followers: int, *, tls: bool
    ) -> None:
        self.child = Child(make, tls=tls)
        self.processor: list[float] = []
        self.memory: float | None = None
        self.calls: list[float] = []
        self._followers = followers
        self._credentials: grpc.ChannelCredentials | None = None
        if tls:
            ca, key, certificate = self.child.ask("pems")
            self._credentials = grpc.ssl_channel_credentials(ca, key, certificate)

    def round(self) -> float:
        """Follow a job to its end; give the seconds from the first stream's opening.

        Raises:
            RuntimeError: a follower did not get everything.
            grpc.RpcError: a call failed.
        """
        before = self.child.ask("memory")
        spent = self.child.ask("processor")
        address, job_id = self.child.ask("begin")
        start = time.perf_counter()
        asyncio.run(self._follow(address, wire.request("GetJobLogs", uuid=job_id), before))
        taken = time.perf_counter() - start
        self.processor.append(self.child.ask("processor") - spent)
        return taken

    async def _follow(self, address: str, request: bytes, before: int) -> None:
        channels = [self._aio_channel(address) for _ in range(CONNECTIONS)]
        readers = [
            asyncio.create_task(_read(channels[number % CONNECTIONS], request))
            for number in range(self._followers)
        ]
        try:
            await asyncio.to_thread(self.child.ask, "wait_for", self._followers)
            if self.memory is None:
                now = await asyncio.to_thread(self.child.ask, "memory")
                self.memory = (now - before) / self._followers
            meanwhile = Meanwhile(self._channel(address))
            with meanwhile:
                await asyncio.to_thread(self.child.ask, "tell")
                await asyncio.gather(*readers)
            self.calls += meanwhile.seconds()
        finally:
            for channel in channels:
                await channel.close()

    def _channel(self, address: str) -> grpc.Channel:
        if self._credentials is None:
            return grpc.insecure_channel(address, ALONE)
        return grpc.secure_channel(address, self._credentials, ALONE)

    def _aio_channel(self, address: str) -> grpc.aio.Channel:
        if self._credentials is None:
            return grpc.aio.insecure_channel(address, ALONE)
        return grpc.aio.secure_channel(address, self._credentials, ALONE)


async def _read(channel: grpc.aio.Channel, request: bytes) -> None:
    message = wire.answer("GetJobLogs", payload=LINE)
    call = stream(channel, wire.path("GetJobLogs"))(request, timeout=DEADLINE)
    came = [message async for message in call]
    if came != [message] * LINES:
        raise RuntimeError(f"a follower got {len(came)} messages of {LINES}, or others")


class Meanwhile:
    """Runs and stops jobs, one after another, for as long as it is entered."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._channel = channel
        self._enough = threading.Event()
        self._seconds: list[float] = []
        self._errors: list[BaseException] = []
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._thread.join()
        self._channel.close()

    def seconds(self) -> list[float]:
        """Give what each call took.

        Raises:
            grpc.RpcError: one failed.
        """
        if self._errors:
            raise self._errors[0]
        return self._seconds

    def _work(self) -> None:
        try:
            while not self._enough.is_set():
                job_id = wire.job_of(self._timed("RunJob", wire.request("RunJob", command="wait")))
                self._timed("StopJob", wire.request("StopJob", uuid=job_id))
        except BaseException as error:  # noqa: BLE001 - told by `seconds`
            self._errors.append(error)

    def _timed(self, method: str, request: bytes) -> bytes:
        start = time.perf_counter()
        answer = unary(self._channel, wire.path(method))(request, timeout=DEADLINE)
        self._seconds.append(time.perf_counter() - start)
        return bytes(answer)


def measure(rounds: int, followers: int = FOLLOWERS) -> list[Result]:
    """Measure it, over each kind of channel.

    Args:
        rounds: how many rounds count.
        followers: how many follow.
    """
    return [result for tls in CHANNELS for result in _measure(rounds, followers, tls=tls)]


def _measure(rounds: int, followers: int, *, tls: bool) -> list[Result]:
    with ExitStack() as stack:
        sides = []
        for make in (followed.bare, followed.fake, followed.bare):
            side = Side(make, followers, tls=tls)
            stack.enter_context(side.child)
            sides.append(side)
        bare, fake, control = sides
        times = alternate(bare.round, fake.round, control.round, rounds)
    # Without the round before the first one that counts.
    processor = Times(bare.processor[1:], fake.processor[1:], control.processor[1:])
    what = f"{followers:,} followers of one job"
    return [
        compare(
            f"{what}, {LINES} lines",
            times,
            TIME,
            over=CHANNELS[tls],
            bare=f"{times.middle_of_bare:.2f} s",
            note=f"RunJob and StopJob meanwhile: {_calls(fake)}; bare {_calls(bare)}",
        ),
        compare(
            f"{what}, the server's processor time",
            processor,
            TIME,
            over=CHANNELS[tls],
            bare=f"{processor.middle_of_bare:.2f} s",
            note=f"memory for a stream: {_memory(fake)}; bare {_memory(bare)}",
        ),
    ]


def _calls(side: Side) -> str:
    if not side.calls:
        return "none"
    middle, worst = statistics.median(side.calls), max(side.calls)
    return f"{len(side.calls)} calls, median {middle * 1e3:.0f} ms, slowest {worst * 1e3:.0f} ms"


def _memory(side: Side) -> str:
    return f"{(side.memory or 0) / 1024:.0f} KiB"
