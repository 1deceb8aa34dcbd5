"""What a shell script is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


class ShellSyntaxError(ValueError):
    """A script uses something that this grammar does not have."""


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of a word, as it is; a quoted piece is never split."""

    text: str
    quoted: bool


@dataclass(frozen=True, slots=True)
class Variable:
    """`$name` or `${name}`, with `${name:-default}`."""

    name: str
    quoted: bool
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Substitution:
    """`$(script)`."""

    script: Script
    quoted: bool


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`$((expression))`."""

    expression: str


Piece: TypeAlias = Text | Variable | Substitution | Arithmetic
Word: TypeAlias = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Redirection:
    """`2>&1`, `> file` and the like: a stream, an operator, a target."""

    stream: int
    operator: str
    target: Word


@dataclass(frozen=True, slots=True)
class Simple:
    """A command with its arguments, assignments before it, redirections."""

    words: tuple[Word, ...]
    assignments: tuple[tuple[str, Word], ...] = ()
    redirections: tuple[Redirection, ...] = ()


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands of which each reads what the one before wrote."""

    commands: tuple[Command, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class AndOr:
    """Pipelines joined by `&&` and `||`."""

    first: Pipeline
    rest: tuple[tuple[str, Pipeline], ...] = ()


@dataclass(frozen=True, slots=True)
class Script:
    """Commands one after another."""

    items: tuple[AndOr, ...]


@dataclass(frozen=True, slots=True)
class If:
    """`if`, with any number of `elif`."""

    branches: tuple[tuple[Script, Script], ...]
    otherwise: Script | None


@dataclass(frozen=True, slots=True)
class For:
    """`for name in words`."""

    name: str
    words: tuple[Word, ...]
    body: Script


@dataclass(frozen=True, slots=True)
class While:
    """`while`, or `until`."""

    condition: Script
    body: Script
    until: bool


@dataclass(frozen=True, slots=True)
class Group:
    """`{ ...; }` or, in a shell of its own, `( ... )`."""

    body: Script
    subshell: bool


@dataclass(frozen=True, slots=True)
class Redirected:
    """A compound command with redirections after it."""

    command: Command
    redirections: tuple[Redirection, ...]


Command: TypeAlias = Simple | If | For | While | Group | Redirected
