"""What a service gives back: a message, one that comes later, a stream, or a question."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from joblet_fake.model.errors import Refusal
    from joblet_fake.model.feed import Feed
    from joblet_fake.model.outcome import Outcome
    from joblet_fake.services.status import StatusError

Fields: TypeAlias = Mapping[str, object]
"""A message's fields, by their newest names."""


@dataclass(frozen=True, slots=True)
class Streamed:
    """A server stream.

    Attributes:
        feed: where its messages come from.
        encode: turns one of the feed's items into a message's bytes.
        refused: turns the feed's refusal into what the client gets.
    """

    feed: Feed[Any]
    encode: Callable[[Any], bytes]
    refused: Callable[[Refusal], StatusError]


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer that needs the test's own code first, or long work of ours.

    Attributes:
        question: calls that code: never under the model's lock, nor on the loop's thread.
        go_on: takes what it gave; runs under the model's lock.
        of_test: whether it is the test's, which has a time to come back in.
    """

    question: Callable[[], Any]
    go_on: Callable[[Any], Answer]
    of_test: bool = True


Answer: TypeAlias = "bytes | Outcome[Any] | Streamed | Asked"
"""What a handler gives; an outcome is of another answer."""

Handler: TypeAlias = Callable[[Any], Answer]
"""Takes a decoded request, which it leaves as it is; runs under the model's lock."""
