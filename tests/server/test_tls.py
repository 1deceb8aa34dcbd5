"""Mutual TLS: who gets in, and as what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import grpc
import pytest
import trustme
import yaml
from cryptography import x509

from joblet_fake import FakeJoblet, Tls
from joblet_fake.server.tls import authority

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LIST = "/joblet.JobService/ListJobs"
PING = "/joblet.persist.PersistService/Ping"


@pytest.fixture(scope="module")
def joblet() -> Iterator[FakeJoblet]:
    with FakeJoblet() as fake:
        yield fake
        fake.check()


def code_of(call: Callable[[], object]) -> tuple[str, str]:
    try:
        call()
    except grpc.RpcError as error:
        failed: Any = error
        return failed.code().name, failed.details()
    return "OK", ""


def with_credentials(joblet: FakeJoblet, credentials: grpc.ChannelCredentials | None) -> set[str]:
    """Call both ports; give the codes."""
    codes = set()
    for address, path in ((joblet.address, LIST), (joblet.persist_address, PING)):
        if credentials is None:
            channel = grpc.insecure_channel(address)
        else:
            channel = grpc.secure_channel(address, credentials)
        with channel:
            codes.add(
                code_of(
                    lambda channel=channel, path=path: channel.unary_unary(path)(b"", timeout=10)
                )[0]
            )
    return codes


def pair(certificate: trustme.LeafCert) -> tuple[bytes, bytes]:
    chain = b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
    return certificate.private_key_pem.bytes(), chain


def credentials(joblet: FakeJoblet, certificate: trustme.LeafCert) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(joblet.tls.ca_pem, *pair(certificate))


def test_a_client_of_the_own_authority_gets_in(joblet: FakeJoblet) -> None:
    assert with_credentials(joblet, joblet.credentials) == {"OK"}


def test_a_client_without_a_certificate_is_unavailable(joblet: FakeJoblet) -> None:
    """AUTH-02, JOB-GEN-12: never UNAUTHENTICATED, whatever the method."""
    assert with_credentials(joblet, grpc.ssl_channel_credentials(joblet.tls.ca_pem)) == {
        "UNAVAILABLE",
    }


def test_a_plaintext_client_is_unavailable(joblet: FakeJoblet) -> None:
    """AUTH-01, AUTH-02."""
    assert with_credentials(joblet, None) == {"UNAVAILABLE"}


def test_a_certificate_of_another_authority_is_unavailable(joblet: FakeJoblet) -> None:
    """AUTH-02, even when it says that it is an admin's."""
    other = trustme.CA().issue_cert("c.joblet", organization_unit_name="admin")

    assert with_credentials(joblet, credentials(joblet, other)) == {"UNAVAILABLE"}


@pytest.mark.parametrize("when", ["expired", "not yet valid"])
def test_a_certificate_out_of_its_time_is_unavailable(joblet: FakeJoblet, when: str) -> None:
    """AUTH-02."""
    day = timedelta(days=1)
    now = datetime.now(UTC)
    before, after = (now - 2 * day, now - day) if when == "expired" else (now + day, now + 2 * day)
    certificate = authority().issue_cert(
        "c.joblet", organization_unit_name="admin", not_before=before, not_after=after
    )

    assert with_credentials(joblet, credentials(joblet, certificate)) == {"UNAVAILABLE"}


def test_a_client_that_trusts_another_authority_is_unavailable(joblet: FakeJoblet) -> None:
    root = trustme.CA().cert_pem.bytes()
    wrong = grpc.ssl_channel_credentials(root, joblet.tls.key_pem(), joblet.tls.cert_pem())

    assert with_credentials(joblet, wrong) == {"UNAVAILABLE"}


@pytest.mark.parametrize("name", ["joblet", "localhost", "joblet-server"])
def test_the_server_goes_by_these_names(joblet: FakeJoblet, name: str) -> None:
    """AUTH-13: Go clients insist on `joblet`, whatever the address."""
    options = (("grpc.ssl_target_name_override", name),)
    with grpc.secure_channel(joblet.address, joblet.tls.channel_credentials(), options) as channel:
        assert channel.unary_unary(LIST)(b"", timeout=10) == b""


