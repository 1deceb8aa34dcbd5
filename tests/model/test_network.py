from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from puppets import Stage

from joblet_fake.model import Kind, Refusal
from joblet_fake.model.network import CrashError, Networks
from joblet_fake.model.process import LaunchError

if TYPE_CHECKING:
    from collections.abc import Callable


def refused(what: Callable[[], object]) -> str:
    with pytest.raises(Refusal) as caught:
        what()
    return caught.value.text


def test_the_bridge_is_there_from_the_start() -> None:
    """NET-17; its first job gets the gateway's address (NET-28)."""
    assert Networks().attach("job", "bridge") == "172.20.0.1"


@pytest.mark.parametrize("name", ["none", "isolated"])
def test_two_modes_have_no_address(name: str) -> None:
    """NET-20, NET-30."""
    networks = Networks()
    assert networks.attach("job", name) is None
    networks.detach("job")


@pytest.mark.parametrize("name", ["host", "Bridge", "", "nowhere", "ü", "x" * 1000])
def test_an_unknown_network_has_no_pool(name: str) -> None:
    """NET-27, JOB-RUN-62."""
    with pytest.raises(LaunchError) as caught:
        Networks().attach("job", name)
    assert str(caught.value) == (
        f"failed to setup networking: failed to allocate IP: no IP pool found for network: {name}"
    )


@pytest.mark.parametrize("cidr", ["10.0.0.0/31", "10.0.0.0/32"])
def test_a_block_without_room_has_no_address(cidr: str) -> None:
    """NET-28, NET-27."""
    networks = Networks()
    networks.create("tiny", cidr)
    with pytest.raises(LaunchError, match="no available IP addresses in network: tiny"):
        networks.attach("job", "tiny")


def test_addresses_are_used_lowest_first_and_go_back_to_the_end() -> None:
    """NET-28."""
    networks = Networks()
    networks.create("small", "10.0.0.0/29")
    first = [networks.attach(f"job {number}", "small") for number in range(6)]
    assert first == [f"10.0.0.{number}" for number in range(1, 7)]
    for number in (3, 0):
        networks.detach(f"job {number}")
        networks.detach(f"job {number}")
    assert [networks.attach(f"new {number}", "small") for number in range(2)] == [
        "10.0.0.4",
        "10.0.0.1",
    ]
    with pytest.raises(LaunchError):
        networks.attach("one more", "small")


def test_a_network_that_is_made_again_has_a_new_pool() -> None:
    """NET-11: an address of the old one goes back to nobody."""
    networks = Networks()
    networks.create("net", "10.0.0.0/30")
    assert networks.attach("old", "net") == "10.0.0.1"
    networks.create("net", "10.1.0.0/30")
    networks.detach("old")
    assert [networks.attach(name, "net") for name in "ab"] == ["10.1.0.1", "10.1.0.2"]
    with pytest.raises(LaunchError):
        networks.attach("c", "net")


def test_made_again_with_its_own_block_it_gives_an_address_twice() -> None:
    """NET-36: the older job's end takes the address back, though a younger one has it too."""
    networks = Networks()
    for name in ("old", "new"):
        networks.create("net", "10.0.0.0/30")
        assert networks.attach(name, "net") == "10.0.0.1"
    assert networks.jobs("net") == {"old": "10.0.0.1", "new": "10.0.0.1"}
    networks.detach("old")
    assert [networks.attach(name, "net") for name in "ab"] == ["10.0.0.2", "10.0.0.1"]


@pytest.mark.parametrize("cidr", ["10.0.0.0", "10.0.0.0/33", " ", "x", "10.0.0.0/24\n"])
def test_a_refused_block_leaves_the_network_as_it_was(cidr: str) -> None:
    """NET-05, NET-11."""
    networks = Networks()
    networks.create("net", "10.0.0.0/29")
    networks.attach("job", "net")
    said = refused(lambda: networks.create("net", cidr))
    assert said == f"network config validation failed: invalid CIDR: {cidr}"
    assert networks.get("net") is not None
    assert networks.attach("next", "net") == "10.0.0.2"


def test_no_name_is_refused_before_the_block_is_looked_at() -> None:
    """NET-01, NET-02."""
    said = refused(lambda: Networks().create("", "wrong"))
    assert said == "network creation failed: name cannot be empty"


@pytest.mark.parametrize("name", [" ", "a/b", "../x", "\u00fc", "\0\n", "n" * 10_000, "none"])
def test_any_name_is_taken(name: str) -> None:
    """NET-03."""
    networks = Networks()
    networks.create(name, "10.0.0.0/29")
    assert [network.name for network in networks] == ["bridge", name]


