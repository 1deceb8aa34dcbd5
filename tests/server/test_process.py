"""What a fake does to the process that it lives in: cycles, the exit, Ctrl-C, a fork.

Each runs in a process of its own.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

unix = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def run(script: str, *words: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        # Newer Pythons warn of every fork of a process with threads.
        [sys.executable, "-W", "error", "-W", "ignore:This process", "-c", script, *words],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


CYCLES = """
import asyncio, gc, json, threading
import psutil
from joblet_fake import FakeJoblet, Hang, Stdout
from joblet_fake.server import shared_loop

async def tasks():
    return len(asyncio.all_tasks())

def cycle(number):
    with FakeJoblet(tls=number % 2 == 0) as joblet:
        joblet.programs.on("train").prints("x").hangs()
        job_id = joblet.rpc("RunJob", command="train").job_uuid
        stream = joblet.rpc("GetJobLogs", uuid=job_id)
        next(stream)
        assert joblet.rpc("Ping").healthy
        joblet.programs.register("own")(own)
        joblet.rpc("RunJob", command="own")

def own(job):
    yield Stdout(b"x")
    yield Hang()

def census():
    # The threads of programs end a moment after their fakes.
    for thread in threading.enumerate():
        if thread.name == "joblet-fake-program":
            thread.join(10)
    gc.collect()
    process = psutil.Process()
    return {
        "threads": process.num_threads(),
        "python threads": threading.active_count(),
        "descriptors": process.num_fds() if hasattr(process, "num_fds") else 0,
        "sockets": len(process.net_connections()),
        "tasks": shared_loop().run(tasks()),
        "memory": process.memory_info().rss,
    }

for number in range(100):
    cycle(number)
before = census()
for number in range(900):
    cycle(number)
print(json.dumps([before, census()]))
"""


def test_a_thousand_cycles_with_open_streams_leave_nothing_behind(
    measured: Callable[[str], None],
) -> None:
    begun = time.monotonic()
    result = run(CYCLES, timeout=110)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    before, after = json.loads(result.stdout)
    growth = after.pop("memory") - before.pop("memory")
    measured(
        f"1,000 start/stop cycles, streams open: {time.monotonic() - begun:.1f} s in all, "
        f"{growth / 900:.0f} bytes of memory a cycle",
    )

    # gRPC's own threads come and go, so their number may be a few lower or higher.
    assert after.pop("threads") <= before.pop("threads") + 2
    assert after == before
    # A leaked server would cost a hundred times that.
    assert growth < 900 * 10_000


EXIT = """
import sys, time
import grpc
from joblet_fake import FakeJoblet, Hang, Stdout

def train(job):
    yield Stdout(b"x")
    while how == "loops":
        pass
    yield Hang()

how = sys.argv[1]
joblet = FakeJoblet(program_timeout=0.1 if how == "loops" else 10).start()
if how in ("program", "loops"):
    joblet.programs.register("train")(train)
else:
    joblet.programs.on("train").prints("x").hangs()
job_id = joblet.rpc("RunJob", command="train").job_uuid
method = joblet._api.method("GetJobLogs")
request = method.encode_request({"uuid": job_id})
if how.startswith("foreign"):
    channel = grpc.secure_channel(joblet.address, joblet.credentials)
    stream = channel.unary_stream(method.path)(request)
else:
    stream = joblet.rpc("GetJobLogs", uuid=job_id)
next(stream)
if how.endswith("stopped"):
    joblet.stop()
print(time.time(), flush=True)
if how == "error":
    raise SystemExit(3)
"""


@pytest.mark.parametrize(
    "how", ["open", "stopped", "foreign", "foreign stopped", "error", "program", "loops"]
)
def test_the_interpreter_exits_at_once_with_a_stream_open(how: str) -> None:
    result = run(EXIT, how)
    over = time.time()

    assert result.returncode == (3 if how == "error" else 0), result.stderr
    assert result.stderr == ""
    assert over - float(result.stdout) < 1


INTERRUPT = """
import time
from joblet_fake import FakeJoblet, Sleep

def own(job):
    yield Sleep(1)
    time.sleep(60)

