"""PyYAML's parser, bent to the real server's library where the two differ."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Final

from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner, ScannerError
from yaml.tokens import DirectiveToken, ScalarToken

if TYPE_CHECKING:
    from yaml.error import Mark

BREAKS: Final = "\r\n\x85\u2028\u2029"
BLANK: Final = "\0 \t" + BREAKS
LONGEST_KEY: Final = 1024
"""How many characters a key without a question mark has at most."""
TURN: Final = 64
PAUSE: Final = 50e-6
"""After how many tokens other threads have a turn, and for how many seconds at least."""


class Events(Reader, Scanner, Parser):
    """PyYAML's parser with the few rules in which the real library's differs."""

    def __init__(self, text: str) -> None:
        self._fetched = 0
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)

    def need_more_tokens(self) -> bool:
        """Look two tokens ahead, so that what is wrong there is told first."""
        if self.done:
            return False
        if len(self.tokens) <= 2:  # noqa: PLR2004 - as said
            return True
        self.stale_possible_simple_keys()
        return self.next_possible_simple_key() == self.tokens_taken

    def fetch_more_tokens(self) -> None:
        """Fetch the next ones; in a long text, let other threads have a turn now and then."""
        self._fetched += 1
        if not self._fetched % TURN:
            # Whoever only computes is asked for its turn every 5 ms, and a call needs several.
            time.sleep(PAUSE)
        super().fetch_more_tokens()

    # Possible keys stand in the order of their places, the outer ones first: PyYAML looks at all of
    # them for every token, which in deep brackets takes the square of their depth.

    def stale_possible_simple_keys(self) -> None:
        """Forget the possible keys that lie too far back, or on another line."""
        keys = self.possible_simple_keys
        while keys:
            level = next(iter(keys))
            key = keys[level]
            if key.line == self.line and self.index - key.index <= LONGEST_KEY:
                return
            if key.required:
                problem = "could not find expected ':'"
                raise ScannerError(
                    "while scanning a simple key", key.mark, problem, self.get_mark()
                )
            del keys[level]

    def next_possible_simple_key(self) -> int | None:
        """Give the number of the first token that may be a key."""
        keys = self.possible_simple_keys
        return keys[next(iter(keys))].token_number if keys else None

    def fetch_stream_end(self) -> None:
        """End on a line of its own."""
        if self.column:
            self.line += 1
            self.column = 0
        super().fetch_stream_end()

    def fetch_flow_collection_end(self, kind: type) -> None:
        """Take a bracket that closes nothing for no deeper level than none."""
        super().fetch_flow_collection_end(kind)
        self.flow_level = max(self.flow_level, 0)

    def scan_directive(self) -> DirectiveToken:
        """Take only the directives that there are."""
        start = self.get_mark()
        token: DirectiveToken = super().scan_directive()
        if token.name not in ("YAML", "TAG"):
            problem = "found unknown directive name"
            raise ScannerError("while scanning a directive", start, problem, start)
        return token

    def scan_to_next_token(self) -> None:
        """Skip tabs too, where they can't be taken for indentation."""
        while True:
            if not self.column and self.peek() == "\ufeff":
                self.forward()
            while self.peek() == " " or (
                self.peek() == "\t" and (self.flow_level or not self.allow_simple_key)
            ):
                self.forward()
            if self.peek() == "#":
                while self.peek() not in "\0" + BREAKS:
                    self.forward()
            if not self.scan_line_break():  # type: ignore[no-untyped-call]  # PyYAML's
                return
            if not self.flow_level:
                self.allow_simple_key = True

    def scan_plain(self) -> ScalarToken:
        """End a plain text at a colon only where a blank follows, in brackets too."""
        chunks: list[str] = []
        start = end = self.get_mark()
        indent = self.indent + 1
        spaces: list[str] = []
        while self.peek() != "#":
            length = self._plain_length()
            if not length:
                break
            self.allow_simple_key = False
            chunks += [*spaces, self.prefix(length)]
            self.forward(length)
            end = self.get_mark()
            spaces = self.scan_plain_spaces(indent, start) or []
            dedented = not self.flow_level and self.column < indent
            if not spaces or dedented:
                break
        return ScalarToken("".join(chunks), True, start, end)  # noqa: FBT003 - plain

    def _plain_length(self) -> int:
        for length in itertools.count():
            character = self.peek(length)
            if character in BLANK or (self.flow_level and character in ",?[]{}"):
                return length
            if character == ":" and self.peek(length + 1) in BLANK:
                return length
        raise AssertionError  # a text ends

    def scan_plain_spaces(self, indent: int, start_mark: Mark) -> list[str] | None:
        """Take tabs for spaces, but not for indentation."""
        length = 0
        while self.peek(length) in " \t":
            length += 1
        blanks = self.prefix(length)
        self.forward(length)
        if self.peek() not in BREAKS:
            return [blanks] if blanks else []
        first: str = self.scan_line_break()  # type: ignore[no-untyped-call]  # PyYAML's
        self.allow_simple_key = True
        breaks: list[str] = []
        while not self._at_document_border():
            if self.peek() in BREAKS:
                breaks.append(self.scan_line_break())  # type: ignore[no-untyped-call]  # as above
            elif self.peek() in " \t":
                if self.peek() == "\t" and self.column < indent:
                    raise ScannerError(
                        "while scanning a plain scalar",
                        start_mark,
                        "found a tab character that violates indentation",
                        self.get_mark(),
                    )
                self.forward()
            else:
                return ([first] if first != "\n" else [] if breaks else [" "]) + breaks
        return None

    def _at_document_border(self) -> bool:
        at_start = not self.column and self.prefix(3) in ("---", "...")
        return at_start and self.peek(3) in BLANK
