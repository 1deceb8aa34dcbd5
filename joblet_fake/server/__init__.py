"""Sockets, certificates, the event loop: how calls reach a fake."""

from joblet_fake.server.backend import STALL_TIMEOUT, Backend, StalledError
from joblet_fake.server.connections import Connection, ConnectionsError
from joblet_fake.server.listener import HOST, Listener, PortError
from joblet_fake.server.loop import ForkError, check_thread, forked, shared_loop
from joblet_fake.server.server import Server, is_loopback
from joblet_fake.server.tls import NOBODY, Tls, check_names

__all__ = [
    "HOST",
    "NOBODY",
    "STALL_TIMEOUT",
    "Backend",
    "Connection",
    "ConnectionsError",
    "ForkError",
    "Listener",
    "PortError",
    "Server",
    "StalledError",
    "Tls",
    "check_names",
    "check_thread",
    "forked",
    "is_loopback",
    "shared_loop",
]
