"""YAML nodes become values of declared shapes, as the real server's library does it."""

from __future__ import annotations

import base64
import binascii
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from joblet_fake.goyaml.nodes import ALIAS, MAPPING, SCALAR, SEQUENCE, Node, YamlError, parse
from joblet_fake.goyaml.scalars import BINARY, MERGE, STR, TagError, resolve

if TYPE_CHECKING:
    from collections.abc import Mapping

LOWEST_INT: Final = -(2**63)
HIGHEST_INT: Final = 2**63 - 1
LONGEST_SHOWN: Final = 10
CUT: Final = 7

ALIASES_ALWAYS: Final = 100
NODES_ALWAYS: Final = 1000
NODES_LOW: Final = 400_000
NODES_HIGH: Final = 4_000_000


@dataclass(frozen=True, slots=True)
class Text:
    """A text; whatever is no collection is one."""

    go: str = "string"

    def zero(self) -> str:
        """Give what stands where nothing was said."""
        return ""


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number of 64 bits; a fraction is cut off."""

    go: str = "int"

    def zero(self) -> int:
        """Give what stands where nothing was said."""
        return 0


@dataclass(frozen=True, slots=True)
class Items:
    """A list of one shape."""

    item: Shape

    @property
    def go(self) -> str:
        """The shape's name in errors."""
        return f"[]{self.item.go}"

    def zero(self) -> list[Any]:
        """Give what stands where nothing was said."""
        return []


@dataclass(frozen=True, slots=True)
class Table:
    """A map from texts to one shape."""

    item: Shape

    @property
    def go(self) -> str:
        """The shape's name in errors."""
        return f"map[string]{self.item.go}"

    def zero(self) -> dict[str, Any]:
        """Give what stands where nothing was said."""
        return {}


@dataclass(frozen=True, slots=True)
class Record:
    """Named fields, each of its own shape; other keys are ignored.

    Attributes:
        go: the shape's name in errors.
        fields: the fields' shapes, by key.
        optional: whether there may be none: it is None then.
    """

    go: str
    fields: Mapping[str, Shape]
    optional: bool = False

    def zero(self) -> dict[str, Any] | None:
        """Give what stands where nothing was said."""
        return None if self.optional else self.fresh()

    def fresh(self) -> dict[str, Any]:
        """Give one in which nothing was said."""
        return {key: shape.zero() for key, shape in self.fields.items()}


Shape: TypeAlias = Text | Number | Items | Table | Record

_NOTHING: Final = object()
"""What a node gave that did not fit, or says nothing to keep."""


def read(text: str, shape: Record) -> dict[str, Any]:
    """Read a text's first document.

    Args:
        text: YAML.
        shape: what it should hold.

    Raises:
        YamlError: it is no YAML, or does not hold that; all that does not fit is listed.

    >>> read("a: 1.5", Record("T", {"a": Number()}))
    {'a': 1}
    >>> read("a: [1]", Record("T", {"a": Number()}))
    Traceback (most recent call last):
    joblet_fake.goyaml.nodes.YamlError: yaml: unmarshal errors:
      line 1: cannot unmarshal !!seq into int
    """
    value = shape.fresh()
    try:
        root = parse(text)
        reader = _Values()
        if root is not None:
            reader.take(root, shape, value)
    except TagError as error:
        raise YamlError(f"yaml: {error}") from None
    if reader.problems:
        raise YamlError("yaml: unmarshal errors:\n  " + "\n  ".join(reader.problems))
    return value


