from __future__ import annotations

import ipaddress
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from joblet_fake.model.cidr import addresses, count, is_cidr


@pytest.mark.parametrize(
    "text",
    [
        "10.0.0.0/8", "10.0.0.5/24", "10.0.0.1/32", "10.0.0.0/31", "0.0.0.0/0", "10.0.0.0/024",
        "10.0.0.0/0024", "fd00::/64", "::ffff:10.0.0.0/104", "::/0", "224.0.0.0/4", "127.0.0.0/8",
    ],
)  # fmt: skip
def test_blocks_that_go_accepts(text: str) -> None:
    """NET-06."""
    assert is_cidr(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "10.0.0.0", "10.0.0.0/", "/8", "10.0.0.0/255.0.0.0", "10.0.0.0/33", "fd00::/129",
        "010.0.0.0/8", "10.0.0.0/+8", "10.0.0.0/-8", " 10.0.0.0/8", "10.0.0.0/8 ", "10.0.0/8",
        "10.0.0.0/8/8", "fe80::1%eth0/64", "10.0.0.0/\u0668", "10.0.0.256/8", "x/8",
        "10.0.0.0/" + "9" * 5000, "10.0.0.0/" + "0" * 5000 + "8\n",
    ],
)  # fmt: skip
def test_blocks_that_go_rejects(text: str) -> None:
    """NET-06."""
    assert not is_cidr(text)


@given(st.integers(0, 2**32 - 1), st.integers(24, 32))
def test_jobs_get_all_addresses_but_the_first_and_the_last(number: int, prefix: int) -> None:
    """NET-28: the gateway's own, .1, is the first; a /31 and a /32 have none."""
    block = ipaddress.ip_network((number, prefix), strict=False)
    everything = [str(address) for address in block]
    assert list(addresses(str(block))) == everything[1:-1]


def test_a_block_of_any_size_costs_nothing_until_it_is_used() -> None:
    assert list(islice(addresses("::/0"), 2)) == ["::1", "::2"]


def test_how_many_addresses_a_block_has() -> None:
    """NET-10: what making them takes is counted by them."""
    assert [count(cidr) for cidr in ("10.0.0.77/24", "1.1.1.1/32", "0.0.0.0/0", "fd00::/64")] == [
        256, 1, 2**32, 2**64,
    ]  # fmt: skip
