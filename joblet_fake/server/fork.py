"""In a forked child: the parent's connections are none of its business.

The child inherits gRPC's objects, which nothing there can use. When they are taken down, they would
write to the parent's connections, so those are taken away from the child first.
"""

from __future__ import annotations

import os
import socket
import stat
from contextlib import suppress
from typing import Final

DESCRIPTORS: Final = ("/proc/self/fd", "/dev/fd")

ports: Final[set[int]] = set()
"""Where the fakes of this process listen."""


def let_go() -> None:
    """In a forked child, put the null device in the place of every connection to a fake."""
    if not ports:
        return
    names = next((os.listdir(path) for path in DESCRIPTORS if os.path.isdir(path)), [])  # noqa: PTH112, PTH208 - as little as can be between fork and whatever comes
    null = os.open(os.devnull, os.O_RDWR)
    for name in names:
        with suppress(OSError):
            if _of_a_fake(int(name)):
                os.dup2(null, int(name), inheritable=False)
    os.close(null)


def _of_a_fake(descriptor: int) -> bool:
    if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
        return False
    with socket.socket(fileno=os.dup(descriptor)) as end:
        if end.family not in (socket.AF_INET, socket.AF_INET6):
            return False
        if end.getsockname()[1] in ports:
            return True
        return bool(end.getpeername()[1] in ports)
