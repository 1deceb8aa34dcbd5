"""What happens around every call: paths, bytes, sizes, certificates, the connection itself."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final

import grpc

from joblet_conformance.case import case
from joblet_conformance.connection import ACK, GOAWAY, PING, PREFACE, SETTINGS, connect
from joblet_conformance.normalise import BLANK, Pattern, RealSeconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from joblet_conformance.talk import Talk
    from joblet_fake import Method

UNKNOWN: Final = "00000000-0000-4000-8000-000000000000"
JUNK: Final = b"\xff\xff\xff"
LIMIT: Final = 134_217_728
NO_UTF8: Final = b"\xff\xfe"
VARINT, BYTES = 0, 2

OWN_WORDS: Final = Pattern(
    ".+", "the client's own words", "the client's library says so, not the server", field="details"
)


def field(number: int, wire_type: int, value: bytes | int) -> bytes:
    """Write one field of a message, of whatever wire type."""
    if isinstance(value, int):
        return varint(number << 3 | wire_type) + varint(value)
    return varint(number << 3 | wire_type) + varint(len(value)) + value


def varint(value: int) -> bytes:
    """Write a number as protobuf does."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def core_methods(talk: Talk) -> list[Method]:
    """Give the methods of the core port but those that install something."""
    methods = talk.target.api.methods.values()
    return [each for each in methods if not each.persist and "Install" not in each.name]


# Paths


@case(
    "transport/unknown-methods",
    "JOB-GEN-07",
    "SURF-01",
    "SURF-04",
    "SURF-06",
    needs=["stranger"],
)
def _(talk: Talk) -> None:
    """A method that a service does not have is unimplemented, whoever asks; case counts."""
    for service, name in (
        ("JobService", "Nothing"),
        ("JobService", "runJob"),
        ("JobService", ""),
        ("JobService", "StreamJobMetrics"),
        ("JobService", "GetJobTelematics"),
        ("JobService", "StreamJobTelematics"),
        ("JobService", "QueryLogs"),
        ("NetworkService", "RunJob"),
        ("VolumeService", "Nothing"),
        ("MonitoringService", "Nothing"),
        ("RuntimeService", "BuildRuntime"),
        ("RuntimeService", "ValidateRuntimeYAML"),
    ):
        reply = talk.call(f"/joblet.{service}/{name}", persist=False)
        text = f"unknown method {name} for service joblet.{service}"
        talk.refused("SURF-06", reply, "UNIMPLEMENTED", text)
    reply = talk.call("/joblet.JobService/Nothing", role="nobody")
    talk.expect("SURF-06", "the code for somebody without a role", reply.code, "UNIMPLEMENTED")


@case(
    "transport/unknown-services",
    "JOB-GEN-07",
    "PER-88",
    "SRV-02",
    "SRV-07",
    "SURF-06",
    needs=["stranger"],
)
def _(talk: Talk) -> None:
    """A service that is not there is unimplemented: no reflection, no health, no persistence."""
    for service, name in (
        ("joblet.Nothing", "RunJob"),
        ("JobService", "RunJob"),
        ("joblet.jobService", "RunJob"),
        ("joblet.persist.PersistService", "Ping"),
        ("grpc.health.v1.Health", "Check"),
        ("grpc.reflection.v1.ServerReflection", "ServerReflectionInfo"),
        ("grpc.reflection.v1alpha.ServerReflection", "ServerReflectionInfo"),
        ("a/b", "c"),
        ("", "X"),
    ):
        reply = talk.call(f"/{service}/{name}", persist=False)
        talk.refused("SURF-06", reply, "UNIMPLEMENTED", f"unknown service {service}")
    reply = talk.call("/joblet", persist=False)
    talk.refused("SURF-06", reply, "UNIMPLEMENTED", 'malformed method name: "/joblet"')
    reply = talk.call("/grpc.health.v1.Health/Check", role="nobody")
    talk.expect("SURF-06", "the code for somebody without a role", reply.code, "UNIMPLEMENTED")


# Bytes


@case("transport/junk", "TIME-23", "SRV-21", normalise=[BLANK])
def _(talk: Talk) -> None:
    """Bytes that are no message are told so, in one text for unary and one for streaming calls."""
    for method in core_methods(talk):
        reply = talk.call(method.key, raw=JUNK)
        begin = (
            "grpc: failed to unmarshal the received message"
            if method.server_streaming
            else "grpc: error unmarshalling request"
        )
        talk.expect("SRV-21", f"{method.key}'s code", reply.code, "INTERNAL")
        text = f"{begin}: proto: cannot parse invalid wire-format data"
        talk.expect("SRV-21", f"{method.key}'s text", reply.details.replace("\xa0", " "), text)


