"""A fake in another process as a target: what makes it like a real host, and how it is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import yaml
from cryptography import x509

from joblet_conformance.own_runtimes import add_runtimes
from joblet_conformance.target import odd_pems

if TYPE_CHECKING:
    from joblet_conformance.target import Pem
    from joblet_fake import FakeJoblet

FAKE_NAME: Final = "admin.client.joblet"
"""The name in an admin's certificate of a fake's own authority, which no real one gives."""

OPTION: Final = "joblet-fake serve --for-conform"

ADVICE: Final = (
    f"this is a fake that was not started with `{OPTION}`: cases of real durations, of commands "
    "that a host lacks, of odd certificates and of installed runtimes differ or do not apply"
)


def like_a_host(fake: FakeJoblet) -> None:
    """Have a fake miss commands that it does not know, and give it the suite's own runtimes.

    Args:
        fake: one with `pace="real"`.
    """
    fake.programs.default(unknown="not found")
    add_runtimes(fake)


def whole_config(fake: FakeJoblet) -> str:
    """Give a fake's rnx-config, with a node for each odd certificate too.

    Args:
        fake: a started one.
    """
    text = fake.rnx_config()
    if not fake.options.tls:
        return text
    told: dict[str, Any] = yaml.safe_load(text)
    usual = {key: value for key, value in told["nodes"]["default"].items() if key != "isDefault"}
    told["nodes"] |= {
        name: usual | {"cert": pem.cert.decode(), "key": pem.key.decode()}
        for name, pem in odd_pems(fake).items()
    }
    written: str = yaml.safe_dump(told, sort_keys=False)
    return written


def of_a_fake(pem: Pem) -> bool:
    """Tell whether a certificate that a server takes is of a fake's own authority."""
    try:
        told = x509.load_pem_x509_certificate(pem.cert).extensions
        names = told.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound):
        return False
    return FAKE_NAME in names.get_values_for_type(x509.DNSName)
