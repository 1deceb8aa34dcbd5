"""An answer whose making takes time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from joblet_fake.model.errors import Refusal
from joblet_fake.services.status import StatusError

if TYPE_CHECKING:
    from joblet_fake.model.model import Model
    from joblet_fake.services.answer import Answer


def delayed(model: Model, answer: bytes, delay: float) -> Answer:
    """Give an answer after a while; a reset before that ends the call.

    Args:
        model: whose clock it is.
        answer: the message.
        delay: clock seconds.
    """
    if not delay:
        return answer
    return model.lifecycle.answer(answer, delay).recover(
        Refusal, lambda refusal: StatusError("UNAVAILABLE", refusal.text)
    )
