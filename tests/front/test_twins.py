"""Awaitable twins: they do what their verbs do, and the test's loop goes on meanwhile."""

from __future__ import annotations

import asyncio
import inspect
import threading
from typing import TYPE_CHECKING, Any

import grpc
import pytest
import pytest_asyncio

from joblet_fake import FakeJoblet, ServerFaults

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio

OF_THE_FAKE = ("populate", "reset", "restart", "restore", "snapshot", "start", "stop")
OF_THE_SERVER = (
    "certificate", "clear", "crash", "drain", "drop_connections", "hang", "rebind", "refuse",
    "reset_connections", "restart", "resume", "strict_keepalive",
)  # fmt: skip


@pytest_asyncio.fixture
async def joblet() -> AsyncIterator[FakeJoblet]:
    async with FakeJoblet(clock="frozen") as fake:
        yield fake
        fake.check()


async def jobs(joblet: FakeJoblet) -> int | str:
    """Count the jobs as a client does, or give the code that it gets."""
    try:
        return len((await asyncio.to_thread(joblet.rpc, "ListJobs", timeout=1)).jobs)
    except grpc.RpcError as error:
        code: Any = error
        return str(code.code().name)


@pytest.mark.parametrize(
    ("kind", "names"), [(FakeJoblet, OF_THE_FAKE), (ServerFaults, OF_THE_SERVER)]
)
async def test_a_twin_takes_what_its_verb_takes(kind: type, names: tuple[str, ...]) -> None:
    twins = {name for name in vars(kind) if name.endswith("_async")}
    assert twins == {f"{name}_async" for name in names}
    for name in names:
        verb, twin = getattr(kind, name), getattr(kind, f"{name}_async")
        assert inspect.iscoroutinefunction(twin)
        assert inspect.signature(twin) == inspect.signature(verb)
        assert twin.__name__ == f"{name}_async"
        assert f"`{name}`" in twin.__doc__


async def test_the_state_is_kept_filled_forgotten_and_restored(joblet: FakeJoblet) -> None:
    made = await joblet.populate_async(jobs=5)
    assert await jobs(joblet) == len(made.jobs) == 5
    snapshot = await joblet.snapshot_async()
    await joblet.reset_async()
    assert await jobs(joblet) == 0
    await joblet.restore_async(snapshot)
    assert list(joblet.jobs) == list(made.jobs)


async def test_the_server_crashes_and_comes_back(joblet: FakeJoblet) -> None:
    joblet.jobs.add("train")
    await joblet.faults.server.crash_async(keep_state=True)
    assert await jobs(joblet) == "UNAVAILABLE"
    await joblet.faults.server.restart_async(keep_state=True)
    assert await jobs(joblet) == 1
    await joblet.restart_async()
    assert await jobs(joblet) == 0


@pytest.mark.parametrize(("verb", "undo"), [("refuse", "rebind"), ("drain", "rebind")])
async def test_a_port_goes_and_comes_back(joblet: FakeJoblet, verb: str, undo: str) -> None:
    server = joblet.faults.server
    await getattr(server, f"{verb}_async")("core")
    assert server.lasting == (verb,)
    assert await jobs(joblet) == "UNAVAILABLE"
    await getattr(server, f"{undo}_async")()
    assert (await jobs(joblet), server.lasting) == (0, ())


async def test_a_port_hangs_and_goes_on(joblet: FakeJoblet) -> None:
    await joblet.faults.server.hang_async("core")
    assert await jobs(joblet) == "DEADLINE_EXCEEDED"
    await joblet.faults.server.resume_async("core")
    assert await jobs(joblet) == 0


async def test_connections_are_cut_and_everything_is_cleared(joblet: FakeJoblet) -> None:
    server = joblet.faults.server
    async with joblet.aio_channel() as channel:
        await channel.unary_unary("/joblet.JobService/ListJobs")(b"", timeout=5)
        assert await server.drop_connections_async("core") >= 1
    await server.strict_keepalive_async(10)
    await server.certificate_async("expired")
    assert server.lasting == ("strict_keepalive", "certificate")
    await server.clear_async()
    assert (await jobs(joblet), server.lasting) == (0, ())


async def test_what_a_verb_raises_its_twin_raises(joblet: FakeJoblet) -> None:
    with pytest.raises(ValueError, match="there is no port 'moon'"):
        await joblet.faults.server.refuse_async("moon")
    with pytest.raises(RuntimeError, match="is started already"):
        await joblet.start_async()


async def test_other_tasks_run_while_a_twin_waits(joblet: FakeJoblet) -> None:
    """Somebody else holds the clock, for which a snapshot waits."""
    held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with joblet.clock.lock:
            held.set()
            assert let_go.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert await asyncio.to_thread(held.wait, 10)
        task = asyncio.create_task(joblet.snapshot_async())
        for _ in range(20):
            await asyncio.sleep(0.002)
        assert not task.done()
    finally:
        let_go.set()
    assert (await asyncio.wait_for(task, 10)).jobs == ()
    holder.join(10)
