"""What a file system says of the names that clients send."""

from __future__ import annotations

from typing import Final

NAME_LIMIT: Final = 255
"""The longest name of a file or folder, in bytes (PER-87)."""
PATH_LIMIT: Final = 4095
"""The longest path, in bytes."""


def name_problem(path: str) -> str:
    """Say why no file can have a path; "" if one can (PER-87).

    >>> name_problem("/opt/a"), name_problem("/opt/" + "a" * 256)
    ('', 'file name too long')
    """
    if "\0" in path:
        return "invalid argument"
    size = len(path.encode())
    if size > PATH_LIMIT or any(len(part.encode()) > NAME_LIMIT for part in path.split("/")):
        return "file name too long"
    return ""
