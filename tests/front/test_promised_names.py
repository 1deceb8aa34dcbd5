"""The names that documentation and issues promise are there, and do what they are named after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest

from joblet_fake import FakeJoblet, Snapshot, load_api

if TYPE_CHECKING:
    from collections.abc import Mapping

CALLS_OF_THREE = ["UNAVAILABLE", "UNAVAILABLE", "OK"]


def submit(address: str, credentials: grpc.ChannelCredentials | None) -> str:
    """Submit a training as somebody's app does that tries three times."""
    method = load_api("2.3.1").method("RunJob")
    request = method.encode_request({"command": "python", "args": ["train.py"]})
    assert credentials is not None
    with grpc.secure_channel(address, credentials) as channel:
        call: Any = channel.unary_unary(method.path, None, method.decode_response)
        for attempt in range(3):
            try:
                return str(call(request, timeout=5).job_uuid)
            except grpc.RpcError:
                if attempt == 2:
                    raise
    raise AssertionError


def test_a_training_is_tried_again(joblet: FakeJoblet) -> None:
    joblet.programs.on(command="python").prints("epoch 1\n").sleeps(60).exits(0)
    joblet.faults.on("JobService.RunJob").fail("UNAVAILABLE", times=2)

    job_id = submit(joblet.address, joblet.credentials)

    assert joblet.jobs[job_id].status == "RUNNING"
    joblet.clock.advance(minutes=1)
    assert joblet.jobs[job_id].status == "COMPLETED"
    assert [call.code for call in joblet.calls.to("RunJob")] == CALLS_OF_THREE


def test_where_clients_find_it_and_what_they_show() -> None:
    with FakeJoblet(api="2.3.1", seed=7) as joblet:
        ports = [joblet.address, joblet.persist_address]
        assert all(address.startswith("127.0.0.1:") for address in ports)
        assert len(set(ports)) == 2
        assert isinstance(joblet.credentials, grpc.ChannelCredentials)
        for pem in (joblet.tls.ca_pem, joblet.tls.cert_pem(role="viewer")):
            assert pem.startswith(b"-----BEGIN CERTIFICATE-----")
        assert b"PRIVATE KEY-----" in joblet.tls.key_pem(role="viewer")
        for channel, path, method, role in (
            (joblet.channel(), "joblet.JobService", "ListJobs", "admin"),
            (joblet.channel(role="viewer"), "joblet.JobService", "ListJobs", "viewer"),
            (joblet.persist_channel(), "joblet.persist.PersistService", "Ping", "admin"),
        ):
            channel.unary_unary(f"/{path}/{method}")(b"", timeout=5)
            assert joblet.calls.last().method.endswith(f"Service.{method}")
            assert joblet.calls.last().role == role
    with FakeJoblet(tls=False) as plain:
        assert plain.credentials is None


@pytest.mark.asyncio
async def test_coroutines_enter_it_and_call_it() -> None:
    async with FakeJoblet(api="2.3.1", seed=7) as joblet:
        async with joblet.aio_channel() as core, joblet.aio_persist_channel() as persist:
            assert await core.unary_unary("/joblet.JobService/ListJobs")(b"", timeout=5) == b""
            ping = persist.unary_unary("/joblet.persist.PersistService/Ping")
            assert await ping(b"", timeout=5)
        job_id = joblet.jobs.add("train", status="CANCELED").uuid
        assert (await joblet.jobs.wait_async(job_id)).status == "CANCELED"
        assert len(await joblet.calls.wait_for_async("ListJobs")) == 1


def test_a_call_needs_no_generated_code() -> None:
    with FakeJoblet(api="2.3.1", seed=7) as joblet:
        done = joblet.rpc("JobService.RunJob", command="echo", args=["hi"])
        assert joblet.jobs.wait(done.job_uuid).stdout == "hi\n"
        stream = joblet.rpc("GetJobLogs", uuid=done.job_uuid, role="viewer", timeout=5)
        assert b"".join(chunk.payload for chunk in stream) == b"hi\n"
        with pytest.raises(grpc.RpcError, match="role viewer is not allowed"):
            joblet.rpc("RunJob", role="viewer", command="echo")
        with pytest.raises(
            ValueError, match=r"JobService\.DeleteJob.* or .*PersistService\.DeleteJo"
        ):
            joblet.rpc("DeleteJob")


def test_what_it_holds_is_seen_as_mappings() -> None:
    with FakeJoblet(api="2.3.1", seed=7, clock="frozen") as joblet:
        joblet.volumes.add("data")
        joblet.runtimes.add("python-3.11")
        job_id = joblet.rpc("RunJob", command="echo", args=["hi"], volumes=["data"]).job_uuid
        joblet.rpc("RunWorkflow", workflow="w.yaml", yaml_content="jobs: {a: {command: x}}")
        views: Mapping[str, Mapping[str, object]] = {
            name: getattr(joblet, name)
            for name in ("jobs", "networks", "volumes", "runtimes", "history", "workflows")
        }

        assert {name: len(view) for name, view in views.items()} == {
            "jobs": 2, "networks": 1, "volumes": 1, "runtimes": 1, "history": 2, "workflows": 1,
        }  # fmt: skip
        for view in views.values():
            assert all(key in view for key in view)
            assert "no such thing" not in view
        assert joblet.history[job_id].stdout == joblet.jobs[job_id].stdout == "hi\n"
        assert joblet.history[job_id].lines[0].content == b"hi\n"
        assert joblet.rpc("GetSystemStatus").host.hostname == joblet.host.hostname


def test_what_a_test_says_to_it() -> None:
    with FakeJoblet(api="2.3.1", seed=7, clock="frozen") as joblet:
        joblet.programs.on(command="train").exits(3)
        joblet.faults.on("ListJobs").fail("ABORTED", times=1)
        joblet.quirks.enable("cancel-works")
        before = joblet.clock.now()

        job_id = joblet.rpc("RunJob", command="train").job_uuid
        with pytest.raises(grpc.RpcError, match="ABORTED"):
            joblet.rpc("ListJobs")
        joblet.clock.advance(hours=1)

        assert joblet.jobs[job_id].exit_code == 3
        assert joblet.programs.explain(job_id).startswith(f"job {job_id}: train")
        assert (len(joblet.faults.fired), list(joblet.faults.unused)) == (1, [])
        assert [call.code for call in joblet.calls] == ["OK", "ABORTED"]
        assert (joblet.clock.now() - before).total_seconds() == 3600
        assert "cancel-works" in joblet.quirks


def test_its_state_is_filled_forgotten_kept_and_restored() -> None:
    with FakeJoblet(api="2.3.1", seed=7, clock="frozen") as joblet:
        made = joblet.populate(jobs=200, networks=3)
        assert (len(joblet.jobs), len(joblet.networks)) == (200, 4)
        snap = joblet.snapshot()
        assert isinstance(snap, Snapshot)

        joblet.reset()
        assert (len(joblet.jobs), len(joblet.networks), len(joblet.history)) == (0, 1, 0)

        joblet.restore(snap)
        stored = list(joblet.history)
        assert list(joblet.jobs) == list(made.jobs)
        assert stored

        joblet.restart()
        assert (len(joblet.jobs), list(joblet.history)) == (0, stored)
