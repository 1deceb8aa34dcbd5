"""What happens around a call: bytes in, bytes or an error out, and a note of it in the journal."""

from joblet_fake.exchange.call import INSIDE, Call, Frame
from joblet_fake.exchange.calls import Calls
from joblet_fake.exchange.exchange import MESSAGE_LIMIT, Exchange
from joblet_fake.exchange.fault_actions import Cut, Delay, End, Fail, Restart, Stall, Trailers
from joblet_fake.exchange.fault_rule import Rule
from joblet_fake.exchange.faults import Claim, FaultRules, Fired, UnusedFaultError
from joblet_fake.exchange.roles import role_of
from joblet_fake.exchange.secrets import Masks
from joblet_fake.exchange.waiting import Watch, wait_until, wait_until_async

__all__ = [
    "INSIDE",
    "MESSAGE_LIMIT",
    "Call",
    "Calls",
    "Claim",
    "Cut",
    "Delay",
    "End",
    "Exchange",
    "Fail",
    "FaultRules",
    "Fired",
    "Frame",
    "Masks",
    "Restart",
    "Rule",
    "Stall",
    "Trailers",
    "UnusedFaultError",
    "Watch",
    "role_of",
    "wait_until",
    "wait_until_async",
]
