"""What Joblet's clients read from their environment, set so that they reach a fake."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from joblet_fake import FakeJoblet

LOOPBACK = "127.0.0.1,localhost"


def client_environment(joblet: FakeJoblet, home: Path) -> dict[str, str]:
    """Make a private home and give the variables that lead clients to a fake.

    Args:
        joblet: a started fake; one without TLS is reached by the few clients that can.
        home: the folder to be HOME; it is made.
    """
    home.mkdir(parents=True, exist_ok=True)
    host, _, port = joblet.address.rpartition(":")
    other = os.environ.get("no_proxy", os.environ.get("NO_PROXY", ""))
    no_proxy = f"{LOOPBACK},{other}" if other else LOOPBACK
    variables = {
        "HOME": str(home),
        "JOBLET_HOST": host,
        "JOBLET_PORT": port,
        "JOBLET_ADDR": joblet.address,
        "no_proxy": no_proxy,
        "NO_PROXY": no_proxy,
    }
    if joblet.credentials is None:
        return {**variables, "JOBLET_INSECURE": "1"}
    config = home / ".rnx" / "rnx-config.yml"
    config.parent.mkdir(exist_ok=True)
    config.write_text(joblet.rnx_config())
    tls = joblet.tls
    return {
        **variables,
        "RNX_CONFIG": str(config),
        "RNX_CONFIG_PATH": str(config),
        "JOBLET_CONFIG": str(config),
        "JOBLET_CONFIG_PATH": str(config),
        "JOBLET_CA_CERT": tls.ca_pem.decode(),
        "JOBLET_CLIENT_CERT": tls.cert_pem().decode(),
        "JOBLET_CLIENT_KEY": tls.key_pem().decode(),
    }
