"""RuntimeService: what is installed, looked up and removed. Nothing is ever installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from joblet_conformance.case import case
from joblet_conformance.normalise import Pattern
from joblet_conformance.own_runtimes import (
    BOTH,
    FLAT,
    FOREIGN,
    LANGUAGE,
    OWN,
    PREFIX,
    SPARE,
)

if TYPE_CHECKING:
    from joblet_conformance.talk import Talk

BASE: Final = "/opt/joblet/runtimes"
LONG: Final = "x" * 300
MISSING: Final = f"{PREFIX}-nosuch"
DENIED: Final = "role {} is not allowed to perform operation {}"


def own_only(message: Any) -> None:  # noqa: ANN401 - a run-time message
    """Take others' runtimes, and the spare ones, out of a list."""
    kept = [
        type(each).FromString(each.SerializeToString())
        for each in message.runtimes
        if each.name.startswith(PREFIX) and not each.name.startswith(SPARE)
    ]
    del message.runtimes[:]
    message.runtimes.extend(kept)


@case("runtimes/no-name", "RT-07", "RT-10", "RT-13", "SRV-19")
def _(talk: Talk) -> None:
    """No name is an error of lookups, and a failure in an OK reply of removals."""
    for method in ("GetRuntimeInfo", "TestRuntime"):
        reply = talk.call(method, runtime="")
        talk.refused("RT-07", reply, "INVALID_ARGUMENT", "runtime name is required")
    told = talk.call("RemoveRuntime", runtime="").message
    talk.expect(
        "RT-13", "the failure", (told.success, told.message), (False, "Runtime name is required")
    )


FORM: Final = "Runtime spec must be in format language:version (e.g., python:3.11)"
LANGUAGES: Final = "Supported: python, java, golang, node, ruby, php"
ARCHITECTURES: Final = "Supported: amd64, arm64, x86_64"
VALID: Final = (
    ("python:3.11", "python:3.11"),
    ("node:18-slim-x@arm64", "node:18-slim-x@arm64"),
    ("java:21@amd64", "java:21"),
    ("php:8@x86_64", "php:8@x86_64"),
    ("ruby:3@arm64@more", "ruby:3@arm64"),
    ("golang:", "golang:"),
    ("python:-", "python:-"),
    ("python:a b!! ", "python:a b!! "),
    ("ruby:../..", "ruby:../.."),
    ("java:\x00é\n", "java:\x00é\n"),
    ("python:" + "9" * 5000, "python:" + "9" * 5000),
)
INVALID: Final = (
    ("", "Runtime spec cannot be empty"),
    ("python-3.11-ml", FORM),
    ("python", FORM),
    (" ", FORM),
    ("@amd64", FORM),
    ("\x00", FORM),
    ("cobol:1:2@vax", FORM),
    ("x" * 5000, FORM),
    (":", f"Unsupported language: . {LANGUAGES}"),
    (" python:3.11", f"Unsupported language:  python. {LANGUAGES}"),
    ("Python:3.11@vax", f"Unsupported language: Python. {LANGUAGES}"),
    ("é:1", f"Unsupported language: é. {LANGUAGES}"),
    ("go:1", f"Unsupported language: go. {LANGUAGES}"),
    ("python:3.11@", f"Unsupported architecture: . {ARCHITECTURES}"),
    ("python:3.11@ARM64", f"Unsupported architecture: ARM64. {ARCHITECTURES}"),
)


@case("runtimes/validate", "RT-43", "SRV-19")
def _(talk: Talk) -> None:
    """A spec is taken apart by colon, dashes and at sign; a wrong one is echoed with the reason."""
    for spec, normalized in VALID:
        told = talk.call("ValidateRuntimeSpec", runtime_spec=spec).message
        said = (told.valid, told.message, told.normalized_spec)
        talk.expect("RT-43", spec, said, (True, "Runtime spec is valid", normalized))
    for spec, message in INVALID:
        told = talk.call("ValidateRuntimeSpec", runtime_spec=spec).message
        talk.expect("RT-43", spec, (told.valid, told.message), (False, message))
        talk.expect("RT-43", f"{spec} again", told.normalized_spec, spec)
        talk.check("RT-43", f"{spec} has no parts", not told.HasField("spec_info"))