class _Values:
    """Makes values of nodes; what does not fit is noted, and the rest is made."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._inside: set[Node] = set()
        self._nodes = 0
        self._aliased = 0
        self._merging: set[str] | None = None

    def take(self, node: Node, shape: Shape, into: Any = None) -> Any:  # noqa: ANN401 - any value
        """Give a node's value, or `_NOTHING`.

        Args:
            node: the node.
            shape: what it should be.
            into: a table or record that is to be filled, in place of a new one.
        """
        self._nodes += 1
        if self._inside:
            self._aliased += 1
        self._check_aliases()
        if node.kind == ALIAS:
            return self._alias(node, shape, into)
        if node.kind == SCALAR:
            return self._scalar(node, shape)
        if node.kind == SEQUENCE:
            return self._sequence(node, shape)
        return self._mapping(node, shape, into)

    def _check_aliases(self) -> None:
        if self._aliased > ALIASES_ALWAYS and self._nodes > NODES_ALWAYS:
            over = (self._nodes - NODES_LOW) / (NODES_HIGH - NODES_LOW)
            if self._aliased / self._nodes > 0.99 - 0.89 * min(max(over, 0), 1):
                raise YamlError("yaml: document contains excessive aliasing")

    def _alias(self, node: Node, shape: Shape, into: Any) -> Any:  # noqa: ANN401
        if node in self._inside:
            raise YamlError(f"yaml: anchor '{node.value}' value contains itself")
        self._inside.add(node)
        value = self.take(_target(node), shape, into)
        self._inside.discard(node)
        return value

    def _scalar(self, node: Node, shape: Shape) -> Any:  # noqa: ANN401
        tag, value = resolve(node.tag, node.value)
        if tag == BINARY:
            value = _decoded(node.value)
        if value is None:
            # Nothing is a list, a table, or an optional record that is not there.
            there = isinstance(shape, Items | Table) or (
                isinstance(shape, Record) and shape.optional
            )
            return shape.zero() if there else _NOTHING
        if isinstance(shape, Text):
            return value if tag == BINARY else node.value
        fits = isinstance(shape, Number) and isinstance(value, int | float)
        if fits and not isinstance(value, bool):
            number = _whole(value)  # type: ignore[arg-type]  # it is a number
            if number is not None:
                return number
        return self._misfit(node, shape)

    def _sequence(self, node: Node, shape: Shape) -> Any:  # noqa: ANN401
        if not isinstance(shape, Items):
            return self._misfit(node, shape)
        taken = (self.take(item, shape.item) for item in node.content)
        return [value for value in taken if value is not _NOTHING]

    def _mapping(self, node: Node, shape: Shape, into: Any) -> Any:  # noqa: ANN401
        if not self._distinct(node):
            return _NOTHING
        if isinstance(shape, Record):
            record = shape.fresh() if into is None else into
            self._fill(node, shape, record)
            return record
        if isinstance(shape, Table):
            table = {} if into is None else into
            self._fill(node, shape, table)
            return table
        return self._misfit(node, shape)

    def _distinct(self, node: Node) -> bool:
        lines: dict[tuple[str, str], list[int]] = {}
        keys = node.content[::2]
        for key in keys:
            lines.setdefault((key.kind, key.value), []).append(key.line)
        doubled = False
        for place, key in enumerate(keys):
            same = lines[key.kind, key.value]
            if len(same) == 1:
                continue
            doubled = True
            for later in keys[place + 1 :]:
                if (later.kind, later.value) == (key.kind, key.value):
                    self.problems.append(
                        f"line {later.line}: mapping key {_quoted(key.value)} already defined "
                        f"at line {key.line}",
                    )
        return not doubled

    def _fill(self, node: Node, shape: Record | Table, into: dict[str, Any]) -> None:
        before, self._merging = self._merging, None
        merge: Node | None = None
        done: set[str] = set()
        pairs = iter(node.content)
        for key, value in zip(pairs, pairs, strict=True):
            if key.kind == SCALAR and key.value == "<<" and key.tag in ("", MERGE):
                merge = value
                continue
            name = self.take(key, Text())
            if name is _NOTHING:
                continue
            if before is not None:
                if name in before:
                    continue
                before.add(name)
            if isinstance(shape, Table):
                self._put_item(into, name, value, shape)
            elif name in shape.fields:
                if name in done:
                    self.problems.append(
                        f"line {key.line}: field {name} already set in type {shape.go}",
                    )
                    continue
                done.add(name)
                field = shape.fields[name]
                current = into[name] if isinstance(field, Record | Table) else None
                made = self.take(value, field, current)
                if made is not _NOTHING:
                    into[name] = made
        self._merging = before
        if merge is not None:
            self._merge(node, merge, shape, into)

    def _put_item(self, into: dict[str, Any], name: str, value: Node, shape: Table) -> None:
        made = self.take(value, shape.item)
        if made is not _NOTHING:
            into[name] = made
        elif value.is_null and name not in into:
            into[name] = shape.item.zero()

    def _merge(self, node: Node, merge: Node, shape: Record | Table, into: dict[str, Any]) -> None:
        before = self._merging
        if before is None:
            # What a mapping says itself counts more than what it takes over.
            self._merging = {
                _target(key).value for key in node.content[::2] if _target(key).tag == STR
            }
        several = merge.kind == SEQUENCE
        for each in merge.content if several else [merge]:
            if _target(each).kind != MAPPING:
                raise YamlError(
                    "yaml: map merge requires map or sequence of maps as the value",
                )
            self.take(each, shape, into)
        self._merging = before

    def _misfit(self, node: Node, shape: Shape) -> object:
        shown = ""
        if node.tag not in ("!!seq", "!!map"):
            cut = len(node.value.encode()) > LONGEST_SHOWN
            text = node.value.encode()[:CUT].decode(errors="replace") if cut else node.value
            shown = f" `{text}{'...' if cut else ''}`"
        self.problems.append(
            f"line {node.line}: cannot unmarshal {node.tag}{shown} into {shape.go}",
        )
        return _NOTHING


def _decoded(text: str) -> str:
    try:
        data = base64.b64decode(text.translate({10: None, 13: None}), validate=True)
    except (binascii.Error, ValueError):
        raise YamlError("yaml: !!binary value contains invalid base64 data") from None
    return data.decode(errors="replace")


def _target(node: Node) -> Node:
    return node if node.target is None else node.target


def _whole(value: float) -> int | None:
    """Give a number as 64 bits hold it; None when they don't."""
    if isinstance(value, float):
        if math.isnan(value) or value > HIGHEST_INT:
            return None
        return LOWEST_INT if value < LOWEST_INT else min(int(value), HIGHEST_INT)
    return value if value <= HIGHEST_INT else None


def _quoted(text: str) -> str:
    """Quote a text as Go does."""
    return json.dumps(text, ensure_ascii=False)
