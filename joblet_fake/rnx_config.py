"""The configuration file that Joblet's clients read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from joblet_fake.server import Tls


class _Block(str):
    """Text that is written as a block, as certificates are."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Writes certificates as blocks."""


_Dumper.add_representer(
    _Block,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style="|"),
)


def rnx_config(address: str, persist_address: str, node_id: str, tls: Tls | None) -> str:
    """Give the configuration for one server: a node for each role, `default` an admin (RNX-02).

    The default node says so too, for clients that look for that (SRV-14, FAKE-02).

    Args:
        address: where the core services listen, as `host:port`.
        persist_address: where PersistService listens; two old SDKs read it (SDK-05).
        node_id: the server's node id.
        tls: its certificates; None for plaintext.
    """
    server = {"address": address, "persistAddress": persist_address, "nodeId": node_id}
    if tls is None:
        return _written({"default": {"isDefault": True, **server}})
    nodes = {"default": "admin"} | {role: role for role in tls.roles if role != "admin"}
    return _written(
        {
            node: {
                **({"isDefault": True} if node == "default" else {}),
                **server,
                "cert": _Block(tls.cert_pem(role).decode()),
                "key": _Block(tls.key_pem(role).decode()),
                "ca": _Block(tls.ca_pem.decode()),
            }
            for node, role in nodes.items()
        },
    )


def _written(nodes: dict[str, dict[str, object]]) -> str:
    text: str = yaml.dump({"version": "3.0", "nodes": nodes}, Dumper=_Dumper, sort_keys=False)
    return text
