"""What an SDK's methods for all but jobs give."""

from __future__ import annotations

import re

from sdk_likes import TIME, UUID, Holding, Like, Stream, Told, Version

PYTHON = {
    "name": "python-3.11-ml",
    "language": "python",
    "version": "1.3.1",
    "description": "For models",
    "size_bytes": 1000,
    "available": True,
}
# RT-02
LISTED = {"packages": [], "requirements": {"architectures": ["x86_64", "amd64"], "gpu": False}}


def services(version: Version) -> Told:
    """Give what its methods for networks, volumes, the host and runtimes give."""
    return {
        **_networks(version),
        **_volumes(version),
        **_monitoring(),
        **_runtimes(version),
        **(_installs() if version.installs else _builds()),
    }


def _networks(version: Version) -> Told:
    def fails(name: str) -> str:
        named = f" '{name}'" if version.strict else ""
        return f"NetworkError: Failed to create network{named}: failed to create network: "

    return {
        # NET-05, NET-08, NET-11, NET-13
        "NetworkService.create_network": {
            "a new one": {"name": "lab", "cidr": "10.9.0.0/24", "bridge": ""},
            "again": {"name": "lab", "cidr": "10.8.0.5/24", "bridge": ""},
            "a bad range": (
                f"{fails('bad')}network config validation failed: invalid CIDR: 10.9.0.0"
            ),
            "no name": version.empty(
                "network name is required and cannot be empty",
                f"{fails('')}network creation failed: name cannot be empty",
            ),
        },
        # NET-17, NET-20: one job, `long`, is on the network of those that name none.
        "NetworkService.list_networks": {
            "all": [
                {"name": "bridge", "cidr": "172.20.0.0/16", "bridge": "joblet0", "job_count": 1},
                {"name": "lab", "cidr": "10.8.0.5/24", "bridge": "", "job_count": 0},
            ],
        },
        # SDK-14, SDK-48, NET-23, NET-24
        "NetworkService.remove_network": {
            "one": {"success": True, "message": "Network removed successfully"},
            "again": {"success": False, "message": "network not found: lab"},
            "no name": version.empty(
                "network name is required",
                {"success": False, "message": "network name cannot be empty"},
            ),
        },
    }


def _volumes(version: Version) -> Told:
    def fails(name: str) -> str:
        named = f" '{name}'" if version.strict else ""
        return (
            f"VolumeError: Failed to create volume{named}: "
            "failed to create volume: failed to create volume object: "
        )

    cache = {"name": "cache", "size": "1gb", "type": "filesystem"}
    cache["path"] = "/opt/joblet/volumes/cache"
    again = {**cache, "size": "2gb", "type": "memory"}
    return {
        # VOL-04, VOL-06, VOL-07, VOL-10, VOL-12, VOL-13
        "VolumeService.create_volume": {
            "a new one": cache,
            "again": again,
            "a bad name": (
                f"{fails('a b')}invalid volume name: a b "
                "(must contain only alphanumeric characters, hyphens, and underscores)"
            ),
            "a bad size": f"{fails('cache')}invalid size: unsupported size unit:  GB",
            "no size": version.empty(
                "volume size is required (e.g., '1GB', '500MB')",
                f"{fails('cache')}invalid size: size cannot be empty",
            ),
            "a bad type": version.empty(
                "invalid volume_type 'disk': must be 'filesystem' or 'memory'",
                f"{fails('cache')}invalid volume type: disk",
            ),
        },
        # VOL-15 to VOL-18
        "VolumeService.list_volumes": {
            "all": [
                {**again, "created_time": TIME, "job_count": 0},
                {
                    "name": "models",
                    "size": "100MB",
                    "type": "filesystem",
                    "path": "/opt/joblet/volumes/models",
                    "created_time": TIME,
                    "job_count": 0,
                },
            ],
        },
        # VOL-20, VOL-21
        "VolumeService.remove_volume": {
            "one": {"success": True, "message": "Volume removed successfully"},
            "again": {"success": False, "message": "volume cache not found"},
            "no name": version.empty(
                "volume name is required",
                {"success": False, "message": "volume  not found"},
            ),
        },
    }


def _monitoring() -> Told:
    every = {
        "timestamp": TIME,
        "host": Holding(hostname="joblet-host", architecture="amd64", boot_time=TIME, node_id=UUID),
        "cpu": Holding(cores=4, steal_time=0.0),
        "memory": Holding(total_bytes=8323874816),
        # MON-21: always 0 there.
        "io": Holding(read_rate=0.0, write_rate=0.0),
        "processes": Holding(stopped_processes=0),
    }
    # MON-11: what was not asked for is there all the same, and zero.
    only_cpu = {
        **every,
        "memory": Holding(total_bytes=0, used_bytes=0),
        "io": Holding(total_reads=0),
        "processes": Holding(total_processes=0, total_threads=0),
    }
    return {
        "MonitoringService.get_system_status": {
            # MON-12: only here, never in the stream.
            "now": Holding(**every, available=True, server_version=Holding(component="joblet")),
        },
        "MonitoringService.stream_system_metrics": {
            "three": [Holding(**every)] * 3,
            "only cpu": [only_cpu],
        },
    }


