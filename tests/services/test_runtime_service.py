"""RuntimeService over real gRPC: what each method answers."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from joblet_fake import FakeJoblet

if TYPE_CHECKING:
    from collections.abc import Iterator

BASE = "/opt/joblet/runtimes"
REFUSED_ROLE = "role viewer is not allowed to perform operation run_job"


@pytest.fixture
def frozen() -> Iterator[FakeJoblet]:
    with FakeJoblet(clock="frozen", tls=False) as joblet:
        yield joblet
        joblet.check()


@pytest.fixture
def stocked(frozen: FakeJoblet) -> FakeJoblet:
    """Two versions of a runtime, and a flat one for other machines."""
    for version in ("1.9.0", "1.10.0"):
        frozen.runtimes.add(
            "python-3.11-ml",
            version=version,
            packages=["numpy", "pandas"],
            description="ML",
            architectures=["x86_64", "arm64"],
            environment={"HOME": "/runtime", "GREETING": "runtime"},
            size=2048,
        )
    frozen.runtimes.add("zig-1", version="0.1.0", language="", architectures=["mips64"], flat=True)
    return frozen


def refused(call: Any) -> tuple[str, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    error: Any = caught.value
    return error.code().name, error.details()


def set_fields(message: Any) -> set[str]:
    return {field.name for field, _ in message.ListFields()}


def installed(joblet: FakeJoblet, **fields: object) -> list[Any]:
    return list(joblet.rpc("StreamingInstallRuntimeFromGithub", timeout=20, **fields))


# Listing and lookups


def test_the_list_has_every_version_and_says_the_same_of_the_needs_of_all(
    stocked: FakeJoblet,
) -> None:
    """RT-01, RT-02."""
    listed = stocked.rpc("ListRuntimes").runtimes

    assert [(each.name, each.version, each.language) for each in listed] == [
        ("python-3.11-ml", "1.10.0", "python"),
        ("python-3.11-ml", "1.9.0", "python"),
        ("zig-1", "0.1.0", "zig"),
    ]
    assert set_fields(listed[0]) == {
        "name",
        "language",
        "version",
        "description",
        "size_bytes",
        "available",
        "requirements",
    }
    assert listed[0].size_bytes == 2048
    for each in listed:
        assert list(each.requirements.architectures) == ["x86_64", "amd64"]
        assert not each.requirements.gpu


def test_no_runtimes_are_an_empty_list(frozen: FakeJoblet) -> None:
    assert len(frozen.rpc("ListRuntimes").runtimes) == 0


def test_info_tells_other_things_than_the_list(stocked: FakeJoblet) -> None:
    """RT-08: the first version by bytes, packages and needs, no size, and always a GPU."""
    info = stocked.rpc("GetRuntimeInfo", runtime="python")

    assert info.found
    runtime = info.runtime
    assert (runtime.name, runtime.version, runtime.language) == (
        "python-3.11-ml",
        "1.10.0",
        "python",
    )
    assert (list(runtime.packages), runtime.size_bytes) == (["numpy", "pandas"], 0)
    assert list(runtime.requirements.architectures) == ["x86_64", "arm64"]
    assert (runtime.requirements.gpu, runtime.available) == (True, True)


def test_infos_language_is_a_part_of_the_name_whatever_the_file_says(frozen: FakeJoblet) -> None:
    """RT-08."""
    frozen.runtimes.add("openjdk-21", language="java")

    assert frozen.rpc("GetRuntimeInfo", runtime="openjdk-21").runtime.language == "openjdk"
    assert frozen.rpc("ListRuntimes").runtimes[0].language == "java"


BAD = ["nosuch", "nosuch@1.0.0", " ", "../..", "x" * 100_000, "\x00", "é\n", "a:b:c", "zig-1"]


@pytest.mark.parametrize("spec", BAD)
def test_what_is_not_found_is_told_in_an_ok_reply(stocked: FakeJoblet, spec: str) -> None:
    """RT-07, RT-12, SRV-19; a runtime for other machines is as good as none."""
    info = stocked.rpc("GetRuntimeInfo", runtime=spec)
    test = stocked.rpc("TestRuntime", runtime=spec)

    assert set_fields(info) == set()
    assert set_fields(test) == {"error", "exit_code"}
    assert test.exit_code == 1
    assert test.error == (
        "runtime validation failed: runtime requires architecture [mips64], but system is amd64"
        if spec == "zig-1"
        else f"runtime not found: runtime not found for spec {spec}"
    )


def test_a_test_looks_up_and_runs_nothing(stocked: FakeJoblet) -> None:
    """RT-10, RT-11."""
    test = stocked.rpc("TestRuntime", runtime="python-3.11-ml@1.9.0")

    assert (test.success, test.output) == (True, "Runtime resolution successful")
    assert (test.error, test.exit_code) == ("", 0)
    assert len(stocked.jobs) == 0


@pytest.mark.parametrize("method", ["GetRuntimeInfo", "TestRuntime"])
def test_no_name_is_an_error(frozen: FakeJoblet, method: str) -> None:
    """RT-07, RT-10."""
    assert refused(lambda: frozen.rpc(method)) == ("INVALID_ARGUMENT", "runtime name is required")


def test_a_host_of_another_architecture_uses_other_runtimes(stocked: FakeJoblet) -> None:
    """RT-06."""
    stocked.host.architecture = "mips64"

    assert stocked.rpc("TestRuntime", runtime="zig-1").success
    assert "but system is mips64" in stocked.rpc("TestRuntime", runtime="python").error


# Removal


def test_a_removal_tells_what_it_freed(stocked: FakeJoblet) -> None:
    """RT-14, RT-16."""
    one = stocked.rpc("RemoveRuntime", runtime="python-3.11-ml@1.9.0")
    rest = stocked.rpc("RemoveRuntime", runtime="python-3.11-ml")

    assert (one.success, one.freed_space_bytes) == (True, 2048)
    assert one.message == "Runtime 'python-3.11-ml@1.9.0' removed successfully (specific version)"
    assert (rest.freed_space_bytes, list(stocked.runtimes)) == (2048, ["zig-1@0.1.0"])
    assert rest.message == "Runtime 'python-3.11-ml' removed successfully (all versions)"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("", "Runtime name is required"),
        *((spec, f"Runtime '{spec}' not found") for spec in ("nosuch", "nosuch@1", " ", "é\n")),
        ("x" * 300, f"Failed to remove runtime: unlinkat {BASE}/{'x' * 300}: file name too long"),
        ("\x00", f"Failed to remove runtime: unlinkat {BASE}/\x00: invalid argument"),
    ],
)
def test_a_removal_that_fails_is_told_in_an_ok_reply(
    stocked: FakeJoblet, spec: str, message: str
) -> None:
    """RT-13, RT-15."""
    answer = stocked.rpc("RemoveRuntime", runtime=spec)

    assert (answer.success, answer.message, answer.freed_space_bytes) == (False, message, 0)
    assert len(stocked.runtimes) == 3


@pytest.mark.parametrize("spec", ["..", "../..", "../../..", "../jobs"])
def test_a_removal_that_would_harm_a_real_server_harms_nothing(
    stocked: FakeJoblet, spec: str
) -> None:
    """RT-46."""
    job_id = stocked.rpc("RunJob", command="echo", args=["hi"]).job_uuid

    answer = stocked.rpc("RemoveRuntime", runtime=spec)

    assert answer.success
    assert len(stocked.runtimes) == 3
    assert stocked.jobs[job_id].stdout == "hi\n"


def test_a_removed_folder_is_missed_by_lookups_and_jobs(stocked: FakeJoblet) -> None:
    """RT-12."""
    gone = f"failed to read runtimes directory: open {BASE}: no such file or directory"
    stocked.rpc("RemoveRuntime", runtime=".")

    assert stocked.rpc("TestRuntime", runtime="python").error == f"runtime not found: {gone}"
    job_id = stocked.rpc("RunJob", command="true", runtime="a-b").job_uuid
    assert f"failed to resolve runtime path for a-b: {gone}" in stocked.jobs[job_id].stdout


# Validation


def test_a_good_spec_is_taken_apart(frozen: FakeJoblet) -> None:
    """RT-43."""
    answer = frozen.rpc("ValidateRuntimeSpec", runtime_spec="python:3.11-ml-gpu@arm64")

    assert (answer.valid, answer.message) == (True, "Runtime spec is valid")
    assert answer.normalized_spec == "python:3.11-ml-gpu@arm64"
    info = answer.spec_info
    assert (info.language, info.version, list(info.variants), info.architecture) == (
        "python",
        "3.11",
        ["ml", "gpu"],
        "arm64",
    )


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("", "Runtime spec cannot be empty"),
        *(
            (spec, "Runtime spec must be in format language:version (e.g., python:3.11)")
            for spec in ("python-3.11-ml", "\x00", "x" * 100_000, "../..")
        ),
        (
            "é:1",
            "Unsupported language: é. Supported: python, java, golang, node, ruby, php",
        ),
        ("php:1@", "Unsupported architecture: . Supported: amd64, arm64, x86_64"),
    ],
)
def test_a_bad_spec_is_echoed(frozen: FakeJoblet, spec: str, message: str) -> None:
    """RT-43, SRV-19."""
    answer = frozen.rpc("ValidateRuntimeSpec", runtime_spec=spec)

    assert (answer.valid, answer.message, answer.normalized_spec) == (False, message, spec)
    assert not answer.HasField("spec_info")


# Installation


def test_an_installation_streams_progress_logs_and_a_result(frozen: FakeJoblet) -> None:
    """RT-38, RT-39: progress has no numbers; the installed runtime is listed at once."""
    frozen.runtimes.on_install("python-3.11-ml").prints("Collecting numpy\n").provides(
        "1.3.1", packages=["numpy"]
    )

    *told, last = installed(frozen, runtime_spec="python-3.11-ml")

    kinds = [chunk.WhichOneof("chunk_type") for chunk in told]
    assert set(kinds) == {"progress", "log"}
    assert told[0].progress.message == "🚀 Starting installation from external registry"
    assert {(each.progress.step, each.progress.total_steps) for each in told} == {(0, 0)}
    assert b"".join(each.log.data for each in told).endswith(b"Collecting numpy\n")
    result = last.result
    assert (result.success, result.runtime_spec) == (True, "python-3.11-ml")
    assert result.message == "Runtime python-3.11-ml@1.3.1 installed successfully"
    assert (
        result.install_path
        == f"{BASE}/python-3.11-ml/1.3.1"
        == frozen.runtimes["python-3.11-ml"].path
    )
    assert list(frozen.rpc("GetRuntimeInfo", runtime="python").runtime.packages) == ["numpy"]


def test_a_failed_installation_ends_ok_with_a_result(frozen: FakeJoblet) -> None:
    """RT-38, SRV-19."""
    frozen.runtimes.on_install("a").fails("download failed: HTTP 404: 404 Not Found", at="download")

    last = installed(frozen, runtime_spec="a@1.0.0")[-1].result

    assert set_fields(last) == {"message", "runtime_spec"}
    assert last.message == (
        "Runtime installation failed: download failed: download failed: HTTP 404: 404 Not Found"
    )
    assert frozen.calls.last().code == "OK"


def test_phases_come_by_the_clock(frozen: FakeJoblet) -> None:
    frozen.runtimes.on_install("a").prints("1").sleeps(60).prints("2")
    stream = frozen.rpc("StreamingInstallRuntimeFromGithub", runtime_spec="a", timeout=20)
    while next(stream).log.data != b"1":
        pass
    assert "a@1.0.0" not in frozen.runtimes

    frozen.clock.advance(60)

    assert next(stream).log.data == b"2"
    assert list(stream)[-1].result.success
    assert "a@1.0.0" in frozen.runtimes


def test_an_installation_that_answers_once_tells_where_from(frozen: FakeJoblet) -> None:
    """RT-37."""
    frozen.runtimes.on_install().sleeps(1)

    answer = frozen.rpc("InstallRuntimeFromGithub", runtime_spec="python:3.11")

    assert set_fields(answer) == {
        "runtime_spec",
        "status",
        "message",
        "repository",
        "resolved_path",
    }
    assert (answer.status, answer.message) == ("completed", "Runtime installed successfully")
    assert (answer.repository, answer.resolved_path) == ("ehsaniara/joblet", "runtimes/python-3.11")
    assert frozen.clock.now().second == 1


def test_an_installation_that_answers_once_fails_with_an_error(frozen: FakeJoblet) -> None:
    """RT-37."""
    frozen.runtimes.on_install(repository="no/such").fails("status 404", at="download")

    assert refused(
        lambda: frozen.rpc("InstallRuntimeFromGithub", runtime_spec="a", repository="no/such")
    ) == (
        "INTERNAL",
        "runtime installation failed: failed to download repository: status 404",
    )


def test_no_spec_is_an_error_before_anything_is_told(frozen: FakeJoblet) -> None:
    """RT-37, RT-38."""
    expected = ("INVALID_ARGUMENT", "runtime spec is required")
    assert refused(lambda: installed(frozen, registry_url="http://x")) == expected
    assert refused(lambda: frozen.rpc("InstallRuntimeFromGithub", repository="a/b")) == expected


@pytest.mark.parametrize("spec", ["\x00", "../../etc", "é", "X" * 100_000, "A", "a b"])
def test_a_spec_that_is_none_is_told_in_the_result(frozen: FakeJoblet, spec: str) -> None:
    """RT-41, RT-45: after two messages."""
    told = installed(frozen, runtime_spec=spec)

    assert [chunk.WhichOneof("chunk_type") for chunk in told] == ["progress", "progress", "result"]
    assert told[1].progress.message == f"📦 Parsing runtime specification: {spec}"
    assert told[2].result.message.startswith(
        "Runtime installation failed: invalid runtime specification: invalid runtime name: "
    )
    assert len(frozen.runtimes) == 0


@pytest.mark.parametrize("method", ["InstallRuntimeFromLocal", "StreamingInstallRuntimeFromLocal"])
def test_local_files_can_not_be_installed_in_this_generation(
    frozen: FakeJoblet, method: str
) -> None:
    """SURF-05, whatever the files are."""
    files = [{"path": "../../x", "content": b"\xff", "executable": True}]

    def call() -> None:
        answer = frozen.rpc(method, runtime_spec="a", files=files)
        if method.startswith("Streaming"):
            list(answer)

    assert refused(call) == ("UNIMPLEMENTED", f"method {method} not implemented")


def test_a_reset_ends_installations_at_work(frozen: FakeJoblet) -> None:
    frozen.runtimes.on_install().sleeps(3600)
    gave_up = ("UNAVAILABLE", "joblet-fake was reset during this call")
    stream = frozen.rpc("StreamingInstallRuntimeFromGithub", runtime_spec="a", timeout=20)
    told = [next(stream) for _ in range(5)]
    answers: list[tuple[str, str]] = []
    unary = threading.Thread(
        target=lambda: answers.append(
            refused(lambda: frozen.rpc("InstallRuntimeFromGithub", runtime_spec="b", timeout=20))
        )
    )
    unary.start()
    for _ in range(500):
        if len(frozen.model.runtimes.at_work) == 2:
            break
        unary.join(0.01)

    frozen.reset()

    unary.join(10)
    assert answers == [gave_up]
    assert refused(lambda: list(stream)) == gave_up
    assert len(told) == 5
    assert frozen.clock.next_due() is None
    assert installed(frozen, runtime_spec="a")[-1].result.success


# Roles


def test_a_viewer_may_look_and_not_touch() -> None:
    """AUTH-08, AUTH-09: testing counts as running a job."""
    with FakeJoblet(clock="frozen") as joblet:
        joblet.runtimes.add("a-1")
        assert len(joblet.rpc("ListRuntimes", role="viewer").runtimes) == 1
        assert joblet.rpc("GetRuntimeInfo", role="viewer", runtime="a-1").found
        assert joblet.rpc("ValidateRuntimeSpec", role="viewer", runtime_spec="php:8").valid
        for method, fields in (
            ("TestRuntime", {"runtime": "a-1"}),
            ("RemoveRuntime", {"runtime": "a-1"}),
            ("InstallRuntimeFromGithub", {}),
        ):
            assert refused(
                lambda method=method, fields=fields: joblet.rpc(method, role="viewer", **fields)
            ) == ("PERMISSION_DENIED", REFUSED_ROLE)
        stream = joblet.rpc("StreamingInstallRuntimeFromGithub", role="viewer")
        assert refused(lambda: list(stream)) == ("PERMISSION_DENIED", REFUSED_ROLE)
        assert "a-1@1.0.0" in joblet.runtimes


# Jobs


def output(joblet: FakeJoblet, script: str, **fields: object) -> str:
    job_id = joblet.rpc("RunJob", command="sh", args=["-c", script], **fields).job_uuid
    assert joblet.jobs[job_id].status == "COMPLETED"
    return joblet.jobs[job_id].stdout


def test_a_job_runs_on_a_runtime_whose_variables_win(stocked: FakeJoblet) -> None:
    """RT-06a, JOB-RUN-18: over the server's, the client's and the secrets."""
    said = output(
        stocked,
        "echo $GREETING $HOME $JOB_RUNTIME",
        runtime="python-3.11-ml@1.9.0",
        environment={"GREETING": "client"},
        secret_environment={"HOME": "/secret"},
    )

    assert said == "runtime /runtime python-3.11-ml@1.9.0\n"


def test_a_job_does_not_ask_for_architectures(stocked: FakeJoblet) -> None:
    """RT-06a."""
    assert output(stocked, "echo ran", runtime="zig-1") == "ran\n"


def test_the_path_of_a_flat_runtime_comes_first_if_it_is_called_like_its_folder(
    frozen: FakeJoblet,
) -> None:
    """RT-06a."""
    environment = {"PATH_PREPEND": "/opt/a"}
    frozen.runtimes.add("a-1", environment=environment, flat=True)
    frozen.runtimes.add("b-1", environment=environment)

    rest = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
    assert output(frozen, "echo $PATH", runtime="a-1") == f"/opt/a:{rest}"
    assert output(frozen, "echo $PATH", runtime="a:1.0.0") == rest
    assert output(frozen, "echo $PATH $PATH_PREPEND", runtime="b-1").endswith(" /opt/a\n")


def test_a_runtime_that_is_removed_while_a_job_runs_on_it_is_not_missed(
    stocked: FakeJoblet,
) -> None:
    """RT-16: nobody asks."""
    job_id = stocked.rpc("RunJob", command="sleep", args=["5"], runtime="python-3.11-ml").job_uuid
    assert stocked.rpc("RemoveRuntime", runtime="python-3.11-ml").success
    stocked.clock.advance(5)

    assert stocked.jobs[job_id].status == "COMPLETED"
    late = stocked.rpc("RunJob", command="true", runtime="python-3.11-ml").job_uuid
    assert (stocked.jobs[late].status, stocked.jobs[late].exit_code) == ("FAILED", 1)


# Versions


def test_an_older_version_has_the_same_without_registries() -> None:
    """SURF-01."""
    with FakeJoblet(api="2.0.0", clock="frozen", tls=False) as joblet:
        joblet.runtimes.add("a-1")
        assert joblet.rpc("ListRuntimes").runtimes[0].name == "a-1"
        assert joblet.rpc("TestRuntime", runtime="a-1").success
        assert joblet.rpc("InstallRuntimeFromGithub", runtime_spec="b-1").status == "completed"
