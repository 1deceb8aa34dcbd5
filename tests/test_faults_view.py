"""`joblet.faults`: the opening example, and what production does, by name."""

from __future__ import annotations

import inspect
import time
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from joblet_fake.faults import PRESETS

if TYPE_CHECKING:
    from collections.abc import Callable

    from joblet_fake import FakeJoblet
    from joblet_fake.faults import Faults


def code_of(joblet: FakeJoblet, method: str, **fields: Any) -> str:
    try:
        answer = joblet.rpc(method, timeout=10, **fields)
        if hasattr(answer, "__next__"):
            list(answer)
    except grpc.RpcError as error:
        failed: Any = error
        return str(failed.code().name)
    return "OK"


class MyApp:
    """An application that tries again, over a channel of its own making."""

    def submit_training(
        self, address: str, credentials: grpc.ChannelCredentials | None, request: bytes
    ) -> bytes:
        assert credentials is not None
        with grpc.secure_channel(address, credentials) as channel:
            run = channel.unary_unary("/joblet.JobService/RunJob")
            for _ in range(5):
                try:
                    reply: bytes = run(request, timeout=5)
                except grpc.RpcError as error:
                    failed: Any = error
                    assert failed.code() is grpc.StatusCode.UNAVAILABLE
                else:
                    return reply
        raise AssertionError("it gave up")


@pytest.mark.joblet(clock="frozen")
def test_training_is_retried(joblet: FakeJoblet) -> None:
    joblet.programs.on(command="python").prints("epoch 1\n").sleeps(60).exits(0)
    joblet.faults.on("JobService.RunJob").fail("UNAVAILABLE", times=2)

    run = joblet._api.method("RunJob")
    request = run.encode_request({"command": "python"})
    reply: Any = run.decode_response(
        MyApp().submit_training(joblet.address, joblet.credentials, request)
    )

    joblet.clock.advance(minutes=1)
    assert joblet.jobs[reply.job_uuid].status == "COMPLETED"
    assert [c.code for c in joblet.calls.to("RunJob")] == ["UNAVAILABLE", "UNAVAILABLE", "OK"]


def test_every_preset_is_listed_with_a_sentence(joblet: FakeJoblet) -> None:
    presets = joblet.faults.presets

    assert list(presets) == sorted(presets)
    assert {"restart during a log follow", "persist away", "reply lost"} <= set(presets)
    for sentence in presets.values():
        assert sentence.endswith(".")
        assert ". " not in sentence


@pytest.mark.parametrize("name", list(PRESETS))
def test_every_preset_changes_what_a_client_sees(joblet: FakeJoblet, name: str) -> None:
    joblet.programs.on("lines").prints("a").prints("b").exits(0)
    job_id = joblet.rpc("RunJob", command="lines").job_uuid
    calls: dict[str, dict[str, Any]] = {
        "RunJob": {"command": "true"},
        "GetJobLogs": {"uuid": job_id},
        "ListJobs": {},
        "Ping": {},
    }
    options: dict[str, Any] = {"calls": 1} if name == "overload" else {}
    peers = {one.peer for one in joblet.faults.server.connections}

    rule = joblet.faults.preset(name, **options)

    if name == "persist hangs":
        with pytest.raises(grpc.RpcError):
            joblet.rpc("Ping", timeout=0.2)
    elif name == "log ends early":
        assert len(list(joblet.rpc("GetJobLogs", uuid=job_id))) == 1
    elif name == "rolling upgrade":
        joblet.rpc("ListJobs", timeout=10)
        assert {one.peer for one in joblet.faults.server.connections}.isdisjoint(peers)
    else:
        codes = {code_of(joblet, method, **fields) for method, fields in calls.items()}
        assert codes - {"OK", "NOT_FOUND"}
    if rule is not None:
        assert rule.fired
    joblet.faults.clear()
    joblet.faults.server.clear()
    for method, fields in calls.items():
        # After a restart the server knows the job no longer.
        assert code_of(joblet, method, **fields) in {"OK", "NOT_FOUND"}


def test_a_preset_takes_the_options_that_it_has(joblet: FakeJoblet) -> None:
    rule = joblet.faults.preset("reply lost", method="StopJob", times=2)

    assert repr(rule) == "on('JobService.StopJob').times(2).after_effect().drop_connection()"
    with pytest.raises(ValueError, match="no option 'time'; near: 'times'"):
        joblet.faults.preset("reply lost", time=3)
    with pytest.raises(ValueError, match="no option 'seconds'; it has none"):
        joblet.faults.preset("persist away", seconds=3)
    with pytest.raises(ValueError, match="no preset 'replay lost'; near: 'reply lost'"):
        joblet.faults.preset("replay lost")
    joblet.faults.clear()


def test_every_verb_says_in_its_help_what_it_does(joblet: FakeJoblet) -> None:
    rule = joblet.faults.on("RunJob")
    for thing in (joblet.faults, joblet.faults.server, rule):
        for name, member in vars(type(thing)).items():
            if not name.startswith("_"):
                assert inspect.getdoc(member), name
    rule.clear()


def test_the_end_of_a_fake_does_not_wait_for_faults(joblet: FakeJoblet) -> None:
    joblet.faults.on("*").stall()
    stream = joblet.rpc("GetJobLogs", uuid="x")
    while not joblet.faults.fired:
        time.sleep(0.001)
    began = time.monotonic()

    joblet.stop()

    assert time.monotonic() - began < 3
    with pytest.raises(grpc.RpcError):
        next(stream)


# What is refused when it is written


@pytest.mark.parametrize(
    ("write", "text"),
    [
        (lambda faults: faults.preset("outage", seconds=-3), r"during\(-3\)"),
        (lambda faults: faults.server.quota(-1, 1), r"quota\(-1, per=1\): the least is 0"),
        (lambda faults: faults.on("RunJob").times(1).fail("Unavailible"), "near: 'UNAVAILABLE'"),
        (lambda faults: faults.on("RunJob").delay(1e300), "no clock goes on for so long"),
        (lambda faults: faults.on("RunJob").fail("INTERNAL", "x" * 200_000), "200,000 bytes"),
        (lambda faults: faults.on("RunJob").fail("INTERNAL", "ä" * 1_001), "6,006 bytes"),
    ],
)
def test_a_rule_that_is_refused_is_not_there(
    joblet: FakeJoblet, write: Callable[[Faults], object], text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        write(joblet.faults)

    assert joblet.faults.unused == []
    joblet.faults.check()


def test_a_rule_that_has_an_action_stays_when_more_is_refused(joblet: FakeJoblet) -> None:
    rule = joblet.faults.on("ListJobs").fail("UNAVAILABLE", times=1)
    with pytest.raises(ValueError, match="the call is over before it"):
        rule.delay(1)

    assert joblet.faults.active == [rule]
    with pytest.raises(grpc.RpcError):
        joblet.rpc("ListJobs")


def test_the_longest_details_reach_a_client(joblet: FakeJoblet) -> None:
    joblet.faults.on("ListJobs").fail("INTERNAL", "ä" * 1_000, times=1)
    with pytest.raises(grpc.RpcError) as caught:
        joblet.rpc("ListJobs")
    error: Any = caught.value

    assert (error.code().name, error.details()) == ("INTERNAL", "ä" * 1_000)
