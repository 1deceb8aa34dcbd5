"""Programs: what a job may do, as scripts that shrink to the shortest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from joblet_fake.programs import Script

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

LONGEST: Final = 6
"""How many steps a program has at most, before its end."""


def programs(
    *,
    max_sleep: float = 3600.0,
    may_hang: bool = False,
    **conditions: Any,  # noqa: ANN401 - those of a script, which checks them
) -> SearchStrategy[Script]:
    """Give programs, to be used with `joblet.programs.add(...)`.

    Args:
        max_sleep: the longest single sleep, in clock seconds.
        may_hang: whether a program may never end.
        **conditions: which jobs they are for, as for `programs.on`.

    >>> from hypothesis import find
    >>> find(programs(command="train"), lambda script: "exits(3)" in repr(script))
    on(command='train').exits(3)
    """
    steps = st.lists(
        st.one_of(
            st.tuples(
                st.just("prints"),
                st.binary(max_size=40) | st.text(st.characters(codec="utf-8"), max_size=20),
                st.sampled_from(["stdout", "stderr"]),
            ),
            st.tuples(st.just("sleeps"), st.floats(0, max_sleep) | st.sampled_from([0, 1, 60])),
        ),
        max_size=LONGEST,
    )
    ends: list[tuple[Any, ...]] = [("exits", 0), ("exits", 3), ("dies", "SIGKILL")]
    if may_hang:
        ends.append(("hangs",))
    end = st.none() | st.sampled_from(ends)

    def build(said: list[tuple[Any, ...]], last: tuple[Any, ...] | None) -> Script:
        script = Script(**conditions)
        for verb, *values in [*said, *([] if last is None else [last])]:
            getattr(script, verb)(*values)
        return script

    return st.builds(build, steps, end)
