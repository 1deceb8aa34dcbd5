"""The suite finds misbehaviour: mutants made by hand, and mutants made from the descriptors."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import grpc
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
from joblet_conformance.hollow import reasons, seen
from joblet_conformance.host_shape import REDACTED
from joblet_conformance.mutants import MISBEHAVIOURS, mutated
from joblet_conformance.plain import bytes_of, plain_message
from joblet_fake import FakeJoblet, load_api

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

assert joblet_conformance.cases.__all__
API = load_api("2.3.1")
PATHS = {method.key: path for path, method in API.methods.items()}
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
    path: tuple[str, ...] = ()


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
                    path,
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


# Why a mutant changes nothing that was ever recorded


NEVER_SET = reasons()
HELD = seen("2.3.1", RECORDINGS)


def named(descriptor: Any, path: tuple[str, ...]) -> list[str]:
    """Give the fields on the way to a field, as never_set.toml has them."""
    names = []
    for part in path:
        names.append(f"{descriptor.full_name.removeprefix('joblet.')}.{part}")
        descriptor = descriptor.fields_by_name[part].message_type
    return names


def why_nothing(mutant: Mutant, calls: dict[str, list[str]]) -> str:
    """Say why a mutant changes nothing that was ever recorded; empty if nobody knows."""
    if mutant.method not in calls:
        return "the method was never recorded"
    steps = [
        step
        for case_id in calls[mutant.method]
        for step in RECORDINGS[case_id].runs[0]
        if step["method"] == mutant.method
    ]
    most = max(len(step["messages"]) for step in steps)
    if not mutant.path:
        if mutant.what == "another text":
            return "the method never refused anything while it was recorded"
        alike = all(said == step["messages"][0] for step in steps for said in step["messages"])
        return "all messages of each recorded stream are the same" if alike else ""
    if not most:
        return "every recorded call of the method was refused"
    fields = named(API.methods[PATHS[mutant.method]].response.DESCRIPTOR, mutant.path)
    if any(field in NEVER_SET for field in fields):
        return "never_set.toml says why the field is never set"
    told = [get(message, mutant.path) for step in steps for message in step["messages"]]
    values = [value for each in told for value in each]
    if not values:
        return "the message that the field is in was never set"
    if mutant.what.startswith("drop") and not any(map(full, values)):
        return "the field was always empty in what the method answered"
    return ""


def get(message: Any, path: tuple[str, ...]) -> list[Any]:
    """Give what is at a path, of every element where lists lie on the way."""
    if not path:
        return [message]
    if isinstance(message, list):
        return [value for each in message for value in get(each, path)]
    if not isinstance(message, dict) or path[0] not in message:
        return []
    return get(message[path[0]], path[1:])


def full(value: Any) -> bool:
    return bool(value) and value != {"text": ""}


# Mutants through a real run of a case


def fields_from(told: Any, descriptor: Any) -> dict[str, Any]:
    """Give a message's plain data as fields that can be sent."""
    if unknown := set(told) - set(descriptor.fields_by_name):
        raise ValueError(f"no fields: {unknown}")
    fields = {}
    for field in descriptor.fields:
        value = told.get(field.name)
        if value is None:
            continue
        inner = field.message_type
        if field.type == field.TYPE_BYTES:
            value = bytes_of(value)
        elif inner is not None and not inner.GetOptions().map_entry:
            many = isinstance(value, list)
            value = [fields_from(each, inner) for each in (value if many else [value])]
            value = value if many else value[0]
        fields[field.name] = value
    return fields


class Wrong:
    """A call whose every message, code and text a mutant changes."""

    def __init__(self, call: Any, method: Any, mutant: Mutant) -> None:
        self._call, self._method, self._mutant = call, method, mutant

    def __iter__(self) -> Iterator[bytes]:
        for data in self._call:
            plain = plain_message(self._method.decode_response(data))
            (changed,) = self._step([plain])["messages"]
            yield self._method.encode(fields_from(changed, self._method.response.DESCRIPTOR))

    def _step(self, messages: list[Any]) -> Step:
        # Until a call has ended, nobody may ask for its code.
        code, details = ("OK", "")
        if not messages:
            code, details = self._call.code().name, self._call.details() or ""
        return self._mutant.change({"messages": messages, "code": code, "details": details})

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode[self._step([])["code"]]

    def details(self) -> str:
        return str(self._step([])["details"])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._call, name)


class WrongTarget:
    """A target one of whose methods a mutant changes; all else is the target's own."""

    def __init__(self, inner: FakeTarget, mutant: Mutant) -> None:
        self._inner, self._mutant = inner, mutant

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def invoke(self, method: Any, request: bytes, role: str, timeout: float) -> Any:
        call = self._inner.invoke(method, request, role, timeout)
        return Wrong(call, method, self._mutant) if method.key == self._mutant.method else call


def found_live(mutant: Mutant, cases: list[str]) -> bool:
    """Tell whether any of some cases, really run, finds a mutant."""
    with FakeJoblet(clock="frozen", pace="real") as fake:
        target = FakeTarget(fake)
        wrong: Any = WrongTarget(target, mutant)
        chosen = (CASES[case_id] for case_id in cases)
        try:
            return any(
                run([case], wrong, RECORDINGS, read_known())[0].verdict == "different"
                for case in chosen
            )
        finally:
            target.close()


def sendable(mutant: Mutant) -> bool:
    """Tell whether what a mutant makes of a recorded message can be sent at all."""
    shape = API.methods[PATHS[mutant.method]]
    for recording in RECORDINGS.values():
        for step in recording.runs[0] if recording.runs else ():
            if step["method"] == mutant.method:
                try:
                    for told in mutant.change(step)["messages"]:
                        shape.encode(fields_from(told, shape.response.DESCRIPTOR))
                except (TypeError, ValueError, AttributeError):
                    return False
    return True


