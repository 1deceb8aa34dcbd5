"""The services: each translates the wire to the model and back, and knows no gRPC."""

from joblet_fake.services.answer import Answer, Asked, Handler, Streamed
from joblet_fake.services.generation import GENERATIONS, UNKNOWN_ROLE, Generation, generation_of
from joblet_fake.services.handlers import Handlers
from joblet_fake.services.status import CODES, StatusError

__all__ = [
    "CODES",
    "GENERATIONS",
    "UNKNOWN_ROLE",
    "Answer",
    "Asked",
    "Generation",
    "Handler",
    "Handlers",
    "StatusError",
    "Streamed",
    "generation_of",
]
