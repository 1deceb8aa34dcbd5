from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from joblet_fake.programs.shell_grammar import ShellSyntaxError
from joblet_fake.programs.shell_parser import parse


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("echo 'a", "a quote is not closed"),
        ('echo "a', "a quote is not closed"),
        ("echo $(a", "$( is not closed"),
        ("echo $((1", "$(( is not closed"),
        ("echo `a`", "` is more than this shell knows"),
        ('echo "`a`"', "` is more than this shell knows"),
        ("echo *", "* is more than this shell knows"),
        ("echo ~", "~ is more than this shell knows"),
        ("echo ${a#b}", "this form of ${} is more than this shell knows"),
        ("a & b", "& is more than this shell knows"),
        ("f() { a; }", "functions are more than this shell knows"),
        ("if a; fi", "fi is not expected"),
        ("while a; do b", "done is missing"),
        ("for 1 in a; do b; done", "for needs a name"),
        ("(a", ") is missing"),
        ("a )", ") is not expected"),
        ("a && ", "the end is not expected"),
        ("a >", "a redirection needs a target"),
        ("a;;b", ";; is not expected"),
        ("case a in a) b;; esac", "case is not expected"),
        ("{ a", "} is missing"),
    ],
)
def test_what_it_does_not_have_is_named(script: str, problem: str) -> None:
    with pytest.raises(ShellSyntaxError) as caught:
        parse(script)
    assert str(caught.value) == problem


@pytest.mark.parametrize("script", ["", " ", "\n\n", "# a comment", ";", "a\n\n\nb", "a && \n b"])
def test_blank_lines_and_comments_are_nothing(script: str) -> None:
    parse(script)


@given(st.text("ab \n\t'\"\\$(){}|&;<>#!=*?[]~`01", max_size=30))
def test_any_text_is_a_script_or_is_refused(script: str) -> None:
    with suppress(ShellSyntaxError):
        parse(script)
