"""YAML as the real server's library parses it: nodes, or an error in its words."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from yaml.error import MarkedYAMLError
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)
from yaml.scanner import ScannerError

from joblet_fake.goyaml.events import Events
from joblet_fake.goyaml.scalars import NULL, STR, resolve

if TYPE_CHECKING:
    from yaml.events import Event, NodeEvent

SCALAR: Final = "scalar"
SEQUENCE: Final = "sequence"
MAPPING: Final = "mapping"
ALIAS: Final = "alias"

LONG_PREFIX: Final = "tag:yaml.org,2002:"
CONTROL: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
RAW_CHUNK: Final = 512
"""How many bytes the real reader looks at in one go."""
LOOKAHEAD: Final = 4
"""How many characters it wants to see before it takes one."""
DEEPEST: Final = 10_000
"""How deep blocks and brackets may be nested."""

PROBLEMS: Final = (
    (
        "found character .* that cannot start any token",
        "found character that cannot start any token",
    ),
    ("sequence entries are not allowed", "block sequence entries are not allowed in this context"),
    ("mapping keys are not allowed", "mapping keys are not allowed in this context"),
    ("mapping values are not allowed", "mapping values are not allowed in this context"),
    ("found unexpected document separator", "found unexpected document indicator"),
    ("found unknown escape character", "found unknown escape character"),
    ("expected escape sequence", "did not find expected hexdecimal number"),
    ("expected indentation indicator", "found an indentation indicator equal to 0"),
    ("expected chomping or indentation", "did not find expected comment or line break"),
    ("expected a comment or a line break", "did not find expected comment or line break"),
    ("expected the node content", "did not find expected node content"),
    ("expected ',' or '\\]'", "did not find expected ',' or ']'"),
    ("expected ',' or '}'", "did not find expected ',' or '}'"),
    ("found undefined tag handle", "found undefined tag handle"),
    ("found duplicate YAML directive", "found duplicate %YAML directive"),
    ("found incompatible YAML document", "found incompatible YAML document"),
    ("duplicate tag handle", "found duplicate %TAG directive"),
    ("expected '<document start>'", "did not find expected <document start>"),
    ("expected '!'", "did not find expected '!'"),
    ("expected '>'", "did not find the expected '>'"),
    ("expected URI,", "did not find expected tag URI"),
    ("expected URI escape", "did not find URI escaped octet"),
)
"""What PyYAML says of a text, and what the real library says of the same."""


class YamlError(ValueError):
    """A text is no YAML, or not the expected one; the error's text is the real library's."""


@dataclass(slots=True, eq=False)
class Node:
    """A piece of YAML.

    Attributes:
        kind: `SCALAR`, `SEQUENCE`, `MAPPING` or `ALIAS`.
        tag: its short tag, such as `!!str`, given or found out.
        value: a scalar's text, an alias's name.
        line: where it begins, from 1.
        content: a sequence's items; a mapping's keys and values, in turn.
        target: what an alias stands for.
    """

    kind: str
    tag: str
    value: str
    line: int
    content: list[Node] = field(default_factory=list)
    target: Node | None = None

    @property
    def is_null(self) -> bool:
        """Whether it says nothing."""
        return (self.target or self).tag == NULL


def parse(text: str) -> Node | None:
    """Read the first document of a text.

    Args:
        text: what a client sent.

    Returns:
        Its root; None when there is none.

    Raises:
        YamlError: it is no YAML.

    >>> parse("a: [b").tag
    Traceback (most recent call last):
    joblet_fake.goyaml.nodes.YamlError: yaml: line 1: did not find expected ',' or ']'
    """
    control = CONTROL.search(text)
    if control is None:
        return _Composer(text).document()
    # The real reader looks ahead: what is wrong well before a control character is told first.
    offset = len(text[: control.start()].encode()) // RAW_CHUNK * RAW_CHUNK
    seen = text.encode()[:offset].decode(errors="ignore")
    composer = _Composer(seen)
    refused = YamlError("yaml: control characters are not allowed")
    try:
        root = composer.document()
    except YamlError as error:
        raise (error if len(seen) - composer.index > LOOKAHEAD else refused) from None
    if len(seen) - composer.index > LOOKAHEAD:
        return root
    raise refused


class _Composer:
    """Makes nodes of a document's events."""

    def __init__(self, text: str) -> None:
        self._events = Events(text)
        self._anchors: dict[str, Node] = {}

    @property
    def index(self) -> int:
        """How far it has read, in characters."""
        return int(self._events.index)

    def document(self) -> Node | None:
        """Give the first document's root."""
        try:
            self._next(StreamStartEvent)
            if not isinstance(self._next(), DocumentStartEvent):
                return None
            root = self._node(self._next())
            self._next(DocumentEndEvent)
        except RecursionError:
            raise YamlError(f"yaml: exceeded max depth of {DEEPEST}") from None
        except MarkedYAMLError as error:
            raise YamlError(_words(error)) from None
        return root

    def _next(self, kind: type[Event] | None = None) -> Event:
        event: Event = self._events.get_event()  # type: ignore[no-untyped-call]  # PyYAML's
        if kind is not None and not isinstance(event, kind):
            raise YamlError(f"yaml: unexpected {event}")
        return event

    def _node(self, event: Event) -> Node:
        match event:
            case AliasEvent():
                name = event.anchor or ""
                target = self._anchors.get(name)
                if target is None:
                    raise YamlError(f"yaml: unknown anchor '{name}' referenced")
                return Node(ALIAS, "", name, _line(event), target=target)
            case ScalarEvent():
                tag, text = _short(event.tag), event.value or ""
                if not tag:
                    tag = resolve("", text)[0] if event.style is None else STR
                node = self._anchored(event, Node(SCALAR, tag, text, _line(event)))
            case SequenceStartEvent():
                tag = _short(event.tag) or "!!seq"
                node = self._anchored(event, Node(SEQUENCE, tag, "", _line(event)))
                self._fill(node, SequenceEndEvent)
            case MappingStartEvent():
                tag = _short(event.tag) or "!!map"
                node = self._anchored(event, Node(MAPPING, tag, "", _line(event)))
                self._fill(node, MappingEndEvent)
            case _:
                raise YamlError(f"yaml: unexpected {event}")
        return node

    def _fill(self, node: Node, end: type[Event]) -> None:
        while not isinstance(event := self._next(), end | StreamEndEvent):
            node.content.append(self._node(event))

    def _anchored(self, event: NodeEvent, node: Node) -> Node:
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node


