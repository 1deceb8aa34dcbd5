"""Networks and the addresses that jobs get on them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from joblet_fake.model.cidr import addresses, is_cidr, is_ipv4, is_usable
from joblet_fake.model.errors import Kind, Refusal
from joblet_fake.model.process import LaunchError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from joblet_fake.model.copying import Copying

UNPOOLED: Final = ("none", "isolated")
"""The modes without an address (NET-20, NET-30)."""

DEFAULT_NETWORK: Final = "bridge"

HOST_NETWORK: Final = "host"
"""What the documentation knows, and no server (JOB-RUN-62)."""

DEVICE_LIMIT: Final = 15
"""The longest name of a network device, in bytes."""

UNFIT: Final = frozenset(b"/:%\t\n\v\f\r \xa0")
"""The bytes that no device's name has."""


class CrashError(LaunchError):
    """A real server dies of what this job would do (NET-33)."""


@dataclass(slots=True)
class Pool:
    """The addresses of one block, lowest first; returned ones go to the end (NET-28).

    Attributes:
        cidr: the block.
        given: how many of its addresses were given for the first time.
        returned: those that can be given again.
        taken: those that jobs hold.
    """

    cidr: str
    given: int = 0
    returned: deque[str] = field(default_factory=deque)
    taken: set[str] = field(default_factory=set)
    _fresh: Iterator[str] = field(init=False)

    def __post_init__(self) -> None:
        self._fresh = addresses(self.cidr, self.given)

    def copied(self, copying: Copying) -> Pool:
        """Give one that goes on with the same address."""
        made = Pool(self.cidr, self.given, self.returned.copy(), self.taken.copy())
        return copying.note(self, made)

    def take(self) -> str | None:
        """Give the next address, or None when all are taken."""
        address = next(self._fresh, None)
        if address is not None:
            self.given += 1
        elif self.returned:
            address = self.returned.popleft()
        if address is not None:
            self.taken.add(address)
        return address

    def give_back(self, address: str) -> None:
        """Take an address back; one that this pool did not give is nobody's."""
        if address in self.taken:
            self.taken.discard(address)
            self.returned.append(address)


@dataclass(frozen=True, slots=True)
class Network:
    """One network: its block as it was given (NET-08), and its bridge device."""

    name: str
    cidr: str
    bridge: str = ""

    @property
    def has_device(self) -> bool:
        """Whether a device can be called after it: else its jobs have only `lo` (NET-32)."""
        device = f"joblet-{self.name}".encode()
        fits = len(device) <= DEVICE_LIMIT and UNFIT.isdisjoint(device)
        return fits or self.name == DEFAULT_NETWORK


class Networks:
    """The networks of one server; the built-in `bridge` is there from the start (NET-17).

    Attributes:
        devices: the networks whose devices are on the host, where they stay for ever (NET-31).
    """

    def __init__(self) -> None:
        self._networks: dict[str, Network] = {}
        # A pool is a name's, not a network's: it outlives a network made again without a block.
        self._pools: dict[str, Pool] = {}
        self._allocations: dict[str, tuple[str, str]] = {}
        self.devices: set[str] = set()
        self._add(DEFAULT_NETWORK, "172.20.0.0/16", "joblet0")

    def __iter__(self) -> Iterator[Network]:
        """Give the networks, the oldest first."""
        return iter(tuple(self._networks.values()))

    def __len__(self) -> int:
        return len(self._networks)

    def copied(self, copying: Copying) -> Networks:
        """Give the same networks with the same addresses taken."""
        made = copying.note(self, Networks())
        made._networks = self._networks.copy()  # noqa: SLF001 - its own kind
        made._pools = {name: copying.of(pool) for name, pool in self._pools.items()}  # noqa: SLF001
        made._allocations = self._allocations.copy()  # noqa: SLF001
        made.devices = self.devices.copy()
        return made

    def get(self, name: str) -> Network | None:
        """Give the network with a name."""
        return self._networks.get(name)

    def jobs(self, name: str) -> dict[str, str]:
        """Give the addresses that a network's jobs hold, by the jobs' ids (NET-20)."""
        return {
            uuid: address
            for uuid, (network, address) in self._allocations.items()
            if network == name
        }

    def create(self, name: str, cidr: str, *, bridge: str = "") -> Network:
        """Add a network, or replace one of the same name, whose jobs still count (NET-11).

        Args:
            name: any text (NET-03).
            cidr: its block; without one it has no addresses, or keeps those of the network that
                it replaces (NET-07, NET-33).
            bridge: the built-in network's device (NET-13).

        Raises:
            Refusal: there is no name, or the block is none (NET-02, NET-05).
        """
        if not name:
            raise Refusal(Kind.INVALID, "network creation failed: name cannot be empty")
        if cidr and not is_cidr(cidr):
            raise Refusal(Kind.INVALID, f"network config validation failed: invalid CIDR: {cidr}")
        return self._add(name, cidr, bridge)

    def _add(self, name: str, cidr: str, bridge: str) -> Network:
        if cidr:
            self._pools[name] = Pool(cidr)
        network = self._networks[name] = Network(name, cidr, bridge)
        return network

    def remove(self, name: str) -> None:
        """Remove a network, the built-in one too (NET-26).

        Raises:
            Refusal: there is no name, jobs are on it, or there is no such network (NET-24).
        """
        if not name:
            raise Refusal(Kind.INVALID, "network name cannot be empty")
        if count := len(self.jobs(name)):
            raise Refusal(Kind.CONFLICT, f"network is still in use by {count} job(s)")
        if self._networks.pop(name, None) is None:
            raise Refusal(Kind.NOT_FOUND, f"network not found: {name}")
        self._pools.pop(name, None)

    def attach(self, uuid: str, name: str) -> str | None:
        """Give a job its address.

        Args:
            uuid: the job.
            name: the network; case counts (JOB-RUN-62).

        Returns:
            The address that the job sees, or None where it has only `lo` (NET-30, NET-32).

        Raises:
            LaunchError: there is no such network, or it has no address left (NET-27).
            CrashError: a real server dies here (NET-33).
        """
        if name in UNPOOLED:
            return None
        network, pool = self._networks.get(name), self._pools.get(name)
        if network is None or pool is None:
            raise LaunchError(
                f"failed to setup networking: failed to allocate IP: "
                f"no IP pool found for network: {name}",
            )
        address = pool.take()
        if address is None:
            raise LaunchError(
                f"failed to setup networking: failed to allocate IP: "
                f"no available IP addresses in network: {name}",
            )
        if not network.cidr:
            pool.give_back(address)
            raise CrashError("Socket closed")
        self._allocations[uuid] = (name, address)
        if not network.has_device:
            return None
        # A new device can't be given an IPv6 gateway, and the job that it was made for gets
        # nothing; those after it do (NET-37).
        new = name not in self.devices
        self.devices.add(name)
        return address if is_ipv4(network.cidr) or (not new and is_usable(address)) else None

    def detach(self, uuid: str) -> None:
        """Take a job's address back, if it has one."""
        name, address = self._allocations.pop(uuid, ("", ""))
        if name in self._pools:
            self._pools[name].give_back(address)
