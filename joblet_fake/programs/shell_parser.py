"""A small shell grammar: lists, conditions, loops, quoting, variables, redirections, pipes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from joblet_fake.programs.shell_grammar import (
    AndOr,
    Arithmetic,
    Command,
    For,
    Group,
    If,
    Piece,
    Pipeline,
    Redirected,
    Redirection,
    Script,
    ShellSyntaxError,
    Simple,
    Substitution,
    Text,
    Variable,
    While,
    Word,
)

RESERVED: Final = frozenset(
    {"if", "then", "elif", "else", "fi", "for", "do", "done", "while", "until", "{", "}", "in"}
    | {"case", "esac", "!", "function"},
)
OPERATORS: Final = re.compile(r"&&|\|\||;;|;|\n|\||&|\(|\)")
REDIRECTION: Final = re.compile(r"([0-9]?)(>>|>&|<&|>|<)")
NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
PARAMETER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9?$#@*]")
BRACED: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*|[0-9?$#@*])(?::-([^{}$`\"']*))?\}")


@dataclass(slots=True)
class _Token:
    kind: str  # "word", "op", "redirect", "end"
    text: str = ""
    word: Word = ()
    stream: int = 1


@dataclass
class _Lexer:
    """Cuts a script into tokens."""

    text: str
    at: int = 0
    tokens: list[_Token] = field(default_factory=list)

    def run(self) -> list[_Token]:
        while self.at < len(self.text):
            if self.text[self.at] in " \t" or self.text.startswith("\\\n", self.at):
                self.at += 1 + (self.text[self.at] == "\\")
            elif self.text[self.at] == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            elif match := REDIRECTION.match(self.text, self.at):
                self.at = match.end()
                stream = int(match[1]) if match[1] else (0 if match[2][0] == "<" else 1)
                self.tokens.append(_Token("redirect", match[2], stream=stream))
            elif match := OPERATORS.match(self.text, self.at):
                self.at = match.end()
                self.tokens.append(_Token("op", match[0]))
            else:
                start = self.at
                word = self._word()
                self.tokens.append(_Token("word", self.text[start : self.at], word))
        self.tokens.append(_Token("end"))
        return self.tokens

    def _word(self) -> Word:
        pieces: list[Piece] = []
        while self.at < len(self.text):
            character = self.text[self.at]
            if character in " \t\n;&|()<>":
                break
            if character == "'":
                end = self.text.find("'", self.at + 1)
                if end < 0:
                    raise ShellSyntaxError("a quote is not closed")
                pieces.append(Text(self.text[self.at + 1 : end], quoted=True))
                self.at = end + 1
            elif character == '"':
                self.at += 1
                pieces.extend(self._double_quoted())
            elif character == "\\":
                after = self.text[self.at + 1 : self.at + 2]
                # A backslash at the very end stands for itself, one before a line's end for none.
                if after != "\n":
                    pieces.append(Text(after or "\\", quoted=True))
                self.at += 2
            elif character == "$":
                pieces.append(self._dollar(quoted=False))
            elif character in "`*?[~" and not self._plain(character, first=not pieces):
                raise ShellSyntaxError(f"{character} is more than this shell knows")
            else:
                pieces.append(Text(character, quoted=False))
                self.at += 1
        return tuple(pieces)

    def _plain(self, character: str, *, first: bool) -> bool:
        # `~` means something at the start of a word alone; `[` begins the test command, and in a
        # word it stands for itself unless a file happens to match.
        return character == "[" or (character == "~" and not first)

    def _double_quoted(self) -> list[Piece]:
        pieces: list[Piece] = [Text("", quoted=True)]
        while True:
            if self.at >= len(self.text):
                raise ShellSyntaxError("a quote is not closed")
            character = self.text[self.at]
            if character == '"':
                self.at += 1
                # "$@" alone is no word at all when there are no arguments.
                lone = pieces[1:] == [Variable("@", quoted=True)]
                return pieces[1:] if lone else pieces
            if character == "\\" and self.text[self.at + 1 : self.at + 2] in ('"', "\\", "$", "`"):
                pieces.append(Text(self.text[self.at + 1], quoted=True))
                self.at += 2
            elif self.text.startswith("\\\n", self.at):
                self.at += 2
            elif character == "$":
                pieces.append(self._dollar(quoted=True))
            elif character == "`":
                raise ShellSyntaxError("` is more than this shell knows")
            else:
                pieces.append(Text(character, quoted=True))
                self.at += 1

    def _dollar(self, *, quoted: bool) -> Piece:
        after = self.at + 1
        if self.text.startswith("((", after):
            end = self.text.find("))", after)
            if end < 0:
                raise ShellSyntaxError("$(( is not closed")
            self.at = end + 2
            return Arithmetic(self.text[after + 2 : end])
        if self.text.startswith("(", after):
            end = self._closing(after)
            self.at = end + 1
            return Substitution(parse(self.text[after + 1 : end]), quoted)
        if match := BRACED.match(self.text, after):
            self.at = match.end()
            return Variable(match[1], quoted, match[2])
        if self.text.startswith("{", after):
            raise ShellSyntaxError("this form of ${} is more than this shell knows")
        if match := PARAMETER.match(self.text, after):
            self.at = match.end()
            return Variable(match[0], quoted)
        self.at = after
        return Text("$", quoted)

    def _closing(self, start: int) -> int:
        depth, quote = 0, ""
        for place in range(start, len(self.text)):
            character = self.text[place]
            if quote:
                quote = "" if character == quote else quote
            elif character in "'\"":
                quote = character
            elif character == "(":
                depth += 1
            elif character == ")":
                depth -= 1
                if not depth:
                    return place
        raise ShellSyntaxError("$( is not closed")


class _Parser:
    """Recursive descent over the tokens."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        token = self._next
        self._at += 1
        return token

    def _op(self, *texts: str) -> bool:
        return self._next.kind == "op" and self._next.text in texts

    def _keyword(self, *texts: str) -> bool:
        return self._next.kind == "word" and self._next.text in texts

    def _expect(self, text: str) -> None:
        if not (self._keyword(text) or self._op(text)):
            raise ShellSyntaxError(f"{text} is missing")
        self._take()

    def script(self, *ends: str) -> Script:
        items = []
        while True:
            while self._op(";", "\n"):
                self._take()
            if self._next.kind == "end" or self._keyword(*ends) or self._op(*ends):
                break
            items.append(self._and_or())
            if self._op("&"):
                raise ShellSyntaxError("& is more than this shell knows")
            if not self._op(";", "\n") and not (
                self._next.kind == "end" or self._keyword(*ends) or self._op(*ends)
            ):
                raise ShellSyntaxError(f"{self._next.text} is not expected")
        return Script(tuple(items))

    def whole(self) -> Script:
        script = self.script()
        if self._next.kind != "end":
            raise ShellSyntaxError(f"{self._next.text} is not expected")
        return script

    def _and_or(self) -> AndOr:
        first = self._pipeline()
        rest = []
        while self._op("&&", "||"):
            operator = self._take().text
            while self._op("\n"):
                self._take()
            rest.append((operator, self._pipeline()))
        return AndOr(first, tuple(rest))

    def _pipeline(self) -> Pipeline:
        negated = False
        while self._keyword("!"):
            self._take()
            negated = not negated
        commands = [self._command()]
        while self._op("|"):
            self._take()
            commands.append(self._command())
        return Pipeline(tuple(commands), negated)

    def _command(self) -> Command:
        command = self._compound()
        if command is None:
            return self._simple()
        redirections = []
        while self._next.kind == "redirect":
            redirections.append(self._redirection())
        return Redirected(command, tuple(redirections)) if redirections else command

    def _redirection(self) -> Redirection:
        token = self._take()
        if self._next.kind != "word":
            raise ShellSyntaxError("a redirection needs a target")
        return Redirection(token.stream, token.text, self._take().word)

    def _compound(self) -> Command | None:
        if self._keyword("if"):
            return self._if()
        if self._keyword("for"):
            return self._for()
        if self._keyword("while", "until"):
            until = self._take().text == "until"
            condition = self.script("do")
            return While(condition, self._body(), until)
        if self._keyword("{"):
            self._take()
            body = self.script("}")
            self._expect("}")
            return Group(body, subshell=False)
        if self._op("("):
            self._take()
            body = self.script(")")
            self._expect(")")
            return Group(body, subshell=True)
        return None

    def _body(self) -> Script:
        self._expect("do")
        body = self.script("done")
        self._expect("done")
        return body

    def _if(self) -> If:
        branches = []
        otherwise = None
        self._take()
        while True:
            condition = self.script("then")
            self._expect("then")
            branches.append((condition, self.script("elif", "else", "fi")))
            if not self._keyword("elif"):
                break
            self._take()
        if self._keyword("else"):
            self._take()
            otherwise = self.script("fi")
        self._expect("fi")
        return If(tuple(branches), otherwise)

    def _for(self) -> For:
        self._take()
        name = self._take().text
        if not NAME.fullmatch(name):
            raise ShellSyntaxError("for needs a name")
        self._expect("in")
        words = []
        while self._next.kind == "word":
            words.append(self._take().word)
        if self._op(";", "\n"):
            self._take()
        return For(name, tuple(words), self._body())

    def _simple(self) -> Simple:
        words: list[Word] = []
        assignments: list[tuple[str, Word]] = []
        redirections: list[Redirection] = []
        while self._next.kind in ("word", "redirect"):
            if self._next.kind == "redirect":
                redirections.append(self._redirection())
                continue
            token = self._take()
            name, equals, _ = token.text.partition("=")
            if not words and equals and NAME.fullmatch(name):
                assignments.append((name, _without(token.word, len(name) + 1)))
            elif not words and token.text in RESERVED:
                raise ShellSyntaxError(f"{token.text} is not expected")
            else:
                words.append(token.word)
        if not words and not assignments and not redirections:
            raise ShellSyntaxError(f"{self._next.text or 'the end'} is not expected")
        if self._op("("):
            raise ShellSyntaxError("functions are more than this shell knows")
        return Simple(tuple(words), tuple(assignments), tuple(redirections))


def _without(word: Word, length: int) -> Word:
    """Take the first unquoted characters off a word; each is a piece of its own."""
    return word[length:]


def parse(text: str) -> Script:
    """Read a script.

    Args:
        text: what follows `sh -c`.

    Raises:
        ShellSyntaxError: it is malformed, or uses what this grammar does not have.

    >>> len(parse("echo one; echo two && true").items)
    2
    """
    return _Parser(_Lexer(text).run()).whole()
