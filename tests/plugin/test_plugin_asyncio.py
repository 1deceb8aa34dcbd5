from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

INI = """
[pytest]
filterwarnings = error
asyncio_default_fixture_loop_scope = function
addopts = --strict-markers --strict-config -p no:xdist -p no:cacheprovider -p no:hypothesispytest
"""

SUITE = '''
import asyncio
import logging

import pytest

pytestmark = pytest.mark.asyncio
CALLERS, CALLS = 8, 10


async def submit(channel, caller):
    """Calls as generated stubs make them: bytes built by hand, as this suite has no stubs."""
    run = channel.unary_unary("/joblet.JobService/RunJob")
    replies = []
    for n in range(CALLS):
        text = f"{caller}-{n}".encode()
        request = b"\\x12\\x04echo" + b"\\x1a" + bytes([len(text)]) + text
        replies.append(await run(request))
    return replies


async def follow(channel, uuid):
    logs = channel.unary_stream("/joblet.JobService/GetJobLogs")
    return [chunk async for chunk in logs(b"\\x0a\\x24" + uuid.encode())]


@pytest.mark.parametrize("round_", range(5))
async def test_eight_callers_and_a_follower(joblet, round_, caplog):
    trouble = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: trouble.append(context))
    joblet.programs.on("train").prints("one\\n").sleeps(0.1).prints("two\\n").exits(0)
    followed = (await asyncio.to_thread(joblet.rpc, "RunJob", command="train")).job_uuid
    async with joblet.aio_channel() as channel:
        task = asyncio.create_task(follow(channel, followed))
        replies = await asyncio.gather(*(submit(channel, caller) for caller in range(CALLERS)))
        chunks = await asyncio.wait_for(task, 10)
    assert sum(map(len, replies)) == CALLERS * CALLS
    assert b"one\\n" in chunks[0] and b"two\\n" in chunks[-1]
    job = await joblet.jobs.wait_async(followed)
    assert job.status == "COMPLETED"
    calls = await joblet.calls.wait_for_async("RunJob", n=CALLERS * CALLS + 1)
    assert {call.code for call in calls} == {"OK"}
    outputs = {job.stdout for job in joblet.jobs.values()} - {"one\\ntwo\\n"}
    assert outputs == {f"{caller}-{n}\\n" for caller in range(CALLERS) for n in range(CALLS)}
    await asyncio.sleep(0)
    assert trouble == []
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_fakes_of_its_own(joblet_factory):
    from joblet_fake import FakeJoblet

    async with FakeJoblet(tls=False) as first, FakeJoblet() as second:
        for fake in (first, second):
            async with fake.aio_channel() as channel:
                assert len(await submit(channel, 1)) == CALLS
            assert len(fake.jobs) == CALLS
'''


def test_asyncio_clients_run_side_by_side_without_a_sound(pytester: pytest.Pytester) -> None:
    """Five rounds in one process; `-s`, so that nothing written to stderr gets lost."""
    pytester.makeini(INI)
    pytester.makepyfile(SUITE)
    result = pytester.runpytest_subprocess("-s")
    result.assert_outcomes(passed=6)
    assert result.stderr.str() == ""
