"""What a test sees of a server's state, and changes there: jobs, networks, the host, the rest."""

from joblet_fake.views.disks import DisksView, DiskView
from joblet_fake.views.history import HistoryView, StoredJobView, StoredLine, StoredSample
from joblet_fake.views.host import HostView
from joblet_fake.views.jobs import JobsView, JobView
from joblet_fake.views.networks import NetworksView, NetworkView
from joblet_fake.views.quirks import QuirksView
from joblet_fake.views.runtimes import RuntimesView, RuntimeView
from joblet_fake.views.volumes import VolumesView, VolumeView
from joblet_fake.views.workflows import WorkflowJobView, WorkflowsView, WorkflowView

__all__ = [
    "DiskView",
    "DisksView",
    "HistoryView",
    "HostView",
    "JobView",
    "JobsView",
    "NetworkView",
    "NetworksView",
    "QuirksView",
    "RuntimeView",
    "RuntimesView",
    "StoredJobView",
    "StoredLine",
    "StoredSample",
    "VolumeView",
    "VolumesView",
    "WorkflowJobView",
    "WorkflowView",
    "WorkflowsView",
]
