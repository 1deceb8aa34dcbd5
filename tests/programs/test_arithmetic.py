from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from joblet_fake.programs.arithmetic import UncomputableError, compute
from joblet_fake.programs.shell_grammar import ShellSyntaxError


@given(st.integers(-100, 100), st.sampled_from("+-*/%"), st.integers(-100, 100))
def test_it_counts_as_c_does(a: int, operation: str, b: int) -> None:
    """Division goes towards zero, and the rest has the sign of what is divided."""
    if operation in "/%" and not b:
        with pytest.raises(UncomputableError, match="division by zero"):
            compute(f"{a} {operation} ({b})", {})
        return
    quotient = abs(a) // abs(b or 1) * (1 if (a < 0) == (b < 0) else -1)
    expected = {"+": a + b, "-": a - b, "*": a * b, "/": quotient, "%": a - quotient * b}
    assert compute(f"{a} {operation} ({b})", {}) == expected[operation]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("9223372036854775807 + 1", -(2**63)),
        ("-9223372036854775807 - 2", 2**63 - 1),
        ("010 + 0x1F", 39),
        ("x * $x + ${x}", 12),
        ("unset + 1", 1),
        ("(1 + 2) * 3", 9),
        ("1 < 2", 1),
        ("2 == 3", 0),
        ("1 && 0 || 1", 1),
        ("+5 - -5", 10),
        (" 7 ", 7),
    ],
)
def test_an_expression(expression: str, value: int) -> None:
    assert compute(expression, {"x": "3"}) == value


@pytest.mark.parametrize(
    "expression",
    [
        "1 +", "", "2 ** 3", "7 // 2", "1 << 3", "x = 5", "x++", "f(1)", "[1]", "'a'",
        "1 if 1 else 2", "1 < 2 < 3", "(" * 5000, "9" * 5000, "1.5",
        "a.b", "1\n2", "\u0661", "lambda: 1", "0o7", "08", "__import__('os')",
    ],
)  # fmt: skip
def test_anything_else_is_more_than_it_knows(expression: str) -> None:
    """Nothing of Python's that a shell does not have gets through."""
    with pytest.raises(ShellSyntaxError):
        compute(expression, {"x": "3"})


@pytest.mark.parametrize("value", ["b c", "1+", "x", "9" * 5000, "\u0661"])
def test_a_variable_that_is_no_number_is_told(value: str) -> None:
    with pytest.raises(UncomputableError, match=r"^Illegal number: "):
        compute("x", {"x": value})


@given(st.text("0123456789+-*/%()<>=&| xX$ab{}", max_size=20))
def test_no_expression_breaks_it(expression: str) -> None:
    with suppress(ShellSyntaxError, UncomputableError):
        assert -(2**63) <= compute(expression, {"x": "1"}) < 2**63
