"""What happens around a call: bytes in, bytes or an error out, and a note of it in the journal."""

from joblet_fake.exchange.call import Call, Frame
from joblet_fake.exchange.calls import Calls
from joblet_fake.exchange.exchange import MESSAGE_LIMIT, Exchange
from joblet_fake.exchange.roles import role_of
from joblet_fake.exchange.waiting import Watch, wait_until, wait_until_async

__all__ = [
    "MESSAGE_LIMIT",
    "Call",
    "Calls",
    "Exchange",
    "Frame",
    "Watch",
    "role_of",
    "wait_until",
    "wait_until_async",
]
