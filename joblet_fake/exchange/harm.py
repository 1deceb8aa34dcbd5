"""What a call would have done to a real server, where it harms nothing here."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from joblet_fake.exchange.call import Call

RUNTIMES: Final = "/opt/joblet/runtimes"


def harm(call: Call) -> str:
    """Say what a real server suffers from a call; "" if nothing (RT-46, NET-33)."""
    request = call.request
    if request is None:
        return ""
    if call.method == "RuntimeService.RemoveRuntime" and call.code == "OK":
        path = posixpath.normpath(f"{RUNTIMES}/{request.runtime}")
        outside = "@" not in request.runtime and not path.startswith(f"{RUNTIMES}/")
        if request.runtime and outside and call.role == "admin":
            return f"a real server deletes {path} with all that is in it (RT-46)"
    if call.method == "JobService.RunJob" and (call.code, call.details) == (
        "UNAVAILABLE",
        "Socket closed",
    ):
        return "a real server crashes here (NET-33)"
    return ""
