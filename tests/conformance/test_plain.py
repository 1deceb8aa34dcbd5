"""Plain data says everything that a message says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from joblet_conformance.plain import bytes_of, leaves, plain_bytes, plain_message, replaced
from joblet_fake import load_api

API = load_api("2.3.1")
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.binary())
def test_bytes_come_back_as_they_were(data: bytes) -> None:
    assert bytes_of(plain_bytes(data)) == data


@pytest.mark.parametrize("told", [{}, {"text": "a", "base64": ""}, {"base64": "?"}])
def test_what_is_no_bytes_is_refused(told: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="base64"):
        bytes_of(told)


def test_fields_with_default_values_are_told_too() -> None:
    message = API.method("GetJobStatus").response()

    told = plain_message(message)

    assert set(told) == set(message.DESCRIPTOR.fields_by_name)
    assert (told["status"], told["exit_code"], told["volumes"]) == ("", 0, [])


def test_a_message_that_is_not_set_is_told_from_an_empty_one() -> None:
    message = API.method("GetSystemStatus").response()

    assert plain_message(message)["host"] is None
    message.host.SetInParent()
    assert plain_message(message)["host"]["hostname"] == ""


@given(PLAIN, st.data())
def test_every_leaf_can_be_replaced_and_nothing_else_changes(
    tree: object, data: st.DataObject
) -> None:
    all_leaves = list(leaves(tree))
    path, _ = data.draw(st.sampled_from(all_leaves))

    changed = dict(leaves(replaced(tree, path, "another")))

    assert changed.pop(path) == "another"
    assert changed == {where: value for where, value in all_leaves if where != path}
