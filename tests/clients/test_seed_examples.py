"""The examples that API 2.0.3 was published with, on bindings that `joblet-fake protos` gave."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from grpc_tools import protoc  # type: ignore[import-untyped]
from real_client import run

from joblet_fake import FakeJoblet, PortError

if TYPE_CHECKING:
    from collections.abc import Iterator

# Generated code refuses a protobuf older than its generator's, as the lowest versions' is.
pytestmark = pytest.mark.toolchain

CLIENT: Final = Path(__file__).with_name("seed_client.py")
MIB: Final = 1 << 20


@pytest.fixture(scope="module")
def bindings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of generated Python code for API 2.0.3."""
    out = tmp_path_factory.mktemp("bindings")
    command = str(Path(sysconfig.get_path("scripts")) / "joblet-fake")
    subprocess.run(
        [command, "protos", "--api", "2.0.3", "--out", str(out)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    options = [f"-I{out}", f"--python_out={out}", f"--grpc_python_out={out}"]
    assert protoc.main(["protoc", *options, *map(str, out.glob("*.proto"))]) == 0
    return out


@pytest.fixture(params=["any ports", "its own ports"])
def joblet(request: pytest.FixtureRequest) -> Iterator[FakeJoblet]:
    """Give a server of that version: on free ports, and on those that the examples name."""
    ports = {"core_port": 50051, "persist_port": 50052} if "its own" in request.param else {}
    with contextlib.ExitStack() as stack:
        try:
            fake = stack.enter_context(FakeJoblet(api="2.0.3", clock="skipping", **ports))
        except PortError as error:
            pytest.skip(f"the examples' own ports are not free: {error}")
        yield fake


def _on_localhost(address: str) -> str:
    return f"localhost:{address.rpartition(':')[2]}"


def test_the_published_examples_run(joblet: FakeJoblet, bindings: Path, tmp_path: Path) -> None:
    """PER-20, PER-36 to PER-38, PER-50, PER-91: what they give on a server of API 2.3.1."""
    joblet.programs.on("talk").prints("one\n").sleeps(60).prints("two\n")
    train = joblet.programs.on("train").metrics(cpu_percent=93.0, memory_bytes=512 * MIB)
    train.prints("epoch\n").sleeps(12)
    jobs = {"train": joblet.rpc("RunJob", command="train").job_uuid}
    joblet.clock.advance(seconds=12)
    jobs["talk"] = joblet.rpc("RunJob", command="talk").job_uuid
    jobs["silent"] = joblet.rpc("RunJob", command="true").job_uuid
    pems = (joblet.tls.ca_pem, joblet.tls.key_pem(), joblet.tls.cert_pem())
    for name, pem in zip(("ca", "key", "cert"), pems, strict=True):
        (tmp_path / name).write_bytes(pem)

    seen: dict[str, Any] = run(
        [
            sys.executable,
            str(CLIENT),
            _on_localhost(joblet.address),
            _on_localhost(joblet.persist_address),
            str(tmp_path),
            json.dumps(jobs),
        ],
        {"HOME": str(tmp_path), "PYTHONPATH": str(bindings), "no_proxy": "localhost"},
    )

    # PER-91: stored, stored again, buffered, and then what comes.
    assert seen["running"] == ["one\n", "one\n", "one\n", "two\n"]
    assert seen["ended"] == ["one\n", "two\n", "one\n", "two\n"]
    assert seen["without output"] == [
        f"INTERNAL: failed to read logs: no logs found for job {jobs['silent']}",
    ]
    assert seen["status"] == "COMPLETED"
    # PER-37, PER-38: times in seconds, whatever the file's comment says; the CPU in cores.
    every = seen["all"]
    start = every[0][0]
    assert start == int(joblet.jobs[jobs["train"]].statuses[0][0].timestamp())
    assert every == [
        [start, 0, 512 * MIB],
        [start + 5, 0.93, 512 * MIB],
        [start + 10, 0.93, 512 * MIB],
    ]
    # So a range in nanoseconds, as the examples ask for it, begins after everything.
    assert seen["in nanoseconds"] == []
    assert seen["until, in nanoseconds"] == every
    assert seen["in seconds"] == every[1:2]
    assert seen["the first two"] == every[:2]
    codes = {(call.method, call.role, call.code) for call in joblet.calls.to("QueryMetrics")}
    assert {role for _, role, _ in codes} == {"admin"}