UNMEASURED = "the recorded machine has no controller that measures it"
HOSTS = "hosts differ there, and whatever it is can be right"
SURVIVORS: dict[str, str] = {
    "drop cpu.system_usec": "whether a little CPU time is the kernel's is a matter of luck",
    "alter memory.kernel_stack": UNMEASURED,
    "alter memory.slab": UNMEASURED,
    "alter memory.pg_fault": UNMEASURED,
    "alter host.mac_addresses": HOSTS,
    "Metrics: alter host.server_ips": HOSTS,
    "drop cpu.user_time": HOSTS,
    "drop cpu.system_time": HOSTS,
    "drop cpu.io_wait_time": HOSTS,
    "drop cpu.steal_time": HOSTS,
    "alter disks": HOSTS,
    "alter networks.errors_in": HOSTS,
    "alter networks.errors_out": HOSTS,
    "alter networks.drops_in": HOSTS,
    "alter networks.drops_out": HOSTS,
    "drop networks.drops_out": HOSTS,
    "Metrics: alter networks.receive_rate": HOSTS,
    "Metrics: drop networks.receive_rate": HOSTS,
    "alter networks.transmit_rate": HOSTS,
    "drop networks.transmit_rate": HOSTS,
    "alter networks.ip_addresses": HOSTS,
    "alter networks.mac_address": HOSTS,
    "alter io.read_bytes": HOSTS,
    "alter io.write_bytes": HOSTS,
    "alter processes.total_threads": HOSTS,
    "drop processes.top_by_cpu.cpu_percent": HOSTS,
    "drop processes.top_by_memory.cpu_percent": HOSTS,
}
"""Why a mutant may survive, by the end of its name."""

SAMPLED = 25
"""How many mutants that a recording shows are put through a real run of a case too."""

MOST = 8
"""How many cases are tried for a mutant that no recording shows."""


def name(mutant: Mutant) -> str:
    return f"{mutant.method}: {mutant.what}"


def reason(survivor: str) -> str:
    return next((why for end, why in SURVIVORS.items() if survivor.endswith(end)), "")


@cache
def judged() -> dict[str, list[Mutant]]:
    """Give all mutants by what the recordings make of them."""
    found: dict[str, list[Mutant]] = {"caught": [], "survived": [], "nothing": []}
    calls = recorded_calls()
    for mutant in mutants():
        found[outcome(mutant, calls.get(mutant.method, []))].append(mutant)
    return found


def test_mutants_made_from_the_descriptors_are_found(measured: Callable[[str], None]) -> None:
    """In the recordings, or, where those hide it, by what a case expects as it runs."""
    calls = recorded_calls()
    caught, left = len(judged()["caught"]), judged()["survived"]
    unlisted = [mutant for mutant in left if not reason(name(mutant))]
    # The cases of its own service first: they look closest.
    live = {
        name(mutant): found_live(
            mutant, sorted(calls[mutant.method], key=of_service(mutant))[:MOST]
        )
        for mutant in unlisted
    }
    survivors = {name(mutant): reason(name(mutant)) for mutant in left}
    survivors = {each: why for each, why in survivors.items() if not live.get(each)}
    counted = caught + sum(live.values())
    share = counted / (counted + len(survivors))
    measured(
        f"mutants: {caught} caught in recordings, {sum(live.values())} in real runs alone "
        f"({share:.1%}), {len(survivors)} survived"
    )
    for why in sorted(set(survivors.values())):
        these = ", ".join(each for each in survivors if survivors[each] == why)
        measured(f"mutants that survived, since {why}: {these}")

    assert not [each for each, why in survivors.items() if not why]
    assert share >= ENOUGH


def of_service(mutant: Mutant) -> Callable[[str], bool]:
    """Give a key that puts the cases first that look closest at a method."""
    monitoring = mutant.method.startswith("MonitoringService.")
    area = "monitoring/" if monitoring else "metrics/"
    return lambda case_id: not case_id.startswith(area)


def test_a_mutant_that_changes_nothing_recorded_has_a_reason(
    measured: Callable[[str], None],
) -> None:
    """Those are in no share: each is of what no recording holds, or what no server ever sets."""
    calls = recorded_calls()
    whys = {name(mutant): why_nothing(mutant, calls) for mutant in judged()["nothing"]}
    counts = {why: list(whys.values()).count(why) for why in sorted(set(whys.values()))}
    total = sum(len(some) for some in judged().values())
    measured(
        f"mutants that change nothing that was ever recorded: {len(whys)} of {total}: {counts}"
    )
    measured(
        "methods that were never recorded: "
        f"{', '.join(sorted(key for key in PATHS if key not in calls)) or 'none'}"
    )

    assert [each for each, why in whys.items() if not why] == []


def test_mutants_that_a_recording_shows_are_found_in_a_real_run_too(
    measured: Callable[[str], None],
) -> None:
    """A sample of them; what a stream's order shows needs its end, and is looked at above alone."""
    calls = recorded_calls()
    shown = [
        mutant
        for mutant in judged()["caught"]
        if (mutant.path or mutant.what.startswith("another"))
        and not REDACTED & set(mutant.path)
        and sendable(mutant)
    ]
    some = random.Random(0).sample(shown, SAMPLED)
    missed = [
        name(mutant)
        for mutant in some
        if not found_live(
            mutant,
            [case for case in calls[mutant.method] if outcome(mutant, [case]) == "caught"][:2],
        )
    ]
    found = SAMPLED - len(missed)
    measured(f"mutants through a real run of a case: {found} of {SAMPLED} found; missed: {missed}")

    assert found / SAMPLED >= ENOUGH