def test_the_servers_certificate_covers_the_loopback_addresses() -> None:
    from joblet_fake.server.tls import _server_certificate  # noqa: PLC0415 - looks inside

    pem = _server_certificate(()).cert_chain_pems[0].bytes()
    names = x509.load_pem_x509_certificate(pem).extensions.get_extension_for_class(
        x509.SubjectAlternativeName,
    )

    addresses = names.value.get_values_for_type(x509.IPAddress)
    assert {str(address) for address in addresses} == {"127.0.0.1", "::1"}


READS: dict[str, dict[str, object]] = {
    "JobService.GetJobStatus": {"uuid": "x"},
    "JobService.ListJobs": {},
    "JobService.GetJobLogs": {"uuid": "x"},
}
CHANGES: dict[str, tuple[str, dict[str, object]]] = {
    "JobService.RunJob": ("run_job", {"command": "true"}),
    "JobService.RunWorkflow": ("run_job", {}),
    "JobService.StopJob": ("stop_job", {"uuid": "x"}),
    "JobService.DeleteJob": ("stop_job", {"uuid": "x"}),
    "JobService.DeleteAllJobs": ("stop_job", {}),
}


def call(joblet: FakeJoblet, method: str, role: str, fields: dict[str, object]) -> tuple[str, str]:
    def once() -> None:
        answer = joblet.rpc(method, role=role, timeout=10, **fields)
        if method.endswith("GetJobLogs"):
            list(answer)

    return code_of(once)


@pytest.mark.parametrize("method", READS)
def test_a_viewer_reads_and_nobody_does_not(joblet: FakeJoblet, method: str) -> None:
    """AUTH-05, AUTH-08, AUTH-09, JOB-GEN-05."""
    fields = READS[method]
    expected = {"OK"} if method.endswith("ListJobs") else {"NOT_FOUND"}

    assert {call(joblet, method, role, fields)[0] for role in ("admin", "viewer")} == expected
    # The role comes before the fields, and for streams before any message (AUTH-07).
    assert call(joblet, method, "nobody", fields) == (
        "PERMISSION_DENIED",
        "role unknown is not allowed to perform operation get_job",
    )


@pytest.mark.parametrize("method", CHANGES)
@pytest.mark.parametrize(("role", "shown"), [("viewer", "viewer"), ("nobody", "unknown")])
def test_only_an_admin_changes_anything(
    joblet: FakeJoblet, method: str, role: str, shown: str
) -> None:
    """AUTH-07 to AUTH-09, JOB-GEN-04, JOB-GEN-05."""
    operation, fields = CHANGES[method]

    assert call(joblet, method, role, fields) == (
        "PERMISSION_DENIED",
        f"role {shown} is not allowed to perform operation {operation}",
    )
    assert call(joblet, method, "admin", fields)[0] != "PERMISSION_DENIED"
    assert joblet.calls.to(method)[-2].role == shown


def test_the_first_role_among_several_units_counts(joblet: FakeJoblet) -> None:
    """AUTH-04, AUTH-05: over the wire, whatever the case."""
    certificate = authority().issue_cert("c.joblet", organization_unit_name="VIEWER")
    with grpc.secure_channel(joblet.address, credentials(joblet, certificate)) as channel:
        assert channel.unary_unary(LIST)(b"", timeout=10) is not None

    assert joblet.calls.last().role == "viewer"


@pytest.mark.parametrize(
    ("units", "role"),
    [
        (("other", "viewer"), "viewer"),
        (("viewer", "admin"), "viewer"),
        (("ADMIN",), "admin"),
        (("admin ",), "unknown"),
        ((), "unknown"),
    ],
)
def test_a_certificate_of_ones_own_has_the_units_that_were_asked_for(
    joblet: FakeJoblet, units: tuple[str, ...], role: str
) -> None:
    """AUTH-04, AUTH-05."""
    issued = joblet.tls.issue(*units)
    own = grpc.ssl_channel_credentials(joblet.tls.ca_pem, issued.key_pem, issued.cert_pem)
    with grpc.secure_channel(joblet.address, own) as channel:
        code, _ = code_of(lambda: channel.unary_unary(LIST)(b"", timeout=10))

    assert code == ("PERMISSION_DENIED" if role == "unknown" else "OK")
    assert joblet.calls.last().role == role