def test_without_a_block_it_has_no_addresses() -> None:
    """NET-07, NET-27."""
    networks = Networks()
    networks.create("net", "")
    with pytest.raises(LaunchError, match="no IP pool found for network: net"):
        networks.attach("job", "net")
    networks.create("net", "10.0.0.0/29")
    assert networks.attach("job", "net") == "10.0.0.1"


def test_losing_its_block_it_crashes_a_real_server() -> None:
    """NET-33: the fake lives on, and nobody has an address of it."""
    networks = Networks()
    networks.create("net", "10.0.0.0/29")
    networks.create("net", "")
    with pytest.raises(CrashError):
        networks.attach("job", "net")
    assert networks.jobs("net") == {}
    networks.remove("net")


def test_a_job_that_would_crash_a_real_server_is_told_so() -> None:
    """NET-33."""
    stage = Stage()
    for cidr in ("10.0.0.0/29", ""):
        stage.model.networks.create("net", cidr)
    with pytest.raises(Refusal, match=r"^Socket closed$") as caught:
        stage.submit(network="net").result()
    (job,) = stage.model.jobs.stored
    assert caught.value.kind is Kind.UNAVAILABLE
    assert (job.status, job.exit_code) == ("FAILED", -1)
    assert "a real server crashes" in job.explanation


def test_what_stands_in_the_way_of_a_removal() -> None:
    """NET-24 to NET-26: no name, jobs, then whether it is there."""
    networks = Networks()
    networks.create("net", "10.0.0.0/29")
    for job in ("a", "b"):
        networks.attach(job, "net")
    assert refused(lambda: networks.remove("")) == "network name cannot be empty"
    assert refused(lambda: networks.remove("net")) == "network is still in use by 2 job(s)"
    for job in ("a", "b"):
        networks.detach(job)
    networks.remove("net")
    for name in ("net", "none", "Bridge"):
        assert refused(lambda name=name: networks.remove(name)) == f"network not found: {name}"  # type: ignore[misc]
    networks.remove("bridge")
    with pytest.raises(LaunchError, match="no IP pool found for network: bridge"):
        networks.attach("job", "bridge")
    assert networks.create("bridge", "10.0.0.0/29").bridge == ""


@pytest.mark.parametrize(
    ("name", "cidr", "address"),
    [
        ("12345678", "10.0.0.0/29", "10.0.0.1"),
        ("\u00fc;-x", "10.0.0.0/29", "10.0.0.1"),
        ("bridge", "10.0.0.0/29", "10.0.0.1"),
        ("odd", "10.0.0.128/25", "10.0.0.129"),
        ("123456789", "10.0.0.0/29", None),
        ("\u00fc\u00fc\u00fc\u00fc\u00fc", "10.0.0.0/29", None),
        ("\u00e0", "10.0.0.0/29", None),
        ("a b", "10.0.0.0/29", None),
        ("a/b", "10.0.0.0/29", None),
        ("a:b", "10.0.0.0/29", None),
        ("a%b", "10.0.0.0/29", None),
        ("six", "fd00::/120", None),
        ("mapped", "::ffff:10.0.0.0/120", None),
    ],
)
def test_what_a_job_sees_of_its_address(name: str, cidr: str, address: str | None) -> None:
    """NET-32: where no device can be called so, or the block is IPv6, only `lo`; it counts."""
    networks = Networks()
    networks.create(name, cidr)
    assert networks.attach("job", name) == address
    assert len(networks.jobs(name)) == 1


def test_only_the_first_job_of_a_device_has_no_ipv6_address() -> None:
    """NET-31, NET-37: the device outlives the network, and a restart."""
    networks = Networks()
    networks.create("six", "fd00::/120")
    assert [networks.attach(job, "six") for job in "abc"] == [None, "fd00::2", "fd00::3"]
    for job in "abc":
        networks.detach(job)
    networks.remove("six")
    networks.create("six", "fd01::/120")
    assert networks.attach("d", "six") == "fd01::1"
    networks.create("six", "ff02::/120")
    assert networks.attach("e", "six") is None


def test_devices_outlive_a_restart() -> None:
    """NET-31, NET-37."""
    stage = Stage()
    stage.model.networks.create("six", "10.0.0.0/29")
    stage.run(network="six")
    with stage.clock.lock:
        stage.model.restart()
    stage.model.networks.create("six", "fd00::/120")
    assert stage.run(network="six").address == "fd00::1"


def test_a_mode_stays_one_when_a_network_is_called_so() -> None:
    """NET-30."""
    networks = Networks()
    networks.create("none", "10.0.0.0/29")
    assert (networks.attach("job", "none"), networks.jobs("none")) == (None, {})
