"""Watches over real processes from a process of its own, and cleans up when its parent dies.

Run as a script, with as little import as possible. It reads lines from stdin: `+N` and `-N` name
a process group that lives or is gone, `D path` the folder to remove. When stdin ends, for whatever
reason, it kills the groups that are left and removes the folder.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys


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
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
