"""What differs between two runs of the same server, put into named placeholders.

Nothing is dropped: a placeholder stands where the value stood, and says of what shape it was. One
for a time also says how long after the transcript's first it is.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

from joblet_conformance.plain import bytes_of, leaves, plain_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from joblet_conformance.plain import Path, Plain

UUID: Final = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    re.IGNORECASE,
)
MOMENT: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)?",
)
NANOS: Final = range(10**18, 4 * 10**18)
SECONDS: Final = range(10**9, 4 * 10**9)
SECOND_NS: Final = 10**9
ID_FIELDS: Final = ("uuid", "job_uuid", "job_id", "workflow_uuid")
"""The fields in which clients send ids, or the beginnings of ids."""

TIME_FIELDS: Final = (
    "timestamp",
    "created_at",
    "started_at",
    "completed_at",
    "start_time",
    "end_time",
)


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far apart two times or durations may lie that count as the same.

    Attributes:
        time_s: seconds, for times of day; most of a server's are in whole seconds.
        duration_s: seconds, for durations.
        share: of the larger one, besides.
    """

    time_s: float
    duration_s: float
    share: float


LOADED: Final = Tolerance(2.0, 2.0, 0.5)
"""For a server in real time: machines have loads."""

FROZEN: Final = Tolerance(1.0, 0.35, 0.25)
"""For a fake on its own clock; no recorded run of any case is further from it."""

DURATION: Final = "<seconds>"

FAR_S: Final = 86_400.0
"""Times further than this from the transcript's own are no clock's, but somebody's words."""


@dataclass(frozen=True, slots=True)
class Timed:
    """Text with placeholders for the times in it.

    Attributes:
        text: the text.
        offsets: when each was, in seconds after the transcript's first time; None where a time
            has nothing to do with the transcript's. For a duration, its seconds.
    """

    text: str
    offsets: tuple[float | None, ...]

    def __repr__(self) -> str:
        told = ", ".join("" if at is None else f"{at:+.3f} s" for at in self.offsets)
        return f"{self.text!r} ({told})"


def alike(one: Plain, other: Plain, tolerance: Tolerance = LOADED) -> bool:
    """Tell whether two normalised leaves are the same; times may differ by a tolerance."""
    if isinstance(one, Timed) and isinstance(other, Timed):
        base = tolerance.duration_s if one.text == DURATION else tolerance.time_s
        pairs = zip(one.offsets, other.offsets, strict=False)
        near = all(_near(*pair, base, tolerance.share) for pair in pairs)
        return one.text == other.text and near
    # False is 0 to Python, and is not to a client.
    return bool(one == other) and type(one) is type(other)


def _near(one: float | None, other: float | None, base: float, share: float) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= base + share * max(abs(one), abs(other))


class Normaliser(Protocol):
    """Something that puts placeholders for what differs between runs of the real thing."""

    @property
    def reason(self) -> str:
        """Why the real thing differs there, for the report."""

    def apply(self, steps: list[dict[str, Plain]]) -> None:
        """Change a transcript's steps in place."""

    def covers(self, path: Path, steps: list[dict[str, Plain]]) -> bool:
        """Tell whether a change of the leaf at a path may go unseen."""


def normalised(
    steps: list[dict[str, Plain]],
    normalisers: Iterable[Normaliser] = (),
) -> list[dict[str, Plain]]:
    """Give a transcript with placeholders for ids and times, and for what a case declares."""
    copied = _ids(steps)
    for each in normalisers:
        each.apply(copied)
    return _times(copied)


def covered(path: Path, steps: list[dict[str, Plain]], normalisers: Iterable[Normaliser]) -> bool:
    """Tell whether a change of a raw transcript's leaf may go unseen, and is declared to."""
    if len(path) == 2 and path[1] == "seconds":  # noqa: PLR2004 - a step and its key
        return True
    value: Any = steps
    for key in path:
        value = value[key]
    timed = _numeric_time(path, value) or _part_of_second(path, value)
    if timed or (isinstance(value, str) and _has_free_text(value)):
        return True
    return any(each.covers(path, steps) for each in normalisers)


def _has_free_text(value: str) -> bool:
    return bool(UUID.search(value) or MOMENT.search(value))


# Ids and times, everywhere


