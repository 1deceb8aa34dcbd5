"""`joblet.networks`: what a test sees of a server's networks, and puts there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from joblet_fake.model.errors import Refusal
from joblet_fake.words import Named, check_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from joblet_fake.model.model import Model
    from joblet_fake.model.network import Network


class NetworkView(Named):
    """One network, as it is at the moment of asking; made by `joblet.networks[...]`."""

    _called = "a network"

    __slots__ = ("_model", "_network")

    def __init__(self, model: Model, network: Network) -> None:
        self._model = model
        self._network = network

    def __repr__(self) -> str:
        return f"<network {self.name!r} {self.cidr or 'without addresses'}, jobs {self.job_count}>"

    @property
    def name(self) -> str:
        """Its name."""
        return self._network.name

    @property
    def cidr(self) -> str:
        """Its block, as it was given (NET-08); empty for a network without addresses."""
        return self._network.cidr

    @property
    def bridge(self) -> str:
        """The device that ListNetworks shows: empty for all but the built-in one (NET-13)."""
        return self._network.bridge

    @property
    def addresses(self) -> dict[str, str]:
        """The addresses that jobs hold, by the jobs' ids; no call tells them (NET-28)."""
        with self._model.clock.lock:
            return self._model.networks.jobs(self.name)

    @property
    def job_count(self) -> int:
        """How many jobs hold an address (NET-20)."""
        return len(self.addresses)


class NetworksView(Named, Mapping[str, NetworkView]):
    """The networks of a server by name, oldest first; the built-in `bridge` is one (NET-17)."""

    _called = "joblet.networks"

    def __init__(self, model: Model, check: Callable[[], None]) -> None:
        self._model = model
        self._check = check

    def __getitem__(self, name: str) -> NetworkView:
        network = self._model.networks.get(name)
        if network is None:
            raise self._unknown(name)
        return NetworkView(self._model, network)

    def __delitem__(self, name: str) -> None:
        self.remove(name)

    def __iter__(self) -> Iterator[str]:
        self._check()
        with self._model.clock.lock:
            return iter([network.name for network in self._model.networks])

    def __len__(self) -> int:
        return len(self._model.networks)

    def add(self, name: str, cidr: str = "10.1.0.0/24") -> NetworkView:
        """Put a network on the server, as CreateNetwork does.

        Args:
            name: its name.
            cidr: its block; empty for a network whose jobs can't start (NET-07).

        Raises:
            ValueError: the server would refuse it, or there is one of that name already, which
                CreateNetwork would replace (NET-11).

        >>> from joblet_fake import FakeJoblet
        >>> with FakeJoblet() as joblet:
        ...     joblet.networks.add("lab", "10.9.0.0/29")
        ...     job_id = joblet.rpc("RunJob", command="true", network="lab").job_uuid
        ...     print(joblet.jobs[job_id].address)
        <network 'lab' 10.9.0.0/29, jobs 0>
        10.9.0.1
        """
        self._check()
        check_text(f"add({name!r})", name, "the name as text")
        check_text(f"add(cidr={cidr!r})", cidr, "a block as text, such as '10.1.0.0/24'")
        with self._model.change():
            if self._model.networks.get(name) is not None:
                raise ValueError(f"a network {name!r} is there already")
            try:
                network = self._model.networks.create(name, cidr)
            except Refusal as refusal:
                raise ValueError(f"the server would refuse it: {refusal.text}") from None
        return NetworkView(self._model, network)

    def remove(self, name: str) -> None:
        """Remove a network, the built-in one too, as RemoveNetwork does (NET-26).

        Args:
            name: its name.

        Raises:
            KeyError: there is none; the message lists those that there are.
            ValueError: the server would refuse it: jobs have its addresses (NET-24).
        """
        self._check()
        with self._model.change():
            if self._model.networks.get(name) is None:
                raise self._unknown(name)
            try:
                self._model.networks.remove(name)
            except Refusal as refusal:
                raise ValueError(f"the server would refuse it: {refusal.text}") from None

    def _unknown(self, name: str) -> KeyError:
        known = ", ".join(map(repr, self)) or "none"
        return KeyError(f"no network {name!r} on this server; its networks: {known}")
