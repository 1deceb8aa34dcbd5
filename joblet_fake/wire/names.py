"""How a method is named: in full, by service, or by itself where that is unique."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from joblet_fake.wire.method import Method


def find(methods: Iterable[Method], name: str, version: str) -> Method:
    """Give the one method that a name means.

    Args:
        methods: the methods of a version.
        name: what somebody wrote.
        version: for the error's text.

    Raises:
        ValueError: none or several have the name; the message says what would be right.
    """
    every = list(methods)
    text = name.removeprefix("/").replace("/", ".")
    found = [method for method in every if text in (method.key, method.name, method.full_name)]
    if len(found) == 1:
        return found[0]
    if found:
        keys = " or ".join(sorted(repr(method.key) for method in found))
        raise ValueError(f"{name!r} is ambiguous in API {version}: write {keys}")
    short = text.rpartition(".")[2].lower()
    spellings = {method.name.lower(): method.name for method in every}
    near = [spellings[match] for match in get_close_matches(short, spellings, n=3, cutoff=0.6)]
    keys = ", ".join(sorted(method.key for method in every if method.name in near))
    if keys:
        raise ValueError(f"API {version} has no method {name!r}; near: {keys}")
    services = ", ".join(sorted({method.service.rpartition(".")[2] for method in every}))
    raise ValueError(
        f"API {version} has no method {name!r}: write Service.Method, with one of {services}",
    )
