"""What is said to a fault rule that is written wrongly: at once, and what would be right."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import quote

from joblet_fake.services import CODES
from joblet_fake.words import near

if TYPE_CHECKING:
    from joblet_fake.exchange.fault_actions import Trailers

KEY: Final = re.compile(r"[0-9a-z_.-]+")
"""A metadata key."""

LONGEST: Final = 100 * 366 * 86_400.0
"""The longest delay in seconds, a century."""

MOST_DETAILS: Final = 6_000
"""How long an error's text can be as gRPC sends it, so that every client takes it."""

UNQUOTED: Final = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")
"""The characters of a text that gRPC sends as they are; of others each byte takes three."""

TEXT: Final = re.compile(r"[\x20-\x7e]*")
"""A metadata value that is no bytes."""


def whole(written: str, value: object, *, least: int = 1) -> int:
    """Give a whole number out of a rule.

    Args:
        written: the part of the rule that has it, the beginning of the error's text.
        value: what stands there.
        least: the least that makes sense.

    Raises:
        TypeError: it is no whole number.
        ValueError: it is too small.

    >>> whole("times(2)", 2)
    2
    >>> whole("times(-1)", -1)
    Traceback (most recent call last):
    ValueError: times(-1): the least is 1
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{written}: it takes a whole number")
    if value < least:
        raise ValueError(f"{written}: the least is {least}")
    return value


def sendable(written: str, details: str) -> None:
    """Refuse details that no client would get.

    Raises:
        ValueError: they are longer than gRPC's clients take metadata.

    >>> sendable("fail('INTERNAL', ...)", "no" * 10_000)
    Traceback (most recent call last):
    ValueError: fail('INTERNAL', ...): details of 20,000 bytes: clients take 6,000 of metadata, \
and see RESOURCE_EXHAUSTED in place of more
    """
    size = len(quote(details, safe=UNQUOTED))
    if size > MOST_DETAILS:
        raise ValueError(
            f"{written}: details of {size:,} bytes: clients take {MOST_DETAILS:,} of metadata, and "
            "see RESOURCE_EXHAUSTED in place of more"
        )


def length(written: str, value: object, *, most: float = math.inf) -> float:
    """Give a number of seconds out of a rule.

    Raises:
        TypeError: it is no number.
        ValueError: it is no length of time, or longer than any clock goes.

    >>> length("delay(0)", 0)
    Traceback (most recent call last):
    ValueError: delay(0): it takes a number of seconds above 0
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{written}: it takes a number of seconds")
    if not 0 < value < math.inf:
        raise ValueError(f"{written}: it takes a number of seconds above 0")
    if value > most:
        raise ValueError(
            f"{written}: no clock goes on for so long: {most:g} s are the most, and .stall() is "
            "for ever"
        )
    return float(value)


def share(value: object) -> float:
    """Give a probability out of a rule.

    Raises:
        TypeError: it is no number.
        ValueError: it is none between 0 and 1; with 0 the rule could never hit.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"probability({value!r}): it takes a number above 0, 1 at most")
    if not 0 < value <= 1:
        raise ValueError(f"probability({value!r}): it takes a number above 0, 1 at most")
    return float(value)


def code_name(code: object) -> str:
    """Give a code's name, written as text or as a member of `grpc.StatusCode`.

    Raises:
        ValueError: there is no such code, or it is OK, which is no failure.

    >>> code_name("Unavailible")
    Traceback (most recent call last):
    ValueError: fail('Unavailible'): there is no such code; near: 'UNAVAILABLE'
    """
    name = getattr(code, "name", code)
    if name == "OK":
        raise ValueError("fail('OK'): OK is no failure; end() ends a stream early with OK")
    if isinstance(name, str) and name in CODES:
        return name
    raise ValueError(f"fail({code!r}): there is no such code; {near(str(name), CODES[1:])}")


def predicate_name(when: object) -> str:
    """Give what a predicate is called.

    Raises:
        TypeError: it can't be called, or only awaited.

    >>> predicate_name(lambda call: call.role == "viewer")
    '<lambda>'
    """
    if not callable(when):
        raise TypeError(
            f"when={when!r}: it takes a predicate over the call, such as "
            "lambda call: call.request.command == 'train'",
        )
    if inspect.iscoroutinefunction(when):
        raise TypeError("when= takes a plain function: nobody would await this one")
    return str(getattr(when, "__name__", when))


def trailers(given: object) -> Trailers:
    """Give trailing metadata as pairs, from a mapping or from pairs.

    Raises:
        TypeError: it is neither.
        ValueError: a key or a value can't be sent.

    >>> trailers({"retry-after": "3", "detail-bin": b"x"})
    (('retry-after', '3'), ('detail-bin', b'x'))
    >>> trailers({"Retry-After": "3"})
    Traceback (most recent call last):
    ValueError: trailers: 'Retry-After' is no key of metadata; near: 'retry-after'
    """
    if given is None:
        return ()
    try:
        pairs = [
            (key, value)
            for key, value in (
                given.items() if isinstance(given, Mapping) else cast("Trailers", given)
            )
        ]
    except (TypeError, ValueError):
        raise TypeError(
            f"trailers={given!r}: they are a mapping or pairs, such as {{'retry-after': '3'}}",
        ) from None
    for key, value in pairs:
        if not isinstance(key, str) or not KEY.fullmatch(key):
            right = re.sub(r"[^0-9a-z_.-]", "-", str(key).lower())
            raise ValueError(f"trailers: {key!r} is no key of metadata; near: {right!r}")
        if key.startswith("grpc-"):
            raise ValueError(f"trailers: {key!r}: keys that begin with grpc- are gRPC's own")
        binary = key.endswith("-bin")
        if isinstance(value, bytes) != binary or not isinstance(value, str | bytes):
            right = f"{key}: bytes" if binary else f"{key}: text, or {key}-bin: bytes"
            raise ValueError(f"trailers: {key!r} has the value {value!r}; right is {right}")
        if isinstance(value, str) and not TEXT.fullmatch(value):
            raise ValueError(f"trailers: {value!r} is not printable ASCII; bytes go into {key}-bin")
    return tuple(pairs)