def _short(tag: str | None) -> str:
    if not tag or tag == "!":
        return ""
    return f"!!{tag.removeprefix(LONG_PREFIX)}" if tag.startswith(LONG_PREFIX) else tag


def _line(event: Event) -> int:
    mark = event.start_mark
    return 1 if mark is None else int(mark.line) + 1


def _words(error: MarkedYAMLError) -> str:
    """Say what PyYAML found in the real library's words and with its line."""
    context = error.context or ""
    problem = error.problem or ""
    if "expected <block end>" in problem:
        problem = (
            "did not find expected '-' indicator"
            if "collection" in context
            else "did not find expected key"
        )
    elif "an anchor" in context or "an alias" in context:
        problem = "did not find expected alphabetic or numeric character"
    elif "a directive" in context:
        problem = _directive(problem)
    else:
        problem = next((told for found, told in PROBLEMS if re.search(found, problem)), problem)
    scanning = isinstance(error, ScannerError)
    marks = (error.context_mark, error.problem_mark)
    lines = [mark.line for mark in marks if mark is not None]
    # The real library numbers lines from 0 here, mends that for half of its errors, and takes
    # the first line for none.
    line = next((line for line in lines if line), 0)
    if line and scanning:
        line += 1
    return f"yaml: line {line}: {problem}" if line else f"yaml: {problem}"


def _directive(problem: str) -> str:
    if problem.startswith("found unknown"):
        return problem
    if "alphabetic" in problem:
        blank = problem.endswith(("' '", "'\\n'", "'\\x00'"))
        return (
            "could not find expected directive name"
            if blank
            else "found unexpected non-alphabetical character"
        )
    if "digit" in problem:
        return (
            "did not find expected digit or '.' character"
            if "'.'" in problem
            else "did not find expected version number"
        )
    if "line break" in problem:
        return "did not find expected comment or line break"
    return "did not find expected whitespace"
