"""A target that is not ours: a server at an address, with the certificates of an rnx-config."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import grpc
import yaml

from joblet_conformance.own_runtimes import BOTH
from joblet_conformance.target import (
    READY_S,
    Target,
    TargetError,
    anonymous_credentials,
    wait_ready,
)

if TYPE_CHECKING:
    from pathlib import Path

ROLES: Final = {"viewer": "viewer", "nobody": "stranger"}
"""Nodes of an rnx-config that stand for another role, and the need that they serve."""


@dataclass(frozen=True, slots=True)
class Node:
    """One node of an rnx-config: an address, and what to connect with."""

    address: str
    ca: bytes
    cert: bytes
    key: bytes

    @property
    def credentials(self) -> grpc.ChannelCredentials:
        """What a client opens a channel with."""
        return grpc.ssl_channel_credentials(self.ca, self.key, self.cert)


def read_nodes(path: Path) -> dict[str, Node]:
    """Read an rnx-config.

    Raises:
        TargetError: it can't be read, or a node lacks an address or a certificate.
    """
    try:
        told: Any = yaml.safe_load(path.read_text())
        entries: dict[str, dict[str, str]] = told["nodes"]
        return {
            name: Node(
                entry["address"],
                *(entry[part].encode() for part in ("ca", "cert", "key")),
            )
            for name, entry in entries.items()
        }
    except OSError as error:
        raise TargetError(f"{path}: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise TargetError(f"{path} is no YAML: {error}") from None
    except (KeyError, TypeError, AttributeError) as error:
        raise TargetError(
            f"{path} is no rnx-config: each of its nodes needs address, ca, cert and key; "
            f"not found: {error}",
        ) from None


def remote_target(
    *,
    address: str | None,
    persist_address: str | None,
    config: Path,
    node: str = "default",
    api: str,
    destructive: bool = False,
) -> Target:
    """Connect to a server, and make a first call.

    Args:
        address: its core services; None for the node's own address.
        persist_address: its PersistService, `host:port` or `unix:path` (in plaintext, as real
            servers listen there); None if out of reach.
        config: an rnx-config; its nodes `viewer` and `nobody` serve the other roles.
        node: the node whose certificate is an admin's.
        api: the API version that the server speaks.
        destructive: whether cases may run that could harm a server that others use.

    Raises:
        TargetError: it can't be used; the message says why.
    """
    nodes = read_nodes(config)
    if node not in nodes:
        raise TargetError(f"{config} has no node {node!r}; it has {', '.join(nodes)}")
    admin = nodes[node]
    where = address or admin.address
    offers = {"authority"}
    credentials: dict[str, grpc.ChannelCredentials | None] = {"admin": admin.credentials}
    for name, need in ROLES.items():
        if name in nodes:
            credentials[name] = nodes[name].credentials
            offers.add(need)
    credentials |= anonymous_credentials(admin.ca)
    if destructive:
        offers.add("destructive")
    persist_credentials = credentials
    if persist_address:
        offers.add("persist")
        if persist_address.startswith("unix:"):
            persist_credentials = dict.fromkeys(credentials)
    target = Target(
        where,
        api,
        where,
        persist_address,
        credentials=credentials,
        persist_credentials=persist_credentials,
        offers=frozenset(offers),
    )
    list_jobs = target.api.method("JobService.ListJobs")
    try:
        wait_ready(
            target,
            lambda: list(target.invoke(list_jobs, b"", "admin", READY_S)),
        )
        target.offers |= has_runtimes(target)
    except TargetError:
        target.close()
        raise
    return target


def has_runtimes(target: Target) -> frozenset[str]:
    """Tell, as a need that is served, whether the suite's own runtimes are on a server."""
    method = target.api.method("RuntimeService.ListRuntimes")
    reply: Any = method.decode_response(b"".join(target.invoke(method, b"", "admin", READY_S)))
    there = any(each.name == BOTH for each in reply.runtimes)
    return frozenset({"runtimes"} if there else ())
