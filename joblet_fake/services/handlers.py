"""The handlers of every service that is built, by method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from joblet_fake.services.job_service import JobService
from joblet_fake.services.metrics_service import MetricsService
from joblet_fake.services.monitoring_service import MonitoringService
from joblet_fake.services.network_service import NetworkService
from joblet_fake.services.persist_service import PersistService
from joblet_fake.services.runtime_service import RuntimeService
from joblet_fake.services.volume_service import VolumeService
from joblet_fake.services.workflow_service import WorkflowService

if TYPE_CHECKING:
    from joblet_fake.model.model import Model
    from joblet_fake.services.answer import Handler
    from joblet_fake.services.generation import Generation
    from joblet_fake.wire import Api

SERVICES: Final = {
    "JobService": (JobService, MetricsService, WorkflowService),
    "MonitoringService": (MonitoringService,),
    "NetworkService": (NetworkService,),
    "VolumeService": (VolumeService,),
    "PersistService": (PersistService,),
    "RuntimeService": (RuntimeService,),
}
"""Who serves a service's methods."""


class Handlers(dict[str, "Handler"]):
    """The handler of each method that a version has, by the method's key.

    A service is made when one of its methods is first asked for: most tests use one or two.

    Args:
        api: the version that is served.
        generation: whose behaviour it has.
        model: the server's state.
    """

    def __init__(self, api: Api, generation: Generation, model: Model) -> None:
        super().__init__()
        self._made: set[str] = set()
        self._of = (api, generation, model)

    def __missing__(self, key: str) -> Handler:
        """Make the method's service, unless it has been made and has no such method."""
        service = key.partition(".")[0]
        if service in self._made:
            raise KeyError(key)
        self._made.add(service)
        for one in SERVICES.get(service, ()):
            for method, handler in one(*self._of).handlers().items():
                self.setdefault(method, handler)
        return self[key]
