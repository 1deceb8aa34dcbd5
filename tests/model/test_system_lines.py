from __future__ import annotations

import re

from joblet_fake.model import system_lines

MOMENT = 1_767_225_600_123_999_999
STAMP = "[2026-01-01T00:00:00.123Z] "


def test_an_unknown_command() -> None:
    """JOB-LOG-31: the whole value in quotes, quotes inside not escaped."""
    line = system_lines.unknown_command(MOMENT, 'a "b"').decode()
    assert line == (
        STAMP + "[ERROR] [init] joblet failed | component=main "
        'error="job execution failed: config job.command: runtime not found: a "b""\n'
    )


def test_a_path_that_cannot_be_executed() -> None:
    """JOB-LOG-33."""
    first, second = system_lines.exec_failed(MOMENT, "u", "permission denied").decode().splitlines()
    assert first == (
        STAMP + "[ERROR] [init] exec failed - job will not appear as PID 1 | "
        'component=job-executor jobId=u mode=init error="permission denied"'
    )
    assert second == (
        STAMP + "[ERROR] [init] joblet failed | component=main "
        'error="job execution failed: execution failed: permission denied"'
    )


def test_every_line_has_the_servers_form() -> None:
    """JOB-LOG-30."""
    form = r"\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\] \[(WARN|ERROR)\] (\[init\] )?[^|]+ \| .+"
    lines = (
        system_lines.unknown_command(MOMENT, "x")
        + system_lines.exec_failed(MOMENT, "u", "r")
        + system_lines.missing_volume(MOMENT, "u", "v")
        + system_lines.missing_runtime(MOMENT, "u", "r", "gone")
    )
    assert lines.endswith(b"\n")
    for line in lines.decode().splitlines():
        assert re.fullmatch(form, line)


def test_a_missing_runtime_is_told_twice() -> None:
    """JOB-RUN-63, as a real server wrote it."""
    first, second = (
        system_lines.missing_runtime(MOMENT, "u", "a-b", "runtime not found for spec a-b")
        .decode()
        .splitlines()
    )
    reason = (
        "filesystem u: operation setup: failed to mount runtime: failed to mount runtime a-b: "
        "failed to resolve runtime path for a-b: runtime not found for spec a-b"
    )
    assert first == (
        STAMP + "[ERROR] [init] filesystem isolation setup failed | "
        f'jobId=u mode=init component=isolator error="{reason}"'
    )
    assert second == (
        STAMP + "[ERROR] [init] joblet failed | component=main "
        f'error="job isolation setup failed: filesystem : operation isolation: {reason}"'
    )
