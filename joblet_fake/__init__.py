"""A fake Joblet server: real gRPC on loopback, in memory, on a clock that a test owns."""

from joblet_fake._version import __version__
from joblet_fake.fake import FakeJoblet
from joblet_fake.jobs_view import JobView
from joblet_fake.programs import Script
from joblet_fake.server import ForkError, PortError, StalledError, Tls
from joblet_fake.wire import versions

__all__ = [
    "FakeJoblet",
    "ForkError",
    "JobView",
    "PortError",
    "Script",
    "StalledError",
    "Tls",
    "__version__",
    "versions",
]
