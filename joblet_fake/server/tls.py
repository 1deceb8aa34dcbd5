"""Certificates: one authority for the process, and a certificate for each role."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import grpc
import trustme

if TYPE_CHECKING:
    from collections.abc import Iterable

SERVER_NAMES: Final = ("joblet", "localhost", "joblet-server", "127.0.0.1", "::1")
"""The names in a server's certificate; Go clients insist on the first (AUTH-13)."""

NOBODY: Final = "nobody"
"""The role whose certificate names no role at all."""


@cache
def authority() -> trustme.CA:
    """Give the process's certificate authority; making it takes some milliseconds, once."""
    return trustme.CA(organization_name="Joblet", organization_unit_name="CA")


@cache
def _server_certificate(names: tuple[str, ...]) -> trustme.LeafCert:
    return authority().issue_cert(
        *SERVER_NAMES,
        *names,
        common_name="joblet-server",
        organization_name="Joblet",
        organization_unit_name="Server",
    )


def client_name(role: str) -> str:
    """Give the name in a role's client certificate, which the authority gives to nobody else."""
    return f"{role}.client.joblet"


@cache
def _client_certificate(role: str) -> trustme.LeafCert:
    return authority().issue_cert(
        client_name(role),
        common_name=f"{role}-client",
        organization_name="Joblet",
        organization_unit_name=role,
    )


class Tls:
    """The certificates of one server, as PEM; `joblet.tls` is one.

    Args:
        roles: the roles that there are certificates for, beside `nobody`.
        names: further names and addresses for the server's certificate.
    """

    def __init__(self, roles: Iterable[str], names: Iterable[str] = ()) -> None:
        self.roles = (*roles, NOBODY)
        self._names = tuple(names)

    @property
    def ca_pem(self) -> bytes:
        """The authority's certificate, which clients trust and the server asks for."""
        return authority().cert_pem.bytes()

    def cert_pem(self, role: str = "admin") -> bytes:
        """Give a role's client certificate.

        Raises:
            ValueError: there is no such role; the message lists them.
        """
        return _client_certificate(self._known(role)).cert_chain_pems[0].bytes()

    def key_pem(self, role: str = "admin") -> bytes:
        """Give the private key to a role's certificate.

        Raises:
            ValueError: there is no such role; the message lists them.
        """
        return _client_certificate(self._known(role)).private_key_pem.bytes()

    def channel_credentials(self, role: str = "admin") -> grpc.ChannelCredentials:
        """Give what a client of a role opens a channel with.

        Raises:
            ValueError: there is no such role; the message lists them.
        """
        return grpc.ssl_channel_credentials(self.ca_pem, self.key_pem(role), self.cert_pem(role))

    def server_credentials(self) -> grpc.ServerCredentials:
        """Give what the server listens with: it insists on a client certificate (AUTH-01)."""
        certificate = _server_certificate(self._names)
        pair = (certificate.private_key_pem.bytes(), certificate.cert_chain_pems[0].bytes())
        return grpc.ssl_server_credentials([pair], self.ca_pem, require_client_auth=True)

    def _known(self, role: str) -> str:
        if role not in self.roles:
            raise ValueError(f"there is no role {role!r}: it is one of {', '.join(self.roles)}")
        return role
