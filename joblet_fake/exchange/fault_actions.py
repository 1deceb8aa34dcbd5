"""What a fault does to a call, as data; and the damage that it does to messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

NO_TAG: Final = b"\xff" * 10
"""What is no field's tag, however much of it is there; some decoders don't look at less."""

Trailers: TypeAlias = tuple[tuple[str, str | bytes], ...]


@dataclass(frozen=True, slots=True)
class Delay:
    """The call waits, on the clock."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Fail:
    """The call ends with a code other than OK."""

    code: str
    details: str = ""
    trailers: Trailers = ()


@dataclass(frozen=True, slots=True)
class End:
    """A stream ends early, and with OK."""


@dataclass(frozen=True, slots=True)
class Stall:
    """The call gets no answer."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The caller's connection ends: closed, or reset."""

    reset: bool = False


@dataclass(frozen=True, slots=True)
class Restart:
    """The whole server crashes and starts again."""


@dataclass(frozen=True, slots=True)
class Damage:
    """Messages are not what they should be.

    Attributes:
        kind: `"truncate"`, `"duplicate"`, `"reorder"` or `"corrupt"`.
        size: how many bytes a truncated message keeps.
        messages: how many messages are damaged at most; None for all that follow.
    """

    kind: str
    size: int = 0
    messages: int | None = None


Action: TypeAlias = Delay | Fail | End | Stall | Cut | Restart | Damage

BOTH_WAYS: Final = ("truncate", "corrupt")
"""The damages that a single message can have; the others need a stream."""


class Damager:
    r"""Does damages to the messages of one call, one damage after another.

    Args:
        damages: what to do, in order.

    Attributes:
        done: whether any message was changed yet.

    >>> damager = Damager([Damage("duplicate", messages=1), Damage("truncate", size=2)])
    >>> damager.take(b"abc"), damager.take(b"xyz"), damager.rest(), damager.done
    ([b'ab', b'ab'], [b'xy'], [], True)
    """

    def __init__(self, damages: Sequence[Damage]) -> None:
        self._damages = tuple(damages)
        self._left = [damage.messages for damage in damages]
        self._held: list[bytes | None] = [None] * len(self._damages)
        self.done = False

    def take(self, message: bytes) -> list[bytes]:
        """Give what is sent for a message: nothing yet, it, or what has become of it."""
        return self._through(0, [message])

    def rest(self) -> list[bytes]:
        """Give what was held back for a message that never came."""
        sent: list[bytes] = []
        for place, held in enumerate(self._held):
            if held is not None:
                self._held[place] = None
                sent += self._through(place + 1, [held])
        return sent

    def _through(self, place: int, messages: list[bytes]) -> list[bytes]:
        for step in range(place, len(self._damages)):
            messages = [out for message in messages for out in self._one(step, message)]
        return messages

    def _one(self, step: int, message: bytes) -> list[bytes]:
        damage = self._damages[step]
        if self._left[step] == 0:
            return [message]
        match damage.kind:
            case "truncate":
                if len(message) <= damage.size:
                    return [message]
                sent = [message[: damage.size]]
            case "duplicate":
                sent = [message, message]
            case "corrupt":
                sent = [corrupt(message)]
            case _:
                held, self._held[step] = self._held[step], None
                if held is None:
                    self._held[step] = message
                    return []
                sent = [message, held]
        left = self._left[step]
        self._left[step] = None if left is None else left - 1
        self.done = True
        return sent


def corrupt(message: bytes) -> bytes:
    r"""Give a message's bytes changed so that no decoder takes them.

    >>> corrupt(b"\n\x03hi\n"), corrupt(b"")
    (b'\xff\xff\xff\xff\xff', b'\xff')
    """
    return NO_TAG[: max(1, len(message))] + message[len(NO_TAG) :]