@case("transport/no-utf8", "SRV-21", normalise=[BLANK])
def _(talk: Talk) -> None:
    """Text that is no UTF-8 is told so."""
    for name, key in (("GetJobStatus", "uuid"), ("StopJob", "uuid"), ("CreateNetwork", "name")):
        number = talk.target.api.method(name).request.DESCRIPTOR.fields_by_name[key].number
        reply = talk.call(name, raw=field(number, BYTES, NO_UTF8))
        text = "grpc: error unmarshalling request: string field contains invalid UTF-8"
        talk.refused("SRV-21", reply, "INTERNAL", text)
    number = talk.target.api.method("GetJobLogs").request.DESCRIPTOR.fields_by_name["uuid"].number
    reply = talk.call("GetJobLogs", raw=field(number, BYTES, NO_UTF8))
    talk.expect("SRV-21", "a streaming call's code", reply.code, "INTERNAL")


@case("transport/odd-fields", "SRV-21")
def _(talk: Talk) -> None:
    """Unknown fields and those of a wrong type are skipped; a scalar's last value counts."""
    known = talk.target.api.method("RunJob").request.DESCRIPTOR.fields_by_name
    command, memory = known["command"].number, known["max_memory"].number
    request = (
        field(command, BYTES, b"no-such-command")
        + field(memory, BYTES, b"much")
        + field(command, VARINT, 7)
        + field(1999, BYTES, b"unknown")
        + field(command, BYTES, b"true")
    )
    reply = talk.call("RunJob", raw=request)
    talk.expect("SRV-21", "the code", reply.code, "OK")
    status = talk.until_status(reply.message.job_uuid)
    told = (status.status, status.command, status.max_memory)
    talk.expect("SRV-21", "the job", told, ("COMPLETED", "true", 0))


@case(
    "transport/size",
    "JOB-GEN-01",
    "SRV-03",
    "SRV-24",
    "AUTH-07",
    needs=["stranger"],
    normalise=[RealSeconds("GetJobStatus", "so many bytes take real time on their way")],
)
def _(talk: Talk) -> None:
    """134,217,728 bytes are taken, one more is refused, and the connection lives on."""

    def padded(size: int) -> bytes:
        # An unknown field: its tag takes two bytes, its length four.
        return field(1999, BYTES, bytes(size - 6))

    for size, role in ((LIMIT, "admin"), (LIMIT + 1, "nobody")):
        request = padded(size)
        said = {"bytes of an unknown field, all in all": len(request)}
        reply = talk.call("GetJobStatus", role=role, raw=request, said=said)
        if size == LIMIT:
            talk.expect("SRV-24", "the code at the limit", reply.code, "NOT_FOUND")
        else:
            text = f"grpc: received message larger than max ({size} vs. {LIMIT})"
            talk.refused("SRV-03", reply, "RESOURCE_EXHAUSTED", text)
    reply = talk.call("GetJobStatus", uuid=UNKNOWN)
    talk.expect("SRV-24", "the code after that", reply.code, "NOT_FOUND")


@case("transport/no-message", "SRV-23")
def _(talk: Talk) -> None:
    """A unary call without a message is UNKNOWN."""
    reply = talk.send("GetJobStatus", said={"messages": 0}, timeout=1)
    talk.refused("SRV-23", reply, "UNKNOWN", "EOF")


@case("transport/two-messages", "SRV-23")
def _(talk: Talk) -> None:
    """A unary call with two messages is answered; the first counts."""
    method = talk.target.api.method("GetJobStatus")
    requests = [method.encode_request({"uuid": text}) for text in ("one", "other")]
    reply = talk.send("GetJobStatus", *requests, said={"messages": ["one", "other"]})
    talk.refused("SRV-23", reply, "NOT_FOUND", "job one not found")


@case("transport/compressed", "SRV-07", "SRV-22")
def _(talk: Talk) -> None:
    """A compressed request is unimplemented."""
    method = talk.target.api.method("GetJobStatus")
    request = method.encode_request({"uuid": UNKNOWN})
    for name, kind in (("gzip", grpc.Compression.Gzip), ("deflate", grpc.Compression.Deflate)):
        said = {"uuid": UNKNOWN, "compression": name}
        reply = talk.send("GetJobStatus", request, said=said, compression=kind)
        text = f'grpc: Decompressor is not installed for grpc-encoding "{name}"'
        talk.refused("SRV-22", reply, "UNIMPLEMENTED", text)