@case("runtimes/roles", "AUTH-08", "AUTH-09", needs=["viewer", "stranger"])
def _(talk: Talk) -> None:
    """A viewer may list, look up and validate, not test and remove; a stranger may nothing."""
    for method, fields, operation in (
        ("ListRuntimes", {}, "get_job"),
        ("GetRuntimeInfo", {"runtime": MISSING}, "get_job"),
        ("ValidateRuntimeSpec", {"runtime_spec": "php:8"}, "get_job"),
        ("TestRuntime", {"runtime": MISSING}, "run_job"),
        ("RemoveRuntime", {"runtime": MISSING}, "run_job"),
    ):
        cut = own_only if method == "ListRuntimes" else None
        for role, name in (("viewer", "viewer"), ("nobody", "unknown")):
            reply = talk.call(method, role=role, cut=cut, record=cut is None, **fields)  # type: ignore[arg-type]
            if role == "viewer" and operation == "get_job":
                talk.expect("AUTH-09", f"a viewer's {method}", reply.code, "OK")
            else:
                text = DENIED.format(name, operation)
                talk.refused("AUTH-08", reply, "PERMISSION_DENIED", text)
    # The role is asked for before the name is looked at.
    reply = talk.call("TestRuntime", role="viewer", runtime="")
    talk.refused("AUTH-07", reply, "PERMISSION_DENIED", DENIED.format("viewer", "run_job"))


# With the suite's own runtimes


@case("runtimes/list", "RT-01", "RT-02", needs=["runtimes"])
def _(talk: Talk) -> None:
    """Every version is listed, by folder and version in the order of bytes, with the same needs."""
    listed = talk.call("ListRuntimes", cut=own_only).message.runtimes
    own = {(each.name, each.version): each for each in OWN}
    talk.expect(
        "RT-01",
        "the order",
        [(each.name, each.version) for each in listed],
        [(BOTH, "1.10.0"), (BOTH, "1.9.0"), (FLAT, "3.10"), (FOREIGN, "1.0.0")],
    )
    for each in listed:
        talk.expect("RT-02", "size", each.size_bytes, own[each.name, each.version].size)
        needs = each.requirements
        talk.expect("RT-02", "needs", list(needs.architectures), ["x86_64", "amd64"])
        talk.expect("RT-02", "GPU and packages", (needs.gpu, len(each.packages)), (False, 0))
        talk.check("RT-02", "it is available", each.available)
    talk.expect("RT-02", "a language of its name", listed[2].language, FLAT.partition("-")[0])


FOUND: Final = (
    (BOTH, "1.10.0"),
    (f"{BOTH}@latest", "1.10.0"),
    (f"{BOTH}@", "1.10.0"),
    (f"{BOTH}@1.9.0", "1.9.0"),
    (LANGUAGE, "1.10.0"),
    (f"{LANGUAGE}:1.9.0", "1.9.0"),
    (f"{LANGUAGE}:1.9.0+gpu+ml", "1.9.0"),
    (f"{LANGUAGE}-9.9-nonexistent", "1.10.0"),
    (f"{LANGUAGE}-1.9.0-x+tag", "1.9.0"),
)
UNFOUND: Final = (
    MISSING,
    f"{MISSING}@1.0.0",
    f"{BOTH}@9",
    f"{LANGUAGE}-9.9",
    f"{LANGUAGE}-1.9.0+tag",
    LANGUAGE.upper(),
    f" {LANGUAGE}",
    f"{LANGUAGE} ",
    f"{MISSING}\x00",
    f"{MISSING}é\n",
    f"{MISSING}:b:c",
    LONG,
    f"../{MISSING}",
)


