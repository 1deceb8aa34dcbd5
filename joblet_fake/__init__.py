"""A fake Joblet server: real gRPC on loopback, in memory, on a clock that a test owns."""

from joblet_fake import _grpc_without_fork  # noqa: F401 - must come before all that loads gRPC
from joblet_fake._version import __version__
from joblet_fake.client import Client
from joblet_fake.clock import Clock
from joblet_fake.exchange import Call, Calls, Frame
from joblet_fake.fake import FakeJoblet
from joblet_fake.jobs_view import JobsView, JobView
from joblet_fake.programs import Programs, Script
from joblet_fake.server import ForkError, PortError, StalledError, Tls
from joblet_fake.wire import Api, Method, versions
from joblet_fake.wire import load as load_api

__all__ = [
    "Api",
    "Call",
    "Calls",
    "Client",
    "Clock",
    "FakeJoblet",
    "ForkError",
    "Frame",
    "JobView",
    "JobsView",
    "Method",
    "PortError",
    "Programs",
    "Script",
    "StalledError",
    "Tls",
    "__version__",
    "load_api",
    "versions",
]
