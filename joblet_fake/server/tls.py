"""Certificates: one authority for the process, and a certificate for each role."""

from __future__ import annotations

import ipaddress
import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

import grpc
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from joblet_fake.words import Named

if TYPE_CHECKING:
    from collections.abc import Iterable

SERVER_NAMES: Final = ("joblet", "localhost", "joblet-server", "127.0.0.1", "::1")
"""The names in a server's certificate; Go clients insist on the first (AUTH-13)."""

HOST_NAME: Final = re.compile(
    r"(\*\.)?[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*",
    re.IGNORECASE,
)
"""A name that a certificate can have; `*.` stands for whatever comes first."""

LONGEST_NAME: Final = 253

NOBODY: Final = "nobody"
"""The role whose certificate names no role at all."""


USES: Final = {
    "client": ExtendedKeyUsageOID.CLIENT_AUTH,
    "server": ExtendedKeyUsageOID.SERVER_AUTH,
}
"""What a certificate can say that it is good for."""


def check_names(names: Iterable[object]) -> None:
    """Refuse names that a server's certificate can't have.

    Args:
        names: further names and addresses.

    Raises:
        ValueError: one is no host name and no address; the message says what would be right.

    >>> check_names(["joblet-ci", "10.1.2.3", "::2", "*.example.org"])
    >>> check_names(["x@y"])
    Traceback (most recent call last):
    ValueError: names: 'x@y' is no host name and no address: right are 'joblet-ci', '10.1.2.3'
    """
    if isinstance(names, str):
        raise ValueError(f"names={names!r}: it takes several, such as names=({names!r},)")  # noqa: TRY004 - as for every option
    for name in names:
        if not isinstance(name, str) or not _is_name(name):
            raise ValueError(
                f"names: {name!r} is no host name and no address: right are 'joblet-ci', "
                "'10.1.2.3'",
            )


def _is_name(name: str) -> bool:
    with suppress(ValueError):
        ipaddress.ip_address(name)
        return True
    return len(name) <= LONGEST_NAME and HOST_NAME.fullmatch(name) is not None


class Issued(NamedTuple):
    """A certificate of one's own making, and its private key, as PEM."""

    cert_pem: bytes
    key_pem: bytes


def authority(number: int = 0) -> trustme.CA:
    """Give one of the process's certificate authorities; each is made once, in milliseconds.

    Args:
        number: how many others a server had before it, each replaced by the next.
    """
    return _authority(number)


@cache
def _authority(number: int) -> trustme.CA:
    return trustme.CA(
        organization_name="Joblet",
        # Clients find the authority of a certificate by its name.
        organization_unit_name=f"CA {number + 1}" if number else "CA",
    )


@cache
def _server_certificate(
    names: tuple[str, ...], number: int = 0, *, expired: bool = False
) -> trustme.LeafCert:
    return authority(number).issue_cert(
        *SERVER_NAMES,
        *names,
        common_name="joblet-server",
        organization_name="Joblet",
        organization_unit_name="Server",
        not_before=datetime(2001, 1, 1, tzinfo=UTC) if expired else None,
        not_after=datetime.now(UTC) - timedelta(hours=1) if expired else None,
    )


def client_name(role: str) -> str:
    """Give the name in a role's client certificate, which the authority gives to nobody else."""
    return f"{role}.client.joblet"


@cache
def _client_certificate(role: str, number: int) -> trustme.LeafCert:
    return authority(number).issue_cert(
        client_name(role),
        common_name=f"{role}-client",
        organization_name="Joblet",
        organization_unit_name=role,
    )


