"""What becomes the command: it reads its orders from the environment, which clients can change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from joblet_fake.model import system_lines
from joblet_fake.programs.steps import Stdout

if TYPE_CHECKING:
    from joblet_fake.programs.context import Context
    from joblet_fake.programs.steps import Program, Steps

EXECUTE: Final = "execute"
MODES: Final = ("init", "server")
"""The modes that a launcher can be in; as a server it would be another program."""


def failing(lines: bytes) -> Program:
    """Give what a launcher does that fails before it becomes the command."""

    def fail(_context: Context) -> Steps:
        yield Stdout(lines)
        return 1

    return fail


def before_command(context: Context, now_ns: int) -> tuple[bytes, bool]:
    """Say what a job's launcher writes before it becomes the command (JOB-RUN-84).

    Args:
        context: the job from the inside, the client's variables in it.
        now_ns: when, nanoseconds since 1970.

    Returns:
        The lines, which are none for a job whose client does not meddle; and whether the job
        fails there, with exit code 1.
    """
    environment = context.environment
    mode, phase, uuid = (environment[name] for name in ("JOBLET_MODE", "JOB_PHASE", "JOB_ID"))
    if mode not in MODES:
        return system_lines.unconfigured(now_ns, mode), True
    if phase == "upload":
        return system_lines.upload_phase(now_ns, uuid), True
    lines = b""
    if phase != EXECUTE:
        lines = system_lines.no_phase(now_ns, uuid)
        if phase:
            return lines + system_lines.unknown_phase(now_ns, phase), True
    if uuid != context.job.uuid:
        lines += system_lines.other_id(now_ns, context.job.uuid, uuid)
    return lines, False