@case(
    "runtimes/lookup",
    "RT-03",
    "RT-04",
    "RT-05",
    "RT-06",
    "RT-08",
    "RT-11",
    "RT-12",
    needs=["runtimes"],
)
def _(talk: Talk) -> None:
    """A text means a runtime that is called so, or the first that fits it loosely."""
    for spec, version in FOUND:
        info = talk.call("GetRuntimeInfo", runtime=spec).message
        found = (info.found, info.runtime.name, info.runtime.version)
        talk.expect("RT-04", spec, found, (True, BOTH, version))
        test = talk.call("TestRuntime", runtime=spec).message
        said = (test.success, test.output, test.error, test.exit_code)
        talk.expect("RT-11", spec, said, (True, "Runtime resolution successful", "", 0))
    told = talk.call("GetRuntimeInfo", runtime=BOTH).message.runtime
    talk.expect("RT-08", "the language", told.language, BOTH.partition("-")[0])
    talk.expect(
        "RT-08",
        "packages and size",
        (list(told.packages), told.size_bytes),
        (["numpy", "pandas"], 0),
    )
    talk.check("RT-08", "it always needs a GPU", told.requirements.gpu)
    for spec in UNFOUND:
        info = talk.call("GetRuntimeInfo", runtime=spec).message
        talk.check("RT-07", f"{spec} is not found", not info.found and not info.HasField("runtime"))
        test = talk.call("TestRuntime", runtime=spec).message
        error = f"runtime not found: runtime not found for spec {spec}"
        said = (test.success, test.output, test.error, test.exit_code)
        talk.expect("RT-12", spec, said, (False, "", error, 1))
    test = talk.call("TestRuntime", runtime="foreign").message
    talk.check(
        "RT-06", "it is for others", "requires architecture [mips64 s390x], but" in test.error
    )
    talk.check(
        "RT-06", "info finds none", not talk.call("GetRuntimeInfo", runtime=FOREIGN).message.found
    )


@case("runtimes/anything", "RT-04", needs=["runtimes", "destructive"])
def _(talk: Talk) -> None:
    """An empty or unknown language means the very first runtime of the server."""
    for spec in ("@", ":", "-", "--", "@latest", "unknown"):
        told = talk.call("GetRuntimeInfo", runtime=spec).message.runtime
        talk.expect("RT-04", spec, (told.name, told.version), (BOTH, "1.10.0"))
    for spec in ("@1.9.0", "unknown-1.9.0"):
        told = talk.call("GetRuntimeInfo", runtime=spec).message.runtime
        talk.expect("RT-04", spec, (told.name, told.version), (BOTH, "1.9.0"))


def printed(talk: Talk, script: str, **fields: Any) -> tuple[str, int, bytes]:  # noqa: ANN401 - as `Talk.run`
    """Run a script; give the job's status, exit code and output. The output is no step."""
    job = talk.shell(script, network="none", **fields)
    ended = talk.until_status(job)
    talk.wait(1)
    reply = talk.call("GetJobLogs", uuid=job, record=False)
    log = b"".join(chunk.payload for chunk in reply.messages)  # type: ignore[attr-defined]
    return ended.status, ended.exit_code, log


@case("runtimes/jobs", "RT-06a", "JOB-RUN-14", "JOB-RUN-18", needs=["runtimes"])
def _(talk: Talk) -> None:
    """A job on a runtime has its files and variables, which win over the client's."""
    status, code, log = printed(
        talk,
        "echo $GREETING $HOME $JOB_RUNTIME $PATH_PREPEND $PATH",
        runtime=f"{BOTH}@1.9.0",
        environment={"GREETING": "client"},
        secret_environment={"HOME": "/secret"},
    )
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    expected = f"from-1.9.0 /of/the/runtime {BOTH}@1.9.0 /opt/first {path}\n"
    talk.expect("RT-06a", "variables", (status, code, log), ("COMPLETED", 0, expected.encode()))
    log = printed(talk, "echo $GREETING $PATH", runtime=FLAT)[2]
    talk.expect("RT-06a", "a flat one's", log, f"from-flat /opt/flat:{path}\n".encode())
    log = printed(talk, "echo ran", runtime=FOREIGN)[2]
    talk.expect("RT-06a", "another architecture's", log, b"ran\n")


@case("runtimes/missing", "JOB-RUN-63", "JOB-LOG-31", "RT-06a", needs=["runtimes"])
def _(talk: Talk) -> None:
    """A job whose runtime is not there runs, fails with 1, and its log says why twice."""
    spec = f"{MISSING}:1.0"
    status, code, log = printed(talk, "echo never", runtime=spec)
    talk.expect("JOB-RUN-63", "the end", (status, code), ("FAILED", 1))
    lines = log.decode().splitlines()
    heads = [line.partition(" | ")[0].partition("] ")[2] for line in lines]
    expected = [
        "[ERROR] [init] filesystem isolation setup failed",
        "[ERROR] [init] joblet failed",
    ]
    talk.expect("JOB-LOG-31", "the lines", heads, expected)
    reason = f'failed to resolve runtime path for {spec}: runtime not found for spec {spec}"'
    talk.check("JOB-LOG-31", "each says why", all(reason in line for line in lines))


