"""The handlers of every service that is built, by method."""

from __future__ import annotations

from typing import TYPE_CHECKING

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


def handlers(api: Api, generation: Generation, model: Model) -> dict[str, Handler]:
    """Give the handler of each method that a version has, by the method's key."""
    return {
        **JobService(api, generation, model).handlers(),
        **MonitoringService(api, generation, model).handlers(),
        **NetworkService(api, generation, model).handlers(),
        **VolumeService(api, generation, model).handlers(),
        **PersistService(api, generation, model).handlers(),
        **RuntimeService(api, generation, model).handlers(),
        **MetricsService(api, generation, model).handlers(),
        **WorkflowService(api, generation, model).handlers(),
    }
