"""`echo` and `printf`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from joblet_fake.programs.steps import Stdout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from joblet_fake.programs.command_io import Io
    from joblet_fake.programs.context import Context
    from joblet_fake.programs.steps import Steps

ESCAPES: Final = {
    "n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "\\": "\\",
    "e": "\x1b",
}  # fmt: skip

PLAIN: Final = r"[ntrabfve\\]"
MORE: Final = r"[ntrabfve\\]|x[0-9a-fA-F]{1,2}"
"""The escapes that are no octal number, of a plain `sh` and of everything else."""

SPEC: Final = r"%[-+ 0#]*\d*(?:\.\d+)?[sbcdiuoxXfeEgG%]"
UNSIGNED: Final = 2**64


def _byte(number: int) -> str:
    """Give a byte as a piece of text that encodes to just that byte."""
    return chr(number) if number < 0x80 else chr(0xDC00 + number)  # noqa: PLR2004 - ASCII ends


def _unescape(text: str, octal: str, io: Io) -> tuple[str, bool]:
    r"""Give a text with its escapes done, and whether `\c` cut it off."""

    def replace(match: re.Match[str]) -> str:
        code = match[1]
        if code.isdigit():
            return _byte(int(code, 8) & 0xFF)
        if code[0] == "x":
            return _byte(int(code[1:], 16))
        return ESCAPES[code]

    pieces, at, cut = [], 0, False
    known = PLAIN if io.posix else MORE
    # A plain shell's printf has no `\c` in its format.
    cutting = "" if io.posix and octal == OCTAL_FORMAT else "|c"
    for match in re.finditer(rf"\\({octal}|{known}{cutting})", text):
        pieces.append(text[at : match.start()])
        at = match.end()
        if match[1] == "c":
            cut, at = True, len(text)
            break
        pieces.append(replace(match))
    return "".join(pieces) + text[at:], cut


OCTAL_TEXT: Final = r"0[0-7]{0,3}|[1-7][0-7]{0,2}"
OCTAL_FORMAT: Final = r"[0-7]{1,3}"


def echo(_context: Context, args: list[str], io: Io) -> Steps:
    """`echo [-neE]`; the one of a plain `sh` knows `-n` alone, and always does escapes."""
    newline, escapes = True, io.posix
    while args and re.fullmatch("-n" if io.posix else r"-[neE]+", args[0]):
        newline = newline and "n" not in args[0]
        for flag in args[0][1:]:
            escapes = {"e": True, "E": False}.get(flag, escapes)
        args = args[1:]
        if io.posix:
            break
    text, cut = " ".join(args), False
    if escapes:
        text, cut = _unescape(text, OCTAL_TEXT, io)
    text += "\n" * (newline and not cut)
    if text:
        yield Stdout(text.encode(errors="surrogateescape"))
    return 0


class _Format:
    """A format at work."""

    def __init__(self, form: str, io: Io) -> None:
        self._io = io
        self._pieces = re.split(f"({SPEC})", form)
        self.wrong: list[tuple[str, str]] = []
        self.cut = False

    def fill(self, values: Iterator[str]) -> str:
        """Fill it once."""
        out = []
        for piece in self._pieces:
            if self.cut:
                break
            if re.fullmatch(SPEC, piece):
                out.append(self._one(piece[1:-1], piece[-1], values))
            else:
                text, self.cut = _unescape(piece, OCTAL_FORMAT, self._io)
                out.append(text)
        return "".join(out)

    def _one(self, flags: str, kind: str, values: Iterator[str]) -> str:
        if kind == "%":
            return "%"
        value = next(values, None)
        if kind in "sbc":
            text = value or ""
            if kind == "b":
                text, self.cut = _unescape(text, OCTAL_TEXT, self._io)
            return f"%{flags}s" % (text[:1] if kind == "c" else text)
        number = self._number(value, real=kind in "feEgG")
        if kind in "uoxX":
            number = int(number) % UNSIGNED
        if kind == "o" and "#" in flags:
            return f"%{flags.replace('#', '')}s" % f"0{number:o}"
        return f"%{flags}{'d' if kind == 'u' else kind}" % number

    def _number(self, value: str | None, *, real: bool) -> float:
        if not value:
            return 0
        if value[:1] in ("'", '"') and value[1:]:
            return ord(value[1])
        text = value.strip()
        match = re.fullmatch(r"([-+]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]{0,18})", text)
        if match:
            base = 16 if match[2][:2] in ("0x", "0X") else 8 if match[2][0] == "0" else 10
            return int(match[1] + match[2], base) if match[2] != "0" else 0
        decimal = re.match(r"[-+]?(\d+\.?\d*([eE][-+]?\d+)?|\.\d+)", text, re.ASCII)
        if real and decimal and decimal.end() == len(text):
            return float(text)
        digits = decimal if real else re.match(r"[-+]?[0-9]{1,18}", text)
        problem = "not completely converted" if digits else "expected numeric value"
        self.wrong.append((value, problem))
        if not digits or text.lstrip("+-").startswith("0"):
            return 0
        return float(digits[0]) if real else int(digits[0])


def printf(_context: Context, args: list[str], io: Io) -> Steps:
    """`printf FORMAT [ARGUMENT...]`; the format is used again while arguments are left."""
    if not args:
        yield io.complaint("printf", "usage: printf format [arg ...]")
        return 2
    form, left = _Format(args[0], io), args[1:]
    out = []
    while True:
        values = iter(left)
        out.append(form.fill(values))
        rest = list(values)
        if not rest or len(rest) == len(left) or form.cut:
            break
        left = rest
    data = "".join(out).encode(errors="surrogateescape")
    if data:
        yield Stdout(data)
    for value, problem in form.wrong:
        yield io.complaint("printf", f"{value}: {problem}")
    return int(bool(form.wrong))
