"""Watches over real processes from a process of its own, and cleans up when its parent dies.

Run as a script, with as little import as possible. It reads lines from stdin: `+N` and `-N` name
a process group that lives or is gone, `D path` the folder to remove. When stdin ends, for whatever
reason, it kills the groups that are left and removes the folder.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time

TRIES = 20
PAUSE = 0.05
"""Real seconds between two tries: a killed process may still write while it dies."""


def remove(folder: str) -> None:
    """Remove a folder with all that is in it, folders without permissions too.

    Args:
        folder: its path; one that is not there is fine.
    """
    for place in range(TRIES):
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.lexists(folder):
            return
        if place:
            time.sleep(PAUSE)
        for parent, folders, _ in os.walk(folder):
            for name in folders:
                path = os.path.join(parent, name)  # noqa: PTH118 - pathlib is slow to import
                with contextlib.suppress(OSError):
                    if not os.path.islink(path):  # noqa: PTH114 - as above
                        os.chmod(path, 0o700)  # noqa: PTH101 - as above


def main() -> None:
    """Watch until stdin ends."""
    for interrupt in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(interrupt, signal.SIG_IGN)
    groups: set[int] = set()
    folder = ""
    for line in sys.stdin:
        kind, rest = line[0], line[1:].rstrip("\n")
        if kind == "+":
            groups.add(int(rest))
        elif kind == "-":
            groups.discard(int(rest))
        else:
            folder = rest.lstrip()
    for group in groups:
        try:
            os.killpg(group, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue
    if folder:
        remove(folder)


if __name__ == "__main__":
    main()
