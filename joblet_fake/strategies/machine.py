"""A state machine that uses a client in any order, has calls go wrong, and compares."""

# ruff: noqa: S101 - what does not hold is what it finds; users run it as a test

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

import grpc
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    precondition,
    rule,
)

from joblet_fake.fake import FakeJoblet
from joblet_fake.strategies.faults import faults

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import SearchStrategy

    from joblet_fake.strategies.faults import FaultPlan
    from joblet_fake.views import JobView

ALIVE: Final = frozenset({"INITIALIZING", "RUNNING", "SCHEDULED"})
"""The statuses of jobs that can be stopped; all others' logs are whole."""

COMMANDS: Final[tuple[tuple[str, list[str]], ...]] = (
    ("true", []),
    ("sleep", ["60"]),
    ("sh", ["-c", "exit 3"]),
    ("seq", ["3"]),
    ("sh", ["-c", "echo begun; sleep 90; echo done"]),
)
"""What is run unless a subclass says otherwise: few, so that failures shrink fast."""

NEEDS: Final = {
    "submit": "RunJob",
    "status": "GetJobStatus",
    "stop": "StopJob",
    "delete": "JobService.DeleteJob",
    "log": "GetJobLogs",
}
"""The method that a client calls for each thing that it does."""

CODES: Final = ("UNAVAILABLE", "DEADLINE_EXCEEDED")
"""What calls fail with: the codes that tell a client nothing of whether the work was done."""

NAPS: Final = (1.0, 60.0, 3600.0)
"""How long the time between two steps is, in clock seconds."""


