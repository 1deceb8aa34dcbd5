"""Who is calling: the role that a client certificate names."""

from __future__ import annotations

from functools import lru_cache

from cryptography import x509
from cryptography.x509.oid import NameOID

from joblet_fake.services import UNKNOWN_ROLE


@lru_cache(maxsize=256)
def role_of(certificate: bytes, roles: tuple[str, ...]) -> str:
    """Give the role of a certificate: the first OU that is one, whatever its case (AUTH-04, -05).

    Args:
        certificate: the client's leaf certificate, PEM.
        roles: the roles that the behaviour generation knows.

    Returns:
        The role, or `"unknown"`, which may do nothing (JOB-GEN-02).
    """
    subject = x509.load_pem_x509_certificate(certificate).subject
    for unit in subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME):
        role = str(unit.value).lower()
        if role in roles:
            return role
    return UNKNOWN_ROLE
