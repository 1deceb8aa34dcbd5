"""How a runtime may be written: in RunJob, for a lookup, in a check, for an installation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from joblet_fake.model.errors import Kind, Refusal

PARTS: Final = 2


def check_runtime(spec: str) -> None:
    """Check a runtime's form; whether it is installed shows only in the job (JOB-RUN-14, -63).

    Args:
        spec: `language:version`, or `language-version` with anything after another dash.

    Raises:
        Refusal: it has neither form.

    >>> check_runtime("python:3.11"); check_runtime("python-3.11-ml")
    """
    problem = ""
    if ":" in spec:
        parts = spec.split(":")
        if len(parts) != PARTS:
            problem = f"invalid runtime format: expected 'language:version', got '{spec}'"
    else:
        parts = spec.split("-")
        if len(parts) < PARTS:
            problem = f"invalid runtime format: expected 'language-version[-tags]', got '{spec}'"
    if not problem and not all(parts[:PARTS]):
        problem = "runtime language and version cannot be empty"
    if problem:
        raise Refusal(
            Kind.INVALID,
            f"request validation failed: invalid runtime: {problem}",
        )


# For a lookup

ANY: Final = ("", "unknown")
"""Languages that every runtime has, as far as a lookup goes (RT-04)."""

ANY_VERSION: Final = ("", "unknown", "latest")
"""Versions that every runtime has, as far as a lookup goes (RT-04)."""

TAGGED_PARTS: Final = 3


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a lookup makes of a text when no runtime is called exactly so (RT-04)."""

    language: str
    version: str

    def fits(self, name: str, language: str, version: str) -> bool:
        """Tell whether a runtime is one that the text can mean.

        Args:
            name: the runtime's name.
            language: its language; "" for none.
            version: its version.
        """
        right_version = self.version in ANY_VERSION or self.version == version
        if self.language in ANY:
            return right_version
        named = name == self.language or (bool(language) and language == self.language)
        return named and right_version


def wanted(spec: str) -> Wanted:
    """Read a text loosely, as a lookup does; tags are dropped (RT-04).

    >>> wanted("python-3.11@1.3.1")
    Wanted(language='python-3.11', version='1.3.1')
    >>> wanted("python:3.11+ml"), wanted("python-3.11-ml")
    (Wanted(language='python', version='3.11'), Wanted(language='python', version='unknown'))
    """
    if "@" in spec:
        name, _, version = spec.partition("@")
        return Wanted(name, version)
    parts = spec.split(":")
    if len(parts) == PARTS:
        return Wanted(parts[0], parts[1].partition("+")[0])
    dashed = spec.partition("+")[0].split("-")
    if "+" in spec and len(dashed) >= TAGGED_PARTS:
        return Wanted(dashed[0], dashed[1])
    parts = spec.split("-")
    if len(parts) == PARTS:
        return Wanted(parts[0], parts[1])
    return Wanted(parts[0], "unknown")


# In a check

LANGUAGES: Final = ("python", "java", "golang", "node", "ruby", "php")
ARCHITECTURES: Final = ("amd64", "arm64", "x86_64")
DEFAULT_ARCHITECTURE: Final = ARCHITECTURES[0]


@dataclass(frozen=True, slots=True)
class SpecInfo:
    """A text taken apart by ValidateRuntimeSpec."""

    language: str
    version: str
    variants: tuple[str, ...]
    architecture: str

    @property
    def normalized(self) -> str:
        """The text again, without what goes without saying (RT-43)."""
        text = "-".join((f"{self.language}:{self.version}", *self.variants))
        if self.architecture != DEFAULT_ARCHITECTURE:
            text += f"@{self.architecture}"
        return text


def take_apart(spec: str) -> SpecInfo:
    """Read a text as ValidateRuntimeSpec does, which knows other forms than RunJob (RT-43).

    Args:
        spec: `language:version`, then any variants with a dash each, then `@architecture` or not.

    Raises:
        Refusal: form, language or architecture is wrong, looked at in this order.

    >>> take_apart("python:3.11-ml@x86_64").normalized
    'python:3.11-ml@x86_64'
    """
    main, *rest = spec.split("@")
    parts = main.split(":")
    if len(parts) != PARTS:
        raise Refusal(
            Kind.INVALID,
            "Runtime spec must be in format language:version (e.g., python:3.11)",
        )
    language, version = parts
    version, *variants = version.split("-")
    architecture = rest[0] if rest else DEFAULT_ARCHITECTURE
    for what, value, possible in (
        ("language", language, LANGUAGES),
        ("architecture", architecture, ARCHITECTURES),
    ):
        if value not in possible:
            raise Refusal(
                Kind.INVALID,
                f"Unsupported {what}: {value}. Supported: {', '.join(possible)}",
            )
    return SpecInfo(language, version, tuple(variants), architecture)


# For an installation

LATEST: Final = "latest"
NAME: Final = re.compile(r"[a-z0-9][a-z0-9.-]*")
VERSION: Final = re.compile(
    r"([0-9]+)\.([0-9]+)\.([0-9]+)(-[a-zA-Z0-9.-]+)?(\+[a-zA-Z0-9.-]+)?",
)
BLANKS: Final = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""What Go takes for white space around a text."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package of a registry: a name, and a version or `latest`."""

    name: str
    version: str


def parse_package(spec: str) -> Package:
    """Read what a registry is asked for (RT-41, RT-45).

    Args:
        spec: `name`, `name@1.2.3` or `name@latest`; blanks around it do not count.

    Raises:
        Refusal: name or version is none.

    >>> parse_package(" python-3.11-ml ")
    Package(name='python-3.11-ml', version='latest')
    """
    name, _, version = spec.strip(BLANKS).partition("@")
    problem = ""
    if not name:
        problem = "runtime name cannot be empty"
    elif NAME.fullmatch(name) is None:
        problem = (
            f"invalid runtime name: {name} (must be lowercase, start with letter/number, and "
            "contain only lowercase letters, numbers, hyphens, or dots)"
        )
    elif version not in ("", LATEST) and VERSION.fullmatch(version) is None:
        problem = f"invalid version: {version} (must be semantic version like 1.0.0 or 'latest')"
    if problem:
        raise Refusal(Kind.INVALID, f"invalid runtime specification: {problem}")
    return Package(name, version or LATEST)