@case("transport/metadata", "SRV-07", "SRV-24", "SRV-26", "JOB-GEN-02", needs=["viewer"])
def _(talk: Talk) -> None:
    """What a caller's metadata says changes nothing, up to 15 MiB, and none comes back."""
    told = (("role", "admin"), ("authorization", "Bearer x"), ("x-odd-bin", b"\0\xff"))
    large = tuple((f"x-large-{number}", "y" * 1_000_000) for number in range(15))
    method = talk.target.api.method("StopJob")
    request = method.encode_request({"uuid": UNKNOWN})
    for said, metadata in (("a few", told), ("15 MB", large)):
        reply = talk.send("StopJob", request, said={"metadata": said}, metadata=metadata)
        talk.refused("SRV-26", reply, "INTERNAL", f"job stop failed: job not found: {UNKNOWN}")
        talk.expect("SRV-26", "metadata that came", talk.transcript.steps[-1].metadata, [])
    reply = talk.send("StopJob", request, said={"metadata": "role"}, role="viewer", metadata=told)
    talk.expect("JOB-GEN-02", "a viewer's code", reply.code, "PERMISSION_DENIED")


@case("transport/only-the-error", "JOB-GEN-06", "SRV-07", "SRV-08")
def _(talk: Talk) -> None:
    """A call that fails brings a code and a text, and no message beside them."""
    for method in ("StopJob", "JobService.DeleteJob"):
        reply = talk.call(method, uuid=UNKNOWN)
        talk.expect("JOB-GEN-06", f"{method}'s code", reply.code, "INTERNAL")
        talk.expect("JOB-GEN-06", f"{method}'s messages", reply.messages, ())
        talk.expect("SRV-07", "metadata that came", talk.transcript.steps[-1].metadata, [])


# Certificates


@case(
    "transport/strangers",
    "TIME-23",
    "AUTH-01",
    "AUTH-02",
    "JOB-GEN-03",
    "JOB-GEN-12",
    normalise=[OWN_WORDS],
)
def _(talk: Talk) -> None:
    """Without TLS or a certificate of the authority every call is UNAVAILABLE, by the client."""
    for role in ("none", "foreign", "plaintext"):
        for method in ("JobService.ListJobs", "RunJob", "GetJobLogs", "CancelJob", "ListNetworks"):
            reply = talk.call(method, role=role)
            talk.expect("AUTH-02", f"{method} for {role}", reply.code, "UNAVAILABLE")


@case("transport/patient-strangers", "AUTH-02", normalise=[OWN_WORDS])
def _(talk: Talk) -> None:
    """A client without a certificate that waits for the connection waits until its deadline."""
    said = {"wait for ready": True}
    options = {"wait_for_ready": True, "timeout": 0.5}
    reply = talk.send("JobService.ListJobs", b"", said=said, role="none", **options)
    talk.expect("AUTH-02", "the code", reply.code, "DEADLINE_EXCEEDED")


@case(
    "transport/useless-certificates",
    "AUTH-02",
    "AUTH-04",
    needs=["certificates"],
    normalise=[OWN_WORDS],
)
def _(talk: Talk) -> None:
    """A certificate out of its time, or for servers alone, is refused in the handshake."""
    for client in ("odd-past", "odd-future", "odd-use-server"):
        reply = talk.call("JobService.ListJobs", role=client)
        talk.expect("AUTH-04", f"{client}'s code", reply.code, "UNAVAILABLE")


def attempt(talk: Talk, what: str, role: str, begin: Callable[[], str]) -> str:
    """Make a step of an attempt to connect, and give what came of it."""
    try:
        outcome = begin()
    except ssl.SSLEOFError:
        outcome = "cut"
    except ssl.SSLError as error:
        outcome = f"alert: {(error.reason or str(error)).lower()}"
    except OSError:
        outcome = "cut"
    talk.note("(connection)", role, {"what": what}, {"outcome": outcome})
    return outcome


def spoken(talk: Talk, role: str = "admin", **how: object) -> str:
    """Connect, begin HTTP/2, and give what the server does then."""
    with connect(talk.target, role, **how) as connection:  # type: ignore[arg-type]  # passed on
        connection.send(PREFACE)
        connection.frame(SETTINGS)
        frames, ended = connection.frames(3, until=SETTINGS)
        spoke = any(frame.kind == SETTINGS for frame in frames)
        return "spoke" if spoke else "cut" if ended else "silent"


def refused(talk: Talk, role: str = "admin", **how: object) -> str:
    """Connect, say nothing, and give what the server does; in TLS 1.3 it refuses only then."""
    with connect(talk.target, role, **how) as connection:  # type: ignore[arg-type]  # passed on
        _, ended = connection.frames(3)
        return "cut" if ended else "silent"


