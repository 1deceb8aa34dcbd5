"""Values of a type that can't be, told by what was written and what is right."""

from __future__ import annotations


def check_whole(written: str, value: object, right: str = "a whole number") -> None:
    """See that something is a whole number.

    Args:
        written: where it stands, the beginning of the error's text.
        value: what stands there.
        right: what is right.

    Raises:
        TypeError: it is none.

    >>> check_whole("attempt('1')", "1")
    Traceback (most recent call last):
    TypeError: attempt('1'): give a whole number
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{written}: give {right}")


def check_number(written: str, value: object, right: str = "a number of seconds") -> None:
    """See that something is a number; otherwise like `check_whole`.

    >>> check_number("sleeps('5')", "5")
    Traceback (most recent call last):
    TypeError: sleeps('5'): give a number of seconds
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{written}: give {right}")


def check_texts(written: str, value: object, right: str = "a list of texts") -> None:
    """See that something is a sequence of texts, and no text itself; otherwise like `check_whole`.

    >>> check_texts("args='abc'", "abc")
    Traceback (most recent call last):
    TypeError: args='abc': give a list of texts
    """
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise TypeError(f"{written}: give {right}")


def check_text(written: str, value: object, right: str = "text") -> None:
    """See that something is text; otherwise like `check_whole`.

    >>> check_text("fails_to_start(5)", 5, "the reason as text")
    Traceback (most recent call last):
    TypeError: fails_to_start(5): give the reason as text
    """
    if not isinstance(value, str):
        raise TypeError(f"{written}: give {right}")
