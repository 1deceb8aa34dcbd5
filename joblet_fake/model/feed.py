"""What a server stream is fed from: messages that are ready, and a waker for those to come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T_co = TypeVar("T_co", covariant=True)


class Feed(Protocol, Generic[T_co]):
    """A stream's source. Everything but `subscribe`'s callback runs under the model's lock."""

    def take(self, limit: int) -> Sequence[T_co]:
        """Give the messages that are ready, at most `limit` of them.

        Raises:
            Refusal: the stream ends with an error, after everything given before.
        """

    @property
    def ended(self) -> bool:
        """Whether nothing will come after what was taken."""

    def subscribe(self, wake: Callable[[], None]) -> None:
        """Have a callback told whenever `take` or `ended` may have something new."""

    def close(self) -> None:
        """End the subscription; the reader is gone."""