class Tls(Named):
    """The certificates of one server, as PEM; `joblet.tls` is one.

    Args:
        roles: the roles that there are certificates for, beside `nobody`.
        names: further names and addresses for the server's certificate.

    Raises:
        ValueError: a name that a certificate can't have.

    >>> from joblet_fake import FakeJoblet
    >>> joblet = FakeJoblet()
    >>> joblet.tls.roles
    ('admin', 'viewer', 'nobody')
    >>> joblet.tls.cert_pem(role="viewer").splitlines()[0]
    b'-----BEGIN CERTIFICATE-----'
    """

    _called = "joblet.tls"

    def __init__(self, roles: Iterable[str], names: tuple[str, ...] = ()) -> None:
        self.roles = (*roles, NOBODY)
        self._authority = 0
        self._expired = False
        check_names(names)
        self._names = names
        if self._names:
            try:
                _server_certificate(self._names)
            except UnicodeError as error:
                # It begins with xn-- and is none.
                raise ValueError(f"names={names}: no certificate can have that: {error}") from None

    @property
    def ca_pem(self) -> bytes:
        """The authority's certificate, which clients trust and the server asks for."""
        return authority(self._authority).cert_pem.bytes()

    def cert_pem(self, role: str = "admin") -> bytes:
        """Give a role's client certificate.

        Raises:
            ValueError: there is no such role; the message lists them.
        """
        return _client_certificate(self._known(role), self._authority).cert_chain_pems[0].bytes()

    def key_pem(self, role: str = "admin") -> bytes:
        """Give the private key to a role's certificate.

        Raises:
            ValueError: there is no such role; the message lists them.
        """
        return _client_certificate(self._known(role), self._authority).private_key_pem.bytes()

    def issue(
        self,
        *units: str,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
        uses: Iterable[str] = ("client",),
    ) -> Issued:
        """Make a client certificate that the server's own authority signs.

        Args:
            *units: the subject's OU values, in order, whatever they are (AUTH-04).
            not_before: since when it is good, an aware datetime; an hour ago if not given.
            not_after: until when; for a day if not given.
            uses: its extended key usage, of `"client"` and `"server"`; none for no extension.

        Raises:
            ValueError: a use that there is not; the message lists them.
        """
        wrong = sorted(set(uses) - set(USES))
        if wrong:
            raise ValueError(f"no certificate is for {wrong}: the uses are {', '.join(USES)}")
        signer = authority(self._authority)
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(UTC)
        names = [(NameOID.COMMON_NAME, "client"), (NameOID.ORGANIZATION_NAME, "Joblet")]
        names += [(NameOID.ORGANIZATIONAL_UNIT_NAME, unit) for unit in units]
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(kind, text) for kind, text in names]))
            .issuer_name(x509.load_pem_x509_certificate(self.ca_pem).subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(not_before or now - timedelta(hours=1))
            .not_valid_after(not_after or now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        )
        if uses:
            extension = x509.ExtendedKeyUsage([USES[use] for use in uses])
            builder = builder.add_extension(extension, critical=False)
        root = serialization.load_pem_private_key(signer.private_key_pem.bytes(), None)
        if not isinstance(root, ec.EllipticCurvePrivateKey):
            raise TypeError("the authority's key is not of the kind that trustme makes")
        return Issued(
            builder.sign(root, hashes.SHA256()).public_bytes(serialization.Encoding.PEM),
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
        )

    def channel_credentials(self, role: str = "admin") -> grpc.ChannelCredentials:
        """Give what a client of a role opens a channel with.

        Raises:
            ValueError: there is no such role; the message lists them.
        """
        return grpc.ssl_channel_credentials(self.ca_pem, self.key_pem(role), self.cert_pem(role))

    def server_credentials(self) -> grpc.ServerCredentials:
        """Give what a server listens with: it insists on a client certificate (AUTH-01).

        A change of the server's certificate shows in the next handshake; connections that are
        open stay.
        """
        return grpc.dynamic_ssl_server_credentials(
            self._configuration(),
            # Asked before every handshake. "No change" would be wrong for a second port.
            self._configuration,
            require_client_authentication=True,
        )

    def expire(self) -> None:
        """Have the server show a certificate that is no longer valid."""
        self._expired = True

    def rotate(self) -> None:
        """Put another authority in the place of this one: all its certificates are new."""
        self._authority += 1
        self._expired = False

    def renew(self) -> None:
        """Have the server show a certificate that is valid, of the first authority."""
        self._authority = 0
        self._expired = False

    def _configuration(self) -> grpc.ServerCertificateConfiguration:
        certificate = _server_certificate(self._names, self._authority, expired=self._expired)
        pair = (certificate.private_key_pem.bytes(), certificate.cert_chain_pems[0].bytes())
        return grpc.ssl_server_certificate_configuration([pair], self.ca_pem)

    def _known(self, role: str) -> str:
        if role not in self.roles:
            raise ValueError(f"there is no role {role!r}: it is one of {', '.join(self.roles)}")
        return role
