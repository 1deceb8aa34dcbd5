"""The model: what a server knows and how it changes, without gRPC."""

from joblet_fake.model.errors import Kind, Refusal
from joblet_fake.model.job import Job, JobSpec, Upload
from joblet_fake.model.model import Model
from joblet_fake.model.pace import PACES, Pace
from joblet_fake.model.quirks import BEHAVIORS, KINDS, QUIRKS, Quirk

__all__ = [
    "BEHAVIORS",
    "KINDS",
    "PACES",
    "QUIRKS",
    "Job",
    "JobSpec",
    "Kind",
    "Model",
    "Pace",
    "Quirk",
    "Refusal",
    "Upload",
]
