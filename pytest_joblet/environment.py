"""What Joblet's clients read from their environment, set so that they reach a fake."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from joblet_fake import FakeJoblet

LOOPBACK: Final = "127.0.0.1,localhost"

PREFIXES: Final = ("JOBLET_", "RNX_")
"""How the names of all variables begin that lead a client to a server."""

CONFIG_VARIABLES: Final = ("RNX_CONFIG", "RNX_CONFIG_PATH", "JOBLET_CONFIG", "JOBLET_CONFIG_PATH")
"""The names by which rnx, the SDKs, flow and admin find the configuration file (FAKE-02)."""

NO_PROXY_VARIABLES: Final = ("no_proxy", "NO_PROXY", "no_grpc_proxy")
"""gRPC reads the last one first, and the others only where it is not set."""


def client_environment(joblet: FakeJoblet, home: Path) -> dict[str, str]:
    """Make a private home and give the variables that lead clients to a fake.

    Args:
        joblet: a started fake; one without TLS is reached by the few clients that can (FAKE-01).
        home: the folder to be HOME; it is made. No `~/.rnx/ca.crt` is in the way there (SDK-04).
    """
    config = home / ".rnx" / "rnx-config.yml"
    config.parent.mkdir(parents=True, exist_ok=True)
    host, _, port = joblet.address.rpartition(":")
    proxied = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    variables = {
        "HOME": str(home),
        "USERPROFILE": str(home),
        "JOBLET_HOST": host,
        "JOBLET_PORT": port,
        "JOBLET_ADDR": joblet.address,
        **dict.fromkeys(CONFIG_VARIABLES, str(config)),
        **dict.fromkeys(NO_PROXY_VARIABLES, f"{LOOPBACK},{proxied}" if proxied else LOOPBACK),
    }
    config.write_text(joblet.rnx_config())
    if joblet.credentials is None:
        return {**variables, "JOBLET_INSECURE": "1"}
    tls = joblet.tls
    return {
        **variables,
        "JOBLET_CA_CERT": tls.ca_pem.decode(),
        "JOBLET_CLIENT_CERT": tls.cert_pem().decode(),
        "JOBLET_CLIENT_KEY": tls.key_pem().decode(),
    }


def strays(variables: dict[str, str]) -> list[str]:
    """Give the names of set variables that would lead clients elsewhere.

    Args:
        variables: what is going to be set.
    """
    return [name for name in os.environ if name.startswith(PREFIXES) and name not in variables]