UNREMOVED: Final = (
    (MISSING, f"Runtime '{MISSING}' not found"),
    (f"{MISSING}@1", f"Runtime '{MISSING}@1' not found"),
    (LANGUAGE, f"Runtime '{LANGUAGE}' not found"),
    (f"{MISSING}\n", f"Runtime '{MISSING}\n' not found"),
    (f"{MISSING}é", f"Runtime '{MISSING}é' not found"),
    (f"{MISSING}/{LONG}", f"Runtime '{MISSING}/{LONG}' not found"),
    (LONG, f"Failed to remove runtime: unlinkat {BASE}/{LONG}: file name too long"),
    (f"{LONG}/y", f"Failed to remove runtime: open {BASE}/{LONG}: file name too long"),
    (
        f"{MISSING}\x00",
        f"Failed to remove runtime: unlinkat {BASE}/{MISSING}\x00: invalid argument",
    ),
    (
        f"{MISSING}\x00/y",
        f"Failed to remove runtime: open {BASE}/{MISSING}\x00: invalid argument",
    ),
    (
        f"{FLAT}/runtime.yml/y",
        f"Failed to remove runtime: unlinkat {BASE}/{FLAT}/runtime.yml/y: not a directory",
    ),
    (
        f"{FLAT}/runtime.yml/y/z",
        f"Failed to remove runtime: open {BASE}/{FLAT}/runtime.yml/y: not a directory",
    ),
    (
        "y" * 4100,
        f"Failed to remove runtime: unlinkat {BASE}/{'y' * 4100}: file name too long",
    ),
)


@case("runtimes/not-removed", "RT-13", "RT-14", "RT-15", needs=["runtimes"])
def _(talk: Talk) -> None:
    """A removal that can't be is OK and says why, in the words of the server's system."""
    for spec, message in UNREMOVED:
        told = talk.call("RemoveRuntime", runtime=spec).message
        said = (told.success, told.message, told.freed_space_bytes)
        talk.expect("RT-15", spec[:40], said, (False, message, 0))
    told = talk.call("RemoveRuntime", runtime=f"{MISSING}/\x00").message
    talk.check("RT-15", "what has no name and no parent counts as removed", told.success)
    left = talk.call("ListRuntimes", cut=own_only, record=False).message.runtimes
    talk.expect("RT-15", "what is left of ours", len(left), 4)


@case(
    "runtimes/removed",
    "RT-14",
    "RT-16",
    "RT-46",
    needs=["runtimes", "destructive"],
    normalise=[Pattern(rf"{SPARE}-\d", "a spare runtime", "each run removes another one")],
)
def _(talk: Talk) -> None:
    """A version goes by name and version, or by path; the folder that is left goes by name."""
    listed = talk.call("ListRuntimes", record=False).message.runtimes
    spares = [each for each in listed if each.name.startswith(SPARE)]
    name, size = spares[0].name, spares[0].size_bytes
    job = talk.run("sleep", "2.0", runtime=f"{name}@2.0.0", network="none")
    # The runtime is mounted after RunJob's answer.
    talk.wait(1)
    for spec, scope, freed in (
        (f"{name}@2.0.0", "specific version", size),
        (f"{name}//1.0.0/", "all versions", size),
        (name, "all versions", 0),
    ):
        told = talk.call("RemoveRuntime", runtime=spec).message
        message = f"Runtime '{spec}' removed successfully ({scope})"
        said = (told.success, told.message, told.freed_space_bytes)
        talk.expect("RT-16", spec, said, (True, message, freed))
    told = talk.call("RemoveRuntime", runtime=name).message
    talk.expect(
        "RT-15", "once more", (told.success, told.message), (False, f"Runtime '{name}' not found")
    )
    talk.expect("RT-16", "the job on it", talk.until_status(job).status, "COMPLETED")
