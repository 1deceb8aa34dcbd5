"""The wire: every published API version, as messages in private descriptor pools."""

from joblet_fake.wire.api import Api, load, versions
from joblet_fake.wire.method import DecodeError, Method

__all__ = ["Api", "DecodeError", "Method", "load", "versions"]
