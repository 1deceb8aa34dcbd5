from __future__ import annotations

import pytest

from joblet_fake.model import Kind, Refusal
from joblet_fake.model.limits import check_limits, checked_cpu, kept_cores


@pytest.mark.parametrize(
    ("limits", "name"),
    [
        ((-1, 0, 0), "maxCPU"),
        ((0, -1, 0), "maxMemory"),
        ((0, 0, -1), "maxIOBPS"),
        ((-1, -1, -1), "maxCPU"),
        ((0, -(2**31), -1), "maxMemory"),
    ],
)
def test_a_negative_limit_is_refused_the_first_one_wins(
    limits: tuple[int, int, int], name: str
) -> None:
    """JOB-RUN-11, JOB-RUN-03."""
    with pytest.raises(Refusal) as caught:
        check_limits(*limits)
    assert caught.value.kind is Kind.INVALID
    assert caught.value.text == f"request validation failed: {name} cannot be negative"


@pytest.mark.parametrize("limits", [(0, 0, 0), (2**31 - 1,) * 3])
def test_there_is_no_upper_bound_but_the_type(limits: tuple[int, int, int]) -> None:
    """JOB-RUN-33."""
    check_limits(*limits)


@pytest.mark.parametrize(
    ("asked", "kept"), [(0, 0), (1, 1), (100, 100), (10_001, 0), (2**31 - 1, 0), (-1, 0)]
)
def test_the_cpu_limit_that_a_job_gets(asked: int, kept: int) -> None:
    """JOB-RUN-31."""
    assert checked_cpu(asked) == kept


@pytest.mark.parametrize("cpu", [101, 200, 400, 10_000])
def test_several_cores_worth_is_refused(cpu: int) -> None:
    """JOB-RUN-30."""
    with pytest.raises(
        Refusal, match=r"^job creation failed: invalid CPU limit: must be between 0-100$"
    ):
        checked_cpu(cpu)


@pytest.mark.parametrize(
    "cores",
    ["", "0", "0-0", " 0 , 1 ", "0 - 1", "99", "0-999", "0,2,4", "5,3,1", "\t1\n", "+1", "007"],
)
def test_cores_that_are_kept_as_they_were_sent(cores: str) -> None:
    """JOB-RUN-32."""
    assert kept_cores(cores) == cores


@pytest.mark.parametrize(
    "cores",
    [
        "0-3,5", "3-1", "1,1", "x", "-1", "1-", ",", " ", "1.5", "0-1-2", "1,", "1 2", "0x1", "-",
        "1,01", "\u0661", "1_0", "+", "+-1", "9223372036854775808", "9" * 5000, "0-" + "9" * 5000,
    ],
)  # fmt: skip
def test_cores_that_are_dropped_without_a_word(cores: str) -> None:
    """JOB-RUN-32; over-long ones too."""
    assert kept_cores(cores) == ""
