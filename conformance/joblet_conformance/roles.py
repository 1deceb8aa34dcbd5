"""Who may call what: each method with each role, asked of a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import grpc

from joblet_fake import FakeJoblet

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS: Final = 5.0
DENIED: Final = "no"
ALLOWED: Final = "yes"
MISSING: Final = "no handler"


def cell(fake: FakeJoblet, method: str, role: str) -> str:
    """Say what a role gets from a method: `yes`, `no`, or `no handler` where there is none."""
    try:
        answer = fake.rpc(method, role=role, timeout=SECONDS)
        if hasattr(answer, "cancel"):
            next(answer, None)
            answer.cancel()
    except grpc.RpcError as error:
        code = error.code()
        if code is grpc.StatusCode.PERMISSION_DENIED:
            return DENIED
        if code is grpc.StatusCode.UNIMPLEMENTED:
            return MISSING
    return ALLOWED


def table(api: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Give each method with what each role gets: admin, viewer, and a certificate with none."""
    with FakeJoblet(api=api, clock="skipping") as fake:
        for method in fake.methods:
            yield method, tuple(cell(fake, method, role) for role in fake.tls.roles)
