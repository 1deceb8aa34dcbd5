"""What every public method of a published Python SDK gives on a server of API 2.3.1.

By version, method and call, the calls being those of `every_method.py`. Ids of jobs are names.
"""

from __future__ import annotations

from sdk_jobs import jobs
from sdk_likes import UUID, Told, Version
from sdk_services import services


def expected(text: str) -> Told:
    """Give all that a version's methods give.

    Args:
        text: the version of the SDK.
    """
    version = Version(text)
    return {**_client(version), **jobs(version), **services(version)}


def _client(version: Version) -> Told:
    persist: Told = {"JobletClient.persist": {"is": "PersistService"}} if version.persists else {}
    return {
        **persist,
        "JobletClient.jobs": {"is": "JobService"},
        "JobletClient.monitoring": {"is": "MonitoringService"},
        "JobletClient.networks": {"is": "NetworkService"},
        "JobletClient.runtimes": {"is": "RuntimeService"},
        "JobletClient.volumes": {"is": "VolumeService"},
        # SDK-06: with certificates from variables the file, where the id is, stays unread.
        "JobletClient.node_id": {"is": None if version.strict else UUID},
        # SDK-12
        "JobletClient.health_check": {
            "of a server": True,
            "of a closed client": False,
            "of nobody": False,
        },
        "JobletClient.close": {"once": None, "twice": None},
    }
