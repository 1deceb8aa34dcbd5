from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
import yaml
from click.testing import CliRunner

from joblet_fake import versions
from joblet_fake.cli import main
from joblet_fake.wire import load

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = Path(sys.executable).with_name("joblet-fake")
ANY_PORTS = ("--port=0", "--persist-port=0", "--control-port=0")


class Served:
    """A running `joblet-fake serve`, and what a client of it does."""

    def __init__(self, process: subprocess.Popen[str], ready: dict[str, Any], config: Path) -> None:
        self.process = process
        self.ready = ready
        self.config = config

    def call(self, name: str, node: str = "default", **fields: object) -> Any:
        """Call a unary method as a client does that has the configuration file."""
        method = load("2.3.1").method(name)
        with self._channel(self.ready["core"], node) as channel:
            call: Any = channel.unary_unary(method.path, None, method.decode_response)
            return call(method.encode_request(fields), timeout=10)

    def log(self, uuid: str) -> bytes:
        method = load("2.3.1").method("GetJobLogs")
        with self._channel(self.ready["core"], "default") as channel:
            call: Any = channel.unary_stream(method.path, None, method.decode_response)
            return b"".join(c.payload for c in call(method.encode_request({"uuid": uuid})))

    def wait(self, uuid: str) -> Any:
        end = time.monotonic() + 10
        while (status := self.call("GetJobStatus", uuid=uuid)).status == "RUNNING":
            assert time.monotonic() < end
            time.sleep(0.02)
        return status

    def _channel(self, address: str, node: str) -> grpc.Channel:
        if not self.ready["tls"]:
            return grpc.insecure_channel(address)
        pem = yaml.safe_load(self.config.read_text())["nodes"][node]
        return grpc.secure_channel(
            address,
            grpc.ssl_channel_credentials(*(pem[part].encode() for part in ("ca", "key", "cert"))),
        )

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str, str, float]:
        """Send a signal; give exit code, stdout, stderr and the seconds that it took."""
        began = time.monotonic()
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=10)
        return self.process.returncode, out, err, time.monotonic() - began