class JobletMachine(RuleBasedStateMachine):
    """Tests a client: subclass it, say how the client does things, and run its `TestCase`.

    Each run has a fake of its own, `self.joblet`. Its steps are: submit a job, let time pass, look
    at a job, stop it, delete it, read its log, arm faults, clear them. After each of them, the
    server has exactly one job for each that the client has submitted; and while nothing is to go
    wrong, the client says of every job what `joblet.jobs` says.

    An error that the client gives while a fault hits it is fair, whatever it tried: then there is
    one job, or none. An error without a fault fails the test. Where a fault restarts the server, it
    has forgotten its jobs, and nobody asks the client for them any more.

    Attributes:
        joblet: the fake.
        options: what it is made with.
        errors: what the client raises when a call went wrong.
        commands: commands and their arguments, as pairs.
        plans: what goes wrong, as `faults` gives it; None for calls that fail, before their work or
            after it, of the methods that the client needs for what it does. `"delay"` needs a clock
            that goes on while a client waits: `options = {"clock": "skipping"}`.

    >>> from joblet_fake.strategies import JobletMachine
    >>> class Rpc(JobletMachine):
    ...     def submit(self, command, args):
    ...         return self.joblet.rpc("RunJob", command=command, args=args).job_uuid
    ...     def status(self, job_id):
    ...         return self.joblet.rpc("GetJobStatus", uuid=job_id).status
    >>> TestRpc = Rpc.TestCase  # in a test module, this is the test
    """

    options: ClassVar[dict[str, Any]] = {"clock": "frozen"}
    errors: ClassVar[tuple[type[Exception], ...]] = (grpc.RpcError,)
    commands: ClassVar[SearchStrategy[tuple[str, list[str]]]] = st.sampled_from(COMMANDS)
    plans: ClassVar[SearchStrategy[FaultPlan] | None] = None

    def __init__(self) -> None:
        super().__init__()
        self.joblet = FakeJoblet(**self.options).start()
        self._known: set[str] = set()
        self._jobs = self.joblet.model.jobs
        try:
            self.connect()
        except BaseException:
            self.joblet.stop()
            raise

    # The client's side

    def connect(self) -> None:
        """Make the client for `self.joblet`; it sleeps with `self.joblet.clock.advance`."""

    def disconnect(self) -> None:
        """Close the client."""

    def submit(self, command: str, args: list[str]) -> str:
        """Have the client run a job; give its id."""
        raise NotImplementedError(f"{type(self).__name__} has to say how a job is submitted")

    def status(self, job_id: str) -> object:
        """Ask the client how a job is."""
        raise NotImplementedError(f"{type(self).__name__} has to say how a status is got")

    def expected(self, job: JobView) -> object:
        """Give what `status` should have given for a job: the server's own word, unless changed."""
        return job.status

    def stop(self, job_id: str) -> None:
        """Have the client stop a job; left out, none is stopped."""
        raise NotImplementedError

    def delete(self, job_id: str) -> None:
        """Have the client delete a job that is over; left out, none is deleted."""
        raise NotImplementedError

    def log(self, job_id: str) -> bytes:
        """Have the client read the log of a job that is over; left out, none is read."""
        raise NotImplementedError

    def does(self, name: str) -> bool:
        """Tell whether a subclass says how something is done that can be left out."""
        return getattr(type(self), name) is not getattr(JobletMachine, name)

    def possible_plans(self) -> SearchStrategy[FaultPlan]:
        """Give `plans`, or what stands for None."""
        if self.plans is not None:
            return self.plans
        methods = [method for name, method in NEEDS.items() if self.does(name)]
        return faults(*methods, actions=("fail", "drop_connection"), codes=CODES, min_rules=1)

    # What is done

    uuids: Bundle[str] = Bundle("uuids")

    @rule(target=uuids, line=st.runner().flatmap(lambda machine: machine.commands))
    def submits(self, line: tuple[str, list[str]]) -> Any:  # noqa: ANN401 - an id, or Hypothesis's nothing
        """Submit a job: exactly one is made, or one at most when the client says that it failed."""
        before = set(self.joblet.jobs)
        worked, job_id = self._fairly(lambda: self.submit(*line))
        if self._restarted() and worked and job_id not in self.joblet.jobs:
            # What was made before the restart is forgotten, whatever became of it.
            worked = False
        made = [uuid for uuid in self.joblet.jobs if uuid not in before]
        self._known.update(made)
        if not worked:
            assert len(made) <= 1, f"one submit, which failed, made {len(made)} jobs: {made}"
            return multiple(*made)
        assert len(made) == 1, f"one submit made {len(made)} jobs: {made}"
        assert made == [job_id], f"the client says {job_id!r}; the server's job is {made[0]!r}"
        return made[0]

    @rule(seconds=st.sampled_from(NAPS))
    def waits(self, seconds: float) -> None:
        """Let time pass."""
        self.joblet.clock.advance(seconds)

    @rule(uuid=uuids)
    def looks(self, uuid: str) -> None:
        """Look at a job: the client says what the server says, or that it can't."""
        if uuid in self.joblet.jobs:
            worked, said = self._fairly(lambda: self.status(uuid))
            if not self._restarted():
                assert not worked or self._agrees(uuid, said)

    @precondition(lambda self: self.does("stop"))
    @rule(uuid=uuids)
    def stops(self, uuid: str) -> None:
        """Stop a job that is not over: then it is."""
        if uuid in self.joblet.jobs and self.joblet.jobs[uuid].status in ALIVE:
            worked, _ = self._fairly(lambda: self.stop(uuid))
            if self._restarted():
                return
            status = self.joblet.jobs[uuid].status
            assert not worked or status not in ALIVE, f"{uuid} was stopped, and is {status}"

    @precondition(lambda self: self.does("delete"))
    @rule(uuid=consumes(uuids))
    def deletes(self, uuid: str) -> None:
        """Delete a job that is over: then it is gone."""
        if uuid in self.joblet.jobs and self.joblet.jobs[uuid].status not in ALIVE:
            worked, _ = self._fairly(lambda: self.delete(uuid))
            if self._restarted():
                return
            there = uuid in self.joblet.jobs
            assert not (worked and there), f"{uuid} was deleted, and is still there"
            if not there:
                self._known.discard(uuid)

    @precondition(lambda self: self.does("log"))
    @rule(uuid=uuids)
    def reads(self, uuid: str) -> None:
        """Read the log of a job that is over: all of it, once."""
        if uuid in self.joblet.jobs and self.joblet.jobs[uuid].status not in ALIVE:
            worked, log = self._fairly(lambda: self.log(uuid))
            if self._restarted():
                return
            written = self.joblet.jobs[uuid].output_bytes
            assert not worked or log == written, f"{uuid} wrote {written!r}; the client has {log!r}"

    @rule(plan=st.runner().flatmap(lambda machine: machine.possible_plans()))
    def arms(self, plan: FaultPlan) -> None:
        """Have things go wrong from now on.

        Raises:
            ValueError: a rule delays calls, and the clock is one that only the client moves.
        """
        if self.joblet.clock.mode == "frozen" and any(one.action == "delay" for one in plan.rules):
            raise ValueError(
                f"plans: {plan} delays a call, and on a frozen clock that call waits for a client "
                "which waits for the call: options = {'clock': 'skipping'}, or no 'delay'"
            )
        plan.apply(self.joblet)

    @precondition(lambda self: self.joblet.faults.active)
    @rule()
    def clears(self) -> None:
        """Have nothing go wrong any more."""
        self.joblet.faults.clear()

    # What holds

    @invariant()
    def each_submit_is_one_job(self) -> None:
        """Every job of the server was submitted by the client, and the other way round."""
        there = set(self.joblet.jobs)
        assert there == self._known, f"submitted: {sorted(self._known)}; there: {sorted(there)}"
        self.joblet.check()

    @invariant()
    def the_client_agrees(self) -> None:
        """While nothing is to go wrong, the client says of each job what the server says."""
        if not self.joblet.faults.active:
            for uuid in self.joblet.jobs:
                assert self._agrees(uuid, self.status(uuid))

    def _restarted(self) -> bool:
        """Forget what a server has forgotten that was restarted since; tell whether one was."""
        # It comes back on a thread of its own.
        self.joblet.faults.server.settle()
        if self.joblet.model.jobs is self._jobs:
            return False
        self._jobs = self.joblet.model.jobs
        self._known.intersection_update(self.joblet.jobs)
        return True

    def teardown(self) -> None:
        """Close the client and stop the fake."""
        try:
            self.disconnect()
        finally:
            self.joblet.stop()

    def _agrees(self, uuid: str, said: object) -> bool:
        right = self.expected(self.joblet.jobs[uuid])
        assert said == right, f"the client says {said!r} of {uuid}; it is {right!r}"
        return True

    def _fairly(self, act: Callable[[], Any]) -> tuple[bool, Any]:
        """Have the client do something; give whether it worked, and what it gave.

        It may fail if a fault has hit it.
        """
        before = len(self.joblet.faults.fired)
        try:
            return True, act()
        except self.errors:
            if len(self.joblet.faults.fired) == before:
                raise
            return False, None
