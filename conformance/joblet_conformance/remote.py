"""A target that is not ours: a server at an address, with the certificates of an rnx-config."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import yaml

from joblet_conformance.target import (
    ODD,
    PLAINTEXT,
    READY_S,
    Pem,
    Target,
    TargetError,
    anonymous,
    wait_ready,
)

if TYPE_CHECKING:
    from pathlib import Path

    import grpc

ROLES: Final = {"viewer": "viewer", "nobody": "stranger"}
"""Nodes of an rnx-config that stand for another role, and the need that they serve."""


@dataclass(frozen=True, slots=True)
class Node:
    """One node of an rnx-config: an address, and what to connect with."""

    address: str
    pem: Pem


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
                Pem(*(entry[part].encode() for part in ("ca", "cert", "key"))),
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
        config: an rnx-config; its nodes `viewer` and `nobody` serve the other roles, and nodes
            named as in `ODD`, if there are all of them, clients with odd certificates.
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
    pems = {"admin": admin.pem} | anonymous(admin.pem.ca)
    for name, need in ROLES.items():
        if name in nodes:
            pems[name] = nodes[name].pem
            offers.add(need)
    if set(ODD) <= set(nodes):
        pems |= {name: nodes[name].pem for name in ODD}
        offers.add("certificates")
    if destructive:
        offers.add("destructive")
    credentials: dict[str, grpc.ChannelCredentials | None] = {
        role: pem.credentials for role, pem in pems.items()
    } | {PLAINTEXT: None}
    persist_credentials = credentials
    if persist_address:
        offers.add("persist")
        if persist_address.startswith("unix:"):
            persist_credentials = dict.fromkeys(credentials)
        else:
            offers.add("persist-tls")
    target = Target(
        where,
        api,
        where,
        persist_address,
        credentials=credentials,
        persist_credentials=persist_credentials,
        pems=pems,
        offers=frozenset(offers),
    )
    list_jobs = target.api.method("JobService.ListJobs")
    try:
        wait_ready(
            target,
            lambda: list(target.invoke(list_jobs, b"", "admin", READY_S)),
        )
    except TargetError:
        target.close()
        raise
    return target