@contextmanager
def serving(folder: Path, *arguments: str, tls: bool = True) -> Iterator[Served]:
    ready, config = folder / "r.json", folder / "f.yml"
    if tls:
        arguments += (f"--rnx-config={config}",)
    process = subprocess.Popen(
        [COMMAND, "serve", *ANY_PORTS, f"--ready-file={ready}", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        end = time.monotonic() + 20
        while not ready.exists() and process.poll() is None and time.monotonic() < end:
            time.sleep(0.01)
        if not ready.exists():
            process.kill()
            pytest.fail(f"it did not start: {process.communicate()}")
        yield Served(process, json.loads(ready.read_text()), config)
    finally:
        process.kill()
        process.communicate()


def refused(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["serve", *arguments], prog_name="joblet-fake")
    return result.exit_code, result.output


def test_a_client_with_the_written_files_runs_jobs(tmp_path: Path) -> None:
    """The whole of what a developer sees, from the ready file to the last line."""
    with serving(tmp_path) as served:
        core, persist = served.ready["core"], served.ready["persist"]
        assert served.ready == {
            "core": core,
            "persist": persist,
            "control": None,
            "api": "2.3.1",
            "tls": True,
        }
        assert core.startswith("127.0.0.1:")
        assert core != persist
        hello = served.call("RunJob", command="echo", args=["hello"]).job_uuid
        assert served.log(hello) == b"hello\n"
        assert served.wait(hello).status == "COMPLETED"
        three = served.call("RunJob", command="sh", args=["-c", "exit 3"]).job_uuid
        assert (served.wait(three).status, served.wait(three).exit_code) == ("FAILED", 3)
        code, out, err, seconds = served.end(signal.SIGTERM)
    assert code == 0
    assert seconds < 5
    assert f"core services   {core}" in out
    assert f"PersistService  {persist}" in out
    assert f"RNX_CONFIG={served.config}" in out
    assert "its nodes       default, viewer, nobody" in out
    assert out.endswith("calls\n")
    assert not (tmp_path / "r.json").exists(), "nobody waits for a server that has ended"
    assert "admin   JobService.RunJob(command='echo', args=['hello']) -> OK\n" in err
    assert f"job     {hello[:8]} RUNNING: echo hello\n" in err
    assert f"job     {three[:8]} FAILED, exit code 3 (built in: sh -c): sh -c exit 3\n" in err
    assert "Traceback" not in err


def test_the_configuration_has_a_node_for_each_role(tmp_path: Path) -> None:
    """RNX-02, AUTH-05: an admin as `default`, a viewer, and a nobody who may do nothing."""
    with serving(tmp_path, "--log-level=error") as served:
        config = yaml.safe_load(served.config.read_text())
        assert list(config["nodes"]) == ["default", "viewer", "nobody"]
        assert {node["address"] for node in config["nodes"].values()} == {served.ready["core"]}
        if sys.platform != "win32":
            assert served.config.stat().st_mode & 0o777 == 0o600
        assert served.call("ListJobs", "viewer") is not None
        for node in ("viewer", "nobody"):
            with pytest.raises(grpc.RpcError) as error:
                served.call("RunJob", node, command="echo")
            assert error.value.code() is grpc.StatusCode.PERMISSION_DENIED
        code, _, err, _ = served.end(signal.SIGINT)
    assert (code, err) == (0, "")


def test_it_ends_quickly_with_a_log_still_followed(tmp_path: Path) -> None:
    with serving(tmp_path, "--no-tls", tls=False) as served:
        assert served.ready["tls"] is False
        job_id = served.call("RunJob", command="sh", args=["-c", "echo on; sleep 600"]).job_uuid
        method = load("2.3.1").method("GetJobLogs")
        with grpc.insecure_channel(served.ready["core"]) as channel:
            call: Any = channel.unary_stream(method.path)
            stream = call(method.encode_request({"uuid": job_id}))
            next(stream)
            code, out, _, seconds = served.end(signal.SIGINT)
            with pytest.raises(grpc.RpcError) as error:
                list(stream)
    assert error.value.code() is grpc.StatusCode.UNAVAILABLE
    assert code == 0
    assert seconds < 5
    assert "(plaintext)" in out


def test_options_reach_the_server(tmp_path: Path) -> None:
    """Another API version, a seed, a skipping clock with the real server's durations."""
    arguments = ("--api=2.2.0", "--seed=7", "--clock=skipping", "--pace=real", "--log-level=debug")
    ids = set()
    for _ in range(2):
        with serving(tmp_path, *arguments) as served:
            assert served.ready["api"] == "2.2.0"
            job_id = served.call("RunJob", command="sleep", args=["3600"]).job_uuid
            ids.add(job_id)
            assert served.wait(job_id).status == "COMPLETED"
            _, _, err, _ = served.end()
    assert len(ids) == 1, "the same seed gives the same ids"
    assert "command: 'sleep'" in err


def test_exec_runs_real_processes(tmp_path: Path) -> None:
    with serving(tmp_path, "--exec") as served:
        job = served.call("RunJob", command=sys.executable, args=["-c", "print(6 * 7)"]).job_uuid
        assert served.wait(job).status == "COMPLETED"
        assert served.log(job) == b"42\n"
        sleeper = served.call("RunJob", command="sleep", args=["61.25"]).job_uuid
        assert served.call("GetJobStatus", uuid=sleeper).status == "RUNNING"
        code, _, _, seconds = served.end()
    assert code == 0
    assert seconds < 5
    left = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    assert "sleep 61.25" not in left.stdout, "no process outlives the server"


def test_a_ready_file_of_an_earlier_run_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text("{}")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, text = refused(f"--port={port}", f"--ready-file={tmp_path / 'r.json'}")
    assert code == 1
    assert not (tmp_path / "r.json").exists()
    assert f"the core port can't listen on 127.0.0.1:{port}" in text
    assert "--port" in text


def test_a_taken_persist_port_is_told_with_its_option() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, text = refused("--port=0", f"--persist-port={port}")
    assert code == 1
    assert text == (
        f"Error: the persist port can't listen on 127.0.0.1:{port}: another program may use it; "
        "choose another with persist_port= (command line: --persist-port), or 0 for any free one\n"
    ), "and no line of gRPC's own"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--api=9.9.9"], ["unknown api '9.9.9'", *versions()]),
        (["--clock=icy"], ["--clock", "flowing", "frozen", "skipping"]),
        (["--clock=frozen"], ["nobody could move it", "use flowing or skipping"]),
        (["--pace=slow"], ["--pace", "immediate", "real"]),
        (["--behavior=nice"], ["--behavior", "server", "documented"]),
        (["--quirk=cancel"], ["--quirk", "'cancel-works'", "'logs-once'"]),
        (["--log-level=loud"], ["--log-level", "debug", "info", "warning", "error"]),
        (["--port=70000"], ["--port", "65535"]),
        (["--port=4000", "--persist-port=4000"], ["are both 4000"]),
        (["--seed=x"], ["--seed", "integer"]),
        (["--san=bad!name"], ["'bad!name' is no host name and no address", "'joblet-ci'"]),
        (["--san=x@y"], ["'x@y' is no host name and no address"]),
        (["--san=10.0.0.0/8"], ["'10.0.0.0/8' is no host name and no address"]),
        (["--san=xn--a"], ["names=('xn--a',): no certificate can have that"]),
        (["--no-tls", "--san=x@y"], ["'x@y' is no host name and no address"]),
        (["--keep-jobs=0"], ["--keep-jobs", "x>=1"]),
    ],
)
def test_misuse_is_refused_with_what_is_possible(arguments: list[str], told: list[str]) -> None:
    code, text = refused(*arguments)
    assert code == 2
    assert [part for part in told if part not in text] == []


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, text = refused(*ANY_PORTS, f"--rnx-config={tmp_path / 'file' / 'f.yml'}")
    assert code == 1
    assert text.splitlines()[-1].startswith(f"Error: {tmp_path / 'file'}")


