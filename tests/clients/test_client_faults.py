"""Each kind of fault, as two stacks see it: the code, the text and the moment."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import pytest
from callers import Grpcio, GrpcJs, Node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from callers import Caller, Seen

    from joblet_fake import FakeJoblet

LINES = ["one", "two", "three", "four"]
SOON = 0.4
"""Real seconds: a deadline that is over soon, and half of what tells a wait from none."""

CUT = {"grpcio": "Socket closed", "grpc-js": "Connection dropped"}
RESET = {"grpcio": "Connection reset by peer", "grpc-js": ("read ECONNRESET", "Connection dropped")}
REFUSED = {"grpcio": "Connection refused", "grpc-js": "ECONNREFUSED"}
UNREADABLE = {
    "grpcio": "Exception deserializing response!",
    "grpc-js": "Response message parsing error",
}
# The client's own clock or the server's news of it, whichever is first.
TOO_LATE = {
    "grpcio": "Deadline Exceeded",
    "grpc-js": ("Deadline exceeded after", "Deadline Exceeded"),
}


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    node = Node(tmp_path_factory.mktemp("node"))
    yield node
    node.close()


@pytest.fixture(params=["grpcio", pytest.param("grpc-js", marks=pytest.mark.toolchain)])
def connect(request: pytest.FixtureRequest, joblet: FakeJoblet) -> Iterator[Callable[..., Caller]]:
    """Make a client of the fake, with channel options."""
    made: list[Grpcio | GrpcJs] = []

    def make(**options: Any) -> Caller:
        named = {f"grpc.{name}": value for name, value in options.items()}
        if request.param == "grpcio":
            made.append(Grpcio(joblet, named))
        else:
            made.append(GrpcJs(request.getfixturevalue("node"), joblet, named))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def caller(connect: Callable[..., Caller]) -> Caller:
    """A client with a connection to each port."""
    caller = connect()
    assert caller.ask("ListJobs").code == "OK"
    assert caller.ask("Ping").code == "OK"
    return caller


@pytest.fixture
def job_id(joblet: FakeJoblet) -> str:
    """A finished job whose log has four messages."""
    script = joblet.programs.on("lines")
    for line in LINES:
        script.prints(line)
    uuid: str = joblet.rpc("RunJob", command="lines").job_uuid
    return uuid


def says(seen: Seen, caller: Caller, code: str, text: dict[str, Any]) -> bool:
    """Tell whether a call ended so, in the words of its client."""
    expected = text[caller.name]
    possible = expected if isinstance(expected, tuple) else (expected,)
    assert seen.code == code, seen
    assert any(one in seen.text for one in possible), seen
    return True


def until_ok(caller: Caller, method: str = "ListJobs") -> Seen:
    """Call until it works: a client takes its time to connect anew."""
    end = time.monotonic() + 10
    while (seen := caller.ask(method)).code != "OK":
        assert seen.code == "UNAVAILABLE"
        assert time.monotonic() < end, seen
        time.sleep(0.02)
    return seen


# One call, before, instead of and after its work


def test_a_status_comes_with_its_text_and_trailers(joblet: FakeJoblet, caller: Caller) -> None:
    joblet.faults.on("RunJob").fail(
        "RESOURCE_EXHAUSTED", "slow down: é", trailers={"retry-after": "3"}, times=1
    )

    seen = caller.ask("RunJob", command="true")

    assert (seen.code, seen.text) == ("RESOURCE_EXHAUSTED", "slow down: é")
    assert seen.trailers["retry-after"] == "3"
    assert seen.took < 2 * SOON
    assert not joblet.jobs
    call = joblet.calls.last()
    assert (call.code, call.details) == ("RESOURCE_EXHAUSTED", "slow down: é")
    assert call.fault.startswith("on('JobService.RunJob').fail('RESOURCE_EXHAUSTED', 'slow down")
    assert caller.ask("RunJob", command="true").code == "OK"


def test_conditions_choose_the_calls(joblet: FakeJoblet, caller: Caller) -> None:
    joblet.faults.on("ListJobs").skip(1).every(2).times(2).fail("ABORTED")

    assert [caller.ask("ListJobs").code for _ in range(7)] == [
        "OK",
        "OK",
        "ABORTED",
        "OK",
        "ABORTED",
        "OK",
        "OK",
    ]


def test_a_delay_is_on_the_clock(joblet: FakeJoblet, caller: Caller) -> None:
    joblet.faults.on("ListJobs").delay(2 * SOON).then.fail("UNAVAILABLE", times=1)

    late = caller.ask("ListJobs")

    assert (late.code, late.took >= 2 * SOON) == ("OK", True)
    assert caller.ask("ListJobs").took < 2 * SOON


@pytest.mark.joblet(clock="frozen")
def test_a_delayed_call_waits_for_a_frozen_clock(joblet: FakeJoblet, caller: Caller) -> None:
    joblet.faults.on("ListJobs").times(1).delay(3600)
    late = caller.begin("ListJobs")
    while not joblet.faults.fired:
        time.sleep(0.001)
    joblet.clock.advance(3599)
    assert caller.ask("Ping").code == "OK"
    assert joblet.calls.to("ListJobs")[-1].code is None

    joblet.clock.advance(1)

    assert late.end().code == "OK"


def test_a_stalled_call_lasts_until_its_deadline(joblet: FakeJoblet, caller: Caller) -> None:
    joblet.faults.on("RunJob").times(1).stall()

    seen = caller.ask("RunJob", seconds=SOON, command="true")

    assert says(seen, caller, "DEADLINE_EXCEEDED", TOO_LATE)
    assert SOON * 0.9 < seen.took < 5 * SOON
    assert not joblet.jobs
    # Which of both the server sees first is chance.
    assert joblet.calls.wait_for("RunJob")[-1].code in {"DEADLINE_EXCEEDED", "CANCELLED"}


def test_a_stalled_call_goes_on_when_the_rule_is_cleared(
    joblet: FakeJoblet, caller: Caller
) -> None:
    rule = joblet.faults.on("RunJob").stall()
    call = caller.begin("RunJob", command="true")
    while not rule.fired:
        time.sleep(0.001)

    rule.clear()

    assert call.end().code == "OK"


@pytest.mark.parametrize(("verb", "text"), [("drop_connection", CUT), ("reset", RESET)])
def test_a_connection_that_goes_takes_its_calls_with_it(
    joblet: FakeJoblet, caller: Caller, verb: str, text: dict[str, Any]
) -> None:
    joblet.programs.on("train").prints("x").hangs()
    running = joblet.rpc("RunJob", command="train").job_uuid
    beside = caller.begin("GetJobLogs", uuid=running[:8])
    beside.until(1)
    other = joblet.rpc("GetJobLogs", uuid=running[:8])
    next(other)
    getattr(joblet.faults.on("RunJob").times(1), verb)()

    seen = caller.ask("RunJob", command="true")

    assert says(seen, caller, "UNAVAILABLE", text)
    assert says(beside.end(), caller, "UNAVAILABLE", text)
    # The call was not served, and the journal has what its client saw.
    assert len(joblet.jobs) == 1
    assert joblet.calls.to("RunJob")[-1].code == "UNAVAILABLE"
    assert joblet.calls.to("GetJobLogs")[-2].code == "UNAVAILABLE"
    # Nobody else notices.
    joblet.rpc("StopJob", uuid=running)
    assert list(other) == []
    assert until_ok(caller).code == "OK"


def test_a_lost_reply_leaves_the_work_done(joblet: FakeJoblet, caller: Caller) -> None:
    joblet.faults.preset("reply lost")

    first = caller.ask("RunJob", command="echo", args=["hi"])

    assert says(first, caller, "UNAVAILABLE", CUT)
    assert [job.stdout for job in joblet.jobs.values()] == ["hi\n"]
    until_ok(caller)
    # What a retry does is the whole point (JOB-RST-06).
    assert caller.ask("RunJob", command="echo", args=["hi"]).code == "OK"
    assert len(joblet.jobs) == 2


def test_a_status_in_place_of_the_reply(joblet: FakeJoblet, caller: Caller) -> None:
    joblet.faults.on("RunJob").times(1).after_effect().fail("UNKNOWN", "proxy")

    seen = caller.ask("RunJob", command="true")

    assert (seen.code, seen.text, seen.messages) == ("UNKNOWN", "proxy", [])
    assert len(joblet.jobs) == 1


def test_a_corrupt_reply_comes_after_the_work(joblet: FakeJoblet, caller: Caller) -> None:
    joblet.faults.on("RunJob").times(1).corrupt()

    seen = caller.ask("RunJob", command="true")

    assert says(seen, caller, "INTERNAL", UNREADABLE)
    assert len(joblet.jobs) == 1


def test_a_truncated_reply_shows_how_a_client_decodes(joblet: FakeJoblet, caller: Caller) -> None:
    joblet.faults.on("RunJob").times(1).truncate(5)

    seen = caller.ask("RunJob", command="true")

    (job,) = joblet.jobs.values()
    if caller.name == "grpcio":
        assert says(seen, caller, "INTERNAL", UNREADABLE)
    else:
        # Its decoder takes a text that breaks off for a shorter one.
        assert (seen.code, seen.messages) == ("OK", [job.uuid[:3]])


@pytest.mark.joblet(seed=3)
def test_chance_hits_a_share_of_the_calls(joblet: FakeJoblet, caller: Caller) -> None:
    rule = joblet.faults.on("ListJobs").probability(0.5).fail("UNAVAILABLE")

    codes = [caller.ask("ListJobs").code for _ in range(20)]

    assert codes.count("UNAVAILABLE") == rule.fired
    assert 4 < rule.fired < 16
    # The same seed gives the same draws, to any client.
    joblet.reset()
    joblet.faults.on("ListJobs").probability(0.5).fail("UNAVAILABLE")
    assert [caller.ask("ListJobs").code for _ in range(20)] == codes


# Inside a stream


@pytest.mark.parametrize(
    ("condition", "got"),
    [({"messages": 1}, LINES[:1]), ({"messages": 3}, LINES[:3]), ({"bytes": 7}, LINES[:2])],
)
def test_a_stream_breaks_after_messages_or_bytes(
    joblet: FakeJoblet,
    caller: Caller,
    job_id: str,
    condition: dict[str, int],
    got: list[str],
) -> None:
    joblet.faults.on("GetJobLogs").times(1).after(**condition).fail("UNAVAILABLE", "gone")

    seen = caller.ask("GetJobLogs", uuid=job_id)

    assert (seen.messages, seen.code, seen.text) == (got, "UNAVAILABLE", "gone")
    assert joblet.calls.last().sent == len(got)
    assert caller.ask("GetJobLogs", uuid=job_id).messages == LINES


@pytest.mark.parametrize(("verb", "text"), [("drop_connection", CUT), ("reset", RESET)])
def test_a_stream_loses_its_connection_after_messages(
    joblet: FakeJoblet, caller: Caller, job_id: str, verb: str, text: dict[str, Any]
) -> None:
    getattr(joblet.faults.on("GetJobLogs").times(1).after(messages=2), verb)()

    seen = caller.ask("GetJobLogs", uuid=job_id)

    assert seen.messages == LINES[:2]
    assert says(seen, caller, "UNAVAILABLE", text)


def test_a_stream_stalls_after_messages(joblet: FakeJoblet, caller: Caller, job_id: str) -> None:
    joblet.faults.on("GetJobLogs").times(1).after(messages=2).stall()

    seen = caller.ask("GetJobLogs", seconds=SOON, uuid=job_id)

    assert seen.messages == LINES[:2]
    assert says(seen, caller, "DEADLINE_EXCEEDED", TOO_LATE)


def test_a_stream_pauses_after_messages(joblet: FakeJoblet, caller: Caller, job_id: str) -> None:
    joblet.faults.on("GetJobLogs").times(1).after(messages=2).delay(3 * SOON)

    seen = caller.ask("GetJobLogs", uuid=job_id)

    assert (seen.messages, seen.code) == (LINES, "OK")
    assert seen.moments[2] - seen.began >= 3 * SOON * 0.9
    assert seen.moments[1] - seen.began < 2 * SOON


def test_a_stream_ends_early_and_says_nothing(
    joblet: FakeJoblet, caller: Caller, job_id: str
) -> None:
    joblet.faults.preset("log ends early", messages=2)

    seen = caller.ask("GetJobLogs", uuid=job_id)

    assert (seen.messages, seen.code) == (LINES[:2], "OK")


def test_a_stream_fails_in_place_of_its_end(
    joblet: FakeJoblet, caller: Caller, job_id: str
) -> None:
    joblet.faults.on("GetJobLogs").times(1).after_effect().fail("DATA_LOSS", "late")

    seen = caller.ask("GetJobLogs", uuid=job_id)

    assert (seen.messages, seen.code, seen.text) == (LINES, "DATA_LOSS", "late")


@pytest.mark.parametrize(
    ("damage", "got"),
    [
        (lambda rule: rule.duplicate(), ["one", "two", "three", "three", "four", "four"]),
        (lambda rule: rule.duplicate(messages=1), ["one", "two", "three", "three", "four"]),
        (lambda rule: rule.reorder(), ["one", "two", "four", "three"]),
        (lambda rule: rule.truncate(0, messages=1), ["one", "two", "", "four"]),
    ],
)
def test_messages_are_damaged_and_the_stream_goes_on(
    joblet: FakeJoblet, caller: Caller, job_id: str, damage: Callable[[Any], Any], got: list[str]
) -> None:
    damage(joblet.faults.on("GetJobLogs").times(1).after(messages=2))

    seen = caller.ask("GetJobLogs", uuid=job_id)

    assert (seen.messages, seen.code) == (got, "OK")


@pytest.mark.parametrize("damage", [lambda rule: rule.corrupt(), lambda rule: rule.truncate(3)])
def test_a_message_that_cant_be_read_ends_the_stream(
    joblet: FakeJoblet, caller: Caller, job_id: str, damage: Callable[[Any], Any]
) -> None:
    damage(joblet.faults.on("GetJobLogs").times(1).after(messages=2))

    seen = caller.ask("GetJobLogs", uuid=job_id)

    assert seen.messages == LINES[:2]
    assert says(seen, caller, "INTERNAL", UNREADABLE)


# The ports


def following(joblet: FakeJoblet, caller: Caller) -> tuple[str, Any]:
    """Have a client follow the log of a job that runs until it is stopped."""
    joblet.programs.on("train").prints("x").hangs()
    job_id = joblet.rpc("RunJob", command="train").job_uuid
    stream = caller.begin("GetJobLogs", uuid=job_id[:8])
    assert stream.until(1).messages == ["x"]
    return job_id, stream


def test_a_port_refuses_until_it_is_bound_again(joblet: FakeJoblet, caller: Caller) -> None:
    _, stream = following(joblet, caller)

    joblet.faults.server.refuse("core")

    assert says(stream.end(), caller, "UNAVAILABLE", CUT)
    assert says(caller.ask("ListJobs"), caller, "UNAVAILABLE", REFUSED)
    assert caller.ask("Ping").code == "OK"
    joblet.faults.server.rebind("core")
    until_ok(caller)
    # Nothing was forgotten: the process was not what went.
    assert len(joblet.jobs) == 1


def test_a_draining_port_lets_calls_run_out(joblet: FakeJoblet, caller: Caller) -> None:
    """SRV-09, JOB-RST-05: GOAWAY, and the open log stream goes on."""
    job_id, stream = following(joblet, caller)

    joblet.faults.server.drain()

    assert says(caller.ask("ListJobs"), caller, "UNAVAILABLE", REFUSED)
    joblet.faults.server.rebind()
    until_ok(caller)
    joblet.rpc("StopJob", uuid=job_id)
    assert stream.end().code == "OK"


def test_an_upgrade_costs_nothing_but_a_connection(joblet: FakeJoblet, caller: Caller) -> None:
    job_id, stream = following(joblet, caller)
    before = {one.peer for one in joblet.faults.server.connections}

    joblet.faults.preset("rolling upgrade")

    until_ok(caller)
    assert {one.peer for one in joblet.faults.server.connections} - before
    joblet.rpc("StopJob", uuid=job_id)
    assert stream.end().code == "OK"


def test_a_server_that_stands_still_answers_nothing(joblet: FakeJoblet, caller: Caller) -> None:
    job_id, stream = following(joblet, caller)

    joblet.faults.server.hang("core")

    assert says(caller.ask("ListJobs", seconds=SOON), caller, "DEADLINE_EXCEEDED", TOO_LATE)
    assert caller.ask("Ping").code == "OK"
    waits = caller.begin("ListJobs")
    with joblet.model.change():
        joblet.model.lifecycle.stop(job_id)
    joblet.faults.server.resume("core")
    assert (waits.end().code, stream.end().code) == ("OK", "OK")


def test_a_crashed_server_has_forgotten_its_jobs(joblet: FakeJoblet, caller: Caller) -> None:
    """JOB-RST-01, JOB-RST-02: of a finished job the stored log is left, by its whole id."""
    job_id, stream = following(joblet, caller)

    joblet.faults.server.crash()

    assert says(stream.end(), caller, "UNAVAILABLE", CUT)
    assert says(caller.ask("GetJobStatus", uuid=job_id), caller, "UNAVAILABLE", REFUSED)
    assert says(caller.ask("Ping"), caller, "UNAVAILABLE", REFUSED)
    joblet.restart()
    until_ok(caller)
    assert caller.ask("GetJobStatus", uuid=job_id).code == "NOT_FOUND"
    log = caller.ask("GetJobLogs", uuid=job_id)
    assert (log.messages, log.code) == (["x"], "NOT_FOUND")


def test_a_restart_during_a_log_follow(joblet: FakeJoblet, caller: Caller) -> None:
    joblet.faults.preset("restart during a log follow", messages=2)
    joblet.programs.on("train").prints("x").prints("y").prints("z").hangs()
    job_id = joblet.rpc("RunJob", command="train").job_uuid

    seen = caller.ask("GetJobLogs", uuid=job_id[:8])

    assert seen.messages == ["x", "y"]
    assert says(seen, caller, "UNAVAILABLE", CUT)
    until_ok(caller)
    assert caller.ask("GetJobStatus", uuid=job_id).code == "NOT_FOUND"


def test_strict_keepalive_sends_eager_clients_away(
    joblet: FakeJoblet, connect: Callable[..., Caller]
) -> None:
    """SDK-11: a server that was not told otherwise lets nobody ping as Joblet's clients do."""
    joblet.faults.server.strict_keepalive()
    caller = connect(
        keepalive_time_ms=150,
        keepalive_timeout_ms=2000,
        keepalive_permit_without_calls=1,
        **{"http2.max_pings_without_data": 0},
    )

    _, stream = following(joblet, caller)

    seen = stream.end()
    assert (seen.code, seen.text) == {
        "grpcio": ("UNAVAILABLE", "Too many pings"),
        # What HTTP/2 calls ENHANCE_YOUR_CALM.
        "grpc-js": ("RESOURCE_EXHAUSTED", "Bandwidth exhausted or memory limit exceeded"),
    }[caller.name]


