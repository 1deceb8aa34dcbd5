"""What a test can say of an installation, and what it can't."""

from __future__ import annotations

from typing import Any

import pytest

from joblet_fake.model.runtime_script import Installs, InstallScript


@pytest.mark.parametrize(
    ("say", "error", "text"),
    [
        (lambda: InstallScript(3), TypeError, "give text"),  # type: ignore[arg-type]
        (lambda: InstallScript("a@1.0.0"), ValueError, "the name alone"),
        (lambda: InstallScript().prints(3), TypeError, "text or bytes"),  # type: ignore[arg-type]
        (lambda: InstallScript().sleeps(-1), ValueError, "0 or more"),
        (lambda: InstallScript().sleeps(float("nan")), ValueError, "0 or more"),
        (lambda: InstallScript().sleeps(float("inf")), ValueError, "0 or more"),
        (lambda: InstallScript().exits(256), ValueError, "0 to 255"),
        (
            lambda: InstallScript().exits("1"),
            TypeError,
            r"exits\('1'\): give an exit code, a",
        ),
        (lambda: InstallScript().sleeps("5"), TypeError, r"sleeps\('5'\): give a number of sec"),
        (lambda: InstallScript().exits(-1), ValueError, "0 to 255"),
        (lambda: InstallScript().fails("x", at="lunch"), ValueError, "registry, download"),
        (lambda: InstallScript().prints("x").fails("y", at="download"), ValueError, "after that"),
        (lambda: InstallScript().exits(1).prints("x"), ValueError, r"after exits\(1\)"),
        (lambda: InstallScript().fails("x").exits(0), ValueError, "has ended there"),
        (lambda: InstallScript().provides(size=-1), ValueError, "0 or more"),
        (lambda: InstallScript().provides("x/y"), ValueError, "no version"),
    ],
)
def test_what_makes_no_sense_is_refused_when_it_is_said(
    say: Any, error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        say()


def test_the_most_specific_say_wins_and_the_last_among_equals() -> None:
    installs = Installs()
    every, named, both, last = (
        installs.add(InstallScript(*conditions))
        for conditions in ((), ("a",), ("a", "me/mine"), ("a",))
    )

    assert installs.choose("b", "") is every
    assert installs.choose("a", "me/mine") is both
    assert installs.choose("a", "") is last
    assert installs.choose("a", "other") is last
    assert named is not last
    assert repr(both) == "on_install('a', repository='me/mine')"


def test_a_say_about_the_registry_is_not_about_repositories() -> None:
    installs = Installs()
    registry = installs.add(InstallScript("a", ""))

    assert installs.choose("a", "") is registry
    assert installs.choose("a", "me/mine") is not registry