@case("transport/old-tls", "AUTH-01", "AUTH-02", "JOB-GEN-01", needs=["authority"])
def _(talk: Talk) -> None:
    """TLS 1.2 is refused."""
    outcome = attempt(talk, "TLS 1.2", "admin", lambda: spoken(talk, version="1.2"))
    talk.expect("AUTH-02", "the outcome", outcome, "alert: tlsv1_alert_protocol_version")


@case("transport/alpn", "AUTH-01", needs=["authority"])
def _(talk: Talk) -> None:
    """Who does not offer HTTP/2 by ALPN is cut off after the handshake."""
    outcome = attempt(talk, "h2", "admin", lambda: spoken(talk))
    talk.expect("AUTH-01", "the outcome with h2", outcome, "spoke")
    for protocols in ((), ("http/1.1",)):
        what = f"ALPN {', '.join(protocols) or 'none'}"
        outcome = attempt(talk, what, "admin", lambda p=protocols: refused(talk, protocols=p))  # type: ignore[misc]
        talk.expect("AUTH-01", f"the outcome with {what}", outcome, "cut")


@case("transport/alerts", "AUTH-02", needs=["authority"])
def _(talk: Talk) -> None:
    """The alert says what is wrong with a certificate."""
    for role, alert in (
        ("none", "tlsv13_alert_certificate_required"),
        ("foreign", "tlsv1_alert_unknown_ca"),
    ):
        outcome = attempt(talk, "a handshake", role, lambda r=role: refused(talk, r))  # type: ignore[misc]
        talk.expect("AUTH-02", f"the outcome for {role}", outcome, f"alert: {alert}")


@case("transport/useless-alerts", "AUTH-02", "AUTH-04", needs=["authority", "certificates"])
def _(talk: Talk) -> None:
    """The alert says that a certificate is out of its time, or of no use."""
    for role, alert in (
        ("odd-past", "sslv3_alert_certificate_expired"),
        ("odd-future", "sslv3_alert_certificate_expired"),
        ("odd-use-server", "sslv3_alert_bad_certificate"),
    ):
        outcome = attempt(talk, "a handshake", role, lambda r=role: refused(talk, r))  # type: ignore[misc]
        talk.expect("AUTH-02", f"the outcome for {role}", outcome, f"alert: {alert}")


@case("transport/names", "AUTH-13", needs=["authority"])
def _(talk: Talk) -> None:
    """The server's certificate has the names that Go's clients and Python's look for."""
    for name in ("joblet", "localhost", "joblet-server", "127.0.0.1"):
        outcome = attempt(talk, name, "admin", lambda n=name: spoken(talk, name=n))  # type: ignore[misc]
        talk.expect("AUTH-13", f"the outcome as {name}", outcome, "spoke")


# The connection


@case("transport/settings", "JOB-GEN-01", "SRV-04", "SRV-24", needs=["authority"])
def _(talk: Talk) -> None:
    """A connection begins with the server's limits."""
    with connect(talk.target) as connection:
        connection.send(PREFACE)
        connection.frame(SETTINGS)
        frames, _ = connection.frames(3, until=SETTINGS)
        told = next(frame.settings for frame in frames if frame.kind == SETTINGS)
    talk.note("(connection)", "admin", {"what": "settings"}, told)
    for name, value in (
        ("MAX_FRAME_SIZE", 16_384),
        ("MAX_CONCURRENT_STREAMS", 1000),
        ("MAX_HEADER_LIST_SIZE", 16_777_216),
    ):
        talk.expect("SRV-24", name, told.get(name), value)


@case("transport/pings", "TIME-15", "SRV-05", "SRV-25", needs=["authority"])
def _(talk: Talk) -> None:
    """Who pings five times a second without a call is sent away at the fourth ping."""
    answered = 0
    away = ""
    with connect(talk.target) as connection:
        connection.send(PREFACE)
        connection.frame(SETTINGS)
        connection.frames(3, until=SETTINGS)
        connection.frame(SETTINGS, ACK)
        for number in range(8):
            connection.frame(PING, payload=bytes([number] * 8))
            frames, ended = connection.frames(0.2)
            answered += sum(frame.kind == PING and frame.flags == ACK for frame in frames)
            goaway = [frame.payload for frame in frames if frame.kind == GOAWAY]
            if goaway:
                away = f"code {int.from_bytes(goaway[0][4:8])}, {goaway[0][8:].decode()}"
            if goaway or ended:
                break
    told = {"pings": number + 1, "answered": answered, "goaway": away}
    talk.note("(connection)", "admin", {"what": "a ping every 0.2 s"}, told)
    talk.expect("SRV-25", "the end", (number + 1, away), (4, "code 11, too_many_pings"))
