"""Loads gRPC without its fork support, unless it was loaded before or the environment wants it.

gRPC reads the setting once, when it is loaded. Its support starts threads in a forked child, which
wait on the parent's descriptors and abort the child within milliseconds, whatever it does. With a
server in the process it never worked: the handlers that make it safe skip a process whose threads
are inside gRPC, as a server's always are. `joblet_fake.server.fork` does the rest.
"""

from __future__ import annotations

import os
import sys
from typing import Final

SETTING: Final = "GRPC_ENABLE_FORK_SUPPORT"

if "grpc" not in sys.modules and SETTING not in os.environ:
    os.environ[SETTING] = "0"
    try:
        import grpc  # noqa: F401 - loaded with the setting; whoever needs it imports it again
    finally:
        del os.environ[SETTING]