def _ids(steps: list[dict[str, Plain]]) -> list[dict[str, Plain]]:
    """Number ids in the order in which they first come; parts of them that were sent too."""
    known: dict[str, str] = {}

    def number(match: re.Match[str]) -> str:
        found = match[0]
        name = known.setdefault(found.lower(), f"id {len(known) + 1}")
        return f"<{name}>" if found == found.lower() else f"<{name.upper()}>"

    def full(_path: Path, value: Plain) -> Plain:
        return UUID.sub(number, value) if isinstance(value, str) else value

    numbered: list[dict[str, Plain]] = _mapped(steps, full)
    parts = _parts(numbered, known)
    if not parts:
        return numbered

    def partial(value: str) -> str:
        for part, name in parts:
            # Not within a name that stands there already.
            pattern = rf"(?<![\w<-])(?<!<id )(?<!<ID ){re.escape(part)}(?![\w-])"
            value = re.sub(pattern, name, value)
        return value

    def sent(path: Path, value: Plain) -> Plain:
        return partial(value) if isinstance(value, str) and path[-1] in ID_FIELDS else value

    return [
        {
            **step,
            "request": _mapped(step["request"], sent, ("request",)),
            "details": partial(step["details"]),
        }
        for step in numbered
    ]


def _parts(steps: list[dict[str, Plain]], known: dict[str, str]) -> list[tuple[str, str]]:
    """Give the beginnings of ids that were sent as ids, the longest first, with their names."""
    found: dict[str, str] = {}
    for step in steps:
        for path, value in leaves(step["request"]):
            if isinstance(value, str) and path and path[-1] in ID_FIELDS:
                for whole, name in known.items():
                    if 1 <= len(value) < len(whole) and whole.startswith(value):
                        found.setdefault(value, f"<{name}, first {len(value)}>")
    return sorted(found.items(), key=lambda part: -len(part[0]))


