"""After a restore everything goes on as it would have gone on without."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from joblet_fake import (
    FakeJoblet,
    Hang,
    Metrics,
    OnStop,
    RunningJob,
    Script,
    Sleep,
    Stderr,
    Stdout,
    Write,
)
from joblet_fake.model import JobSpec
from joblet_fake.strategies import programs

if TYPE_CHECKING:
    from collections.abc import Callable

WORKFLOW = """jobs:
  first: {command: random}
  second: {command: flaky, requires: [{first: COMPLETED}]}
  third: {command: generator, requires: [{first: FAILED}]}
  fourth: {command: flaky}
  fifth: {command: sleep, args: ["70"], requires: [{fourth: COMPLETED}]}
"""
SHELL = (
    'trap "echo bye; exit 3" TERM; date +%s; for i in 1 2 3; do echo $i >> /volumes/data/log; '
    "wc -l /volumes/data/log; sleep 7; x=$(date +%s); echo $((x % 100)); done; "
    "echo on; ls /volumes/data; sleep 900"
)
READS = {
    "ListJobs": {},
    "ListNetworks": {},
    "ListVolumes": {},
    "ListRuntimes": {},
    "ListWorkflows": {"include_completed": True},
    "GetSystemStatus": {},
}


def generator(job: RunningJob) -> Any:
    def saving(job: RunningJob) -> Any:
        yield Sleep(0.03)
        yield Stdout(b"saved " + job.files["progress"])
        return 9

    yield OnStop(saving)
    yield Metrics(cpu_percent=80.0)
    for number in range(4):
        try:
            before = job.files["/volumes/data/log"]
        except KeyError:
            before = b"-"
        yield Write("progress", f"{number} at {job.now()} {job.random.random()}".encode())
        try:
            yield Write("/volumes/data/log", before[-3:] + b"g\n")
        except OSError as error:
            yield Stderr(f"{error}\n".encode())
        yield Sleep(job.random.randrange(1, 40))
        yield Stderr(job.files["progress"] + b" after " + before + b"\n")
    if job.attempt % 2:
        yield Hang()
    return 0


def populated(joblet: FakeJoblet, script: Script) -> None:
    joblet.programs.add(script)
    joblet.programs.register("generator")(generator)
    joblet.programs.on("flaky").exits(1).then.sleeps(3).exits(0)
    joblet.networks.add("red", "10.1.0.0/29")
    joblet.volumes.add("data", size="1MB", type="memory")
    joblet.runtimes.add("python-3.11", version="1.0.0")


def submit(joblet: FakeJoblet, command: str, *args: str, **fields: Any) -> Any:
    """Submit a job, and wait for no answer."""
    spec = JobSpec(command, args, volumes=("data",), **fields)
    with joblet.clock.by_hand():
        return joblet.model.lifecycle.run(spec)


def start(joblet: FakeJoblet) -> list[Any]:
    due = f"{joblet.clock.now():%Y-%m-%dT%H:%M:25Z}"
    joblet.rpc("RunWorkflow", workflow="w.yaml", yaml_content=WORKFLOW)
    return [
        submit(joblet, "random"),
        submit(joblet, "generator", network="red"),
        submit(joblet, "sh", "-c", SHELL, network="red"),
        submit(joblet, "flaky"),
        submit(joblet, "random", schedule=due),
        submit(joblet, "generator", schedule=due, network="isolated"),
        submit(joblet, "sleep", "infinity", runtime="python-3.11"),
        submit(joblet, "sleep", "9", runtime="lost"),
    ]


def stop(joblet: FakeJoblet, number: int) -> None:
    running = [job for job in joblet.model.jobs.stored if job.status == "RUNNING"]
    if running:
        job = sorted(running, key=lambda job: job.number)[number % len(running)]
        with joblet.clock.by_hand():
            joblet.model.lifecycle.stop(job.uuid)


def meddle(joblet: FakeJoblet, number: int) -> None:
    """Do what a restore has to undo."""
    stop(joblet, number)
    submit(joblet, "generator", network="red")
    submit(joblet, "sh", "-c", "rm /volumes/data/log; echo other > /volumes/data/log")
    joblet.networks.add("blue", "10.2.0.0/29")
    joblet.clock.advance(7.7 * number)
    with joblet.clock.by_hand():
        joblet.model.lifecycle.delete_all()
    joblet.volumes.add("more", size="1GB", type="filesystem")
    joblet.host.cpus = 64
    if number % 2:
        joblet.clock.advance(1000)


def told(joblet: FakeJoblet) -> dict[str, object]:
    """Give all that can be seen, to the byte."""
    said: dict[str, object] = {"now": joblet.clock.now(), "ids": joblet.model.node_id}
    for method, fields in READS.items():
        said[method] = joblet.rpc(method, **fields).SerializeToString(deterministic=True)
    for uuid, job in joblet.jobs.items():
        said[f"{uuid} statuses"] = job.statuses
        said[f"{uuid} output"] = (job.stdout_bytes, job.stderr_bytes, job.explanation)
        for method in ("QueryLogs", "QueryMetrics"):
            said[f"{uuid} {method}"] = stream(joblet, method, uuid)
    tree = joblet.model.volumes.tree("data")
    said["data"] = {path: tree.read(path) for path in tree.paths()}
    return said


def stream(joblet: FakeJoblet, method: str, uuid: str) -> list[bytes] | str:
    try:
        answers = list(joblet.rpc(method, job_uuid=uuid))
    except grpc.RpcError as error:
        told: Any = error
        return str(told.details())
    return [answer.SerializeToString(deterministic=True) for answer in answers]


def lived(
    script: Script,
    pace: str,
    moments: list[float],
    stops: int,
    between: Callable[[FakeJoblet], None],
) -> dict[str, object]:
    """Give what is seen of a fake at the end; between two moments something is done."""
    with FakeJoblet(clock="frozen", pace=pace, tls=False, seed=7, stall_timeout=3) as joblet:
        populated(joblet, script)
        start(joblet)
        joblet.clock.advance(moments[0])
        stop(joblet, stops)
        joblet.clock.advance(moments[1])
        between(joblet)
        submit(joblet, "flaky")
        joblet.clock.advance(moments[2])
        stop(joblet, stops + 1)
        joblet.clock.advance(500)
        return told(joblet)


SOON = st.floats(0, 1) | st.sampled_from([0, 0.03, 0.1, 0.15, 0.25])
LATER = st.floats(0, 90)


@given(
    script=programs(command="random", max_sleep=60, may_hang=True),
    pace=st.sampled_from(["real", "immediate"]),
    moments=st.tuples(SOON | LATER, SOON | LATER, LATER).map(list),
    number=st.integers(0, 5),
)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_rest_is_as_it_would_have_been(
    script: Script, pace: str, moments: list[float], number: int
) -> None:
    def there_and_back(joblet: FakeJoblet) -> None:
        before = told(joblet)
        snapshot = joblet.snapshot()
        meddle(joblet, number)
        joblet.restore(snapshot)
        assert told(joblet) == before

    with_it = lived(script, pace, moments, number, there_and_back)
    without = lived(script, pace, moments, number, lambda joblet: told(joblet) and None)

    assert with_it == without
