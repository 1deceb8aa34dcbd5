"""Which role a client certificate names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from joblet_fake.exchange import role_of

ROLES = ("admin", "viewer")
START = datetime(2026, 1, 1, tzinfo=UTC)


@cache
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def certificate(*units: str, name: str = "client", organization: str = "Joblet") -> bytes:
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, name),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            *(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit) for unit in units),
        ],
    )
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key().public_key())
        .serial_number(1)
        .not_valid_before(START)
        .not_valid_after(START + timedelta(days=1))
        .sign(key(), hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )


@pytest.mark.parametrize(
    ("units", "role"),
    [
        # AUTH-04, AUTH-05, JOB-GEN-02
        (["admin"], "admin"),
        (["Viewer"], "viewer"),
        (["ADMIN"], "admin"),
        (["Server"], "unknown"),
        ([], "unknown"),
        (["admin "], "unknown"),
        (["admins"], "unknown"),
        (["admin,viewer"], "unknown"),
        (["x,OU=admin"], "unknown"),
        (["viewer", "admin"], "viewer"),
        (["nobody", "admin", "viewer"], "admin"),
    ],
)
def test_the_first_unit_that_is_a_role_counts_exactly(units: list[str], role: str) -> None:
    assert role_of(certificate(*units), ROLES) == role


def test_other_parts_of_the_subject_do_not_count() -> None:
    """AUTH-04."""
    assert role_of(certificate("x", name="admin", organization="admin"), ROLES) == "unknown"
    assert role_of(certificate("x", name="c,OU=admin"), ROLES) == "unknown"


def test_the_roles_are_those_of_the_generation() -> None:
    assert role_of(certificate("maintainer"), ROLES) == "unknown"
    assert role_of(certificate("maintainer"), (*ROLES, "maintainer")) == "maintainer"
