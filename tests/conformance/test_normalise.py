"""Placeholders stand for what differs between runs, and for nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from joblet_conformance import Either, Joined, Pattern, SystemLines, Unordered, compare
from joblet_conformance.normalise import BLANK, FROZEN, RealSeconds, covered

ONE = "11111111-2222-4333-8444-555555555555"
OTHER = "99999999-8888-4777-8666-555555555555"


def step(*messages: Any, **more: Any) -> dict[str, Any]:
    return {
        "method": "JobService.GetJobStatus",
        "role": "admin",
        "request": {},
        "messages": list(messages),
        "code": "OK",
        "details": "",
        "metadata": [],
        "seconds": 0.1,
    } | more


def same(one: Any, other: Any, *normalisers: Any) -> bool:
    """Tell whether two transcripts, of a step or of several, are the same."""
    left, right = (given if isinstance(given, list) else [given] for given in (one, other))
    return compare(left, right, normalisers) == []


def test_ids_are_told_apart_and_not_compared() -> None:
    def talk(first: str, second: str) -> list[dict[str, Any]]:
        return [
            step({"uuid": first}),
            step(request={"uuid": second}, code="NOT_FOUND", details=f"job {second} not found"),
        ]

    assert same(talk(ONE, ONE), talk(OTHER, OTHER))
    assert same(talk(ONE, OTHER), talk(OTHER, ONE))
    assert not same(talk(ONE, ONE), talk(ONE, OTHER))


def test_the_beginning_of_an_id_is_told_as_that() -> None:
    def talk(whole: str, sent: str) -> list[dict[str, Any]]:
        return [step({"uuid": whole}), step(request={"uuid": sent}, details=f"no job {sent}")]

    assert same(talk(ONE, ONE[:8]), talk(OTHER, OTHER[:8]))
    assert not same(talk(ONE, ONE[:8]), talk(OTHER, OTHER[:9]))
    assert not same(talk(ONE, ONE[:8]), talk(OTHER, OTHER))


def test_words_that_happen_to_begin_an_id_are_words() -> None:
    first = step({"uuid": ONE}, request={"args": ["1"]}, details="1 job")

    assert not same(first, step({"uuid": OTHER}, request={"args": ["9"]}, details="9 job"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2026-01-01T00:00:00Z", "2026-11-24T23:59:59Z"),
        ("2026-01-01T00:00:00.123Z", "2026-11-24T23:59:59.456Z"),
        ("2026-01-01T00:00:00+02:00", "2026-11-24T23:59:59+02:00"),
    ],
)
def test_the_first_time_of_a_transcript_may_be_any(one: str, other: str) -> None:
    assert same(step({"start_time": one}), step({"start_time": other}))


@pytest.mark.parametrize(
    "other",
    [
        "2026-01-01T00:00:00.1Z",
        "2026-01-01T00:00:00+00:00",
        "2026-01-01T00:00:00",
        "",
        1_767_225_600,
        "at 2026-01-01T00:00:00Z",
    ],
)
def test_a_time_of_another_shape_is_a_difference(other: object) -> None:
    assert not same(step({"start_time": "2026-01-01T00:00:00Z"}), step({"start_time": other}))


@pytest.mark.parametrize(
    ("end", "alike"),
    [
        ("2026-11-24T12:00:05Z", True),
        ("2026-11-24T12:00:07Z", True),
        ("2026-11-24T12:00:00Z", False),
        ("2026-11-24T12:01:00Z", False),
        ("2026-11-24T11:59:00Z", False),
        ("2027-11-24T12:00:05Z", False),
    ],
)
def test_later_times_are_compared_by_their_distance_from_the_first(end: str, alike: bool) -> None:  # noqa: FBT001 - a row
    real = step({"start_time": "2026-01-01T00:00:00Z", "end_time": "2026-01-01T00:00:05Z"})

    assert same(real, step({"start_time": "2026-11-24T12:00:00Z", "end_time": end})) is alike


def test_times_that_are_numbers_are_compared_by_their_distance_and_shape() -> None:
    def records(*seconds: float) -> dict[str, Any]:
        return step(*({"timestamp": round(each * 10**9)} for each in seconds))

    assert same(records(1_767_225_600, 1_767_225_603), records(1_790_000_000, 1_790_000_004))
    assert not same(records(1_767_225_600, 1_767_225_603), records(1_790_000_000, 1_790_000_100))
    assert not same(records(1_767_225_600), records(1_790_000_000.5))
    assert not same(records(1_767_225_600), step({"timestamp": 1_790_000_000}))


def test_a_time_that_the_case_itself_sent_comes_back_as_it_was() -> None:
    def planned(when: str, echo: str, now: str) -> list[dict[str, Any]]:
        asked = step(request={"schedule": when})
        return [asked, step({"scheduled_time": echo, "start_time": now})]

    far, now, later = "2040-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-11-24T00:00:00Z"
    assert same(planned(far, far, now), planned(far, far, later))
    assert not same(planned(far, far, now), planned(far, "2041-01-01T00:00:00Z", later))


def test_durations_are_compared_as_far_as_a_busy_machine_lets_them() -> None:
    assert same(step(seconds=0.1), step(seconds=1.9))
    assert not same(step(seconds=0.1), step(seconds=6.1))
    assert not same(step(seconds=6.1), step(seconds=0.1))


def test_a_frozen_clock_s_times_are_compared_more_closely() -> None:
    def frozen(one: dict[str, Any], other: dict[str, Any]) -> bool:
        return compare([one], [other], (), FROZEN) == []

    def ended(seconds: int) -> dict[str, Any]:
        return step(
            {"start_time": "2026-01-01T00:00:00Z", "end_time": f"2026-01-01T00:00:0{seconds}Z"}
        )

    assert frozen(step(seconds=0.1), step(seconds=0.4))
    assert not frozen(step(seconds=0.1), step(seconds=1.0))
    # Times are in whole seconds.
    assert frozen(ended(0), ended(1))
    assert not frozen(ended(0), ended(2))
    assert same(ended(0), ended(2))


def test_what_is_in_real_time_is_not_held_against_a_clock() -> None:
    real = RealSeconds("GetJobStatus", "a deadline")

    assert same(step(seconds=0.1), step(seconds=60), real)
    assert not same(step(seconds=0.1), step(seconds=60), RealSeconds("StopJob", "a deadline"))
    assert covered((0, "seconds"), [step()], [real])
    assert not real.covers((0, "code"), [step()])


def test_what_is_no_calendar_s_time_is_no_time() -> None:
    told = step({"text": "2025-13-45T00:00:00Z"})

    assert same(told, told)
    assert not same(told, step({"text": "2025-13-45"}))


def test_an_unordered_list_has_the_same_members() -> None:
    shuffled = Unordered("GetJobStatus", "jobs")

    assert same(step({"jobs": ["a", "b"]}), step({"jobs": ["b", "a"]}), shuffled)
    assert not same(step({"jobs": ["a", "b"]}), step({"jobs": ["a", "c"]}), shuffled)
    assert not same(step({"jobs": ["a", "b"]}), step({"jobs": ["b", "a"]}))


def records(*pieces: tuple[int, str], start: int = 1_767_225_600) -> dict[str, Any]:
    return step(
        *(
            {
                "sequence": number,
                "content": {"text": text},
                "stream": 1,
                "timestamp": start * 10**9,
            }
            for number, text in pieces
        ),
        method="PersistService.QueryLogs",
    )


def test_joined_pieces_have_the_same_bytes_wherever_they_are_cut() -> None:
    joined = Joined("QueryLogs", "content", order="sequence")
    whole = records((0, "abc"))

    assert same(whole, records((0, "a"), (1, "bc")), joined)
    assert same(whole, records((1, "bc"), (0, "a")), joined)
    assert same(whole, records((0, "abc"), start=1_790_000_000), joined)
    assert not same(whole, records((1, "a"), (0, "bc")), joined)
    assert not same(whole, records((0, "a"), (2, "bc")), joined)
    assert not same(whole, records((0, "abd")), joined)
    assert not same(whole, records(), joined)


def test_joined_pieces_still_have_first_and_last_time() -> None:
    joined = Joined("QueryLogs", "content", order="sequence")
    late = records((0, "a"), (1, "b"))
    late["messages"][1]["timestamp"] += 3600 * 10**9

    assert not same(records((0, "a"), (1, "b")), late, joined)


def test_either_of_some_values_is_the_same_and_no_other() -> None:
    race = Either("GetJobStatus", "code", ("OK", "CANCELLED"), "a race")

    assert same(step(), step(code="CANCELLED"), race)
    assert not same(step(), step(code="INTERNAL"), race)
    assert covered((0, "code"), [step()], [race])
    assert not covered((0, "details"), [step()], [race])


def test_a_pattern_puts_its_name_where_it_is_found() -> None:
    path = Pattern("/srv/[a-z]+", "folder", "each host has its own", field="details")

    assert same(step(details="in /srv/a"), step(details="in /srv/b"), path)
    assert not same(step(details="in /srv/a"), step(details="at /srv/b"), path)
    assert not same(step({"text": "/srv/a"}), step({"text": "/srv/b"}), path)


def test_the_blank_of_a_decoding_error_may_be_either() -> None:
    assert same(step(details="proto: no"), step(details="proto:\xa0no"), BLANK)
    assert not same(step(details="proto: no"), step(details="proto:no"), BLANK)


def system_line(fields: str, level: str = "ERROR") -> dict[str, Any]:
    return step(
        {"payload": {"text": f"out\n[2026-01-01T00:00:00.000Z] [{level}] [init] no | {fields}\n"}}
    )


def test_the_fields_of_the_servers_own_lines_may_stand_in_any_order() -> None:
    lines = SystemLines("GetJobStatus", "payload")
    told = system_line('error="a b=c" component=main')

    assert same(told, system_line('component=main error="a b=c"'), lines)
    assert not same(told, system_line('component=main error="a c=b"'), lines)
    assert not same(told, system_line("component=main"), lines)
    assert not same(told, system_line('error="a b=c" component=main', "WARN"), lines)
    assert not same(told, system_line('component=main error="a b=c"'))
