"""Cases run against a target, and what came of each."""

from __future__ import annotations

import time
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

import grpc

from joblet_conformance.case import NEEDS
from joblet_conformance.compare import Difference, compare
from joblet_conformance.normalise import LOADED
from joblet_conformance.talk import Talk, Unmet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from joblet_conformance.case import Case
    from joblet_conformance.known import Known
    from joblet_conformance.normalise import Tolerance
    from joblet_conformance.recording import Recording
    from joblet_conformance.target import Target
    from joblet_conformance.transcript import Transcript

Verdict = Literal["same", "different", "known", "gone", "not applicable"]
GENERATION: Final = "2.3"


@dataclass(slots=True)
class Finding:
    """What came of one case.

    Attributes:
        case: the case.
        verdict: `same`; `different`; `known` for a listed difference; `gone` for a listed one
            that no longer differs; `not applicable`.
        why: why it is not applicable, or what is listed.
        unmet: expectations of facts that did not hold; of a listed case those beyond the list.
        differences: leaves that differ from the recording; of a listed case those beyond the list.
        gone: what is listed and differs no longer.
        compared: whether there is a recording.
        seconds: real seconds that it took.
    """

    case: Case
    verdict: Verdict
    why: str = ""
    unmet: list[str] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    compared: bool = False
    seconds: float = 0.0


def run_case(case: Case, target: Target) -> Transcript:
    """Run one case, and clean up what it made; its expectations are in the transcript."""
    talk = Talk(target, case.id)
    try:
        case.body(talk)
    except Unmet as error:
        talk.transcript.unmet.append(str(error))
    except (grpc.RpcError, ValueError, AttributeError, IndexError, TypeError) as error:
        talk.transcript.error = "".join(traceback.format_exception_only(error)).strip()
        frame = traceback.extract_tb(error.__traceback__)[-1]
        talk.transcript.unmet.append(f"{talk.transcript.error} ({frame.name}:{frame.lineno})")
    finally:
        talk.clean()
    return talk.transcript


def missing(case: Case, target: Target) -> str:
    """Say what a case needs that a target does not offer; empty if nothing."""
    lacking = sorted(case.needs - target.offers)
    return "; ".join(f"needs {NEEDS[need]}" for need in lacking)


def judge(
    case: Case,
    transcript: Transcript,
    recording: Recording | None,
    known: Known | None,
    *,
    ours: bool = True,
    tolerance: Tolerance = LOADED,
) -> Finding:
    """Compare a case's transcript with its expectations and its recording.

    Args:
        case: the case.
        transcript: what came of it.
        recording: what a real server answered; None if it was never recorded.
        known: the listed difference, if there is one: it is the fake's. What it names may differ,
            and nothing else of the case.
        ours: whether the target is a fake, from which a listed difference must not be gone.
        tolerance: how far apart times may be.
    """
    finding = Finding(case, "same", unmet=list(transcript.unmet))
    if recording is not None and recording.runs:
        finding.compared = True
        finding.differences = compare(
            recording.runs[0], transcript.plain(), case.normalisers, tolerance
        )
    listed = False
    if known is not None:
        found = (finding.unmet, finding.differences)
        finding.gone = known.gone(*found, compared=finding.compared) if ours else []
        finding.unmet, finding.differences = known.beyond(*found)
        listed = found != (finding.unmet, finding.differences)
        if listed or ours:
            finding.why = f"{known.reason}, {known.fact}: {known.why}"
    if finding.unmet or finding.differences:
        finding.verdict = "different"
    elif finding.gone:
        finding.verdict = "gone"
    elif listed:
        finding.verdict = "known"
    return finding


def run(
    cases: Iterable[Case],
    target: Target,
    recordings: Mapping[str, Recording],
    known: Mapping[str, Known],
    tell: Callable[[Finding], None] = lambda _finding: None,
) -> list[Finding]:
    """Run cases against a target and judge each.

    Args:
        cases: which.
        target: against what.
        recordings: what a real server answered, by case.
        known: the listed differences, by case.
        tell: is told each finding as it is made.
    """
    findings = []
    for case in cases:
        began = time.perf_counter()
        lacking = missing(case, target)
        recording = recordings.get(case.id)
        if lacking:
            finding = Finding(case, "not applicable", lacking)
        else:
            transcript = run_case(case, target)
            listed = known.get(case.id)
            finding = judge(
                case,
                transcript,
                recording,
                listed,
                ours=target.ours,
                tolerance=target.tolerance,
            )
        finding.seconds = time.perf_counter() - began
        findings.append(finding)
        tell(finding)
    return findings