def test_behaviours_are_switched_on_one_by_one_and_as_a_set(tmp_path: Path) -> None:
    """DOC-01: `joblet-fake quirks` lists them."""
    cancel = {"command": "true", "schedule": "2099-01-01T00:00:00Z"}
    with serving(tmp_path, "--quirk=cancel-works", "--quirk=fitting-codes") as served:
        uuid = served.call("RunJob", **cancel).job_uuid
        assert served.call("CancelJob", uuid=uuid).status == "CANCELED"
        with pytest.raises(grpc.RpcError, match="NOT_FOUND"):
            served.call("StopJob", uuid="nobody")
        assert served.call("RunJob", command="true").status == "RUNNING"
        served.end()
    with serving(tmp_path, "--behavior=documented", "--quirk=fitting-codes") as served:
        with pytest.raises(grpc.RpcError, match="NOT_FOUND"):
            served.call("CancelJob", uuid="nobody")
        assert served.call("RunJob", command="true").status == "INITIALIZING"
        served.end()


def test_json_lines_tell_everything_and_nothing_else_is_on_stdout(tmp_path: Path) -> None:
    with serving(tmp_path, "--json", "--log-level=debug") as served:
        job = served.call(
            "RunJob", command="sh", args=["-c", "exit 3"], secret_environment={"A": "s3cret"}
        ).job_uuid
        served.wait(job)
        with pytest.raises(grpc.RpcError):
            served.call("GetJobStatus", "nobody", uuid=job)
        core = served.ready["core"]
        code, out, err, _ = served.end()
    events = [json.loads(line) for line in out.splitlines()]

    assert (code, err) == (0, "")
    assert (events[0]["event"], events[0]["core"]) == ("started", core)
    assert events[-1]["event"] == "stopped"
    run = next(event for event in events if event.get("method") == "JobService.RunJob")
    assert (run["role"], run["code"], run["sent"]) == ("admin", "OK", 1)
    assert run["request"]["secret_environment"] == {"A": "***"}
    assert [(e["status"], e["exit_code"]) for e in events if e["event"] == "job"] == [
        ("INITIALIZING", 0),
        ("RUNNING", 0),
        ("FAILED", 3),
    ]
    denied = [event for event in events if event.get("code") == "PERMISSION_DENIED"]
    assert denied[0]["details"].startswith("role unknown is not allowed")


