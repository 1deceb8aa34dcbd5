"""Which options a test's fake starts with, and what is said to one that can't be."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest

from joblet_fake import FakeJoblet, Options

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def possible() -> tuple[str, ...]:
    """Give the names of all options of a fake, as they stand in its signature."""
    return tuple(inspect.signature(FakeJoblet).parameters)


def check_names(names: Iterable[str], source: str) -> None:
    """Refuse options that a fake does not have.

    Args:
        names: the options' names.
        source: where they stand, the beginning of the error's text.

    Raises:
        pytest.fail.Exception: one is unknown; the text lists the possible ones.
    """
    unknown = [name for name in names if name not in possible()]
    if unknown:
        pytest.fail(
            f"{source}: FakeJoblet has no option {', '.join(unknown)}; "
            f"its options: {', '.join(possible())}",
            pytrace=False,
        )


def marked(node: pytest.Item | pytest.Collector) -> dict[str, Any]:
    """Give the options of a node's `joblet` markers; the closest one wins.

    Raises:
        pytest.fail.Exception: a marker has positional arguments, an unknown option, or a value
            that can't be.
    """
    options: dict[str, Any] = {}
    for marker in reversed(list(node.iter_markers("joblet"))):
        if marker.args:
            arguments = ", ".join(map(repr, marker.args))
            pytest.fail(
                f"@pytest.mark.joblet({arguments}): the marker takes keywords alone; "
                f"FakeJoblet's options: {', '.join(possible())}",
                pytrace=False,
            )
        check_names(marker.kwargs, "@pytest.mark.joblet")
        reason = refusal(marker.kwargs)
        if reason is not None:
            pytest.fail(f"@pytest.mark.joblet: {reason}", pytrace=False)
        options.update(marker.kwargs)
    return options


def make(options: Mapping[str, Any]) -> FakeJoblet:
    """Make a fake, not yet started.

    Raises:
        pytest.fail.Exception: an option is unknown or has a value that can't be.
    """
    check_names(options, "joblet_options")
    try:
        return FakeJoblet(**options)
    except (TypeError, ValueError) as error:
        reason = str(error)
    # Out here it is no error while another one is handled: pytest would print both.
    pytest.fail(f"FakeJoblet: {reason}", pytrace=False)


def refusal(options: Mapping[str, Any]) -> str | None:
    """Tell why a fake can't have some options; None if it can."""
    try:
        Options(**options)
    except (TypeError, ValueError) as error:
        return str(error)
    return None
