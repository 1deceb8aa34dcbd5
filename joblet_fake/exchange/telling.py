"""A call as a person reads it: in one line, or with all that is known of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from joblet_fake.exchange.secrets import FIELD, MASK, YAML_FIELDS, hidden_yaml, metadata_value

if TYPE_CHECKING:
    from collections.abc import Callable

    from joblet_fake.exchange.call import Call

WIDTH: Final = 60
"""How many characters of a request a line shows."""

UPLOADS: Final = ("uploads", "workflow_files")
"""The fields that hold files."""


def line(call: Call, hide: Callable[[str], str] = str) -> str:
    """Give a call in one line: who, what, and how it was answered.

    Args:
        call: the call.
        hide: masks what is secret in a text, before it is cut.
    """
    fault = ", by a fault" if call.fault else ""
    harm = f"; {call.harm}" if call.harm else ""
    asked = short(hide(_asked(call.request)))
    return hide(f"{call.role:7} {call.method}({asked}) -> {answer(call)}{fault}{harm}")


def answer(call: Call) -> str:
    """Give how a call was answered: the code, and its text or how much was sent."""
    told = call.code or "open"
    if call.details:
        return f"{told} {call.details!r}"
    if call.sent != (1 if call.code else 0):
        return f"{told} {call.sent} messages"
    return told


def short(text: str, width: int = WIDTH) -> str:
    """Give a text, cut where it is long."""
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _asked(request: Any) -> str:  # noqa: ANN401 - a run-time message class
    """Give a request's plain fields; secrets and uploads are none of them."""
    if request is None:
        return "?"
    plain = {
        field.name: shown_field(field.name, value)
        for field, value in request.ListFields()
        if field.message_type is None
    }
    return ", ".join(f"{name}={value!r}" for name, value in plain.items())


def whole(call: Call, hide: Callable[[str], str] = str) -> str:
    """Give all that is known of a call, on many lines.

    Args:
        call: the call.
        hide: masks what is secret in a text.
    """
    head = f"{call.started:%H:%M:%S.%f} {call.role} {call.method}"
    if call.duration is not None:
        head += f", {call.duration:g} s"
    if call.deadline is not None:
        head += f", deadline {call.deadline:.3g} s"
    lines = [f"{head} -> {answer(call)}"]
    lines += [f"    fault: {call.fault}"] if call.fault else []
    lines += [f"    harm: {call.harm}"] if call.harm else []
    lines += [f"    {key}: {metadata_value(key, value)!r}" for key, value in call.metadata]
    for frame in call.frames:
        arrow = ">" if frame.direction == "in" else "<"
        lines.append(f"  {arrow} {frame.at:%H:%M:%S.%f}")
        if frame.message is None:
            lines.append(f"      {frame.data!r}")
        else:
            lines += [f"      {name}: {value!r}" for name, value in fields(frame.message).items()]
    kept = len(call.frames) - 1
    if call.sent > kept:
        lines.append(f"  < and {call.sent - kept} more")
    return hide("\n".join(lines))


def fields(message: Any) -> dict[str, Any]:  # noqa: ANN401 - a run-time message class
    """Give the fields that are set, as plain data; secrets are masked, uploads only counted."""
    return {field.name: shown_field(field.name, value) for field, value in message.ListFields()}


def printable(text: str) -> str:
    r"""Give a text as one line in which nothing moves a terminal's cursor or colours.

    >>> printable("a\n\x1b[2J é")
    'a\\n\\x1b[2J é'
    """
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape", "surrogatepass").decode()
        for each in text
    )


def shown_field(name: str, value: Any) -> Any:  # noqa: ANN401 - any field's value
    """Give a field's value as plain data; secrets are masked, uploads only counted."""
    if name == FIELD:
        return dict.fromkeys(value, MASK)
    if name in YAML_FIELDS:
        return hidden_yaml(value)
    if name in UPLOADS:
        return [f"{each.path} ({len(each.content)} bytes)" for each in value]
    return plain_value(value)


def plain_value(value: Any) -> Any:  # noqa: ANN401 - any field's value
    """Give a field's value as plain data."""
    if hasattr(value, "ListFields"):
        return fields(value)
    if hasattr(value, "items"):
        return {key: plain_value(each) for key, each in value.items()}
    if isinstance(value, str | bytes | float | int):
        return value
    return [plain_value(each) for each in value]
