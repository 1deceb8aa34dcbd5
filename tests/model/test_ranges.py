"""Which stored records a query gets, and that it does not look at all of them to find out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from joblet_fake.model.ranges import Range

BOUND = st.integers(-2, 30)
RANGES = st.builds(
    Range, start=BOUND, end=BOUND, limit=st.integers(-1, 12), offset=st.integers(-1, 12)
)
RUNS = st.lists(st.integers(1, 6), max_size=6).map(
    lambda lengths: [
        (sum(lengths[:place]), sum(lengths[: place + 1])) for place in range(0, len(lengths), 2)
    ]
)


def plain(wanted: Range, runs: list[tuple[int, int]], times: list[int]) -> list[int]:
    """Do what a real server does: look at each record in turn (PER-25, PER-26)."""
    found = [
        number
        for low, high in runs
        for number in range(low, high)
        if (wanted.start <= 0 or times[number] >= wanted.start)
        and (wanted.end <= 0 or times[number] <= wanted.end)
    ][max(wanted.offset, 0) :]
    return found[: wanted.limit] if wanted.limit > 0 else found


@given(RANGES, RUNS, st.lists(st.integers(0, 28), min_size=36, max_size=36))
def test_a_query_gets_what_looking_at_every_record_gives(
    wanted: Range, runs: list[tuple[int, int]], times: list[int]
) -> None:
    ordered = sorted(times)

    assert list(wanted.numbers(runs, ordered.__getitem__)) == plain(wanted, runs, ordered)
    assert list(wanted.numbers(runs, times.__getitem__, ordered=False)) == plain(
        wanted, runs, times
    )


def test_what_lies_before_is_not_looked_at() -> None:
    looked: list[int] = []

    def second(number: int) -> int:
        looked.append(number)
        return number // 1000

    runs = [(0, 1_000_000)]
    assert next(Range(start=700, end=701).numbers(runs, second)) == 700_000
    assert len(looked) < 50
    looked.clear()
    assert list(Range(offset=999_999).numbers(runs, second)) == [999_999]
    assert looked == []