def test_requests_in_full_show_nobodys_secrets(tmp_path: Path) -> None:
    """Neither who the caller says to be, nor a workflow's secret variables (JOB-WF-06)."""
    yaml_text = "jobs: {a: {command: echo, environment: {A_TOKEN: wfsecret, B: shown}}}"
    method = load("2.3.1").method("RunWorkflow")
    with serving(tmp_path, "--no-tls", "--log-level=debug", tls=False) as served:
        with grpc.insecure_channel(served.ready["core"]) as channel:
            call: Any = channel.unary_unary(method.path)
            call(
                method.encode_request({"workflow": "w.yaml", "yaml_content": yaml_text}),
                metadata=(("authorization", "Bearer t0ken"), ("x-request-id", "seven")),
                timeout=10,
            )
        _, _, err, _ = served.end()
    assert "wfsecret" not in err
    assert "t0ken" not in err
    assert "authorization: '***'" in err
    assert "x-request-id: 'seven'" in err


def test_a_reader_that_does_not_read_does_not_stop_the_server(tmp_path: Path) -> None:
    """Stdout is a pipe that nobody empties: calls are answered all the same."""
    with serving(tmp_path, "--json", "--log-level=debug") as served:
        for _ in range(400):
            served.call("RunJob", command="echo", args=["x" * 1000])
        assert len(served.call("ListJobs").jobs) == 400


def test_a_container_listens_everywhere_under_its_own_name(tmp_path: Path) -> None:
    with serving(tmp_path, "--host=0.0.0.0", "--san=joblet-ci", "--san=10.1.2.3") as served:
        config = yaml.safe_load(served.config.read_text())["nodes"]["default"]
        port = served.ready["core"].rpartition(":")[2]
        assert served.call("ListJobs") is not None
        credentials = grpc.ssl_channel_credentials(
            *(config[part].encode() for part in ("ca", "key", "cert"))
        )
        names = (("grpc.ssl_target_name_override", "joblet-ci"),)
        with grpc.secure_channel(f"127.0.0.1:{port}", credentials, names) as channel:
            call: Any = channel.unary_unary("/joblet.JobService/ListJobs")
            assert call(b"", timeout=10) is not None
        _, _, err, _ = served.end()
    assert config["address"] == f"joblet-ci:{port}"
    assert "warning: it listens on 0.0.0.0: whoever has one of its certificates can call" in err


def test_a_configuration_for_plaintext_has_an_address_and_tells_who_can_use_it(
    tmp_path: Path,
) -> None:
    """ADM-02: a node without certificates is called in plaintext; rnx has no such way (RNX-04)."""
    config = tmp_path / "f.yml"
    with serving(tmp_path, "--no-tls", f"--rnx-config={config}", tls=False) as served:
        nodes = yaml.safe_load(config.read_text())["nodes"]
        with grpc.insecure_channel(nodes["default"]["address"]) as channel:
            call: Any = channel.unary_unary("/joblet.JobService/ListJobs")
            assert call(b"", timeout=10) is not None
        code, out, err, _ = served.end()
    assert list(nodes) == ["default"]
    assert not {"cert", "key", "ca"} & set(nodes["default"])
    assert code == 0
    assert "default, without certificates: for the web admin; rnx and the SDK need TLS" in out
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("nosuch.invalid", "the address 'nosuch.invalid' can't be resolved"),
        ("192.0.2.1", "192.0.2.1 is no address of this machine"),
    ],
)
def test_a_host_that_it_cannot_listen_on_is_told_apart_from_a_taken_port(
    host: str,
    told: str,
) -> None:
    code, text = refused(*ANY_PORTS, f"--host={host}")
    assert code == 1
    assert told in text
    assert "--host" in text
    assert "another program" not in text


def test_nothing_that_a_client_sends_reaches_the_terminal_as_it_is(tmp_path: Path) -> None:
    """Newlines would forge lines, and escape sequences do whatever a terminal can."""
    evil = "a\n00:00:00 forged\x1b[2J\x07\u202e"
    with serving(tmp_path, "--no-tls", "--log-level=debug", tls=False) as served:
        job = served.call("RunJob", command=evil, args=[evil]).job_uuid
        served.wait(job)
        with pytest.raises(grpc.RpcError):
            served.call("GetJobStatus", uuid=evil)
        _, _, err, _ = served.end()
    assert not any(each in err for each in "\x1b\x07\u202e")
    assert "\n00:00:00 forged" not in err
    assert f"job     {job[:8]} RUNNING: a\\n00:00:00 forged\\x1b[2J\\x07\\u202e" in err


