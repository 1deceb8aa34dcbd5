"""grpc-js clients, made from what `joblet-fake protos` writes, over mutual TLS."""

from __future__ import annotations

import subprocess
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from real_client import GRPC_JS, node_modules, run

if TYPE_CHECKING:
    from conftest import Served
    from joblet_fake import FakeJoblet

pytestmark = pytest.mark.toolchain


def _protos(tmp_path: Path) -> Path:
    """Give the folder of the .proto files that the command writes."""
    protos = tmp_path / "protos"
    command = str(Path(sysconfig.get_path("scripts")) / "joblet-fake")
    subprocess.run(
        [command, "protos", "--api", "2.3.1", "--out", str(protos)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return protos


def test_a_grpc_js_client_takes_a_job_through_its_life(served: Served, tmp_path: Path) -> None:
    modules = node_modules()
    protos = _protos(tmp_path)
    node = yaml.safe_load(served.rnx_config.read_text())["nodes"]["default"]
    for name in ("ca", "cert", "key"):
        (tmp_path / name).write_text(node[name])

    client = ["node", "--tls-min-v1.3", str(GRPC_JS / "client.js"), str(protos), str(tmp_path)]
    seen: dict[str, Any] = run(
        [*client, served.core, served.persist],
        {**served.env, "NODE_PATH": str(modules)},
    )

    uuid = seen["ran"]["jobUuid"]
    assert seen["ran"]["status"] == "RUNNING"
    assert "".join(seen["log"]["chunks"]) == "one\nnode\n"
    assert seen["log"]["code"] == "OK"
    assert (seen["status"]["status"], seen["status"]["exitCode"]) == ("FAILED", 7)
    assert (seen["status"]["maxCPU"], seen["status"]["environment"]) == (50, {"WHO": "node"})
    assert seen["stored"]["chunks"] == seen["log"]["chunks"]
    assert seen["ping"]["healthy"] is True
    assert (seen["hello"]["status"], seen["hello"]["exitCode"]) == ("COMPLETED", 0)
    assert seen["helloLog"] == {"chunks": ["hello\n"], "code": "OK", "details": ""}
    assert seen["unknown"] == {"code": "NOT_FOUND", "details": "job nobody not found"}
    assert seen["unknownLog"] == {
        "chunks": [],
        "code": "NOT_FOUND",
        "details": "job not found: nobody",
    }
    assert seen["deleted"] == {
        "uuid": uuid,
        "success": True,
        "message": "Job deleted successfully",
    }


@pytest.mark.joblet(clock="skipping", pace="real")
def test_a_grpc_js_client_uses_the_other_services(
    joblet: FakeJoblet,
    joblet_env: dict[str, str],
    tmp_path: Path,
) -> None:
    modules = node_modules()
    protos = _protos(tmp_path)
    for role in ("admin", "viewer"):
        folder = tmp_path / role
        folder.mkdir()
        (folder / "ca").write_bytes(joblet.tls.ca_pem)
        (folder / "cert").write_bytes(joblet.tls.cert_pem(role))
        (folder / "key").write_bytes(joblet.tls.key_pem(role))
    joblet.runtimes.add("python-3.11-ml", version="1.3.1", size=1000)

    seen: dict[str, Any] = run(
        ["node", str(GRPC_JS / "services.js"), str(protos), str(tmp_path), joblet.address],
        {**joblet_env, "NODE_PATH": str(modules)},
    )

    # NET-05, NET-13, NET-17, NET-23
    assert seen["network"] == {"name": "lab", "cidr": "10.9.0.0/24", "bridge": ""}
    assert seen["badNetwork"] == {
        "code": "INVALID_ARGUMENT",
        "details": (
            "failed to create network: network config validation failed: invalid CIDR: 10.9.0.0"
        ),
    }
    assert {each["name"] for each in seen["networks"]["networks"]} == {"bridge", "lab"}
    assert seen["removedNetwork"] == {
        "success": True,
        "message": "Network removed successfully",
    }
    # VOL-10, VOL-13, VOL-16, VOL-20, VOL-21
    volume = {"name": "data", "size": "1gb", "type": "memory", "path": "/opt/joblet/volumes/data"}
    assert seen["volume"] == volume
    assert seen["badVolume"] == {
        "code": "INVALID_ARGUMENT",
        "details": (
            "failed to create volume: failed to create volume object: invalid volume type: disk"
        ),
    }
    (listed,) = seen["volumes"]["volumes"]
    assert listed | volume == listed
    assert (listed["jobCount"], listed["createdTime"][:10]) == (0, "2026-01-01")
    assert seen["removedVolume"]["success"] is True
    assert seen["removedAgain"] == {"success": False, "message": "volume data not found"}
    assert seen["kept"] == {"chunks": ["kept\n"], "code": "OK", "details": ""}
    # JOB-MET-22: every job that ran has one.
    assert seen["samples"] == {"chunks": [True], "code": "OK", "details": ""}
    # RT-02, RT-42
    assert [(each["name"], each["sizeBytes"]) for each in seen["runtimes"]["runtimes"]] == [
        ("python-3.11-ml", {"low": 1000, "high": 0, "unsigned": False}),
    ]
    assert seen["install"]["code"] == "OK"
    assert seen["install"]["chunks"][0] == "📦 Cloning repository..."
    assert seen["install"]["chunks"][-1] == "Runtime installed successfully"
    assert "go-1.22@1.0.0" in joblet.runtimes
    # MON-04, MON-07, MON-10, MON-11: a viewer may, and gets what it asks for.
    assert (seen["status"]["available"], seen["status"]["cpu"]["cores"]) == (True, 4)
    metrics = seen["metrics"]
    assert metrics["code"] == "CANCELLED"
    assert len({each["at"] for each in metrics["chunks"]}) == 3
    assert [
        (each["cores"], each["memory"], each["disks"] > 0, each["networks"])
        for each in metrics["chunks"]
    ] == [(4, "0", True, 0)] * 3
    # AUTH-07
    assert seen["viewerCreates"]["code"] == "PERMISSION_DENIED"
    assert {each["name"] for each in seen["viewerLists"]["networks"]} == {"bridge"}
