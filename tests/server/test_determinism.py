"""Two runs with one seed under the frozen clock give the same bytes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SCENARIO = """
import hashlib, sys
import grpc
from joblet_fake import FakeJoblet, Sleep, Stdout

seed, pace, tls = int(sys.argv[1]), sys.argv[2], sys.argv[3] == "tls"


def told(joblet, method, **fields):
    shape = joblet._api.method(method)
    channel = joblet.persist_channel() if shape.persist else joblet.channel()
    request = shape.encode_request(fields)
    try:
        if shape.server_streaming:
            frames = list(channel.unary_stream(shape.path)(request, timeout=20))
        else:
            frames = [channel.unary_unary(shape.path)(request, timeout=20)]
        print(method, "OK", *[frame.hex() for frame in frames])
        return [shape.decode_response(frame) for frame in frames]
    except grpc.RpcError as error:
        print(method, error.code().name, error.details())
        return []


with FakeJoblet(clock="frozen", seed=seed, pace=pace, tls=tls) as joblet:
    train = joblet.programs.on("train").prints("epoch 1\\n").sleeps(60)
    train.prints("warning\\n", stream="stderr")
    joblet.programs.on("train", env={"FAST": "1"}).prints("quick\\n").exits(4)
    joblet.programs.on("asked", when=lambda job: len(job.args) > 1).prints("many\\n")


    @joblet.programs.register("own")
    def own(job):
        for number in range(3):
            inner = joblet.rpc("RunJob", command="echo", args=[str(number)])
            yield Stdout(f"{job.random.random()} {job.now()} {inner.job_uuid}\\n".encode())
            yield Sleep(job.random.randrange(1, 40))

    ids = []

    def run(command, *args, **fields):
        for answer in told(joblet, "RunJob", command=command, args=args, **fields):
            ids.append(answer.job_uuid)

    run("train", environment={name: name * 3 for name in ("zeta", "alpha", "mid", "FAST")})
    run("train", secret_environment={"FAST": "1", "B": "2", "A": "1"}, volumes=["lost"])
    run("asked", "1", "2")
    run("asked")
    run("echo", "hello", network="none")
    run("sh", "-c", "seq 1 50; ls nosuch; env | sort; exit 3")
    run("unknown-command", runtime="python:3.11")
    run("later", schedule="2026-01-01T01:00:00Z")
    run("never", schedule="2026-01-01T02:00:00+02:00")
    run("sleep", "3600")
    for number in range(3):
        run("own", str(number), schedule="2026-01-01T00:00:30Z" if number == 2 else "")
    run("x", network="host")
    run("")
    run("x", max_cpu=-1)
    told(joblet, "JobService.ListJobs")
    for job_id in ids:
        told(joblet, "GetJobStatus", uuid=job_id)
    told(joblet, "StopJob", uuid=ids[-1])
    told(joblet, "StopJob", uuid=ids[-2])
    joblet.clock.advance(minutes=2)
    told(joblet, "Ping")
    told(joblet, "GetSystemStatus")
    told(joblet, "StreamingInstallRuntimeFromGithub", runtime_spec="python-3.11-ml")
    told(joblet, "ListRuntimes")
    for job_id in ids[:7]:
        told(joblet, "GetJobLogs", uuid=job_id)
        told(joblet, "GetJobLogs", uuid=job_id[:8])
        told(joblet, "QueryLogs", job_uuid=job_id)
    told(joblet, "JobService.DeleteJob", uuid=ids[0])
    told(joblet, "PersistService.DeleteJob", job_uuid=ids[1])
    joblet.clock.run_until_idle()
    told(joblet, "JobService.ListJobs")
    told(joblet, "DeleteAllJobs")
    told(joblet, "JobService.ListJobs")
    told(joblet, "Nothing" if False else "Ping")
    for call in joblet.calls:
        print(call.method, call.role, call.code, call.started.isoformat(), call.duration, call.sent)
        print(hashlib.sha256(b"".join(frame.data for frame in call.frames)).hexdigest())
    joblet.reset()
    told(joblet, "RunJob", command="again")
    joblet.check()
"""


def transcript(hash_seed: int, seed: int = 7, pace: str = "immediate", tls: str = "plain") -> str:
    result = subprocess.run(
        [sys.executable, "-c", SCENARIO, str(seed), pace, tls],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed), "TZ": "UTC"},
    )
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.splitlines()) > 150
    return result.stdout


@pytest.mark.parametrize("pace", ["immediate", "real"])
def test_one_seed_gives_the_same_bytes_whatever_pythons_hashes(pace: str) -> None:
    assert transcript(1, pace=pace) == transcript(2, pace=pace)


def test_tls_changes_nothing() -> None:
    assert transcript(1, tls="tls") == transcript(3)


def test_another_seed_gives_other_ids() -> None:
    assert transcript(1, seed=7) != transcript(1, seed=8)
