"""NetworkService over real gRPC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest

from joblet_fake import FakeJoblet

if TYPE_CHECKING:
    from collections.abc import Iterator

LAUNCH = "job run failed: execution failed: failed to setup networking: failed to allocate IP: "


@pytest.fixture
def frozen() -> Iterator[FakeJoblet]:
    with FakeJoblet(clock="frozen", tls=False) as joblet:
        yield joblet
        joblet.check()


def refused(joblet: FakeJoblet, method: str, **fields: object) -> tuple[str, str]:
    with pytest.raises(grpc.RpcError) as caught:
        joblet.rpc(method, timeout=20, **fields)
    error: Any = caught.value
    return error.code().name, error.details()


def listed(joblet: FakeJoblet) -> dict[str, tuple[str, str, int]]:
    return {
        network.name: (network.cidr, network.bridge, network.job_count)
        for network in joblet.rpc("ListNetworks").networks
    }


def test_a_new_server_has_one_network(frozen: FakeJoblet) -> None:
    """NET-17, NET-18."""
    assert listed(frozen) == {"bridge": ("172.20.0.0/16", "joblet0", 0)}


def test_a_network_is_shown_as_it_was_made(frozen: FakeJoblet) -> None:
    """NET-08, NET-13, NET-16."""
    made = frozen.rpc("CreateNetwork", name="lab", cidr="10.1.2.3/24")
    assert (made.name, made.cidr, made.bridge) == ("lab", "10.1.2.3/24", "")
    assert listed(frozen)["lab"] == ("10.1.2.3/24", "", 0)


def test_lists_have_the_same_order_every_time_and_not_that_of_making(frozen: FakeJoblet) -> None:
    """NET-19: nobody should rely on it."""
    names = [f"net{number}" for number in range(8)]
    for name in names:
        frozen.rpc("CreateNetwork", name=name, cidr="10.1.0.0/24")
    first, second = list(listed(frozen)), list(listed(frozen))
    assert first == second
    assert [name for name in first if name != "bridge"] not in (names, names[::-1])


@pytest.mark.parametrize(
    ("name", "cidr", "text"),
    [
        ("", "", "network creation failed: name cannot be empty"),
        ("x", "10.0.0.0", "network config validation failed: invalid CIDR: 10.0.0.0"),
        ("x", "\u00fc\n", "network config validation failed: invalid CIDR: \u00fc\n"),
        ("x", "9" * 3000, f"network config validation failed: invalid CIDR: {'9' * 3000}"),
    ],
)
def test_what_create_network_refuses(frozen: FakeJoblet, name: str, cidr: str, text: str) -> None:
    """NET-02, NET-05."""
    assert refused(frozen, "CreateNetwork", name=name, cidr=cidr) == (
        "INVALID_ARGUMENT", f"failed to create network: {text}",
    )  # fmt: skip
    assert list(listed(frozen)) == ["bridge"]


def test_jobs_count_while_they_hold_an_address(frozen: FakeJoblet) -> None:
    """NET-20, NET-21, NET-24, NET-28."""
    frozen.rpc("CreateNetwork", name="lab", cidr="10.1.0.0/24")
    job = frozen.rpc("RunJob", command="sleep", args=["60"], network="lab").job_uuid
    other = frozen.rpc("RunJob", command="sleep", args=["60"]).job_uuid
    frozen.rpc("RunJob", command="sleep", args=["60"], network="none")
    frozen.rpc("RunJob", command="true", network="lab", schedule="2026-01-01T01:00:00Z")
    assert [count for _, _, count in listed(frozen).values()] == [1, 1]
    gone = frozen.rpc("RemoveNetwork", name="lab")
    assert (gone.success, gone.message) == (False, "network is still in use by 1 job(s)")
    assert frozen.networks["lab"].addresses == {job: "10.1.0.1"}
    assert [frozen.jobs[each].address for each in (job, other)] == ["10.1.0.1", "172.20.0.1"]
    frozen.rpc("StopJob", uuid=job)
    gone = frozen.rpc("RemoveNetwork", name="lab")
    assert (gone.success, gone.message) == (True, "Network removed successfully")
    assert list(listed(frozen)) == ["bridge"]
    assert frozen.rpc("RemoveNetwork", name="lab").message == "network not found: lab"


def test_a_job_sees_its_address(frozen: FakeJoblet) -> None:
    """NET-28, NET-30, NET-32, NET-37: `hostname -I` leaves out what is of the link alone."""
    frozen.rpc("CreateNetwork", name="lab", cidr="10.1.0.0/24")
    frozen.rpc("CreateNetwork", name="six", cidr="fd00::/120")
    frozen.rpc("CreateNetwork", name="link", cidr="fe80::/120")

    def seen(network: str) -> str:
        job = frozen.rpc("RunJob", command="hostname", args=["-I"], network=network).job_uuid
        return frozen.jobs[job].stdout

    assert [seen(name) for name in ("lab", "lab", "", "six", "none", "isolated")] == [
        "10.1.0.1 \n", "10.1.0.2 \n", "172.20.0.1 \n", "\n", "\n", "\n",
    ]  # fmt: skip
    assert [seen(name) for name in ("six", "link", "link")] == ["fd00::2 \n", "\n", "\n"]
    assert [job.address for job in frozen.jobs.values()][-2:] == [None, "fe80::2"]


def test_a_network_without_addresses_fails_its_jobs(frozen: FakeJoblet) -> None:
    """NET-07, NET-27."""
    frozen.rpc("CreateNetwork", name="none at all")
    assert refused(frozen, "RunJob", command="true", network="none at all") == (
        "INTERNAL", f"{LAUNCH}no IP pool found for network: none at all",
    )  # fmt: skip
    (job,) = frozen.jobs.values()
    assert (job.status, job.exit_code, job.address) == ("FAILED", -1, None)


def test_what_would_kill_a_real_server_is_answered_as_its_death(frozen: FakeJoblet) -> None:
    """NET-33: the fake lives on, and the job says why."""
    frozen.networks.add("lab")
    frozen.rpc("CreateNetwork", name="lab")
    assert refused(frozen, "RunJob", command="true", network="lab") == (
        "UNAVAILABLE", "Socket closed",
    )  # fmt: skip
    (job,) = frozen.jobs.values()
    assert "(NET-33)" in job.explanation
    assert frozen.rpc("RunJob", command="true").status == "RUNNING"


def test_making_many_addresses_takes_time() -> None:
    """NET-10: a /12 takes a quarter of a second, and the network is listed before the answer."""
    with FakeJoblet(clock="frozen", pace="real", tls=False) as joblet:
        joblet.rpc("CreateNetwork", name="small", cidr="10.0.0.0/24")
        joblet.rpc("CreateNetwork", name="large", cidr="10.0.0.0/12")
        assert [round(call.duration or 0, 2) for call in joblet.calls] == [0.0, 0.25]


def test_a_block_without_end_keeps_only_its_own_caller_waiting() -> None:
    """NET-10: it is listed, others are served, and a reset ends the call."""
    with FakeJoblet(clock="flowing", pace="real", tls=False) as joblet:
        with pytest.raises(grpc.RpcError) as caught:
            joblet.rpc("CreateNetwork", name="endless", cidr="fd00::/64", timeout=0.2)
        error: Any = caught.value
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert "endless" in listed(joblet)
        with joblet.channel() as channel:
            method = joblet.calls.last().shape
            assert method is not None
            call: Any = channel.unary_unary("/joblet.NetworkService/CreateNetwork").future(  # type: ignore[attr-defined]
                b"\n\1x\x12\4::/0", timeout=20
            )
            while "x" not in joblet.networks:
                assert not call.done()
            joblet.reset()
            assert call.exception().details() == "joblet-fake was reset during this call"


def test_a_viewer_only_lists() -> None:
    """AUTH-07, AUTH-09: the role is asked for before anything is looked at."""
    with FakeJoblet(clock="frozen") as joblet:
        assert len(joblet.rpc("ListNetworks", role="viewer").networks) == 1
        for method in ("CreateNetwork", "RemoveNetwork"):
            assert refused(joblet, method, role="viewer", name="") == (
                "PERMISSION_DENIED",
                "role viewer is not allowed to perform operation run_job",
            )
        assert refused(joblet, "ListNetworks", role="nobody")[1] == (
            "role unknown is not allowed to perform operation stream_jobs"
        )


def test_a_restart_leaves_the_built_in_network_alone() -> None:
    """JOB-RST-01, NET-26: the networks that were made are gone, and `bridge` is as it was."""
    with FakeJoblet(clock="frozen", tls=False) as joblet:
        joblet.networks.add("lab")
        joblet.rpc("CreateNetwork", name="bridge", cidr="10.0.0.0/8")
        joblet.restart()
        assert listed(joblet) == {"bridge": ("172.20.0.0/16", "joblet0", 0)}


@pytest.mark.parametrize("api", ["1.0.0", "2.0.3", "2.2.0"])
def test_older_versions_have_the_same_methods(api: str) -> None:
    """SURF-02."""
    with FakeJoblet(api=api, clock="frozen", tls=False) as joblet:
        joblet.rpc("CreateNetwork", name="lab", cidr="10.1.0.0/24")
        assert {network.name for network in joblet.rpc("ListNetworks").networks} == {
            "bridge",
            "lab",
        }
        assert joblet.rpc("RemoveNetwork", name="lab").success
