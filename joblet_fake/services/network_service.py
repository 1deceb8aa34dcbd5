"""NetworkService: wire to model and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from joblet_fake.model.cidr import count
from joblet_fake.model.errors import Refusal
from joblet_fake.services.delayed import delayed
from joblet_fake.services.order import listed, shuffled
from joblet_fake.services.status import StatusError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from joblet_fake.model.model import Model
    from joblet_fake.services.answer import Answer, Handler
    from joblet_fake.services.generation import Generation
    from joblet_fake.wire import Api

CREATE: Final = "failed to create network"

LONGEST: Final = 3600.0
"""Clock seconds: blocks whose addresses a real server never gets done with take this long."""


class NetworkService:
    """The methods of `joblet.NetworkService` over one model."""

    def __init__(self, api: Api, generation: Generation, model: Model) -> None:
        self._method = api.method
        self._generation = generation
        self._model = model

    def handlers(self) -> Mapping[str, Handler]:
        """Give the handler of each method, by the method's key."""
        return {
            "NetworkService.CreateNetwork": self.create_network,
            "NetworkService.ListNetworks": self.list_networks,
            "NetworkService.RemoveNetwork": self.remove_network,
        }

    def create_network(self, request: Any) -> Answer:  # noqa: ANN401 - a run-time message class
        """Add or replace a network; all its addresses are made before the answer (NET-10)."""
        try:
            network = self._model.networks.create(request.name, request.cidr)
        except Refusal as refusal:
            code = self._generation.code(CREATE, refusal.kind)
            raise StatusError(code, f"{CREATE}: {refusal.text}") from None
        answer = self._method("NetworkService.CreateNetwork").encode(
            {"name": network.name, "cidr": network.cidr, "bridge": network.bridge},
        )
        pace = self._model.pace
        made = count(network.cidr) if network.cidr else 0
        delay = min(pace.network + pace.address * made, LONGEST)
        return delayed(self._model, answer, delay)

    def list_networks(self, _request: object) -> Answer:
        """Give every network, and how many jobs hold an address of it (NET-17 to NET-22).

        A real server's order is random (NET-19); this one is the same every time.
        """
        networks = [
            {
                "name": network.name,
                "cidr": network.cidr,
                "bridge": network.bridge,
                "job_count": len(self._model.networks.jobs(network.name)),
            }
            for network in listed(
                self._model,
                sorted(self._model.networks, key=lambda network: shuffled(network.name)),
            )
        ]
        return self._method("NetworkService.ListNetworks").encode({"networks": networks})

    def remove_network(self, request: Any) -> Answer:  # noqa: ANN401 - as above
        """Remove a network; failures are told in an OK reply (NET-23)."""
        success, message = True, "Network removed successfully"
        try:
            self._model.networks.remove(request.name)
        except Refusal as refusal:
            success, message = False, refusal.text
        return self._method("NetworkService.RemoveNetwork").encode(
            {"success": success, "message": message},
        )
