"""Address blocks: how they may be written, and which addresses jobs get of them."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def is_cidr(text: str) -> bool:
    """Tell whether a text is a block as Go's ParseCIDR reads one (NET-06).

    Args:
        text: what a client sent.

    >>> is_cidr("10.0.0.5/24"), is_cidr("10.0.0.0"), is_cidr("10.0.0.0/255.0.0.0")
    (True, False, False)
    """
    address, slash, prefix = text.partition("/")
    length = re.fullmatch(r"0*([0-9]{1,3})", prefix)
    if not slash or length is None:
        return False
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return "%" not in address and int(length[1]) <= parsed.max_prefixlen


def is_ipv4(cidr: str) -> bool:
    """Tell whether a block is written as one of IPv4.

    >>> is_ipv4("10.0.0.0/8"), is_ipv4("::ffff:10.0.0.0/104")
    (True, False)
    """
    return ":" not in cidr


def is_usable(address: str) -> bool:
    """Tell whether a device can have an IPv6 address: neither a multicast nor an IPv4-mapped one.

    >>> is_usable("fd00::1"), is_usable("ff02::1"), is_usable("::ffff:a00:1")
    (True, False, False)
    """
    parsed = ipaddress.IPv6Address(address)
    return not parsed.is_multicast and parsed.ipv4_mapped is None


def count(cidr: str) -> int:
    """Give how many addresses a block has, all of which a real server makes (NET-10)."""
    return ipaddress.ip_network(cidr, strict=False).num_addresses


def addresses(cidr: str) -> Iterator[str]:
    """Give the addresses for jobs, lowest first: all but the first and last of the block (NET-28).

    Args:
        cidr: the block, as `is_cidr` accepts it.

    >>> list(addresses("10.0.0.0/30"))
    ['10.0.0.1', '10.0.0.2']
    """
    block = ipaddress.ip_network(cidr, strict=False)
    first, last = int(block.network_address), int(block.broadcast_address)
    make = type(block.network_address)
    for number in range(first + 1, last):
        yield str(make(number))
