"""What must be so before anything else is loaded, if this process is the command `joblet-fake`.

Loading takes most of a second. Whoever presses Ctrl-C meanwhile wants an end, not a traceback; and
gRPC writes lines of its own to stderr, for every stranger that connects, unless it is told not to
before it is loaded.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import FrameType

INTERRUPTED: Final = 130
"""What a command exits with that Ctrl-C has ended, as shells have it."""


def is_command() -> bool:
    """Tell whether this process was started as `joblet-fake` or as `python -m joblet_fake`."""
    program = sys.argv[0] if sys.argv else ""
    if program == "-m":  # as long as the module that it names is being looked for
        return "joblet_fake" in sys.orig_argv
    return PurePath(program).name.removesuffix(".exe") == "joblet-fake"


def _end(_number: int, _frame: FrameType | None) -> None:
    os._exit(INTERRUPTED)


def end_quietly() -> None:
    """Have Ctrl-C end the process without a word, until `end_as_usual`."""
    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if usual and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, _end)


def end_as_usual() -> None:
    """Have Ctrl-C raise KeyboardInterrupt again, if it ended the process quietly."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


IS_COMMAND: Final = is_command()
if IS_COMMAND:
    end_quietly()
