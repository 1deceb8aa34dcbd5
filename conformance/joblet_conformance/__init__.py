"""The conformance suite: the same cases against the fake and against a real Joblet server."""

from joblet_conformance.case import CASES, Case, case
from joblet_conformance.compare import Baseline, Difference, compare
from joblet_conformance.known import Known, read_known
from joblet_conformance.normalise import (
    Either,
    Joined,
    Pattern,
    SystemLines,
    Unordered,
    normalised,
)
from joblet_conformance.recording import (
    Recording,
    RecordingError,
    read_recordings,
    write_recording,
)
from joblet_conformance.remote import read_nodes, remote_target
from joblet_conformance.run import Finding, run, run_case
from joblet_conformance.talk import Reply, Stream, Talk, Unmet
from joblet_conformance.target import FakeTarget, Target, TargetError

__all__ = [
    "CASES",
    "Baseline",
    "Case",
    "Difference",
    "Either",
    "FakeTarget",
    "Finding",
    "Joined",
    "Known",
    "Pattern",
    "Recording",
    "RecordingError",
    "Reply",
    "Stream",
    "SystemLines",
    "Talk",
    "Target",
    "TargetError",
    "Unmet",
    "Unordered",
    "case",
    "compare",
    "normalised",
    "read_known",
    "read_nodes",
    "read_recordings",
    "remote_target",
    "run",
    "run_case",
    "write_recording",
]
