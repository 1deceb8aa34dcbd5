"""Objects that answer a misspelt name with the names that are near."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from joblet_fake.words.near import near


class Named:
    """What a test writes names on; a wrong one is refused with those that are near.

    Python's own error tells them only where the interpreter prints it itself. This costs every
    look at an attribute some 50 ns: it is not for what the server does for each call or timer,
    whose errors get a note from the pytest plugin instead (`names_near`).

    Attributes:
        _called: what such an object is called in the refusal.

    >>> class Dog(Named):
    ...     _called = "a dog"
    ...     def bark(self): ...
    >>> Dog().brak
    Traceback (most recent call last):
    AttributeError: a dog has no .brak; near: 'bark'
    """

    __slots__ = ()

    _called: ClassVar[str]

    if not TYPE_CHECKING:  # a type checker that saw it would believe in every name

        def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - it gives nothing
            __tracebackhide__ = True  # what is wrong is where it was written
            kind = type(self)
            if name.startswith("_"):  # Python itself asks for these: copies, pickles and the like
                raise AttributeError(f"{kind.__name__!r} object has no attribute {name!r}")
            if hasattr(kind, name):  # a property whose own code misses something: that is the error
                return object.__getattribute__(self, name)
            raise AttributeError(f"{self._called} has no .{name}; {names_near(self, name)}")


def names_near(thing: object, name: str) -> str:
    """Say which public names of an object are near a wrong one, or all when none is near.

    >>> names_near("text", "splitline")
    "near: 'splitlines', 'split', 'rsplit'"
    """
    every = sorted({*dir(type(thing)), *getattr(thing, "__dict__", ())})
    return near(name, (one for one in every if not one.startswith("_")))
