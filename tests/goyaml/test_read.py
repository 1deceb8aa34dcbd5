"""YAML is read as Go's yaml.v3 reads it: what that library said of 356 texts, and of any text."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from joblet_fake.goyaml import Items, Number, Record, Table, Text, YamlError, read
from joblet_fake.model.workflow_file import SHAPE

SAID = json.loads((Path(__file__).parent / "data" / "yaml_v3.json").read_text())
"""Written by hand, or made from workflows by a few random changes; v3.0.1 read each."""


@pytest.mark.parametrize("said", SAID, ids=lambda said: ascii(said["text"])[:60])
def test_a_text_is_what_the_real_library_says(said: dict[str, Any]) -> None:
    """Values where it reads a workflow, else its words and its line (JOB-WF-04, JOB-WF-05)."""
    if "error" in said:
        with pytest.raises(YamlError) as caught:
            read(said["text"], SHAPE)
        assert str(caught.value) == said["error"]
    else:
        assert read(said["text"], SHAPE) == said["value"]


PIECES = st.sampled_from(
    ["a", "jobs", ":", " ", "\n", "  ", "- ", "{", "}", "[", "]", ",", "'", '"', "&a ", "*a", "<<",
     "#", "|", ">", "!", "!!int ", "%", "@", "`", "?", "\t", "---\n", "...", "5", "null", "\0", "é",
     "\u2028", "\ufeff", "\r", "\\", "~", "."],
)  # fmt: skip


@given(st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=60))
def test_any_text_is_read_or_refused_in_the_librarys_words(text: str) -> None:
    try:
        told = str(sorted(read(text, SHAPE)))
    except YamlError as error:
        told = str(error)

    assert told == "['description', 'jobs', 'name']" or told.startswith("yaml: ")


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=12), max_size=4))
def test_quoted_texts_come_back_as_they_were(table: dict[str, str]) -> None:
    # JSON is YAML but for what no YAML may hold.
    written = json.dumps({"table": table}, ensure_ascii=True).replace("\\ud", "\\u00d")
    told = json.loads(written)

    assert read(written, Record("T", {"table": Table(Text())})) == told


def test_aliases_that_multiply_are_refused_before_they_fill_the_memory() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    shape = Items(Text())
    for _ in range(8):
        shape = Items(shape)
    began = time.monotonic()

    with pytest.raises(YamlError, match=r"^yaml: document contains excessive aliasing$"):
        read("\n".join(lines), Record("T", {"a8": shape}))
    assert time.monotonic() - began < 20


def test_all_that_does_not_fit_is_listed_and_the_rest_is_not_lost() -> None:
    shape = Record("T", {"a": Number(), "b": Items(Number()), "c": Text()})

    with pytest.raises(YamlError) as caught:
        read("a: x\nb: [1, y, 3]\nc: z", shape)
    assert str(caught.value).splitlines() == [
        "yaml: unmarshal errors:",
        "  line 1: cannot unmarshal !!str `x` into int",
        "  line 2: cannot unmarshal !!str `y` into int",
    ]


def test_a_text_nested_too_deep_is_refused() -> None:
    with pytest.raises(YamlError, match="exceeded max depth"):
        read("x: " + "[" * 20_000, SHAPE)
