"""`$((...))`: whole numbers of 64 bits, as a shell counts."""

from __future__ import annotations

import ast
import operator
import re
from typing import TYPE_CHECKING, Final

from joblet_fake.programs.shell_grammar import ShellSyntaxError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class UncomputableError(Exception):
    """An expression that a shell can read and can't compute: it ends, with this message."""


def _divide(a: int, b: int) -> int:
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


OPERATIONS: Final[dict[type, Callable[[int, int], int]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: _divide,
    ast.Mod: lambda a, b: a - _divide(a, b) * b,
}
COMPARISONS: Final[dict[type, Callable[[int, int], bool]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
POSSIBLE: Final = r"[0-9A-Za-z_${} \t()+\-*/%<>=!&|]*"
HALF: Final = 2**63


def compute(expression: str, variables: Mapping[str, str]) -> int:
    """Compute an arithmetic expression.

    Args:
        expression: what stands between `$((` and `))`.
        variables: the shell's; an unset one is 0.

    Raises:
        ShellSyntaxError: it is wrong, or uses what this shell does not know.
        UncomputableError: a variable is no number, or it divides by zero.

    >>> compute("(n + 1) * -7 / 2", {"n": "2"}), compute("010 + 0x10", {}), compute("2 < 3", {})
    (-10, 24, 1)
    """

    def number(match: re.Match[str]) -> str:
        text = match[0]
        if text[0].isdigit():
            base = 16 if text[1:2] in ("x", "X") else 8 if text[0] == "0" else 10
            return str(int(text, base) if text != "0" else 0)
        value = variables.get(text.strip("${}")) or "0"
        if not re.fullmatch(r"\s*[-+]?[0-9]{1,19}\s*", value):
            raise UncomputableError(f"Illegal number: {value}")
        return f"({int(value)})"

    problem = ShellSyntaxError(f"$(({expression})) can't be computed")
    if not re.fullmatch(POSSIBLE, expression) or "**" in expression or "//" in expression:
        raise problem
    try:
        text = re.sub(r"0[xX][0-9a-fA-F]+|[0-9]+|\$?\{?[A-Za-z_]\w*\}?", number, expression)
        text = text.replace("&&", " and ").replace("||", " or ")
        return _value(ast.parse(text.strip(), mode="eval").body)
    except ZeroDivisionError:
        raise UncomputableError(
            f'arithmetic expression: division by zero: "{expression}"'
        ) from None
    except (SyntaxError, ValueError, KeyError, TypeError, MemoryError):
        raise problem from None


def _value(node: ast.expr) -> int:
    match node:
        case ast.Constant(int(value)):
            result = value
        case ast.BinOp(left, operation, right):
            result = OPERATIONS[type(operation)](_value(left), _value(right))
        case ast.UnaryOp(ast.USub(), operand):
            result = -_value(operand)
        case ast.UnaryOp(ast.UAdd(), operand):
            result = _value(operand)
        case ast.Compare(left, [operation], [right]):
            result = int(COMPARISONS[type(operation)](_value(left), _value(right)))
        case ast.BoolOp(ast.And(), operands):
            result = int(all(_value(operand) for operand in operands))
        case ast.BoolOp(ast.Or(), operands):
            result = int(any(_value(operand) for operand in operands))
        case _:
            raise TypeError(node)
    return (result + HALF) % (2 * HALF) - HALF
