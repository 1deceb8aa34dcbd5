"""A fake Joblet server: real gRPC on loopback, in memory, on a clock that a test owns."""

from joblet_fake import _load_grpc  # noqa: F401 - must come before all that loads gRPC
from joblet_fake._version import __version__
from joblet_fake.client import Client
from joblet_fake.clock import Clock
from joblet_fake.exchange import Call, Calls, Fired, Frame, Masks, Rule, UnusedFaultError
from joblet_fake.fake import FakeJoblet
from joblet_fake.faults import Faults
from joblet_fake.model.runtime_script import InstallScript
from joblet_fake.model.snapshot import Snapshot, SnapshotError
from joblet_fake.options import Options
from joblet_fake.populate import Populated
from joblet_fake.programs import (
    Die,
    Files,
    Hang,
    Metrics,
    OnStop,
    OutOfMemory,
    Programs,
    RunningJob,
    Script,
    Sleep,
    Stderr,
    Stdout,
    Step,
    StuckError,
    Write,
)
from joblet_fake.server import (
    Connection,
    ConnectionsError,
    ForkError,
    PortError,
    StalledError,
    Tls,
)
from joblet_fake.server_faults import ServerFaults
from joblet_fake.views import (
    DisksView,
    DiskView,
    HistoryView,
    HostView,
    JobsView,
    JobView,
    NetworksView,
    NetworkView,
    QuirksView,
    RuntimesView,
    RuntimeView,
    StoredJobView,
    StoredLine,
    StoredSample,
    VolumesView,
    VolumeView,
    WorkflowJobView,
    WorkflowsView,
    WorkflowView,
)
from joblet_fake.wire import Api, Method, versions
from joblet_fake.wire import load as load_api
from joblet_fake.words import names_near

__all__ = [
    "Api",
    "Call",
    "Calls",
    "Client",
    "Clock",
    "Connection",
    "ConnectionsError",
    "Die",
    "DiskView",
    "DisksView",
    "FakeJoblet",
    "Faults",
    "Files",
    "Fired",
    "ForkError",
    "Frame",
    "Hang",
    "HistoryView",
    "HostView",
    "InstallScript",
    "JobView",
    "JobsView",
    "Masks",
    "Method",
    "Metrics",
    "NetworkView",
    "NetworksView",
    "OnStop",
    "Options",
    "OutOfMemory",
    "Populated",
    "PortError",
    "Programs",
    "QuirksView",
    "Rule",
    "RunningJob",
    "RuntimeView",
    "RuntimesView",
    "Script",
    "ServerFaults",
    "Sleep",
    "Snapshot",
    "SnapshotError",
    "StalledError",
    "Stderr",
    "Stdout",
    "Step",
    "StoredJobView",
    "StoredLine",
    "StoredSample",
    "StuckError",
    "Tls",
    "UnusedFaultError",
    "VolumeView",
    "VolumesView",
    "WorkflowJobView",
    "WorkflowView",
    "WorkflowsView",
    "Write",
    "__version__",
    "load_api",
    "names_near",
    "versions",
]
