"""The lines that a server itself writes into a job's output (JOB-LOG-30)."""

from __future__ import annotations

from datetime import timedelta

from joblet_fake.clock import EPOCH


def _line(now_ns: int, level: str, message: str, **fields: str) -> bytes:
    moment = EPOCH + timedelta(microseconds=now_ns // 1000)
    stamp = f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
    # The real order of the fields is random; this is one that was seen.
    shown = " ".join(f"{key}={_quoted(value)}" for key, value in fields.items())
    return f"[{stamp}] {level} {message} | {shown}\n".encode()


def _quoted(text: str) -> str:
    # What has a blank is quoted; quotes inside are not escaped (JOB-LOG-31).
    return f'"{text}"' if " " in text else text


def unknown_command(now_ns: int, command: str) -> bytes:
    """Give the line of a job whose command is not found (JOB-LOG-31)."""
    error = f"job execution failed: config job.command: runtime not found: {command}"
    return _line(now_ns, "[ERROR] [init]", "joblet failed", component="main", error=error)


def exec_failed(now_ns: int, uuid: str, reason: str) -> bytes:
    """Give the lines of a job whose command is a path that can't be executed (JOB-LOG-33)."""
    error = f"job execution failed: execution failed: {reason}"
    return _line(
        now_ns,
        "[ERROR] [init]",
        "exec failed - job will not appear as PID 1",
        component="job-executor",
        jobId=uuid,
        mode="init",
        error=reason,
    ) + _line(now_ns, "[ERROR] [init]", "joblet failed", component="main", error=error)


def unconfigured(now_ns: int, mode: str) -> bytes:
    """Give the line of a launcher that was told to be in a mode that it does not know."""
    moment = EPOCH + timedelta(microseconds=now_ns // 1000)
    reason = f"configuration validation failed: invalid server mode: {mode}"
    return f"{moment:%Y/%m/%d %H:%M:%S} Failed to load configuration: {reason}\n".encode()


def upload_phase(now_ns: int, uuid: str) -> bytes:
    """Give the lines of a job that is told to take uploads which nobody sends (JOB-RUN-84)."""
    told = {"mode": "init", "jobId": uuid}
    return (
        _line(now_ns, "[INFO] [init]", "starting upload phase in isolation", **told)
        + _line(
            now_ns,
            "[INFO] [init]",
            "process assigned to cgroup, starting upload processing",
            **told,
        )
        + _line(
            now_ns,
            "[ERROR] [init]",
            "joblet failed",
            component="main",
            error="no upload data provided",
        )
    )


def no_phase(now_ns: int, uuid: str) -> bytes:
    """Give the line of a job whose phase is none that the launcher knows."""
    message = "no phase specified, assuming execute phase"
    return _line(now_ns, "[WARN] [init]", message, mode="init", jobId=uuid)


def unknown_phase(now_ns: int, phase: str) -> bytes:
    """Give the line of a job that fails for its phase."""
    error = f"job execution failed: config job.phase: unknown phase: {phase}"
    return _line(now_ns, "[ERROR] [init]", "joblet failed", component="main", error=error)


def other_id(now_ns: int, uuid: str, shown: str) -> bytes:
    """Give the line of a job whose JOB_ID is another's (JOB-RUN-84)."""
    return _line(
        now_ns,
        "[WARN] [init]",
        "cgroup content doesn't contain job ID, but assignment may still be correct",
        mode="init",
        jobId=shown,
        jobID=shown,
        cgroupContent=f"0::/joblet.slice/joblet.service/job-{uuid}/proc",
    )


def missing_volume(now_ns: int, uuid: str, volume: str, problem: str = "") -> bytes:
    """Give the two lines of a volume that can't be mounted; the job runs on (VOL-27).

    Args:
        now_ns: the present moment.
        uuid: the job.
        volume: its name, as the job has it.
        problem: what the system says of its path; "" when it does not exist.
    """
    path = f"/opt/joblet/volumes/{volume}/data"
    if problem:
        reason = f"failed to stat volume directory: stat {path}: {problem}"
        first = _line(
            now_ns,
            "[ERROR]",
            "failed to stat volume directory",
            component="filesystem-isolator",
            jobID=uuid,
            volume=volume,
            error=f"stat {path}: {problem}",
            hostVolumePath=path,
        )
    else:
        reason = f"volume {volume} does not exist at {path}"
        first = _line(
            now_ns,
            "[WARN]",
            "volume does not exist",
            component="filesystem-isolator",
            jobID=uuid,
            volume=volume,
            volumeName=volume,
            hostVolumePath=path,
        )
    return first + _line(
        now_ns,
        "[WARN]",
        "failed to mount volume",
        component="filesystem-isolator",
        jobID=uuid,
        volume=volume,
        operation="mount-volumes",
        error=reason,
    )


def missing_runtime(now_ns: int, uuid: str, runtime: str, problem: str) -> bytes:
    """Give the two lines of a runtime that can't be found; the job fails (JOB-RUN-63).

    Args:
        now_ns: the moment.
        uuid: the job.
        runtime: the runtime, as it was sent.
        problem: why.
    """
    return _not_isolated(
        now_ns,
        uuid,
        f"failed to mount runtime: failed to mount runtime {runtime}: "
        f"failed to resolve runtime path for {runtime}: {problem}",
    )


def no_room(now_ns: int, uuid: str) -> bytes:
    """Give the two lines of a job for whose root the disk has no room (FAULT-04)."""
    folder = f"/opt/joblet/jobs/{uuid}/etc"
    return _not_isolated(
        now_ns,
        uuid,
        f"failed to create essential directories: failed to create directory {folder}: "
        f"mkdir {folder}: no space left on device",
    )


def _not_isolated(now_ns: int, uuid: str, problem: str) -> bytes:
    reason = f"filesystem {uuid}: operation setup: {problem}"
    return _line(
        now_ns,
        "[ERROR] [init]",
        "filesystem isolation setup failed",
        jobId=uuid,
        mode="init",
        component="isolator",
        error=reason,
    ) + _line(
        now_ns,
        "[ERROR] [init]",
        "joblet failed",
        component="main",
        error=f"job isolation setup failed: filesystem : operation isolation: {reason}",
    )
