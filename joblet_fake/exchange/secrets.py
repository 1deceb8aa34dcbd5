"""What of a call is secret, and how it is hidden where a person reads it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from joblet_fake.goyaml import YamlError
from joblet_fake.model.workflow_file import is_secret, read_workflow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from joblet_fake.exchange.call import Call

MASK: Final = "***"

MASKED_FROM: Final = 4
"""How long a secret must be to be masked wherever it stands; shorter ones are in every text."""

FIELD: Final = "secret_environment"
"""The field whose values are secret, of every message that has it."""

YAML_FIELDS: Final = frozenset({"yaml_content", "original_yaml"})
"""The fields that hold a file in which variables are secret by their names (JOB-WF-06)."""

PRIVATE_KEY: Final = re.compile(
    r"auth|cookie|token|secret|passw|credential|session|signature|jwt|(api|access|private)[-_.]?key"
)
"""What keys of metadata have in them whose values are nobody's business."""

VARIABLE: Final = re.compile(r"""(?<!\w)(\w++)["']?\s*+:(?=\s|["']|$)""")
"""A key of YAML with its colon, wherever it stands in a line; looks at no letter twice."""


def is_private(key: str) -> bool:
    """Tell whether what a client sends under a key of metadata is not to be shown.

    >>> is_private("authorization"), is_private("x-api-key"), is_private("user-agent")
    (True, True, False)
    """
    return PRIVATE_KEY.search(key.lower()) is not None


def of_call(call: Call) -> Iterator[str]:
    """Give the secrets that a caller sent: of its jobs, of its workflow's, of its metadata."""
    for key, value in call.metadata:
        if is_private(key):
            yield from _of_metadata(value)
    shape = call.shape
    names = () if shape is None else shape.request.DESCRIPTOR.fields_by_name
    if FIELD in names or YAML_FIELDS.intersection(names):
        request = call.request
        if request is not None:
            yield from getattr(request, FIELD, {}).values()
            for name in YAML_FIELDS.intersection(names):
                yield from of_yaml(getattr(request, name))


def _of_metadata(value: str | bytes) -> Iterator[str]:
    text = value.decode(errors="replace") if isinstance(value, bytes) else value
    yield text
    # What comes behind "Bearer", and each of several cookies, may also stand alone.
    yield from text.split(None, 1)[1:]
    yield from (part.strip() for part in text.split(";")[1:])
    yield text.partition(";")[0]


def of_yaml(text: str) -> list[str]:
    """Give the values that become secrets of a workflow's jobs; none where it is no workflow.

    >>> of_yaml("jobs: {a: {command: echo, environment: {MY_TOKEN: t0ken, A: b}}}")
    ['t0ken']
    """
    try:
        steps = read_workflow(text)
    except YamlError:
        return []
    return [value for step in steps for value in step.spec.secret_environment.values()]


def hidden_yaml(text: str) -> str:
    r"""Give a file without what its secret variables hold, even if it is no right YAML.

    >>> hidden_yaml("a: b\nMY_KEY: |\n  one\n  two\nc: d\n")
    'a: b\nMY_KEY: ***\nc: d\n'
    """
    # First by line, which needs no right YAML; then what also stands elsewhere in it.
    lines: list[str] = []
    below: int | None = None
    for line in text.splitlines(keepends=True):
        indent = len(line) - len(line.lstrip())
        if below is not None and (not line.strip() or indent > below):
            continue
        below = None
        end = _secret_at(line)
        if end is not None:
            below = indent
            line = f"{line[:end]} {MASK}\n"  # noqa: PLW2901 - what is left of it
        lines.append(line)
    return Masks(of_yaml(text))("".join(lines))


def _secret_at(line: str) -> int | None:
    """Give where the colon of a line's first secret variable ends."""
    for found in VARIABLE.finditer(line):
        if is_secret(found[1]):
            return found.end()
    return None


class Masks:
    r"""Hides secrets in texts: whole, line by line, and as code writes them in quotes.

    >>> hide = Masks(["s3cret", "one line\nand another"])
    >>> hide("a s3cret, 'one line\\nand another', > and another")
    "a ***, '***', > ***"
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        forms: set[str] = set()
        for secret in secrets:
            forms |= {
                secret,
                *(line.strip() for line in secret.splitlines()),
                secret.strip(),
                repr(secret)[1:-1],
                repr(secret.encode(errors="replace"))[2:-1],
                json.dumps(secret)[1:-1],
                json.dumps(secret, ensure_ascii=False)[1:-1],
            }
        self._forms = sorted(
            (form for form in forms if len(form) >= MASKED_FROM),
            key=lambda form: (-len(form), form),
        )

    def __call__(self, text: str) -> str:
        """Give a text without them."""
        for form in self._forms:
            text = text.replace(form, MASK)
        return text


def metadata_value(key: str, value: str | bytes) -> Any:  # noqa: ANN401 - text or bytes
    """Give what is shown of a value of metadata."""
    return MASK if is_private(key) else value
