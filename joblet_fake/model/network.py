"""Networks and the addresses that jobs get on them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from joblet_fake.model.cidr import addresses
from joblet_fake.model.process import LaunchError

if TYPE_CHECKING:
    from collections.abc import Iterator

UNPOOLED: Final = ("none", "isolated")
"""The modes without an address (NET-20, NET-30)."""

DEFAULT_NETWORK: Final = "bridge"


@dataclass(slots=True)
class Pool:
    """The addresses of one block, lowest first; returned ones go to the end (NET-28)."""

    fresh: Iterator[str]
    returned: deque[str] = field(default_factory=deque)

    def take(self) -> str | None:
        """Give the next address, or None when all are taken."""
        address = next(self.fresh, None)
        if address is None and self.returned:
            address = self.returned.popleft()
        return address


@dataclass(slots=True)
class Network:
    """One network: its block as it was given, its bridge device, and its pool."""

    name: str
    cidr: str
    bridge: str = ""
    pool: Pool | None = None


class Networks:
    """The networks of one server; the built-in `bridge` is there from the start (NET-17)."""

    def __init__(self) -> None:
        self._networks: dict[str, Network] = {}
        self._allocations: dict[str, tuple[str, Pool, str]] = {}
        self.create(DEFAULT_NETWORK, "172.20.0.0/16", bridge="joblet0")

    def create(self, name: str, cidr: str, *, bridge: str = "") -> Network:
        """Add a network, or replace one of the same name (NET-11)."""
        network = self._networks[name] = Network(name, cidr, bridge)
        network.pool = Pool(iter(addresses(cidr)))
        return network

    def attach(self, uuid: str, name: str) -> str | None:
        """Give a job its address.

        Args:
            uuid: the job.
            name: the network; case counts (JOB-RUN-62).

        Returns:
            The address, or None on a network mode without one.

        Raises:
            LaunchError: there is no such network, or it has no address left (NET-27).
        """
        if name in UNPOOLED:
            return None
        network = self._networks.get(name)
        if network is None or network.pool is None:
            raise LaunchError(
                f"failed to setup networking: failed to allocate IP: "
                f"no IP pool found for network: {name}",
            )
        address = network.pool.take()
        if address is None:
            raise LaunchError(
                f"failed to setup networking: failed to allocate IP: "
                f"no available IP addresses in network: {name}",
            )
        self._allocations[uuid] = (name, network.pool, address)
        return address

    def detach(self, uuid: str) -> None:
        """Take a job's address back, if it has one."""
        allocation = self._allocations.pop(uuid, None)
        if allocation is not None:
            _, pool, address = allocation
            pool.returned.append(address)
