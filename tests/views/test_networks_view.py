"""`joblet.networks`, from a test's side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from joblet_fake import FakeJoblet

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def frozen() -> Iterator[FakeJoblet]:
    with FakeJoblet(clock="frozen", tls=False) as joblet:
        yield joblet
        joblet.check()


def test_networks_are_a_mapping_by_name_oldest_first(frozen: FakeJoblet) -> None:
    frozen.rpc("CreateNetwork", name="b", cidr="10.1.0.0/24")
    frozen.networks.add("a")
    assert list(frozen.networks) == ["bridge", "b", "a"]
    assert len(frozen.networks) == 3
    assert "nowhere" not in frozen.networks
    bridge = frozen.networks["bridge"]
    assert (bridge.name, bridge.cidr, bridge.bridge) == ("bridge", "172.20.0.0/16", "joblet0")


def test_a_view_shows_the_jobs_of_the_moment(frozen: FakeJoblet) -> None:
    """NET-20, NET-28."""
    lab = frozen.networks.add("lab", "10.9.0.0/29")
    assert (lab.job_count, lab.addresses) == (0, {})
    job = frozen.rpc("RunJob", command="sleep", args=["9"], network="lab").job_uuid
    assert (lab.job_count, lab.addresses) == (1, {job: "10.9.0.1"})
    assert repr(lab) == "<network 'lab' 10.9.0.0/29, jobs 1>"
    frozen.clock.advance(10)
    assert lab.job_count == 0


def test_an_unknown_network_is_refused_with_those_that_there_are(frozen: FakeJoblet) -> None:
    frozen.networks.add("lab")
    with pytest.raises(KeyError, match="no network 'lap' on this server; its networks: 'bridge'"):
        frozen.networks["lap"]


@pytest.mark.parametrize(
    ("name", "cidr", "reason"),
    [
        ("", "10.0.0.0/8", "name cannot be empty"),
        ("x", "10.0.0.0", "invalid CIDR: 10.0.0.0"),
        ("bridge", "10.0.0.0/8", "'bridge' is there already"),
    ],
)
def test_what_can_not_be_added(frozen: FakeJoblet, name: str, cidr: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        frozen.networks.add(name, cidr)
    assert list(frozen.networks) == ["bridge"]


def test_a_network_without_addresses_says_so(frozen: FakeJoblet) -> None:
    """NET-07."""
    assert repr(frozen.networks.add("bare", "")) == "<network 'bare' without addresses, jobs 0>"


def test_a_network_is_removed_and_can_be_made_again(frozen: FakeJoblet) -> None:
    """NET-26: the built-in one too."""
    frozen.networks.add("lab", "10.9.0.0/29")
    frozen.networks.remove("lab")
    del frozen.networks["bridge"]

    assert list(frozen.networks) == []
    assert len(frozen.rpc("ListNetworks").networks) == 0
    assert frozen.networks.add("lab", "10.8.0.0/29").cidr == "10.8.0.0/29"


def test_a_network_with_jobs_is_not_removed(frozen: FakeJoblet) -> None:
    """NET-24."""
    frozen.networks.add("lab")
    frozen.rpc("RunJob", command="sleep", args=["9"], network="lab")
    with pytest.raises(ValueError, match=r"would refuse it: network is still in use by 1 job\(s\)"):
        frozen.networks.remove("lab")
    frozen.clock.advance(10)
    frozen.networks.remove("lab")
    with pytest.raises(KeyError, match="no network 'lab' on this server; its networks: 'bridge'"):
        frozen.networks.remove("lab")
