"""Realistic state from a seed: networks, volumes, runtimes, and a history of jobs."""

from joblet_fake.populate.populate import Populated, populate

__all__ = ["Populated", "populate"]
