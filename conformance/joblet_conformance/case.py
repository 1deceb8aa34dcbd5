"""A case: what a client does to a server, and what facts say must come of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from joblet_conformance.normalise import Normaliser
    from joblet_conformance.talk import Talk

NEEDS: Final = {
    "viewer": "a certificate of a viewer",
    "stranger": "a certificate with no role",
    "persist": "PersistService's address",
    "persist-tls": "PersistService's address on a TCP port",
    "authority": "control of the client's TLS, on a TCP port",
    "certificates": "certificates of odd subjects, times and uses, by its own authority",
    "exec": "commands that really run",
    "destructive": "leave to do what could harm a server that others use (--destructive)",
    "installs": "leave to call methods that install runtimes",
    "limits": "a host that applies resource limits",
    "restart": "leave to restart the server",
    "runtimes": "this suite's own runtimes on the server's disk (own_runtimes.write_runtimes)",
}
"""What a case can need of a target beyond an admin's certificate."""


@dataclass(frozen=True, slots=True)
class Case:
    """One case; made by the decorator `case`.

    Attributes:
        id: `area/name`.
        facts: the ids of the facts that it covers.
        body: what it does.
        generations: the behaviour generations that it holds for.
        needs: what it needs of a target; see `NEEDS`.
        normalisers: what differs between runs of the real thing, beyond ids and times.
    """

    id: str
    facts: tuple[str, ...]
    body: Callable[[Talk], None]
    generations: tuple[str, ...] = ("2.3",)
    needs: frozenset[str] = frozenset()
    normalisers: tuple[Normaliser, ...] = ()

    @property
    def area(self) -> str:
        """The first part of the id: `jobs`, `logs` and so on."""
        return self.id.partition("/")[0]

    @property
    def sentence(self) -> str:
        """What it shows, from the body's docstring."""
        return (self.body.__doc__ or "").strip().partition("\n")[0]


@dataclass
class Cases:
    """All cases, by id, in the order in which they were written."""

    _cases: dict[str, Case] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Case]:
        return iter(self._cases.values())

    def __len__(self) -> int:
        return len(self._cases)

    def __getitem__(self, case_id: str) -> Case:
        return self._cases[case_id]

    def matching(self, patterns: Iterable[str]) -> list[Case]:
        """Give the cases whose id begins with any of some patterns; all if there is none.

        Raises:
            ValueError: a pattern matches no case; the message lists the areas.
        """
        chosen: dict[str, Case] = {}
        given = tuple(patterns)
        for pattern in given:
            found = {each.id: each for each in self if each.id.startswith(pattern)}
            if not found:
                areas = ", ".join(dict.fromkeys(each.area for each in self))
                raise ValueError(f"no case begins with {pattern!r}; the areas are {areas}")
            chosen |= found
        return [each for each in self if not given or each.id in chosen]

    def add(self, new: Case) -> None:
        """Add a case.

        Raises:
            ValueError: its id is taken, it has no fact or docstring, or needs what nobody knows.
        """
        if new.id in self._cases:
            raise ValueError(f"two cases have the id {new.id!r}")
        if not new.facts or not new.sentence:
            raise ValueError(f"case {new.id!r} needs facts and a docstring")
        unknown = new.needs - set(NEEDS)
        if unknown:
            raise ValueError(f"case {new.id!r} needs {sorted(unknown)}; known: {sorted(NEEDS)}")
        self._cases[new.id] = new


CASES: Final = Cases()


def case(
    case_id: str,
    *facts: str,
    generations: tuple[str, ...] = ("2.3",),
    needs: Iterable[str] = (),
    normalise: Iterable[Normaliser] = (),
) -> Callable[[Callable[[Talk], None]], Callable[[Talk], None]]:
    """Make a function a case.

    Args:
        case_id: `area/name`; the name says what is done.
        *facts: the ids of the facts that it covers.
        generations: the behaviour generations that it holds for.
        needs: what it needs of a target; see `NEEDS`.
        normalise: what differs between runs of the real thing, beyond ids and times.
    """

    def add(body: Callable[[Talk], None]) -> Callable[[Talk], None]:
        CASES.add(
            Case(case_id, facts, body, generations, frozenset(needs), tuple(normalise)),
        )
        return body

    return add
