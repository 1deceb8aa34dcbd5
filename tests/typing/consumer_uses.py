"""How others' tests use what is public, with what mypy must make of it; never run."""

# ruff: noqa: PLR0917, TC003 - others' tests take as many fixtures, and import, as they like
from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from pathlib import Path
from typing import Any, assert_type

import grpc
import pytest

from joblet_fake import (
    FakeJoblet,
    Hang,
    InstallScript,
    JobView,
    Metrics,
    NetworkView,
    OnStop,
    Populated,
    PortError,
    Rule,
    RunningJob,
    RuntimeView,
    Script,
    Sleep,
    Snapshot,
    StalledError,
    Stderr,
    Stdout,
    Step,
    StoredJobView,
    StoredLine,
    Tls,
    VolumeView,
    WorkflowView,
    Write,
    versions,
)


@pytest.fixture
def joblet_options(joblet_options: dict[str, Any]) -> dict[str, Any]:
    return {**joblet_options, "clock": "frozen"}


@pytest.fixture
def client(joblet: FakeJoblet) -> Iterator[grpc.Channel]:
    with joblet.channel(role="viewer") as channel:
        yield channel


@pytest.mark.joblet(api="2.3.1", tls=True)
def test_fixtures(
    joblet: FakeJoblet,
    joblet_module: FakeJoblet,
    joblet_session: FakeJoblet,
    joblet_factory: Callable[..., FakeJoblet],
    rnx_config: Path,
    joblet_env: dict[str, str],
) -> None:
    assert_type(joblet_factory(clock="frozen"), FakeJoblet)
    assert_type(joblet_module.rpc("ListJobs").jobs, Any)
    assert_type(joblet_session.jobs["x"], JobView)
    assert_type(rnx_config.read_text(), str)
    assert_type(joblet_env["RNX_CONFIG"], str)
    assert_type(joblet.address, str)
    assert_type(joblet.persist_address, str)
    assert_type(joblet.credentials, grpc.ChannelCredentials | None)
    assert_type(joblet.tls, Tls)
    assert_type(joblet.tls.ca_pem, bytes)
    assert_type(joblet.tls.key_pem(role="viewer"), bytes)
    assert_type(joblet.channel(), grpc.Channel)
    assert_type(joblet.persist_channel("viewer"), grpc.Channel)
    assert_type(joblet.aio_channel(), grpc.aio.Channel)
    assert_type(joblet.aio_persist_channel(), grpc.aio.Channel)
    assert_type(joblet.rnx_config(), str)
    assert_type(joblet.options.seed, int)
    assert_type(joblet.reset(), None)


def test_faults(joblet: FakeJoblet) -> None:
    rule = joblet.faults.on("RunJob", when=lambda call: call.role == "viewer")
    assert_type(rule.skip(1).fail(grpc.StatusCode.ABORTED, trailers={"a-bin": b"x"}), Rule)
    assert_type(rule.then.delay(0.5).fail("UNAVAILABLE", times=2), Rule)
    assert_type((rule.used, rule.fired), tuple[bool, int])
    assert_type(joblet.faults.fired[0].call.fault, str)
    assert_type(joblet.faults.preset("reply lost", times=2), Rule | None)
    assert_type(joblet.faults.server.refuse("core"), None)
    assert_type(joblet.faults.server.connections[0].drop(), bool)
    assert_type(joblet.restart(keep_state=True), None)


def test_calling(joblet: FakeJoblet) -> None:
    assert_type(joblet.rpc("JobService.RunJob", command="echo", args=["hi"]).job_uuid, Any)
    assert_type(joblet.rpc("RunJob", role="viewer", timeout=1.5), Any)
    for chunk in joblet.rpc("GetJobLogs", uuid="x"):
        assert_type(chunk.payload, Any)


def test_jobs(joblet: FakeJoblet) -> None:
    jobs: Mapping[str, JobView] = joblet.jobs
    job = joblet.jobs["x"]
    assert_type(job, JobView)
    assert_type(joblet.jobs.wait("x", timeout=2), JobView)
    assert_type(joblet.jobs.get("x"), JobView | None)
    assert_type((job.status, job.exit_code, job.stdout, job.stderr), tuple[str, int, str, str])
    assert_type(job.stdout_bytes, bytes)
    assert_type((job.command, job.args), tuple[str, tuple[str, ...]])
    assert_type(job.started, datetime)
    assert_type(job.ended, datetime | None)
    assert jobs


