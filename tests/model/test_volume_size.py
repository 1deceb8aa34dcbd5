from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from joblet_fake.model import Refusal
from joblet_fake.model.volume_size import (
    LARGEST_DISK,
    PAGE,
    SMALLEST_DISK,
    USABLE,
    block_of,
    is_disk,
    parse_size,
    usable,
    whole_pages,
)

KIB, MIB, GIB = 2**10, 2**20, 2**30


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1", 1), ("1B", 1), ("1b", 1), ("2KB", 2 * KIB), ("1mB", MIB), ("1.5GB", 3 * GIB // 2),
        ("1TB", 2**40), (".5kb", 512), ("5.kb", 5 * KIB), ("  7\t", 7), ("\u00a07\u3000", 7),
        ("1.9", 1), ("0.001kb", 1), ("007", 7), ("8388607TB", 8_388_607 * 2**40),
        ("9223372036854774784", 2**63 - 1024), ("0." + "9" * 400 + "kb", KIB),
    ],
)  # fmt: skip
def test_sizes_that_are_taken(text: str, size: int) -> None:
    """VOL-05, VOL-09."""
    assert parse_size(text) == size


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "invalid size: size cannot be empty"),
        (" ", "invalid size: invalid size format: "),
        ("abc", "invalid size: invalid size format: ABC"),
        ("-5MB", "invalid size: invalid size format: -5MB"),
        ("\u0661MB", "invalid size: invalid size format: \u0661MB"),
        ("\x1c1MB", "invalid size: invalid size format: \x1c1MB"),
        (".", "invalid size: invalid numeric value in size: ."),
        ("1.2.3gb", "invalid size: invalid numeric value in size: 1.2.3"),
        ("9" * 400, "invalid size: invalid numeric value in size: " + "9" * 400),
        ("1k", "invalid size: unsupported size unit: K"),
        ("1 gb", "invalid size: unsupported size unit:  GB"),
        ("1e6", "invalid size: unsupported size unit: E6"),
        ("1\u00df", "invalid size: unsupported size unit: \u00df"),
        ("1\u017fb", "invalid size: unsupported size unit: SB"),
        ("0", "volume size must be positive"),
        ("0.9", "volume size must be positive"),
        ("8388608TB", "volume size must be positive"),
        ("9223372036854775807", "volume size must be positive"),
        ("9" * 300 + "TB", "volume size must be positive"),
    ],
)  # fmt: skip
def test_sizes_that_are_refused(text: str, problem: str) -> None:
    """VOL-06 to VOL-09."""
    with pytest.raises(Refusal) as caught:
        parse_size(text)
    assert caught.value.text == problem


@given(st.text(max_size=12))
def test_any_text_is_a_size_or_refused(text: str) -> None:
    with suppress(Refusal):
        assert parse_size(text) > 0


@pytest.mark.parametrize(
    ("size", "room"),
    [(104 * KIB, 77_824), (MIB, 967_680), (2 * MIB, 905_216), (64 * MIB, 56_025_088),
     (512 * MIB, 500_109_312), (600 * MIB, 588_951_552)],
)  # fmt: skip
def test_what_was_measured_is_given(size: int, room: int) -> None:
    """VOL-28; parts of a page count for nothing."""
    assert (usable(size), usable(size + PAGE - 1)) == (room, room)


@given(st.integers(SMALLEST_DISK, LARGEST_DISK))
def test_a_filesystem_takes_between_a_hundredth_and_half_of_its_size(size: int) -> None:
    """VOL-28, in whole blocks, for every size in between those that were measured."""
    assert size * 0.4 < usable(size) <= size * 0.995
    assert usable(size) % block_of(size) == 0


def test_the_measured_sizes_are_in_order() -> None:
    sizes = [size for size, _ in USABLE]
    assert sizes == sorted(set(sizes))


def test_which_volumes_have_a_filesystem_of_their_own() -> None:
    """VOL-11: neither small nor huge ones do."""
    small = int(103.9 * KIB)
    assert [is_disk(size) for size in (1, small, 104 * KIB, GIB, LARGEST_DISK)] == [
        False, False, True, True, True,
    ]  # fmt: skip
    assert not is_disk(LARGEST_DISK + PAGE)


def test_memory_comes_in_whole_pages() -> None:
    """VOL-28."""
    assert [whole_pages(size) for size in (1, 4096, 4097)] == [4096, 4096, 8192]
