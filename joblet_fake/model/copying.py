"""Copies of a state: things that know each other, each copied once, with what is due of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ParamSpec, Protocol, TypeVar, cast

from joblet_fake.clock import Timer

if TYPE_CHECKING:
    from collections.abc import Callable

    from joblet_fake.model.job import Job
    from joblet_fake.model.model import Model
    from joblet_fake.model.process import Process

P = ParamSpec("P")
T = TypeVar("T")


class Due:
    """Something to be done later, as data: a method's name, whose it is, and what it is given.

    What a state has to do in the future can be copied with it only if it is one of these. What
    else waits, such as a client's call, stays behind.

    >>> numbers = [1]
    >>> later = Due(numbers.append, 2)
    >>> later()
    >>> later.name, later.args, numbers
    ('append', (2,), [1, 2])
    """

    __slots__ = ("args", "name", "owner")

    def __init__(self, action: Callable[P, object], *args: P.args, **_none: P.kwargs) -> None:
        self.owner: object = action.__self__  # type: ignore[attr-defined]  # a bound method has one
        self.name = action.__name__
        self.args: tuple[object, ...] = args

    def __call__(self) -> None:
        """Do it."""
        getattr(self.owner, self.name)(*self.args)

    def copied(self, copying: Copying) -> Due:
        """Give the same for the copies of what it is about."""
        made = copying.note(self, Due.__new__(Due))
        made.name = self.name
        made.owner = copying.of(self.owner)
        made.args = tuple([copying.of(each) for each in self.args])
        return made


class _Copyable(Protocol):
    def copied(self, copying: Copying) -> object: ...


class Copying:
    """One copying of a state: each thing is copied once, whoever knows it.

    What has no `copied` method is shared: it never changes. A `copied` that leads to other things
    notes the copy before it goes on to them.

    Args:
        model: whose clock and jobs the copies belong to.
        wake: makes a process of one that was laid down; None where processes are laid down.
        shares: whether what can't change any more, such as a job that is over, is shared: so that
            a copy costs what goes on, and not what ever was.

    Attributes:
        real: the jobs whose processes could not be laid down.
    """

    def __init__(
        self,
        model: Model,
        wake: Callable[[Copying, Job, Process], Process] | None = None,
        *,
        shares: bool = False,
    ) -> None:
        self.model = model
        self.clock = model.clock
        self.shares = shares
        self._wake = wake
        self.real: list[Job] = []
        # The things are kept beside their copies: an id is one thing's only while it lives.
        self._shared: set[int] = set()
        self._made: dict[int, tuple[object, object]] = {}

    def of(self, thing: T) -> T:
        """Give the copy of something."""
        found = self._made.get(id(thing))
        if found is not None:
            return cast("T", found[1])
        if isinstance(thing, Timer):
            return cast("T", self._timer(thing))
        if not hasattr(thing, "copied"):
            return thing
        return cast("T", cast("_Copyable", thing).copied(self))

    def note(self, thing: object, made: T) -> T:
        """Remember a copy, and give it."""
        self._made[id(thing)] = (thing, made)
        return made

    def share(self, thing: object) -> None:
        """Remember that something is shared, which its owner knows and it does not."""
        self._shared.add(id(thing))

    def shared(self, thing: object) -> bool:
        """Tell whether something is shared."""
        return id(thing) in self._shared

    def process(self, process: Process | None, job: Job) -> Process | None:
        """Lay a job's process down, or have one go on that was laid down.

        Args:
            process: the process.
            job: the copy of the job that it runs for.
        """
        if process is None:
            return None
        if self._wake is None:
            laid = process.laid_down(self)
            if laid is None:
                self.real.append(job)
            return cast("Process | None", laid)
        return self.note(process, self._wake(self, job, process))

    def _timer(self, timer: Timer) -> Timer:
        made = self.note(timer, timer.like())
        if isinstance(timer.action, Due):
            made.action = self.of(timer.action)
        return made