def test_programs(joblet: FakeJoblet) -> None:
    script = joblet.programs.on(command="python", args=["train.py"], env={"GPU": "1"})
    assert_type(script, Script)
    assert_type(script.prints("epoch 1\n").prints(b"raw", stream="stderr").sleeps(0.5), Script)
    assert_type(joblet.programs.on("a").exits(0), Script)
    assert_type(joblet.programs.on("b").dies("SIGKILL"), Script)
    assert_type(joblet.programs.on("c").hangs(), Script)
    assert_type(joblet.programs.on("e").writes("/volumes/v/f", b"data"), Script)
    assert_type(joblet.programs.on("d").fails_to_start("no such file"), Script)


def test_runtimes_and_the_host(joblet: FakeJoblet) -> None:
    assert_type(joblet.runtimes.add("python-3.11", version="1.2.0", packages=["a"]), RuntimeView)
    assert_type(joblet.runtimes["python-3.11"].packages, tuple[str, ...])
    assert_type(joblet.runtimes.remove("python-3.11"), None)
    assert_type(joblet.runtimes.on_install("a").prints("x").sleeps(1).exits(1), InstallScript)
    assert_type(joblet.host.cpu_percent, float)
    assert_type(joblet.host.load, tuple[float, float, float])
    assert_type(joblet.host.disks["/"].used, int)
    joblet.host.cpus, joblet.host.cpu_percent, joblet.host.load = 4, None, (1, 2.5, 3)
    joblet.host.cloud = {"provider": "AWS"}


def test_quirks(joblet: FakeJoblet) -> None:
    quirks: AbstractSet[str] = joblet.quirks
    joblet.quirks.enable("logs-once", "cancel-works")
    joblet.quirks.disable("logs-once")
    assert_type("logs-once" in quirks, bool)
    assert_type(joblet.quirks.known["logs-once"], str)


def test_networks_and_volumes(joblet: FakeJoblet) -> None:
    networks: Mapping[str, NetworkView] = joblet.networks
    assert_type(joblet.networks.add("lab", "10.0.0.0/24"), NetworkView)
    assert_type(joblet.networks["lab"].addresses, dict[str, str])
    assert_type(joblet.networks["lab"].job_count, int)
    volumes: Mapping[str, VolumeView] = joblet.volumes
    assert_type(
        joblet.volumes.add("data", "1GB", "memory", files={"a": "b", "c": b"d"}), VolumeView
    )
    assert_type(joblet.volumes["data"].files, dict[str, bytes])
    assert_type(joblet.volumes["data"].created, datetime)
    assert_type(joblet.jobs["x"].address, str | None)
    assert len(networks) + len(volumes)


def test_clock(joblet: FakeJoblet) -> None:
    assert_type(joblet.clock.now(), datetime)
    assert_type(joblet.clock.advance(1.5, minutes=1, hours=2, days=3), None)
    assert_type(joblet.clock.run_until_idle(), None)
    assert_type(joblet.clock.run_until(lambda: len(joblet.jobs) > 2), None)
    assert_type(joblet.clock.mode, str)


def test_calls(joblet: FakeJoblet) -> None:
    assert_type([call.code for call in joblet.calls.to("RunJob")], list[str | None])
    assert_type([call.role for call in joblet.calls], list[str])
    assert_type(joblet.calls.last().method, str)
    assert_type(joblet.calls.last().duration, float | None)
    assert_type(joblet.calls.wait_for("RunJob", n=2, timeout=1)[0].details, str)
    assert_type(len(joblet.calls.where(lambda call: call.sent > 1)), int)


async def test_awaiting(joblet: FakeJoblet) -> None:
    assert_type(await joblet.jobs.wait_async("x"), JobView)
    assert_type((await joblet.calls.wait_for_async("RunJob"))[0].sent, int)
    assert_type(await joblet.clock.run_until_async(lambda: True), None)


