"""The suite finds misbehaviour: mutants made by hand, and mutants made from the descriptors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

import joblet_conformance.cases
from joblet_conformance import (
    CASES,
    Baseline,
    FakeTarget,
    read_known,
    read_recordings,
    run,
)
from joblet_conformance.mutants import MISBEHAVIOURS, mutated
from joblet_fake import FakeJoblet, load_api

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

assert joblet_conformance.cases.__all__
API = load_api("2.3.1")
RECORDINGS = read_recordings("2.3.1")
ENOUGH = 0.95
Step = dict[str, Any]


@cache
def on_the_fake(case_id: str, mutant: str) -> bool:
    """Tell whether a case finds anything on a fake, with a mutant or, for "", without."""
    with FakeJoblet(clock="frozen", pace="real") as fake:
        target = FakeTarget(fake)
        talked = mutated(target, mutant) if mutant else target
        (finding,) = run([CASES[case_id]], talked, RECORDINGS, read_known())
        target.close()
    return finding.verdict == "different"


@pytest.mark.parametrize("name", sorted(MISBEHAVIOURS))
def test_a_mutant_made_by_hand_is_found_by_a_case_of_the_fact_that_it_breaks(name: str) -> None:
    named = [case.id for case in CASES if MISBEHAVIOURS[name].fact in case.facts]

    assert any(on_the_fake(case, name) and not on_the_fake(case, "") for case in named), named


def test_a_mutant_that_nobody_made_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="there are\n  viewer-may-stop: a viewer may stop jobs"):
        mutated(None, "none")  # type: ignore[arg-type]


@dataclass(frozen=True)
class Mutant:
    """One change of all of a method's steps."""

    method: str
    what: str
    change: Callable[[Step], Step]


def fields_of(descriptor: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for field in descriptor.fields:
        yield (*path, field.name)
        message = field.message_type
        if message is not None and not message.GetOptions().map_entry and len(path) < 3:
            yield from fields_of(message, (*path, field.name))


def at(message: Any, path: tuple[str, ...], change: Callable[[Any], Any]) -> Any:
    """Change what is at a path in plain data, in every element where lists lie on the way."""
    if isinstance(message, list):
        return [at(each, path, change) for each in message]
    if message is None:
        return None
    if not path:
        return change(message)
    name, *rest = path
    if name not in message:
        return message
    inner = message[name]
    if not rest:
        return {**message, name: change(inner)}
    return {**message, name: at(inner, tuple(rest), change)}


def dropped(value: Any) -> Any:
    for kind, default in ((bool, False), (int, 0), (float, 0.0), (str, ""), (list, [])):
        if isinstance(value, kind):
            return default
    if isinstance(value, dict):
        if set(value) in ({"text"}, {"base64"}):
            return {"text": ""}
        return {}
    return None


def altered(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value * 1000 + 1
    if isinstance(value, str):
        return f"{value}!"
    if isinstance(value, list):
        return value[:-1] if value else ["!"]
    if isinstance(value, dict) and set(value) <= {"text", "base64"} and value:
        return {"text": "mutant"}
    if isinstance(value, dict):
        return {**value, "mutant": "!"}
    return {"mutant": "!"}


def with_messages(change: Callable[[list[Any]], list[Any]]) -> Callable[[Step], Step]:
    return lambda step: {**step, "messages": change(step["messages"])}


def mutants() -> Iterator[Mutant]:
    for method in API.methods.values():
        for path in fields_of(method.response.DESCRIPTOR):
            for what, change in (("drop", dropped), ("alter", altered)):
                yield Mutant(
                    method.key,
                    f"{what} {'.'.join(path)}",
                    with_messages(lambda messages, p=path, c=change: at(messages, p, c)),  # type: ignore[misc]
                )
        yield Mutant(method.key, "another code", lambda step: {**step, "code": "ABORTED"})
        yield Mutant(
            method.key,
            "another text",
            lambda step: {**step, "details": step["details"] + "!"} if step["details"] else step,
        )
        if method.server_streaming:
            yield Mutant(method.key, "last message lost", with_messages(lambda said: said[:-1]))
            yield Mutant(
                method.key,
                "two messages swapped",
                with_messages(lambda said: [*said[1:2], *said[:1], *said[2:]]),
            )
            yield Mutant(
                method.key, "ended early", with_messages(lambda said: said[: len(said) // 2])
            )


@cache
def baseline(case_id: str) -> Baseline:
    return Baseline(RECORDINGS[case_id].runs[0], CASES[case_id].normalisers)


def recorded_calls() -> dict[str, list[str]]:
    """Give the cases whose recordings have calls of each method, the shortest first."""
    found: dict[str, list[str]] = {}
    for case_id, recording in RECORDINGS.items():
        if recording.runs:
            for method in {step["method"] for step in recording.runs[0]}:
                found.setdefault(method, []).append(case_id)
    return {
        method: sorted(cases, key=lambda case_id: len(RECORDINGS[case_id].runs[0]))
        for method, cases in found.items()
    }


def outcome(mutant: Mutant, cases: list[str]) -> str:
    """Give `caught`, `survived`, or `nothing` for one that changes nothing of what was recorded."""
    changed = False
    for case_id in cases:
        steps = RECORDINGS[case_id].runs[0]
        wrong = [mutant.change(s) if s["method"] == mutant.method else s for s in steps]
        if wrong != steps:
            changed = True
            try:
                found = bool(baseline(case_id).differences(wrong))
            except (TypeError, ValueError, AttributeError, LookupError):
                found = True  # what can't even be read, nobody misses
            if found:
                return "caught"
    return "survived" if changed else "nothing"


UNMEASURED = "the recorded machine has no controller that measures it"
SURVIVORS: dict[str, str] = {
    "drop cpu.system_usec": "whether a little CPU time is the kernel's is a matter of luck",
    "alter cpu.user_usec": "as above: 0 and 1 microsecond are both little",
    "alter memory.current": UNMEASURED,
    "alter memory.anon": UNMEASURED,
    "alter memory.file": UNMEASURED,
    "alter memory.kernel_stack": UNMEASURED,
    "alter memory.slab": UNMEASURED,
    "alter memory.pg_fault": UNMEASURED,
    "alter process.current": UNMEASURED,
    "alter data.memory_usage": UNMEASURED,
}
"""Why a mutant may survive, by the end of its name."""


def reason(survivor: str) -> str:
    return next((why for end, why in SURVIVORS.items() if survivor.endswith(end)), "")


def test_mutants_made_from_the_descriptors_are_found(measured: Callable[[str], None]) -> None:
    """Of those that change anything that was ever recorded."""
    counted = {"caught": 0, "nothing": 0}
    survivors: list[str] = []
    calls = recorded_calls()
    for mutant in mutants():
        became = outcome(mutant, calls.get(mutant.method, []))
        if became == "survived":
            survivors.append(f"{mutant.method}: {mutant.what}")
        else:
            counted[became] += 1
    reasons = {survivor: reason(survivor) for survivor in survivors}
    unrecorded = sorted(key for key in (m.key for m in API.methods.values()) if key not in calls)
    measured(f"mutants: {counted['caught']} caught, {len(survivors)} survived: {reasons}")
    measured(
        f"mutants that change nothing that was ever recorded: {counted['nothing']}; "
        f"methods that were never recorded: {', '.join(unrecorded) or 'none'}"
    )

    assert not [survivor for survivor, why in reasons.items() if not why]
    assert counted["caught"] / (counted["caught"] + len(survivors)) >= ENOUGH
