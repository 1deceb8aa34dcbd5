"""The state machine finds what a client does wrong, and lets be what is fair."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import grpc
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from joblet_fake.strategies import FaultPlan, JobletMachine, PlannedFault, faults

if TYPE_CHECKING:
    from collections.abc import Callable

METHODS = ("RunJob", "GetJobStatus", "StopJob", "JobService.DeleteJob", "GetJobLogs")

FEW = settings(
    JobletMachine.TestCase.settings,
    max_examples=25,
    stateful_step_count=8,
    phases=[Phase.generate],
    derandomize=True,
    database=None,
)


class Whole(JobletMachine):
    """A client that does everything, and tries nothing twice."""

    def submit(self, command: str, args: list[str]) -> str:
        return str(self.joblet.rpc("RunJob", command=command, args=args).job_uuid)

    def status(self, job_id: str) -> object:
        return self.joblet.rpc("GetJobStatus", uuid=job_id).status

    def stop(self, job_id: str) -> None:
        self.joblet.rpc("StopJob", uuid=job_id)

    def delete(self, job_id: str) -> None:
        self.joblet.rpc("JobService.DeleteJob", uuid=job_id)

    def log(self, job_id: str) -> bytes:
        chunks = self.joblet.rpc("GetJobLogs", uuid=job_id)
        return b"".join(chunk.payload for chunk in chunks)


def run(machine: type[JobletMachine], **changes: Any) -> None:
    run_state_machine_as_test(machine, settings=settings(FEW, **changes))


def test_a_client_that_tells_of_every_error_passes() -> None:
    run(Whole)


class Lies(Whole):
    def status(self, job_id: str) -> object:
        return super().status(job_id) if self.joblet.clock.now().minute == 0 else "RUNNING"


class Idle(Whole):
    def stop(self, job_id: str) -> None:
        pass


class Keeps(Whole):
    def delete(self, job_id: str) -> None:
        pass


class Cuts(Whole):
    def log(self, job_id: str) -> bytes:
        return super().log(job_id)[:-1]


class Hides(Whole):
    def submit(self, command: str, args: list[str]) -> str:
        self.joblet.rpc("RunJob", command="true")
        return super().submit(command, args)


class Names(Whole):
    def submit(self, command: str, args: list[str]) -> str:
        return super().submit(command, args)[:8]


class Forgets(Whole):
    def connect(self) -> None:
        self.joblet.jobs.add("train")


@pytest.mark.parametrize(
    ("machine", "text"),
    [
        (Lies, "the client says 'RUNNING' of .*; it is 'COMPLETED'"),
        (Idle, "was stopped, and is RUNNING"),
        (Keeps, "was deleted, and is still there"),
        (Cuts, "the client has b"),
        (Hides, "one submit made 2 jobs"),
        (Names, "the client says 'f728b4fa'; the server's job is 'f728b4fa-"),
        (Forgets, r"submitted: \[\]; there: \["),
    ],
)
def test_a_client_that_is_wrong_is_found_out(machine: type[JobletMachine], text: str) -> None:
    class Plain(machine):  # type: ignore[misc, valid-type]
        plans = st.nothing()

    with pytest.raises(AssertionError, match=text):
        run(Plain, max_examples=100, report_multiple_bugs=False)


def test_an_error_without_a_fault_fails_the_test() -> None:
    class Wrong(Whole):
        plans = st.nothing()

        def submit(self, _command: str, args: list[str]) -> str:
            return super().submit("", args)

    with pytest.raises(grpc.RpcError, match="command is required"):
        run(Wrong)


def test_other_errors_than_those_named_fail_it_even_with_a_fault() -> None:
    class Surprising(Whole):
        plans = st.just(FaultPlan((PlannedFault("RunJob", "fail", "UNAVAILABLE"),)))
        errors = (KeyError,)

    with pytest.raises(grpc.RpcError, match="UNAVAILABLE"):
        run(Surprising)


def test_what_a_client_does_not_do_is_left_out() -> None:
    class Small(JobletMachine):
        submit = Whole.submit
        status = Whole.status

    run(Small)


def test_a_client_has_to_submit() -> None:
    with pytest.raises(
        NotImplementedError, match="JobletMachine has to say how a job is submitted"
    ):
        run(JobletMachine)


class Tries(Whole):
    """A client that calls once more when a call has failed."""

    def submit(self, command: str, args: list[str]) -> str:
        return str(self._twice(lambda: super(Tries, self).submit(command, args)))

    def status(self, job_id: str) -> object:
        return self._twice(lambda: super(Tries, self).status(job_id))

    def log(self, job_id: str) -> bytes:
        return bytes(self._twice(lambda: super(Tries, self).log(job_id)))

    @staticmethod
    def _twice(call: Callable[[], Any]) -> Any:
        try:
            return call()
        except grpc.RpcError:
            return call()


@pytest.mark.parametrize("client", [Whole, Tries])
def test_a_client_is_not_blamed_for_what_a_restart_has_forgotten(
    client: type[JobletMachine],
) -> None:
    class Restarted(client):  # type: ignore[misc, valid-type]
        plans = faults(*METHODS, actions=("restart",), min_rules=1)

    run(Restarted, max_examples=40)


def test_a_client_that_loses_a_job_beside_restarts_is_found_out() -> None:
    class Hiding(Hides):
        plans = faults("StopJob", actions=("restart",), min_rules=1)

    with pytest.raises(AssertionError, match="one submit made 2 jobs"):
        run(Hiding, report_multiple_bugs=False)


def test_delays_are_let_be_on_a_clock_that_goes_on() -> None:
    class Late(Whole):
        options: ClassVar[dict[str, Any]] = {"clock": "skipping"}
        plans = faults(*METHODS, actions=("delay",), min_rules=1)

    run(Late)


def test_delays_are_refused_on_a_clock_that_nobody_moves_meanwhile() -> None:
    class Late(Whole):
        plans = faults(*METHODS, actions=("delay",), min_rules=1)

    with pytest.raises(ValueError, match=r"plans: \[on\(.* delays a call, .*'skipping'"):
        run(Late, report_multiple_bugs=False)
