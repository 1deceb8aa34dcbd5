"""Sizes of volumes: how they may be written, and how much of them jobs can use."""

from __future__ import annotations

import re
from bisect import bisect_right
from math import isinf
from typing import Final

from joblet_fake.model.errors import Kind, Refusal

KIB: Final = 1024
MIB: Final = 1024 * KIB
GIB: Final = 1024 * MIB
TIB: Final = 1024 * GIB
UNITS: Final = {"": 1, "B": 1, "KB": KIB, "MB": MIB, "GB": GIB, "TB": TIB}
INT64: Final = 2**63
PAGE: Final = 4096

SMALLEST_DISK: Final = 104 * KIB
"""What an ext4 can be made in; smaller volumes are plain directories (VOL-11)."""

LARGEST_DISK: Final = 16 * TIB - PAGE
"""The longest file that a host's ext4 holds; larger volumes are plain directories too."""

LARGE_BLOCKS: Final = 512 * MIB
"""From this size on an ext4 has blocks of 4 KiB, below it of 1 KiB."""

BLANKS: Final = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + (
    "\u2028\u2029\u202f\u205f\u3000"
)  # fmt: skip
"""What Go takes for blanks; Python strips more."""

USABLE: Final = (
    (SMALLEST_DISK, 77_824),
    (128 * KIB, 102_400),
    (256 * KIB, 225_280),
    (512 * KIB, 475_136),
    (MIB, 967_680),
    (1536 * KIB, 1_462_272),
    (2044 * KIB, 1_950_720),
    # From here on there is a journal, which grows in steps.
    (2 * MIB, 905_216),
    (3 * MIB, 1_795_072),
    (8 * MIB, 6_562_816),
    (31 * MIB, 27_986_944),
    (32 * MIB - PAGE, 28_892_160),
    (32 * MIB, 25_776_128),
    (64 * MIB, 56_025_088),
    (128 * MIB, 117_316_608),
    (200 * MIB, 186_560_512),
    (255 * MIB, 240_082_944),
    (256 * MIB - PAGE, 241_053_696),
    (256 * MIB, 236_871_680),
    (384 * MIB, 362_659_840),
    (511 * MIB, 487_263_232),
    (512 * MIB - PAGE, 488_245_248),
    (512 * MIB, 500_109_312),
    (600 * MIB, 588_951_552),
    (1023 * MIB, 1_019_625_472),
    (GIB - PAGE, 1_020_645_376),
    (GIB, 1_003_896_832),
    (2 * GIB, 2_023_567_360),
    (5 * GIB, 5_179_576_320),
    (20 * GIB, 20_940_640_256),
    (100 * GIB, 105_072_455_680),
    (TIB, 1_081_084_366_848),
    (15 * TIB, 16_361_518_395_392),
    (LARGEST_DISK, 17_452_000_000_000),
)
"""Measured: how long one file can be that fills an ext4 of a size (VOL-28)."""


def parse_size(text: str) -> int:
    """Give a size in bytes, as a server reads it (VOL-05 to VOL-09).

    Args:
        text: what a client sent.

    Raises:
        Refusal: it is none, or less than a byte.

    >>> parse_size("1.5KB"), parse_size(" 1gb ")
    (1536, 1073741824)
    """
    if not text:
        raise _invalid("size cannot be empty")
    text = _upper(text.strip(BLANKS))
    match = re.match(r"[0-9.]*", text)
    digits = match[0] if match else ""
    unit = text[len(digits) :]
    if not digits:
        raise _invalid(f"invalid size format: {text}")
    try:
        number = float(digits)
    except ValueError:
        number = float("inf")
    if isinf(number):
        raise _invalid(f"invalid numeric value in size: {digits}")
    if unit not in UNITS:
        raise _invalid(f"unsupported size unit: {unit}")
    size = number * UNITS[unit]
    # Past 64 bits it turns negative (VOL-09).
    if not 1 <= size < INT64:
        raise Refusal(Kind.INVALID, "volume size must be positive")
    return int(size)


def usable(size: int) -> int:
    """Give how many bytes of a filesystem volume can be used (VOL-28).

    Args:
        size: its size in bytes, of which whole pages count.

    >>> usable(1024 * 1024)
    967680
    """
    size = size // PAGE * PAGE
    place = bisect_right(USABLE, (size, LARGEST_DISK * 2)) - 1
    (low, least), (high, most) = USABLE[place], USABLE[min(place + 1, len(USABLE) - 1)]
    between = (size - low) / (high - low) if high > low else 0
    block = block_of(size)
    return int(least + (most - least) * between) // block * block


def block_of(size: int) -> int:
    """Give the length of a block of a filesystem volume."""
    return PAGE if size >= LARGE_BLOCKS else KIB


def whole_pages(size: int) -> int:
    """Give a memory volume's room: its size in whole pages (VOL-28)."""
    return -(-size // PAGE) * PAGE


def is_disk(size: int) -> bool:
    """Tell whether a filesystem volume of a size has a filesystem of its own (VOL-11)."""
    return SMALLEST_DISK <= size // PAGE * PAGE <= LARGEST_DISK


def _upper(text: str) -> str:
    """Make upper case letter by letter, as Go does: none becomes two."""
    return "".join(up if len(up := char.upper()) == 1 else char for char in text)


def _invalid(problem: str) -> Refusal:
    return Refusal(Kind.INVALID, f"invalid size: {problem}")