@pytest.mark.parametrize("uses", [(), ("client", "server")])
def test_a_certificate_of_ones_own_for_clients_gets_in(
    joblet: FakeJoblet, uses: tuple[str, ...]
) -> None:
    issued = joblet.tls.issue("admin", uses=uses)
    own = grpc.ssl_channel_credentials(joblet.tls.ca_pem, issued.key_pem, issued.cert_pem)

    assert with_credentials(joblet, own) == {"OK"}


def test_a_certificate_of_ones_own_can_be_of_no_use(joblet: FakeJoblet) -> None:
    """AUTH-02, AUTH-04: only for servers, or out of its time."""
    now, day = datetime.now(UTC), timedelta(days=1)
    for issued in (
        joblet.tls.issue("admin", uses=("server",)),
        joblet.tls.issue("admin", not_before=now - 2 * day, not_after=now - day),
        joblet.tls.issue("admin", not_before=now + day, not_after=now + 2 * day),
    ):
        own = grpc.ssl_channel_credentials(joblet.tls.ca_pem, issued.key_pem, issued.cert_pem)
        assert with_credentials(joblet, own) == {"UNAVAILABLE"}
    with pytest.raises(ValueError, match=r"no certificate is for \['mail'\]: the uses are client"):
        joblet.tls.issue("admin", uses=("mail",))


def test_roles_can_be_switched_off() -> None:
    with FakeJoblet(roles=False) as open_to_all:
        assert open_to_all.rpc("RunJob", role="nobody", command="true").status == "RUNNING"
        assert open_to_all.calls.last().role == "unknown"


def test_without_tls_everybody_is_an_admin() -> None:
    with FakeJoblet(tls=False) as joblet:
        assert joblet.credentials is None
        with pytest.raises(RuntimeError, match="tls=False"):
            _ = joblet.tls
        assert with_credentials(joblet, None) == {"OK"}
        assert {entry.role for entry in joblet.calls} == {"admin"}
        # Whose certificate to show does not matter.
        assert joblet.rpc("DeleteAllJobs", role="viewer").success


def test_a_tls_client_of_a_plaintext_server_is_unavailable(joblet: FakeJoblet) -> None:
    with FakeJoblet(tls=False) as plain:
        assert with_credentials(plain, joblet.credentials) == {"UNAVAILABLE"}


def test_an_unknown_role_is_refused_with_those_that_are(joblet: FakeJoblet) -> None:
    for use in (
        joblet.channel,
        joblet.persist_channel,
        joblet.aio_channel,
        joblet.tls.cert_pem,
        joblet.tls.key_pem,
    ):
        with pytest.raises(ValueError, match="no role 'owner': it is one of admin, viewer, nobody"):
            use("owner")


def test_certificates_are_made_once_for_the_process() -> None:
    one, two = Tls(["admin"]), Tls(["admin"])

    assert (one.ca_pem, one.cert_pem(), one.key_pem()) == (
        two.ca_pem,
        two.cert_pem(),
        two.key_pem(),
    )
    assert one.cert_pem("admin") != one.cert_pem("nobody")


@pytest.mark.parametrize("tls", [True, False])
@pytest.mark.parametrize("name", ["bad!name", "x@y", "10.0.0.0/8", "", "a..b", "-a", "a" * 64])
def test_a_name_that_no_host_can_have_is_refused_when_it_is_written(
    name: str, *, tls: bool
) -> None:
    with pytest.raises(ValueError, match="is no host name and no address: right are 'joblet-ci'"):
        FakeJoblet(names=("joblet-ci", name), tls=tls)


def test_one_name_that_is_no_tuple_is_not_taken_for_its_letters() -> None:
    wrong: Any = "joblet-ci"
    with pytest.raises(TypeError, match=r"names='joblet-ci': it is a tuple of text"):
        FakeJoblet(names=wrong)


@pytest.mark.parametrize(
    ("names", "at"),
    [(("2001:db8::7", "b"), "[2001:db8::7]:"), (("*.example.org", "b.org"), "b.org:")],
)
def test_clients_are_given_a_name_that_they_can_call(names: tuple[str, ...], at: str) -> None:
    with FakeJoblet(names=names) as fake:
        nodes = yaml.safe_load(fake.rnx_config())["nodes"]
    assert nodes["default"]["address"].startswith(at)