def _runtimes(version: Version) -> Told:
    listed = {**PYTHON, **LISTED}
    # RT-08
    info = {**PYTHON, "size_bytes": 0, "packages": ["numpy"]}
    info["requirements"] = {"architectures": [], "gpu": True}
    works = {
        "success": True,
        "output": "Runtime resolution successful",
        "error": "",
        "exit_code": 0,
    }
    installed = [
        Holding(name=name, language="go", version="1.0.0", available=True, **LISTED)
        for name in (("go-1.22", "go-1.23") if version.installs else ())
    ]
    required = "runtime name is required"
    return {
        "RuntimeService.list_runtimes": {
            "all": [listed],
            "installed": [*installed, listed],
            "left": installed,
        },
        # SDK-14, RT-05, RT-07
        "RuntimeService.get_runtime_info": {
            "one": info,
            "by its language": info,
            "none": "RuntimeNotFoundError: Runtime ruby-3.2 not found",
            "no name": f"RuntimeNotFoundError: Failed to get runtime info: {required}",
        },
        # RT-10 to RT-12
        "RuntimeService.test_runtime": {
            "one": works,
            "by its language": works,
            "none": {
                "success": False,
                "output": "",
                "error": "runtime not found: runtime not found for spec ruby-3.2",
                "exit_code": 1,
            },
            "no name": f"RuntimeNotFoundError: Failed to test runtime: {required}",
        },
        # RT-13 to RT-16
        "RuntimeService.remove_runtime": {
            "one": {
                "success": True,
                "message": "Runtime 'python-3.11-ml' removed successfully (all versions)",
                "freed_space_bytes": 1000,
            },
            "again": {
                "success": False,
                "message": "Runtime 'python-3.11-ml' not found",
                "freed_space_bytes": 0,
            },
            "no name": {
                "success": False,
                "message": "Runtime name is required",
                "freed_space_bytes": 0,
            },
        },
    }


def _progress(message: object) -> dict[str, object]:
    """Give a progress message: the steps are never told (RT-39)."""
    return {"type": "progress", "message": message, "step": 0, "total_steps": 0}


def _installs() -> Told:
    fails = "RuntimeError: Failed to install runtime: "
    no_handler = "method {}InstallRuntimeFromLocal not implemented"
    streamed = re.escape(no_handler.format("Streaming"))
    invalid = {"valid": False}
    good = {"valid": True, "message": "Runtime spec is valid"}
    return {
        # RT-37, RT-38, RT-40, RT-42
        "RuntimeService.install_runtime_from_github": {
            "no spec": f"{fails}runtime spec is required",
            "one": {
                "build_job_uuid": "",
                "runtime_spec": "go-1.22",
                "status": "completed",
                "message": "Runtime installed successfully",
                "repository": "org/repository",
                "resolved_path": "runtimes/go-1.22",
            },
            "a failing one": Like(f"{fails}runtime installation failed: .*exit status 1"),
            "followed": Stream(
                [
                    _progress("📦 Cloning repository..."),
                    _progress("Extracting repository..."),
                    _progress("Repository extracted successfully"),
                    _progress("🏗️  Running setup script..."),
                ],
                [
                    {
                        "type": "result",
                        "success": True,
                        "message": "Runtime installed successfully",
                        "runtime_spec": "go-1.23",
                        "install_path": Like(r"/opt/joblet/runtimes/.*/runtime\.yml"),
                    },
                ],
            ),
            "failing, followed": Stream(
                [
                    _progress("🚀 Starting installation from external registry"),
                    _progress("📦 Parsing runtime specification: broken-1"),
                    _progress(Like("📡 Fetching registry from https://.*")),
                ],
                [
                    {"type": "log", "data": "no gcc\n"},
                    {
                        "type": "result",
                        "success": False,
                        "message": Like("Runtime installation failed: .*exit status 1"),
                        "runtime_spec": "broken-1",
                        "install_path": "",
                    },
                ],
            ),
        },
        # SURF-05; the stream's error is gRPC's own: it comes when nobody catches it any more.
        "RuntimeService.install_runtime_from_local": {
            "one": f"{fails}{no_handler.format('')}",
            "followed": Like(rf"(?s)_MultiThreadedRendezvous: .*UNIMPLEMENTED.*{streamed}.*"),
        },
        # RT-43
        "RuntimeService.validate_runtime_spec": {
            "good": {
                **good,
                "normalized_spec": "python:3.11-ml@arm64",
                "spec_info": {
                    "language": "python",
                    "version": "3.11",
                    "variants": ["ml"],
                    "architecture": "arm64",
                },
            },
            "amd64": {
                **good,
                "normalized_spec": "python:3.11",
                "spec_info": {
                    "language": "python",
                    "version": "3.11",
                    "variants": [],
                    "architecture": "amd64",
                },
            },
            "with dashes": {
                **invalid,
                "message": "Runtime spec must be in format language:version (e.g., python:3.11)",
                "normalized_spec": "python-3.11-ml",
            },
            "a language": {
                **invalid,
                "message": (
                    "Unsupported language: cobol. Supported: python, java, golang, node, ruby, php"
                ),
                "normalized_spec": "cobol:1",
            },
            "empty": {
                **invalid,
                "message": "Runtime spec cannot be empty",
                "normalized_spec": "",
            },
        },
    }


def _builds() -> Told:
    # SDK-46: methods of newer servers.
    unknown = "unknown method {} for service joblet.RuntimeService"
    return {
        "RuntimeService.build_runtime": {
            "one": f"RuntimeError: Failed to build runtime: {unknown.format('BuildRuntime')}",
        },
        "RuntimeService.validate_runtime_yaml": {
            "one": (
                "ValidationError: Failed to validate runtime YAML: "
                f"{unknown.format('ValidateRuntimeYAML')}"
            ),
        },
    }
