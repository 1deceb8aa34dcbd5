"""The suite finds misbehaviour: mutants made by hand, and mutants made from the descriptors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

import joblet_conformance.cases
from joblet_conformance import (
    CASES,
    FakeTarget,
    compare,
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

SURVIVORS = {
    "a time of the same shape is a placeholder": ("timestamp", "start_time", "end_time"),
}


@pytest.mark.parametrize("name", sorted(MISBEHAVIOURS))
def test_a_mutant_made_by_hand_is_found(name: str) -> None:
    with FakeJoblet(clock="frozen", pace="real") as fake:
        target = FakeTarget(fake)
        wrong = mutated(target, name)
        # The first case that sees it is enough.
        found = next(
            (
                finding.case.id
                for case in CASES
                for finding in run([case], wrong, RECORDINGS, read_known())
                if finding.verdict == "different"
            ),
            None,
        )
        target.close()

    assert found


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


def test_mutants_made_from_the_descriptors_are_found(measured: Callable[[str], None]) -> None:
    """Of those that change anything that was ever recorded."""
    caught = 0
    survivors: list[str] = []
    unseen: list[str] = []
    for mutant in mutants():
        changed = False
        found = False
        for case_id, recording in RECORDINGS.items():
            if not recording.runs or found:
                continue
            steps = recording.runs[0]
            if not any(step["method"] == mutant.method for step in steps):
                continue
            wrong = [mutant.change(s) if s["method"] == mutant.method else s for s in steps]
            if wrong != steps:
                changed = True
                found = bool(compare(steps, wrong, CASES[case_id].normalisers))
        if found:
            caught += 1
        else:
            (survivors if changed else unseen).append(f"{mutant.method}: {mutant.what}")
    measured(f"mutants: {caught} caught, {len(survivors)} survived: {', '.join(survivors)}")
    measured(f"mutants that change nothing that was ever recorded: {len(unseen)}")

    for survivor in survivors:
        field = survivor.rpartition(" ")[2].rpartition(".")[2]
        assert any(field in fields for fields in SURVIVORS.values()), f"{survivor}: no reason"
    assert caught / (caught + len(survivors)) >= ENOUGH