@pytest.mark.parametrize("as_json", [False, True])
def test_that_a_log_is_followed_is_shown_when_it_begins(tmp_path: Path, *, as_json: bool) -> None:
    output = ("--json",) if as_json else ()
    with serving(tmp_path, "--no-tls", *output, tls=False) as served:
        job_id = served.call("RunJob", command="sh", args=["-c", "echo on; sleep 600"]).job_uuid
        method = load("2.3.1").method("GetJobLogs")
        with grpc.insecure_channel(served.ready["core"]) as channel:
            call: Any = channel.unary_stream(method.path)
            next(call(method.encode_request({"uuid": job_id})))
            stream = served.process.stdout if as_json else served.process.stderr
            assert stream is not None
            for line in stream:
                if as_json and json.loads(line)["event"] == "follows":
                    assert json.loads(line)["method"] == "JobService.GetJobLogs"
                    break
                if f"GetJobLogs(uuid='{job_id}') -> follows" in line:
                    break
            else:
                pytest.fail("it was not shown")
        served.end()


def test_memory_is_bounded_by_forgetting_the_oldest_jobs_that_are_over(tmp_path: Path) -> None:
    bounds = ("--keep-jobs=5", "--keep-mib=1")
    with serving(tmp_path, "--no-tls", *bounds, tls=False) as served:
        runs = served.call("RunJob", command="sleep", args=["600"]).job_uuid
        few = [served.call("RunJob", command="true").job_uuid for _ in range(7)]
        listed = {job.uuid for job in served.call("ListJobs").jobs}
        assert listed == {runs, *few[-5:]}
        big = [served.call("RunJob", command="seq", args=["200000"]).job_uuid for _ in range(4)]
        for uuid in big[-1:]:
            served.wait(uuid)
        assert {job.uuid for job in served.call("ListJobs").jobs} == {runs, big[-1]}
        _, _, err, _ = served.end()
    assert f"job     {few[0][:8]} forgotten, with 0 bytes of output and uploads (--keep-jobs" in err
    assert f"job     {runs[:8]} forgotten" not in err


def test_grpc_writes_nothing_of_its_own_for_strangers(tmp_path: Path) -> None:
    with serving(tmp_path, "--log-level=error") as served:
        host, _, port = served.ready["core"].rpartition(":")
        unknown = ssl.create_default_context()
        with suppress(OSError), socket.create_connection((host, int(port))) as stranger:
            unknown.wrap_socket(stranger, server_hostname="localhost")
        assert served.call("ListJobs") is not None
        _, _, err, _ = served.end()
    assert err == ""


@pytest.mark.parametrize("command", [[COMMAND], [sys.executable, "-m", "joblet_fake"]])
def test_grpc_writes_nothing_of_its_own_beside_an_error(command: list[str | Path]) -> None:
    wrong = [*command, "serve", *ANY_PORTS, "--host=nosuch.invalid"]
    ended = subprocess.run(wrong, capture_output=True, text=True, check=False)
    assert len(ended.stderr.splitlines()) == 1
    assert ended.stderr.startswith("Error: the core port can't listen on nosuch.invalid:0")


def test_commands_are_not_run_for_the_whole_network() -> None:
    code, text = refused(*ANY_PORTS, "--host=0.0.0.0", "--exec", "--no-tls")
    assert code == 2
    assert "anybody on the network could run commands on this machine; use mutual TLS" in text


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_signals_that_come_at_once_end_it_all_the_same(tmp_path: Path) -> None:
    """A handler can interrupt another one: neither may wait for the other."""
    for number in range(6):
        ready = tmp_path / f"{number}.json"
        options = ["--port=0", "--persist-port=0", f"--ready-file={ready}"]
        command = [sys.executable, "-m", "joblet_fake", "serve", *options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            end = time.monotonic() + 20
            while not ready.exists():
                assert time.monotonic() < end
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            process.send_signal(signal.SIGINT if number % 2 else signal.SIGTERM)
            try:
                out, _ = process.communicate(timeout=20)
            finally:
                process.kill()
        assert process.returncode == 0, out
        assert out.endswith(b"stopped after 0 calls\n")
