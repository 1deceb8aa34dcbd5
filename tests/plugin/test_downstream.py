"""The example of a naive client fails every test, each for its own bug."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

EXAMPLE = Path(__file__).parents[2] / "examples" / "downstream"
BUGS = {
    "a_lost_reply_does_not_make_a_second_job": "At index 0 diff",
    "an_outage_of_half_a_minute_is_survived": "joblet-fake: down for a while",
    "a_full_server_is_asked_again_when_it_said": "assert 0.0 >= 20",
    "what_is_refused_for_good_is_not_asked_again": "DID NOT RAISE",
    "a_call_without_an_answer_is_given_up": "gave no answer for 4 s",
    "a_job_that_the_server_forgot_is_lost": "the client waits for ever",
    "half_a_log_is_not_taken_for_all[log cut off]": r"assert 'epoch 1\n' == 'epoch 1\nepoch 2\n'",
    "half_a_log_is_not_taken_for_all[log ends early]": (
        r"assert 'epoch 1\n' == 'epoch 1\nepoch 2\n'"
    ),
    "a_stop_whose_reply_was_lost_is_a_stop": "job is not running",
    "a_canceled_job_is_over": "the client waits for ever",
    "the_log_of_a_running_job_counts_once": r"assert 'epoch 1\nepoch 1\nepoch 2\n' ==",
    "secrets_are_shown_to_nobody": "'hunter2' is contained here",
}
"""What the naive client's failures say, by test."""


def failures(client: str, folder: Path) -> dict[str, str | None]:
    """Run the example's tests in a process of their own; give each one's failure, or None."""
    told = folder / "told.xml"
    subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"),
            *(EXAMPLE, f"--junitxml={told}"),
        ],
        env={**os.environ, "CLIENT": client},
        capture_output=True,
        timeout=90,
        check=False,
    )
    return {
        case.attrib["name"].removeprefix("test_"): _failure(case)
        for case in ET.parse(told).iter("testcase")
        if case.attrib["name"].startswith("test_")
    }


def _failure(case: ET.Element) -> str | None:
    failure = case.find("failure")
    return None if failure is None else f"{failure.attrib['message']}\n{failure.text}"


def test_the_naive_client_has_each_bug(tmp_path: Path) -> None:
    told = failures("naive", tmp_path)

    assert [*told] == [*BUGS]
    for test, says in BUGS.items():
        assert says in (told[test] or "passed"), test


def test_the_repaired_client_has_none_of_them(tmp_path: Path) -> None:
    assert failures("repaired", tmp_path) == dict.fromkeys(BUGS)
