"""A target that is not ours: a server at an address, with the certificates of an rnx-config."""

from __future__ import annotations

import contextlib
import shlex
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import grpc
import yaml

from joblet_conformance.own_runtimes import BOTH
from joblet_conformance.served import ADVICE, of_a_fake
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
from joblet_fake import load_api, versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

ROLES: Final = {"viewer": "viewer", "nobody": "stranger"}
"""Nodes of an rnx-config that stand for another role, and the need that they serve."""

JUNK: Final = b"\xff\xff\xff"

NO_JOB: Final = "00000000-0000-4000-8000-000000000000"

RESTART_S: Final = 300.0
"""Real seconds that a command may take to restart a server."""


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


def restart_with(command: str) -> Callable[[], None]:
    """Give what runs a command that restarts a server; its output is not looked at.

    Args:
        command: split as a shell does; it returns when the server is being started again.

    Raises:
        ValueError: it can't be split, or is empty.
    """
    words = shlex.split(command)
    if not words:
        raise ValueError("--restart-command is empty")

    def restart() -> None:
        try:
            done = subprocess.run(  # noqa: S603 - the user's own command
                words,
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=RESTART_S,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise TargetError(f"--restart-command: {error}") from None
        if done.returncode:
            raise TargetError(f"--restart-command: {command} ended with {done.returncode}")

    return restart


def check_version(target: Target) -> None:
    """See that a server has the methods of its API version, and none of others.

    Asked with bytes that are no message, no method does anything.

    Raises:
        TargetError: it lacks some, or has others.
    """
    version = target.api.version
    ours = _core_paths(version)
    telling = {path for other in versions() for path in _core_paths(other) ^ ours}
    channel: Any = target.channel("admin")
    for path in sorted(telling):
        call = channel.unary_stream(path, None, None)(JUNK, timeout=READY_S)
        with contextlib.suppress(grpc.RpcError):
            list(call)
        there = not (call.details() or "").startswith("unknown method")
        if there != (path in ours):
            name = path.rpartition(".")[2].replace("/", ".")
            raise TargetError(
                f"{target.name}: it speaks another API than {version} (--api), since it "
                f"{'has' if there else 'has no'} {name}",
            )


def _core_paths(version: str) -> frozenset[str]:
    """Give the paths on a version's core port, but those that install something."""
    methods = load_api(version).methods.values()
    return frozenset(
        method.path for method in methods if not (method.persist or "Install" in method.name)
    )


def remote_target(
    *,
    address: str | None,
    persist_address: str | None,
    config: Path,
    node: str = "default",
    api: str,
    destructive: bool = False,
    restart_command: str | None = None,
    offer: Iterable[str] = (),
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
        restart_command: restarts the server; None if nothing can.
        offer: what it is known to offer besides, of `joblet_conformance.case.NEEDS`.

    Raises:
        TargetError: it can't be used; the message says why.
        ValueError: the restart command is none.
    """
    restart = None if restart_command is None else restart_with(restart_command)
    nodes = read_nodes(config)
    if node not in nodes:
        raise TargetError(f"{config} has no node {node!r}; it has {', '.join(nodes)}")
    admin = nodes[node]
    where = address or admin.address
    offers = {"authority", *offer}
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
        restart=restart,
    )
    list_jobs = target.api.method("JobService.ListJobs")
    try:
        wait_ready(
            target,
            lambda: list(target.invoke(list_jobs, b"", "admin", READY_S)),
        )
        check_version(target)
        check_rights(target)
        target.offers |= has_runtimes(target)
    except TargetError:
        target.close()
        raise
    if of_a_fake(admin.pem):
        _know(target)
    return target


def _know(target: Target) -> None:
    """Take a target as the fake that it is: what would harm a host does nothing there."""
    if "runtimes" in target.offers:
        target.ours = True
        target.offers |= {"installs", "limits"}
    else:
        target.advice = ADVICE


def check_rights(target: Target) -> None:
    """See that the certificate is an admin's, by stopping a job that there is not.

    Raises:
        TargetError: it is not.
    """
    stop = target.api.method("StopJob")
    request = stop.encode_request({"uuid": NO_JOB})
    try:
        list(target.invoke(stop, request, "admin", READY_S))
    except grpc.RpcError as error:
        if error.code() is grpc.StatusCode.PERMISSION_DENIED:
            raise TargetError(
                f"{target.name}: the certificate may look and change nothing: choose a node with "
                f"an admin's (--node) ({error.details()})",
            ) from None


def has_runtimes(target: Target) -> frozenset[str]:
    """Tell, as a need that is served, whether the suite's own runtimes are on a server."""
    method = target.api.method("RuntimeService.ListRuntimes")
    reply: Any = method.decode_response(b"".join(target.invoke(method, b"", "admin", READY_S)))
    there = any(each.name == BOTH for each in reply.runtimes)
    return frozenset({"runtimes"} if there else ())
