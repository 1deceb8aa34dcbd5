"""Methods: their names, and their bytes."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from joblet_fake.wire import DecodeError, Method, load

API = load("2.3.1")
RUN_JOB = API.method("RunJob")
METHODS = sorted(API.methods.values(), key=lambda method: method.path)


@pytest.mark.parametrize(
    "name",
    ["RunJob", "JobService.RunJob", "joblet.JobService/RunJob", "/joblet.JobService/RunJob"],
)
def test_a_method_is_found_by_each_of_its_names(name: str) -> None:
    assert API.method(name).path == "/joblet.JobService/RunJob"


def test_an_ambiguous_name_is_refused_with_both_full_ones() -> None:
    with pytest.raises(ValueError, match=r"'JobService.DeleteJob' or 'PersistService.DeleteJob'"):
        API.method("DeleteJob")


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"no method 'RunJobb'; near: JobService.RunJob"):
        API.method("RunJobb")
    with pytest.raises(ValueError, match=r"one of JobService, MonitoringService"):
        API.method("Zzz")


def test_an_unknown_version_is_refused_with_the_published_ones() -> None:
    with pytest.raises(ValueError, match=r"'9.9.9'.*2\.3\.1.*2\.6\.0"):
        load("9.9.9")


def test_a_field_that_the_request_lacks_is_refused_with_those_it_has() -> None:
    with pytest.raises(ValueError, match=r"RunJob has no field 'cmd'; near: 'command'"):
        RUN_JOB.encode_request({"cmd": "echo"})


def test_a_value_of_the_wrong_type_is_refused() -> None:
    with pytest.raises(ValueError, match=r"JobService\.RunJob: "):
        RUN_JOB.encode_request({"max_cpu": "much"})


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"command": 3}, "command=3: give text"),
        ({"command": None, "args": ["x", 3]}, "args[1]=3: give text"),
        ({"args": 3}, "args=3: give a list, of which each is text"),
        ({"args": {"x": "y"}}, "args={'x': 'y'}: give a list, of which each is text"),
        ({"environment": {"A": 3}}, "environment['A']=3: give text"),
        ({"environment": {3: "A"}}, "environment: the key 3 is none: give text"),
        ({"environment": "A=3"}, "environment='A=3': give a mapping of text to text"),
        ({"environment": ["A"]}, "environment=['A']: give a mapping of text to text"),
        ({"max_cpu": "much"}, "max_cpu='much': give a whole number, -2147483648 to 2147483647"),
        ({"max_cpu": 1 << 40}, "max_cpu=1099511627776: give a whole number, -2147483648 to "),
        ({"uploads": [3]}, "uploads[0]=3: give a mapping of its fields: path, content, mode, is_"),
        ({"uploads": [{}, {"pth": "x"}]}, "uploads[1] has no field 'pth'; near: 'path'"),
        ({"uploads": [{"content": "x"}]}, "uploads[0].content='x': give bytes"),
        ({"uploads": [{"is_directory": "no"}]}, "uploads[0].is_directory='no': give True or Fal"),
        ({"uploads": {"path": "x"}}, "uploads={'path': 'x'}: give a list, of which each is a map"),
        ({"uploads": [RUN_JOB.request()]}, "uploads[0]=: give a mapping of its fields: path, "),
        ({"command": "x" * 100 + "\ud800"}, f"command='{'x' * 58}…: give text"),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_what_would(
    fields: dict[str, object], told: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(f'JobService.RunJob: {told}')}"):
        RUN_JOB.encode_request(fields)


def test_an_enum_lists_its_names() -> None:
    query = API.method("QueryLogs")

    with pytest.raises(ValueError, match=r"stream='both': give one of STREAM_TYPE_UNSPECIFIED, "):
        query.encode_request({"stream": "both"})


def test_what_protobuf_takes_is_taken() -> None:
    upload = RUN_JOB.request.DESCRIPTOR.fields_by_name["uploads"].message_type
    fields = {
        "command": b"echo",
        "args": (arg for arg in ("a", "b")),
        "uploads": [{"path": "x"}, RUN_JOB.request().uploads.add()],
        "max_cpu": 5,
        "network": None,
    }

    request = RUN_JOB.decode(RUN_JOB.encode_request(fields))

    assert upload.name == "FileUpload"
    assert request == RUN_JOB.request(
        command="echo", args=["a", "b"], uploads=[{"path": "x"}, {}], max_cpu=5
    )


def test_a_response_field_that_the_version_lacks_is_left_out() -> None:
    """Newer versions have a timeout in the status; services need not know which."""
    status = API.method("GetJobStatus")

    data = status.encode({"uuid": "a", "timeout": "5m0s"})

    assert data == status.encode({"uuid": "a"})


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.key)
@given(data=st.binary(max_size=64))
def test_bytes_that_are_no_message_raise_nothing_but_decode_error(
    method: Method,
    data: bytes,
) -> None:
    try:
        method.decode(data)
    except DecodeError as error:
        assert str(error) in {  # noqa: PT017 - either is right
            "proto: cannot parse invalid wire-format data",
            "string field contains invalid UTF-8",
        }


def test_text_that_is_not_utf_8_is_told_from_bad_framing() -> None:
    """SRV-21."""
    with pytest.raises(DecodeError, match="string field contains invalid UTF-8"):
        RUN_JOB.decode(b"\x12\x02\xff\xfe")
    with pytest.raises(DecodeError, match="cannot parse invalid wire-format data"):
        RUN_JOB.decode(b"\x12\x7fshort")


def test_map_keys_that_are_not_utf_8_are_told_too() -> None:
    with pytest.raises(DecodeError, match="string field contains invalid UTF-8"):
        RUN_JOB.decode(b"\x72\x05\x0a\x01\xff\x12\x00")


@given(
    command=st.text(),
    args=st.lists(st.text()),
    environment=st.dictionaries(st.text(), st.text()),
    max_cpu=st.integers(-(2**31), 2**31 - 1),
)
def test_a_request_comes_back_as_it_was_written(
    command: str,
    args: list[str],
    environment: dict[str, str],
    max_cpu: int,
) -> None:
    fields = {"command": command, "args": args, "environment": environment, "max_cpu": max_cpu}

    request = RUN_JOB.decode(RUN_JOB.encode_request(fields))

    assert request.command == command  # type: ignore[attr-defined]
    assert list(request.args) == args  # type: ignore[attr-defined]
    assert dict(request.environment) == environment  # type: ignore[attr-defined]
    assert request.max_cpu == max_cpu  # type: ignore[attr-defined]


def test_unknown_fields_and_wrong_wire_types_are_ignored() -> None:
    """As a Go server does (SRV-21): field 900 is unknown, and field 4 is no text."""
    request = RUN_JOB.decode(b"\x12\x04echo" + b"\xa2\x38\x01x" + b"\x22\x01x")

    assert request.command == "echo"  # type: ignore[attr-defined]
    assert request.max_cpu == 0  # type: ignore[attr-defined]


def test_a_text_is_no_list() -> None:
    """It would become a list of its letters."""
    with pytest.raises(ValueError, match=r"RunJob: args is a list: give \['--all'\]"):
        load("2.3.1").method("RunJob").encode_request({"command": "echo", "args": "--all"})
