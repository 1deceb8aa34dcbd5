"""A state machine for a client of ours, and for one with a bug in its retries.

pytest examples/state_machine
"""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

import grpc
import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from joblet_fake.strategies import JobletMachine

if TYPE_CHECKING:
    from joblet_fake import FakeJoblet

TRIES = 3


class Careless:
    """Submits again when the server was away: also if it was its reply that did not come."""

    def __init__(self, joblet: FakeJoblet) -> None:
        self.rpc = joblet.rpc

    def submit(self, command: str, args: list[str]) -> str:
        for _ in range(TRIES):
            try:
                return self.rpc("RunJob", command=command, args=args).job_uuid
            except grpc.RpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE:
                    raise
                lost = error
        raise lost

    def status(self, job_id: str) -> str:
        return self.rpc("GetJobStatus", uuid=job_id).status


class Careful(Careless):
    """Marks its job, and looks for the mark before it submits again."""

    def submit(self, command: str, args: list[str]) -> str:
        mark = {"MARK": str(uuid.uuid4())}
        for _ in range(TRIES):
            try:
                for job in self.rpc("JobService.ListJobs").jobs:
                    if dict(job.environment) == mark:
                        return job.uuid
                return self.rpc("RunJob", command=command, args=args, environment=mark).job_uuid
            except grpc.RpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE:
                    raise
                lost = error
        raise lost


class CarefulMachine(JobletMachine):
    def connect(self) -> None:
        self.client = Careful(self.joblet)

    def submit(self, command: str, args: list[str]) -> str:
        return self.client.submit(command, args)

    def status(self, job_id: str) -> str:
        return self.client.status(job_id)


class CarelessMachine(CarefulMachine):
    def connect(self) -> None:
        self.client = Careless(self.joblet)


FEW = settings(max_examples=15, stateful_step_count=6, deadline=None)
TestCareful = CarefulMachine.TestCase
TestCareful.settings = FEW


def test_the_bug_is_found_and_told_in_the_fewest_words() -> None:
    hunt = settings(
        FEW,
        max_examples=300,
        stateful_step_count=3,
        phases=[Phase.generate, Phase.shrink],
        report_multiple_bugs=False,
        derandomize=True,
        database=None,
    )

    with pytest.raises(AssertionError, match="one submit made 2 jobs") as found:
        run_state_machine_as_test(CarelessMachine, settings=hunt)

    steps = re.findall(
        r"state\.(arms|submits|waits|looks|clears)\((.*)\)", "\n".join(found.value.__notes__)
    )
    assert steps == [
        ("arms", "plan=[on('RunJob').after_effect().fail('UNAVAILABLE', times=1)]"),
        ("submits", "line=('true', [])"),
    ]