# The host


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (
            "expired",
            {"grpcio": "certificate has expired", "grpc-js": "certificate has expired"},
        ),
        (
            "rotated",
            {
                "grpcio": "unable to get local issuer certificate",
                "grpc-js": "unable to verify the first certificate",
            },
        ),
    ],
)
def test_a_bad_certificate_shows_when_clients_connect_anew(
    joblet: FakeJoblet, caller: Caller, state: str, words: dict[str, Any]
) -> None:
    """AUTH-02: never UNAUTHENTICATED."""
    joblet.faults.server.certificate(state)
    assert caller.ask("ListJobs").code == "OK"

    joblet.faults.server.drop_connections()

    end = time.monotonic() + 10
    while (seen := caller.ask("ListJobs")).text and not any(
        word in seen.text for word in words.values()
    ):
        # Until it has tried, it says why the old connection went.
        assert time.monotonic() < end, seen
    assert says(seen, caller, "UNAVAILABLE", words)
    joblet.faults.server.certificate("valid")
    until_ok(caller)


def test_a_client_of_the_new_authority_gets_in(
    joblet: FakeJoblet, connect: Callable[..., Caller]
) -> None:
    joblet.faults.server.certificate("rotated")

    assert connect().ask("ListJobs").code == "OK"


def test_a_full_disk_starts_no_job(joblet: FakeJoblet, caller: Caller) -> None:
    """FAULT-01."""
    joblet.faults.preset("disk full")

    seen = caller.ask("RunJob", command="true")

    assert seen.code == "INTERNAL"
    refused = re.fullmatch(
        "job run failed: resource setup failed: failed to create workspace: "
        "mkdir /opt/joblet/jobs/([0-9a-f-]{36}): no space left on device",
        seen.text,
    )
    assert refused is not None
    assert len(joblet.jobs) == 0
    asked = caller.ask("GetJobStatus", uuid=refused[1])
    assert (asked.code, asked.text) == ("NOT_FOUND", f"job {refused[1]} not found")
    joblet.faults.server.disk_full(full=False)
    assert caller.ask("RunJob", command="true").code == "OK"