def _strings(data: Plain) -> Iterable[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for value in data.values():
            yield from _strings(value)
    elif isinstance(data, list):
        for value in data:
            yield from _strings(value)


def _times(steps: list[dict[str, Plain]]) -> list[dict[str, Plain]]:
    sent = " ".join(text for step in steps for text in _strings(step["request"]))
    first = next((each for each in _seconds_told(steps, sent) if math.isfinite(each)), None)

    def offset(moment: float) -> float | None:
        far = first is None or abs(moment - first) > FAR_S
        return None if far or first is None else moment - first

    def shaped(path: Path, value: Plain) -> Plain:
        if path[1:] == ("seconds",):
            return Timed(DURATION, (value,)) if isinstance(value, int | float) else value
        if _part_of_second(path, value):
            return "<part of a second, ns>"
        numeric = _numeric_time(path, value)
        if numeric:
            name, moment = numeric
            return Timed(f"<time, {name}>", (offset(moment),))
        return _shaped_text(value, sent, offset) if isinstance(value, str) else value

    placed: list[dict[str, Plain]] = _mapped(steps, shaped)
    return placed


def _seconds_told(steps: list[dict[str, Plain]], sent: str) -> Iterator[float]:
    """Give the times that the server told by itself, in order, in seconds since 1970."""
    for step in steps:
        for path, value in leaves(step["messages"]):
            numeric = _numeric_time(path, value)
            if numeric:
                yield numeric[1]
            elif isinstance(value, str):
                yield from (_moment(each) for each in MOMENT.finditer(value) if each[0] not in sent)


def _shaped_text(value: str, sent: str, offset: Callable[[float], float | None]) -> Plain:
    offsets: list[float | None] = []

    def placed(match: re.Match[str]) -> str:
        at = offset(_moment(match))
        if at is None and match[0] in sent:
            # Somebody's words, which come back as they were.
            return match[0]
        offsets.append(at)
        digits, zone = len(match[3] or ""), match[4] or ""
        return f"<time{f', {digits} digits' if digits else ''}{f', {zone}' if zone else ''}>"

    text = MOMENT.sub(placed, value)
    return Timed(text, tuple(offsets)) if offsets else value


def _moment(match: re.Match[str]) -> float:
    """Give a moment in seconds since 1970; one that no calendar has is as far as can be."""
    day, clock, fraction, zone = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{(zone or 'Z').replace('Z', '+00:00')}")
    except ValueError:
        return math.inf
    return moment.astimezone(UTC).timestamp() + float(f"0.{fraction or 0}")


def _numeric_time(path: Path, value: Plain) -> tuple[str, float] | None:
    """Give the shape of a time that is a number, and its seconds since 1970."""
    if not path or not isinstance(value, int) or isinstance(value, bool):
        return None
    # A time of two numbers is told by its seconds.
    field = path[-2] if path[-1] == "seconds" and len(path) > 1 else path[-1]
    if field not in TIME_FIELDS:
        return None
    if value in NANOS:
        return ("ns" if value % SECOND_NS else "ns of a whole second"), value / SECOND_NS
    return ("s", float(value)) if value in SECONDS else None


def _part_of_second(path: Path, value: Plain) -> bool:
    """Tell whether a number is the second one of a time of two numbers."""
    if len(path) <= 1 or path[-1] != "nanos" or path[-2] not in TIME_FIELDS:
        return False
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < SECOND_NS


def _mapped(data: Any, change: Callable[[Path, Plain], Plain], path: Path = ()) -> Any:  # noqa: ANN401
    if isinstance(data, dict):
        return {key: _mapped(value, change, (*path, key)) for key, value in data.items()}
    if isinstance(data, list):
        return [_mapped(value, change, (*path, place)) for place, value in enumerate(data)]
    return change(path, data)


# What cases declare


def _of(steps: list[dict[str, Plain]], method: str) -> Iterable[dict[str, Plain]]:
    return (step for step in steps if step["method"].endswith(f".{method}"))


@dataclass(frozen=True, slots=True)
class Unordered:
    """A list in a method's replies whose order is random.

    Args:
        method: the method.
        field: the list.
        inner: a list in each of its items whose order is random too; none if empty.
        key: the field of its items by which they are sorted; all of an item if empty.
    """

    method: str
    field: str
    reason: str = "the server's own order is random"
    inner: str = ""
    key: str = ""

    def apply(self, steps: list[dict[str, Plain]]) -> None:
        """Sort the list."""
        for step in _of(steps, self.method):
            for message in step["messages"]:
                for item in message[self.field] if self.inner else ():
                    item[self.inner] = sorted(item[self.inner], key=repr)
                message[self.field] = sorted(message[self.field], key=self._place)

    def _place(self, item: Plain) -> str:
        return repr(item[self.key] if self.key else item)

    def covers(self, path: Path, steps: list[dict[str, Plain]]) -> bool:  # noqa: ARG002 - as all
        """Tell that nothing is: an order is no leaf."""
        return False


@dataclass(frozen=True, slots=True)
class Joined:
    """A stream of pieces of output whose borders, and stored order, are random.

    The pieces become one message: their bytes in order, and beside it what all of them say.

    Args:
        method: the streaming method.
        field: the pieces' bytes.
        order: the field that numbers the pieces; it must count up from 0 without a gap.
    """

    method: str
    field: str
    order: str = ""
    reason: str = "where a job's output is cut into pieces is random"

    def apply(self, steps: list[dict[str, Plain]]) -> None:
        """Join the pieces."""
        for step in _of(steps, self.method):
            pieces = step["messages"]
            if not pieces:
                continue
            if self.order:
                pieces = sorted(pieces, key=lambda piece: piece[self.order])
            one: dict[str, Plain] = {
                name: _together(name, [piece[name] for piece in pieces])
                for name in pieces[0]
                if name not in (self.field, self.order)
            }
            one[self.field] = plain_bytes(b"".join(bytes_of(piece[self.field]) for piece in pieces))
            if self.order:
                numbers = [piece[self.order] for piece in pieces]
                one[self.order] = "gapless" if numbers == list(range(len(pieces))) else numbers
            step["messages"] = [one]

    def covers(self, path: Path, steps: list[dict[str, Plain]]) -> bool:  # noqa: ARG002 - as all
        """Tell that nothing is: every byte and number is still compared."""
        return False


def _together(name: str, values: list[Plain]) -> Plain:
    """Give what many pieces say in a field: each value once, of times the first and the last."""
    if all(_numeric_time((name,), value) for value in values):
        return {"first": {name: min(values)}, "last": {name: max(values)}}
    return sorted({repr(value) for value in values})


@dataclass(frozen=True, slots=True)
class Either:
    """A leaf of a method's steps that may have one of several values.

    Args:
        method: the method.
        field: the step's key, or the field of its messages.
        values: the possible values.
        reason: why.
    """

    method: str
    field: str
    values: tuple[Plain, ...]
    reason: str

    def apply(self, steps: list[dict[str, Plain]]) -> None:
        """Put one placeholder for all of the values."""
        for step in _of(steps, self.method):
            for place in (step, *step["messages"]):
                if place.get(self.field, _MISSING) in self.values:
                    place[self.field] = f"<one of {self.values!r}>"

    def covers(self, path: Path, steps: list[dict[str, Plain]]) -> bool:
        """Tell that the leaf is, for a change to another of the values."""
        step = steps[int(path[0])]
        return step["method"].endswith(f".{self.method}") and path[-1] == self.field


_MISSING: Final = object()


@dataclass(frozen=True, slots=True)
class Pattern:
    """Text that differs: the client library's own, a host's path, a number.

    Args:
        pattern: a regular expression over any text of a step.
        name: what the placeholder is called.
        reason: why it differs.
        field: the step's key or the message's field; any if empty.
    """

    pattern: str
    name: str
    reason: str
    field: str = ""

    def apply(self, steps: list[dict[str, Plain]]) -> None:
        """Put the placeholder."""

        def change(path: Path, value: Plain) -> Plain:
            if isinstance(value, str) and (not self.field or self.field in path):
                return re.sub(self.pattern, f"<{self.name}>", value, flags=re.DOTALL)
            return value

        steps[:] = _mapped(steps, change)

    def covers(self, path: Path, steps: list[dict[str, Plain]]) -> bool:
        """Tell that a text is, where the pattern is found in it."""
        value: Any = steps
        for key in path:
            value = value[key]
        named = not self.field or self.field in path
        found = isinstance(value, str) and re.search(self.pattern, value, re.DOTALL)
        return bool(named and found)


@dataclass(frozen=True, slots=True)
class SystemLines:
    """The server's own lines in a job's output, whose fields stand in random order (JOB-LOG-30).

    Args:
        method: the method that brings the output.
        field: the output's bytes.
    """

    method: str
    field: str
    reason: str = "the order of the fields in the server's own lines is random"

    def apply(self, steps: list[dict[str, Plain]]) -> None:
        """Sort the fields of each line."""
        for step in _of(steps, self.method):
            for message in step["messages"]:
                told = message[self.field]
                if "text" in told:
                    told["text"] = SYSTEM_LINE.sub(_sorted_fields, told["text"])

    def covers(self, path: Path, steps: list[dict[str, Plain]]) -> bool:  # noqa: ARG002 - as all
        """Tell that nothing is: every word is still compared."""
        return False


SYSTEM_LINE: Final = re.compile(r"^(\[[^]\n]+\] \[(?:WARN|ERROR)\] [^|\n]*)\| (.*)$", re.MULTILINE)
SYSTEM_FIELD: Final = re.compile(r'\w+=(?:".*?"(?= \w+=|$)|\S*)')


def _sorted_fields(match: re.Match[str]) -> str:
    return f"{match[1]}| {' '.join(sorted(SYSTEM_FIELD.findall(match[2])))}"


@dataclass(frozen=True, slots=True)
class Measured:
    """A number that a server measured: between none and so much.

    Args:
        method: the method.
        field: where it is in a message, its parts joined with dots.
        most: the highest that may pass for it; what is higher is compared as it stands.
        none_too: whether it may also be 0, as where a host does not measure it.
        reason: why it differs.
    """

    method: str
    field: str
    most: float
    none_too: bool = False
    reason: str = "a measurement, which never comes out the same twice"

    def apply(self, steps: list[dict[str, Plain]]) -> None:
        """Put a placeholder."""
        *way, last = self.field.split(".")
        for step in _of(steps, self.method):
            for message in step["messages"]:
                place = message
                for name in way:
                    place = place and place[name]
                if place and self._passes(place[last]):
                    place[last] = f"<measured, at most {self.most:g}>"

    def _passes(self, value: Plain) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return 0 < value <= self.most or (self.none_too and value == 0)

    def covers(self, path: Path, steps: list[dict[str, Plain]]) -> bool:
        """Tell that the number is, for another one of its range."""
        named = path[3:] == tuple(self.field.split("."))
        return named and steps[int(path[0])]["method"].endswith(f".{self.method}")


@dataclass(frozen=True, slots=True)
class RealSeconds:
    """How long a method's calls take that are in real time, whatever the target's clock says.

    Args:
        method: the method.
        reason: why a target's clock has no part in it.
    """

    method: str
    reason: str

    def apply(self, steps: list[dict[str, Plain]]) -> None:
        """Put a placeholder."""
        for step in _of(steps, self.method):
            step["seconds"] = "<real seconds>"

    def covers(self, path: Path, steps: list[dict[str, Plain]]) -> bool:
        """Tell that the duration is."""
        named = steps[int(path[0])]["method"].endswith(f".{self.method}")
        return named and path[1:] == ("seconds",)


BLANK: Final = Pattern(
    "proto:[ \xa0]",
    "proto: and a blank",
    "each build of a real server has one of two kinds of blank there",
    field="details",
)
"""For cases of bytes that are no message (SRV-21)."""