async def test_awaiting_what_waits(joblet: FakeJoblet, joblet_session: FakeJoblet) -> None:
    assert_type(await joblet.start_async(), FakeJoblet)
    assert_type(await joblet.restart_async(keep_state=True), None)
    assert_type(await joblet.populate_async(jobs=3, days=1.5), Populated)
    snapshot = await joblet.snapshot_async()
    assert_type(snapshot, Snapshot)
    assert_type(await joblet_session.restore_async(snapshot), None)
    assert_type(await joblet.reset_async(), None)
    assert_type(await joblet.faults.server.crash_async(keep_state=True), None)
    assert_type(await joblet.faults.server.refuse_async("core"), None)
    assert_type(await joblet.faults.server.drop_connections_async(port=None), int)
    assert_type(await joblet.faults.server.clear_async(), None)
    assert_type(await joblet.stop_async(), None)


def test_history_and_workflows(joblet: FakeJoblet) -> None:
    history: Mapping[str, StoredJobView] = joblet.history
    assert_type(
        joblet.history.add(lines=["a", b"b"], metrics=[Metrics(cpu_percent=1)]), StoredJobView
    )
    stored = joblet.history["x"]
    assert_type((stored.stdout, stored.stderr, stored.stdout_bytes), tuple[str, str, bytes])
    assert_type(stored.lines, list[StoredLine])
    assert_type(stored.metrics[0].cpu_percent, float)
    assert_type(stored.lines[0].at, datetime)
    workflows: Mapping[str, WorkflowView] = joblet.workflows
    assert_type(joblet.workflows["x"].jobs["a"].uuid, str)
    assert_type(joblet.workflows["x"].ended, datetime | None)
    for view in (joblet.jobs, joblet.networks, joblet.volumes, joblet.runtimes, joblet.history):
        assert_type(view.remove("x"), None)
    del joblet.jobs["x"], joblet.networks["x"], joblet.volumes["x"], joblet.runtimes["x"]
    assert len(history) + len(workflows)


async def test_of_its_own() -> None:
    with FakeJoblet(api=versions()[-1], seed=7, exec=True) as fake:
        assert_type(fake, FakeJoblet)
    async with FakeJoblet(start=datetime.fromisoformat("2026-01-01T00:00Z")) as fake:
        assert_type(fake, FakeJoblet)
    for error in (PortError("taken"), StalledError("frozen")):
        assert isinstance(error, OSError | RuntimeError)


def test_generators(joblet: FakeJoblet) -> None:
    def saving(job: RunningJob) -> Iterator[Step]:
        yield Stdout(job.files["checkpoint"])

    @joblet.programs.register("train.py", args=["-v"], when=lambda spec: spec.max_memory > 1)
    def train(job: RunningJob) -> Generator[Step, None, int]:
        assert_type(job.uuid, str)
        assert_type(job.args, tuple[str, ...])
        assert_type(job.environment, dict[str, str])
        assert_type(job.attempt, int)
        assert_type(job.now(), datetime)
        assert_type(job.files["in.txt"], bytes)
        assert_type(job.random.random(), float)
        yield OnStop(saving)
        yield Stdout(b"epoch 1\n", times=3)
        yield Metrics(cpu_percent=93.0, memory_bytes=512 << 20)
        yield Write("checkpoint", b"1")
        yield Sleep(30)
        yield Stderr(b"warning: lr\n")
        return 0

    @joblet.programs.register()
    def anything(_job: RunningJob) -> Iterator[Hang]:
        yield Hang()

    same: Callable[[RunningJob], Generator[Step, None, int]] = train
    assert_type(next(same(joblet)), Step)  # type: ignore[arg-type]  # only the fake makes such jobs
    assert_type(joblet.programs.explain("x"), str)
    assert_type(joblet.programs.on("x").exits(1).then.exits(0), Script)
    assert_type(joblet.programs.on("x").attempt(2).on_stop(prints="bye", exits=3), Script)


async def test_time_for_tasks(joblet: FakeJoblet) -> None:
    await joblet.clock.advance_async(minutes=1)
    await joblet.clock.run_until_idle_async()
