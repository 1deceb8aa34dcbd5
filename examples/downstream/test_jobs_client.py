"""Each test is a bug of the naive client; the repaired one passes them all.

pytest examples/downstream
CLIENT=naive pytest examples/downstream
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import grpc
import naive_client
import pytest
import repaired_client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from joblet_fake import FakeJoblet

Client = naive_client.Client | repaired_client.Client
DAY = 24 * 60

pytestmark = pytest.mark.joblet(clock="frozen", stall_timeout=4.0)


@pytest.fixture
def client(joblet: FakeJoblet) -> Iterator[Client]:
    naps = 0

    def sleep(seconds: float) -> None:
        nonlocal naps
        naps += 1
        assert naps < DAY, "the client waits for ever"
        joblet.clock.advance(seconds)

    kind = naive_client if os.environ.get("CLIENT") == "naive" else repaired_client
    client = kind.Client(joblet.address, joblet.credentials, sleep=sleep)
    yield client
    client.close()


# What faults find


def test_a_lost_reply_does_not_make_a_second_job(joblet: FakeJoblet, client: Client) -> None:
    joblet.faults.preset("reply lost")

    job_id = client.submit("train")

    assert list(joblet.jobs) == [job_id]


def test_an_outage_of_half_a_minute_is_survived(joblet: FakeJoblet, client: Client) -> None:
    joblet.faults.preset("outage", seconds=30)

    assert joblet.jobs[client.submit("train")].status == "COMPLETED"


def test_a_full_server_is_asked_again_when_it_said(joblet: FakeJoblet, client: Client) -> None:
    later = {"retry-after": "20"}
    joblet.faults.on("RunJob").fail("RESOURCE_EXHAUSTED", trailers=later, times=1)

    client.submit("train")

    first, second = joblet.calls.to("RunJob")
    assert (second.started - first.started).total_seconds() >= 20


def test_what_is_refused_for_good_is_not_asked_again(joblet: FakeJoblet, client: Client) -> None:
    joblet.faults.on("RunJob").fail("PERMISSION_DENIED", times=1)

    with pytest.raises(grpc.RpcError, match="PERMISSION_DENIED"):
        client.submit("train")


def test_a_call_without_an_answer_is_given_up(joblet: FakeJoblet, client: Client) -> None:
    job_id = client.submit("train")
    joblet.faults.on("GetJobStatus").times(1).stall()

    assert client.wait(job_id) == 0


def test_a_job_that_the_server_forgot_is_lost(joblet: FakeJoblet, client: Client) -> None:
    joblet.programs.on("train").hangs()
    job_id = client.submit("train")
    joblet.faults.server.restart()

    with pytest.raises(LookupError):
        client.wait(job_id)


@pytest.mark.parametrize("preset", ["log cut off", "log ends early"])
def test_half_a_log_is_not_taken_for_all(joblet: FakeJoblet, client: Client, preset: str) -> None:
    joblet.programs.on("train").prints("epoch 1\n").prints("epoch 2\n")
    job_id = client.submit("train")
    joblet.faults.preset(preset)

    assert client.log(job_id) == "epoch 1\nepoch 2\n"


def test_a_stop_whose_reply_was_lost_is_a_stop(joblet: FakeJoblet, client: Client) -> None:
    joblet.programs.on("train").hangs()
    job_id = client.submit("train")
    joblet.faults.on("StopJob").after_effect().fail("UNAVAILABLE", times=1)

    client.stop(job_id)

    assert joblet.jobs[job_id].status == "FAILED"


# What it takes no fault to find: a real server is like this


def test_a_canceled_job_is_over(joblet: FakeJoblet, client: Client) -> None:
    job_id = client.submit("train", schedule="2099-01-01T00:00:00Z")
    joblet.rpc("StopJob", uuid=job_id)

    client.wait(job_id)


@pytest.mark.joblet(clock="skipping")
def test_the_log_of_a_running_job_counts_once(joblet: FakeJoblet, client: Client) -> None:
    joblet.programs.on("train").prints("epoch 1\n").sleeps(60).prints("epoch 2\n")

    assert client.log(client.submit("train")) == "epoch 1\nepoch 2\n"


def test_secrets_are_shown_to_nobody(joblet: FakeJoblet, client: Client) -> None:
    joblet.rpc("RunJob", command="train", secret_environment={"TOKEN": "hunter2"})

    assert "hunter2" not in client.table()