@pytest.mark.joblet(clock="frozen")
def test_a_quota_has_room_again_in_the_next_window(joblet: FakeJoblet, caller: Caller) -> None:
    joblet.faults.server.quota(calls=2, per=60, method="RunJob")

    seen = [caller.ask("RunJob", command="true") for _ in range(4)]

    assert [one.code for one in seen] == ["OK", "OK", *["RESOURCE_EXHAUSTED"] * 2]
    assert seen[-1].text == "quota exceeded: 2 calls in 60 s"
    joblet.clock.advance(60)
    assert caller.ask("RunJob", command="true").code == "OK"


@pytest.mark.joblet(clock="frozen")
def test_an_outage_ends_on_the_clock(joblet: FakeJoblet, caller: Caller) -> None:
    joblet.faults.preset("outage", seconds=90)
    assert [caller.ask(method).code for method in ("ListJobs", "Ping")] == ["UNAVAILABLE"] * 2
    joblet.clock.advance(89)
    assert caller.ask("ListJobs").code == "UNAVAILABLE"

    joblet.clock.advance(1)

    assert caller.ask("ListJobs").code == "OK"


@pytest.mark.joblet(clock="frozen")
def test_a_skewed_clock_shows_in_what_the_server_says(joblet: FakeJoblet, caller: Caller) -> None:
    joblet.faults.server.clock_skew(3600)

    job_id = caller.ask("RunJob", command="true").messages[0]

    assert joblet.rpc("GetJobStatus", uuid=job_id).start_time == "2026-01-01T01:00:00Z"
    assert caller.ask("GetJobStatus", uuid=job_id).code == "OK"
