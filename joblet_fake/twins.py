"""Awaitable twins: what waits, for tests that are coroutines."""

from __future__ import annotations

import asyncio
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

S = TypeVar("S")
P = ParamSpec("P")
R = TypeVar("R")


def twin(
    method: Callable[Concatenate[S, P], R],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, R]]:
    """Give a method's awaitable twin, to be called `<method>_async` in the method's class.

    It works on a thread of its own and lets other tasks run meanwhile. A task that is cancelled
    gives up waiting, not the work.

    Args:
        method: takes the same, gives the same, and raises the same.

    >>> class Oven:
    ...     def bake(self, minutes: int) -> str:
    ...         return f"baked for {minutes} minutes"
    ...     bake_async = twin(bake)
    >>> asyncio.run(Oven().bake_async(20))
    'baked for 20 minutes'
    >>> Oven.bake_async.__doc__
    'Do as `bake` does, and let other tasks run meanwhile.'
    """

    @wraps(method)
    async def wait(of: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await asyncio.to_thread(method, of, *args, **kwargs)

    name = method.__name__
    wait.__name__ = f"{name}_async"
    wait.__qualname__ = f"{method.__qualname__}_async"
    wait.__doc__ = f"Do as `{name}` does, and let other tasks run meanwhile."
    return wait
