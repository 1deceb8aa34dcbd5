"""Requests: sensible jobs, anything that a message can hold, and bytes that are no message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from google.protobuf.descriptor import FieldDescriptor
from hypothesis import strategies as st

from joblet_fake.options import DEFAULT_API
from joblet_fake.wire import load

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

DEPTH: Final = 3
"""How deep messages within messages go."""

HOSTILE: Final = (
    "", " ", "..", "../../etc/passwd", "/", "a/../b", "\x00", "\n", "a\tb", "%s%n", "${HOME}", "é",
    "日本", "\U0001f600", "\u202e", "-", "--help", "*", "'; --", "x" * 300, "y" * 2_000,
)  # fmt: skip
"""Texts that servers trip over."""

INTS: Final = {
    FieldDescriptor.TYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_SINT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_SFIXED32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.TYPE_FIXED32: (0, 2**32 - 1),
    FieldDescriptor.TYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_SINT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_SFIXED64: (-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_UINT64: (0, 2**64 - 1),
    FieldDescriptor.TYPE_FIXED64: (0, 2**64 - 1),
}

NAMES: Final = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,11}", fullmatch=True)
WORDS: Final = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12
)


def jobs(**fields: SearchStrategy[Any]) -> SearchStrategy[dict[str, Any]]:
    """Give RunJob requests that a real server accepts, for built-in commands.

    Args:
        **fields: strategies for fields, in place of those that are chosen here.

    >>> from hypothesis import given
    >>> from joblet_fake import FakeJoblet
    >>> with FakeJoblet() as joblet:
    ...     @given(jobs())
    ...     def test(request):
    ...         assert joblet.rpc("RunJob", **request).status == "RUNNING"
    ...     test()
    """
    lines: SearchStrategy[tuple[str, list[str]]] = st.one_of(
        st.tuples(st.just("echo"), st.lists(WORDS, max_size=3)),
        st.tuples(st.just("sleep"), st.sampled_from(["0", "0.1", "3", "60"]).map(lambda s: [s])),
        st.tuples(st.just("seq"), st.integers(0, 50).map(lambda n: [str(n)])),
        st.sampled_from([("true", []), ("false", []), ("env", [])]),
        st.integers(0, 255).map(lambda code: ("sh", ["-c", f"exit {code}"])),
    )

    def request(line: tuple[str, list[str]], rest: dict[str, Any]) -> dict[str, Any]:
        command, args = line
        return {"command": command, "args": args} | rest

    optional: dict[str, SearchStrategy[Any]] = {
        "name": NAMES,
        "environment": st.dictionaries(NAMES, WORDS, max_size=3),
        "secret_environment": st.dictionaries(NAMES, WORDS, max_size=2),
        "network": st.sampled_from(["", "bridge", "none", "isolated"]),
    }
    # What a client sets can change what is run (JOB-RUN-84).
    for name in ("environment", "secret_environment"):
        optional[name] = optional[name].map(
            lambda pairs: {key: pairs[key] for key in pairs if not key.startswith("JOB")},
        )
    optional |= {name: given for name, given in fields.items() if name in optional}
    required = {name: given for name, given in fields.items() if name not in optional}
    return st.builds(
        request,
        lines,
        st.fixed_dictionaries(required, optional=optional),
    )


def requests(method: str, api: str = DEFAULT_API) -> SearchStrategy[dict[str, Any]]:
    """Give requests of a method with anything in them that its message can hold.

    Numbers are often zero, negative or as large as can be, texts often empty, long, or of the
    kind that servers trip over.

    Args:
        method: its name; a short one where that is unique.
        api: the API version.

    Raises:
        ValueError: no method, or more than one, has that name; the message says which do.

    >>> from hypothesis import find
    >>> find(requests("StopJob"), lambda request: ".." in request.get("uuid", ""))
    {'uuid': '..'}
    """
    return _message(load(api).method(method).request.DESCRIPTOR, DEPTH)


def garbage(method: str, api: str = DEFAULT_API) -> SearchStrategy[bytes]:
    """Give bytes for a method's request: cut, changed or random ones.

    Args:
        method: its name; a short one where that is unique.
        api: the API version.

    Raises:
        ValueError: no method, or more than one, has that name; the message says which do.
    """
    encode = load(api).method(method).encode_request

    def spoilt(request: dict[str, Any], place: float, byte: int, *, cut: bool) -> bytes:
        data = bytearray(encode(request))
        at = int(place * len(data))
        if cut:
            return bytes(data[:at])
        data[at:at] = bytes([byte])
        return bytes(data)

    return st.binary(max_size=64) | st.builds(
        spoilt,
        requests(method, api),
        st.floats(0, 1, exclude_max=True),
        st.integers(0, 255),
        cut=st.booleans(),
    )


def texts() -> SearchStrategy[str]:
    """Give texts, often of the kind that servers trip over."""
    return st.sampled_from(HOSTILE) | st.text(st.characters(codec="utf-8"), max_size=20)


def _message(descriptor: Any, depth: int) -> SearchStrategy[dict[str, Any]]:  # noqa: ANN401 - of either protobuf implementation
    return st.fixed_dictionaries(
        {},
        optional={
            field.name: _field(field, depth)
            for field in descriptor.fields
            if depth or field.message_type is None
        },
    )


def _field(field: FieldDescriptor, depth: int) -> SearchStrategy[Any]:
    message = field.message_type
    if message is not None and message.GetOptions().map_entry:
        key, value = message.fields
        return st.dictionaries(_field(key, depth), _field(value, depth), max_size=3)
    one = _scalar(field) if message is None else _message(message, depth - 1)
    return st.lists(one, max_size=3) if field.is_repeated else one


def _scalar(field: FieldDescriptor) -> SearchStrategy[Any]:
    if field.type in INTS:
        low, high = INTS[field.type]
        return st.sampled_from([0, 1, -1 if low else 0, low, high]) | st.integers(low, high)
    if field.type == FieldDescriptor.TYPE_BOOL:
        return st.booleans()
    if field.type == FieldDescriptor.TYPE_BYTES:
        return st.binary(max_size=64)
    if field.enum_type is not None:
        return st.sampled_from([*(each.number for each in field.enum_type.values), 99])
    if field.type in (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT):
        return st.floats(width=32)
    return texts()
