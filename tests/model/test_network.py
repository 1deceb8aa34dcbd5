from __future__ import annotations

import pytest

from joblet_fake.model.network import Networks
from joblet_fake.model.process import LaunchError


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
    """NET-11: an address of the old one goes back to the old one."""
    networks = Networks()
    networks.create("net", "10.0.0.0/30")
    assert networks.attach("old", "net") == "10.0.0.1"
    networks.create("net", "10.1.0.0/30")
    networks.detach("old")
    assert [networks.attach(name, "net") for name in "ab"] == ["10.1.0.1", "10.1.0.2"]
    with pytest.raises(LaunchError):
        networks.attach("c", "net")
