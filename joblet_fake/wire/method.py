"""One method: its messages, and how they become bytes and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError as ProtobufError
from google.protobuf.message import Message

from joblet_fake.wire.misfit import misfit
from joblet_fake.words import near

if TYPE_CHECKING:
    from collections.abc import Callable


class DecodeError(ValueError):
    """A request's bytes are no such message; the text is what a real server says (SRV-21)."""


class Method:
    """A method of one version, under newest names; made by `load`.

    Attributes:
        service: the service's full name, such as `"joblet.JobService"`.
        name: the method's name.
        key: its short full name, such as `"JobService.RunJob"`.
        path: its path, such as `"/joblet.JobService/RunJob"`.
        server_streaming: whether it answers with a stream.
        persist: whether it lives on the persist port.
        request: the request's class.
        response: the response's class.
    """

    __slots__ = (
        "_lenient",
        "full_name",
        "key",
        "name",
        "path",
        "persist",
        "request",
        "response",
        "server_streaming",
        "service",
    )

    def __init__(
        self,
        *,
        service: str,
        name: str,
        server_streaming: bool,
        persist: bool,
        request: type[Message],
        response: type[Message],
        lenient: Callable[[str], type[Message]],
    ) -> None:
        self.service = service
        self.name = name
        self.key = f"{service.rpartition('.')[2]}.{name}"
        self.full_name = f"{service}.{name}"
        self.path = f"/{service}/{name}"
        self.server_streaming = server_streaming
        self.persist = persist
        self.request = request
        self.response = response
        self._lenient = lenient

    def __repr__(self) -> str:
        return f"<Method {self.key}>"

    def decode(self, data: bytes) -> Message:
        """Read a request.

        Args:
            data: its bytes; fields that the version does not know are ignored.

        Raises:
            DecodeError: they are no message, or hold text that is not UTF-8 (SRV-21).
        """
        try:
            return self.request.FromString(data)
        except ProtobufError:
            pass
        try:
            self._lenient(self.request.DESCRIPTOR.full_name).FromString(data)
        except ProtobufError:
            raise DecodeError("proto: cannot parse invalid wire-format data") from None
        raise DecodeError("string field contains invalid UTF-8")

    def encode(self, fields: Mapping[str, object]) -> bytes:
        """Write a response; fields that this version does not have are left out.

        Args:
            fields: values by the fields' newest names; messages as mappings.
        """
        make: Any = self.response
        try:
            # One step into protobuf's own code, where the version has all of the fields.
            message = make(**fields)
        except (TypeError, ValueError):
            message = make()
            _fill(message, fields)
        data: bytes = message.SerializeToString(deterministic=True)
        return data

    def encode_request(self, fields: Mapping[str, object]) -> bytes:
        """Write a request.

        Args:
            fields: values by the fields' newest names; messages as mappings.

        Raises:
            ValueError: a name that the request does not have, or a value of the wrong type; the
                message says what is possible.
        """
        known = self.request.DESCRIPTOR.fields_by_name
        for name in fields:
            if name not in known:
                what = near(name, known) if known else "it has none"
                raise ValueError(f"{self.key} has no field {name!r}; {what}")
            value = fields[name]
            if isinstance(value, str | bytes | Mapping) and _is_list(known[name]):
                wrong = misfit(self.request.DESCRIPTOR, {name: value})
                right = f"{name} is a list: give [{value!r}]"
                raise ValueError(f"{self.key}: {wrong if isinstance(value, Mapping) else right}")
        message = self.request()
        try:
            _fill(message, fields, strict=True)
        except (AttributeError, TypeError, ValueError) as error:
            wrong = misfit(self.request.DESCRIPTOR, fields)
            raise ValueError(f"{self.key}: {wrong or error}") from None
        return message.SerializeToString(deterministic=True)

    def decode_response(self, data: bytes) -> Message:
        """Read a response."""
        return self.response.FromString(data)


def _is_list(field: Any) -> bool:  # noqa: ANN401 - its type has no name at run time
    kind = field.message_type
    return field.is_repeated and not (kind is not None and kind.GetOptions().map_entry)


def _fill(message: Any, fields: Mapping[str, object], *, strict: bool = False) -> None:  # noqa: ANN401 - run-time classes
    known = message.DESCRIPTOR.fields_by_name
    for name, value in fields.items():
        field = known.get(name)
        if field is None and strict:
            raise ValueError(f"{message.DESCRIPTOR.name} has no field {name!r}")
        if field is None or value is None:
            continue
        kind = field.message_type
        if kind is None:
            if field.is_repeated:
                getattr(message, name).extend(value)
            else:
                setattr(message, name, value)
        elif kind.GetOptions().map_entry:
            inner = kind.fields_by_name["value"].message_type
            _fill_map(getattr(message, name), inner, value, strict=strict)
        elif field.is_repeated:
            items = getattr(message, name)
            for item in value:  # type: ignore[attr-defined]  # a list, by the field's shape
                _put(items.add(), item, strict=strict)
        else:
            _put(getattr(message, name), value, strict=strict)


def _fill_map(entries: Any, kind: Any, value: Any, *, strict: bool) -> None:  # noqa: ANN401 - as above
    if kind is None:
        entries.update(value)
        return
    for key, item in value.items():
        _put(entries[key], item, strict=strict)


def _put(message: Any, value: object, *, strict: bool) -> None:  # noqa: ANN401 - run-time classes
    if isinstance(value, Message):
        message.CopyFrom(value)
    else:
        message.SetInParent()
        # A mapping, by the field's shape.
        _fill(message, value, strict=strict)  # type: ignore[arg-type]