try:
    with FakeJoblet() as joblet:
        joblet.programs.on("train").prints("x").hangs()
        joblet.programs.register("own")(own)
        job_id = joblet.rpc("RunJob", command="train").job_uuid
        stream = joblet.rpc("GetJobLogs", uuid=job_id[:8])
        next(stream)
        print("waits", flush=True)
        WAIT
        print("never")
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@unix
@pytest.mark.parametrize(
    "wait",
    [
        "next(stream)",
        "joblet.jobs.wait(job_id, timeout=60)",
        "joblet.calls.wait_for('ListJobs', timeout=60)",
        "joblet.rpc('GetJobStatus', uuid=job_id); time.sleep(60)",
        "joblet.rpc('RunJob', command='own'); joblet.clock.advance(2)",
    ],
)
def test_ctrl_c_ends_a_wait_cleanly(wait: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPT.replace("WAIT", wait)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "waits\n"
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        begun = time.monotonic()
        out, err = process.communicate(timeout=20)
    finally:
        process.kill()

    assert (out, err, process.returncode) == ("interrupted\n", "", 0)
    assert time.monotonic() - begun < 3


@unix
def test_ctrl_c_without_anybody_who_catches_it_shows_where_it_was() -> None:
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            INTERRUPT.replace("WAIT", "next(stream)").split("except")[0] + "finally:\n    pass\n",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    finally:
        process.kill()

    assert process.returncode == -signal.SIGINT
    assert err.startswith("Traceback (most recent call last):")
    assert err.rstrip().endswith("KeyboardInterrupt")
    assert err.count("Traceback") == 1


FORK = """
import os, sys, threading, time
from joblet_fake import FakeJoblet, ForkError

use = sys.argv[1]
with FakeJoblet(clock="frozen") as joblet:
    joblet.programs.on("train").prints("one").sleeps(60).prints("two")
    job_id = joblet.rpc("RunJob", command="train").job_uuid
    stream = joblet.rpc("GetJobLogs", uuid=job_id[:8])
    assert next(stream).payload == b"one"
    child = os.fork()
    if not child:
        try:
            exec(use)
        except ForkError as error:
            print("refused:", error, flush=True)
            if "left" in sys.argv:
                raise
            sys.exit(7)
        sys.exit(0)
    for _ in range(1000):
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            break
        time.sleep(0.01)
    else:
        os.kill(child, 9)
        print("the child hung", flush=True)
        sys.exit(1)
    print("child:", os.waitstatus_to_exitcode(status), flush=True)
    # The child's end did no harm to the parent's connections.
    joblet.clock.advance(60)
    assert [chunk.payload for chunk in stream] == [b"two"]
    assert joblet.rpc("GetJobStatus", uuid=job_id).status == "COMPLETED"
    assert joblet.rpc("Ping").healthy
"""

REFUSED = [
    "joblet.rpc('ListJobs')",
    "joblet.channel()",
    "joblet.jobs.wait(job_id)",
    "list(joblet.jobs)",
    "joblet.clock.advance(1)",
    "joblet.calls.wait_for('RunJob', 2)",
    "FakeJoblet().start()",
    "FakeJoblet().__enter__()",
    "joblet.reset()",
]


@unix
@pytest.mark.parametrize("use", REFUSED)
def test_a_forked_child_gets_a_clear_error(use: str) -> None:
    result = run(FORK, use)

    lines = result.stdout.splitlines()
    assert result.returncode == 0, (result.stdout, result.stderr)
    assert lines[0].startswith("refused: this process was forked from one that runs a joblet fake")
    assert "'spawn' method" in lines[0]
    assert lines[1:] == ["child: 7"]
    assert result.stderr == ""


@unix
@pytest.mark.parametrize(
    "use",
    [
        "pass",
        "print(joblet.address, flush=True)",
        "assert joblet.jobs[job_id].status == 'RUNNING'",
        "joblet.stop()",
        "import gc; del stream, joblet; gc.collect()",
        "time.sleep(0.3)",
        "import subprocess; subprocess.run([sys.executable, '-c', ''], check=True)",
    ],
)
def test_a_forked_child_that_lets_the_fake_be_goes_its_way(use: str) -> None:
    """Also when it ends as an interpreter does, taking down all that it has inherited."""
    result = run(FORK, use)

    assert result.returncode == 0, (result.stdout, result.stderr)
    assert result.stdout.splitlines()[-1] == "child: 0"
    assert result.stderr == ""


@unix
def test_an_error_that_leaves_the_block_in_the_child_is_shown() -> None:
    result = run(FORK, "joblet.rpc('ListJobs')", "left")

    assert result.returncode == 0, (result.stdout, result.stderr)
    assert result.stdout.splitlines()[-1] == "child: 1"
    assert result.stderr.rstrip().splitlines()[-1].startswith("joblet_fake.server.loop.ForkError")


@unix
def test_a_process_that_forks_before_its_first_fake_is_free_in_both() -> None:
    script = """
import os
from joblet_fake import FakeJoblet

child = os.fork()
with FakeJoblet() as joblet:
    assert joblet.rpc("Ping").healthy
if child:
    assert os.waitpid(child, 0)[1] == 0
"""
    result = run(script)

    assert (result.returncode, result.stderr) == (0, "")


def test_loading_the_package_leaves_the_environment_as_it_was() -> None:
    script = """
import os
before = dict(os.environ)
import joblet_fake
assert dict(os.environ) == before
"""
    assert run(script).returncode == 0
