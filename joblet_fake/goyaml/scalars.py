"""What a plain YAML text is to the real server's library: null, a number, a text."""

from __future__ import annotations

import re
from typing import Final, TypeAlias

Scalar: TypeAlias = "bool | int | float | str | None"

NULL: Final = "!!null"
BOOL: Final = "!!bool"
STR: Final = "!!str"
INT: Final = "!!int"
FLOAT: Final = "!!float"
TIMESTAMP: Final = "!!timestamp"
BINARY: Final = "!!binary"
MERGE: Final = "!!merge"

RESOLVED: Final = ("", STR, BOOL, INT, FLOAT, NULL, TIMESTAMP)
NAMED: Final[dict[str, tuple[str, Scalar]]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), (NULL, None)),
    **dict.fromkeys(("true", "True", "TRUE"), (BOOL, True)),
    **dict.fromkeys(("false", "False", "FALSE"), (BOOL, False)),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), (FLOAT, float("nan"))),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), (FLOAT, float("inf"))),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), (FLOAT, float("-inf"))),
    "<<": (MERGE, "<<"),
}
NUMERIC: Final = re.compile(r"[-+.0-9]")
INTEGER: Final = re.compile(
    r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))",
)
BASES: Final = (16, 2, 8, 10)
DECIMAL: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
DATE: Final = re.compile(
    r"\d{4}-\d{1,2}-\d{1,2}"
    r"([Tt]\d{1,2}:\d{1,2}:\d{1,2}([.,]\d+)?(Z|[-+]\d\d:\d\d)"
    r"| \d{1,2}:\d{1,2}:\d{1,2}([.,]\d+)?)?",
    re.ASCII,
)
LONGEST: Final = 64
"""The most digits of a number that any base can hold in 64 bits."""
LOWEST: Final = -(2**63)
HIGHEST: Final = 2**64 - 1


class TagError(ValueError):
    """A text does not fit the tag that it was given."""


def resolve(tag: str, text: str) -> tuple[str, Scalar]:
    """Tell what a scalar is.

    Args:
        tag: its short tag; "" for a plain one without.
        text: what was written.

    Returns:
        The tag that it has, and the value; a date's is its text.

    Raises:
        TagError: the tag demands something else.

    >>> resolve("", "0x1F"), resolve("", "yes"), resolve("", "~")
    (('!!int', 31), ('!!str', 'yes'), ('!!null', None))
    """
    if tag not in RESOLVED:
        return tag, text
    if tag == STR:
        return STR, text
    found, value = _plain(text, dates=tag in ("", TIMESTAMP))
    if tag == FLOAT and found == INT and isinstance(value, int):
        return FLOAT, float(value)
    if tag not in ("", found):
        raise TagError(f"cannot decode {found} `{text}` as a {tag}")
    return found, value


def _plain(text: str, *, dates: bool) -> tuple[str, Scalar]:
    named = NAMED.get(text)
    if named is not None:
        return named
    if not NUMERIC.match(text):
        return STR, text
    if text[0] != ".":
        if dates and DATE.fullmatch(text):
            return TIMESTAMP, text
        text_number = text.replace("_", "")
        number = _integer(text_number)
        if number is not None:
            return INT, number
    else:
        text_number = text
    if DECIMAL.fullmatch(text_number):
        value = float(text_number)
        if value not in (float("inf"), float("-inf")):
            return FLOAT, value
    return STR, text


def _integer(text: str) -> int | None:
    match = INTEGER.fullmatch(text)
    if match is None:
        return None
    sign, *digits = match.groups()
    base, number = next((base, each) for base, each in zip(BASES, digits, strict=True) if each)
    number = number.lstrip("0") or "0"
    if len(number) > LONGEST:
        return None
    value = int(f"{sign}{number}", base)
    unsigned = value >= 0 and not sign
    return value if LOWEST <= value <= (HIGHEST if unsigned else -LOWEST - 1) else None
