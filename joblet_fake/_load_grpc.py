"""Loads gRPC with settings that it reads once, unless it was loaded before or the user set them.

Its fork support starts threads in a forked child, which wait on the parent's descriptors and abort
the child within milliseconds, whatever it does. With a server in the process it never worked: the
handlers that make it safe skip a process whose threads are inside gRPC, as a server's always are.
`joblet_fake.server.fork` does the rest.

The command `joblet-fake` tells its users itself what went wrong: gRPC's own lines on stderr, one
for every stranger that connects, are not for them.
"""

from __future__ import annotations

import os
import sys
from typing import Final

from joblet_fake._command import IS_COMMAND

SETTINGS: Final = {"GRPC_ENABLE_FORK_SUPPORT": "0"} | (
    {"GRPC_VERBOSITY": "NONE"} if IS_COMMAND else {}
)

if "grpc" not in sys.modules:
    unset = SETTINGS.keys() - os.environ.keys()
    os.environ |= {name: SETTINGS[name] for name in unset}
    try:
        import grpc  # noqa: F401 - loaded with the settings; whoever needs it imports it again
    finally:
        for name in unset:
            del os.environ[name]
