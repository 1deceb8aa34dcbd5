"""The workflows of a server, and what starts their jobs when their turn has come."""

from __future__ import annotations

from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from joblet_fake.clock import seconds
from joblet_fake.model import job as words
from joblet_fake.model.copying import Due
from joblet_fake.model.errors import Refusal
from joblet_fake.model.jobs import UUID_LENGTH
from joblet_fake.model.workflow import TERMINAL, Workflow, WorkflowJob
from joblet_fake.model.workflow_file import with_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from joblet_fake.clock import Timer
    from joblet_fake.model.copying import Copying
    from joblet_fake.model.job import Job
    from joblet_fake.model.model import Model
    from joblet_fake.model.outcome import Outcome
    from joblet_fake.model.workflow_file import Step

STUCK: Final = 5.0
"""Clock seconds after which a job that its workflow lost sight of is started once more."""

PORTION: Final = 25
"""How many jobs a workflow starts while it holds the lock: calls are answered in between."""


@dataclass(slots=True, eq=False)
class _Run:
    """A workflow at work: its file, and the tick that it waits for or is in.

    Attributes:
        workflow: the workflow.
        steps: its file's jobs, by name.
        files: contents of the files that came with it; None for a file of the server's own.
        ready: the jobs that this tick has still to start.
        tick: the next tick; None while nothing could start.
        beat: the number of the last tick, counted from the workflow's beginning.
        lost: whether this tick started a job that the workflow then lost sight of.
        breath: how many more jobs are started before others get the lock.
    """

    workflow: Workflow
    steps: Mapping[str, Step]
    files: Mapping[str, bytes] | None
    ready: list[str] = field(default_factory=list)
    tick: Timer | None = None
    beat: int = 0
    lost: bool = False
    breath: int = PORTION

    def copied(self, copying: Copying) -> _Run:
        """Give one that waits for the same."""
        made = copying.note(self, copy(self))
        made.workflow = copying.of(self.workflow)
        made.ready = self.ready.copy()
        made.tick = copying.of(self.tick)
        return made


class Workflows:
    """All workflows of a server; every method runs under the model's lock.

    The names of jobs are one namespace for all of them, as on a real server: what one workflow
    saw of a name counts for another, and two that wait with the same name get mixed up
    (JOB-WF-15).
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._clock = model.clock
        self._pace = model.pace
        self._workflows: dict[str, Workflow] = {}
        self._seen: dict[str, str] = {}
        self._owners: dict[str, Workflow] = {}
        self._waiting: dict[str, dict[_Run, None]] = {}
        self._monitors: dict[_Monitor, None] = {}

    def copied(self, copying: Copying) -> Workflows:
        """Give the same workflows, with copies of the jobs that they look at."""
        made = copying.note(self, Workflows(copying.model))
        made._workflows = {uuid: copying.of(each) for uuid, each in self._workflows.items()}  # noqa: SLF001 - its own kind
        made._seen = self._seen.copy()  # noqa: SLF001
        made._owners = {key: copying.of(each) for key, each in self._owners.items()}  # noqa: SLF001
        made._waiting = {  # noqa: SLF001
            name: dict.fromkeys([copying.of(run) for run in runs])
            for name, runs in self._waiting.items()
        }
        made._monitors = dict.fromkeys([copying.of(each) for each in self._monitors])  # noqa: SLF001
        return made

    def __iter__(self) -> Iterator[Workflow]:
        """Give the workflows in the order of their ids, which says nothing of their age."""
        return iter([self._workflows[uuid] for uuid in sorted(self._workflows)])

    def __len__(self) -> int:
        return len(self._workflows)

    def by_age(self) -> list[Workflow]:
        """Give the workflows, the oldest first."""
        return list(self._workflows.values())

    def exact(self, uuid: str) -> Workflow | None:
        """Give the workflow with this id."""
        return self._workflows.get(uuid)

    @property
    def first(self) -> Workflow | None:
        """The first workflow ever made (JOB-WF-24)."""
        return next(iter(self._workflows.values()), None)

    def find(self, text: str) -> Workflow | None:
        """Give the workflow with this id, or the only one whose id begins so (JOB-WF-20).

        Args:
            text: an id or a prefix of one; the empty text fits when there is exactly one.
        """
        found = self._workflows.get(text)
        if found is not None or len(text) >= UUID_LENGTH:
            return found
        matches = [uuid for uuid in self._workflows if uuid.startswith(text)]
        return self._workflows[matches[0]] if len(matches) == 1 else None

    def forget_beyond(self, count: int) -> None:
        """Forget the oldest workflows that are over; the first of all stays (JOB-WF-24).

        Args:
            count: how many that are over are kept.
        """
        _, *others = self._workflows.values()
        over = [each for each in others if each.status in TERMINAL]
        for workflow in over[: max(len(over) - count, 0)]:
            del self._workflows[workflow.uuid]
            for key in [key for key, owner in self._owners.items() if owner is workflow]:
                del self._owners[key]
            for name in tuple(self._waiting):
                left = {run: None for run in self._waiting[name] if run.workflow is not workflow}
                self._waiting[name] = left
                if not left:
                    del self._waiting[name]

    def may_run(self, name: str) -> bool:
        """Tell whether a job of the first workflow may start: all that RunJob asks (JOB-WF-30)."""
        return self.first is not None and self._is_ready(self.first, name)

    def start(
        self,
        steps: Sequence[Step],
        yaml: str = "",
        files: Mapping[str, bytes] | None = None,
    ) -> Workflow:
        """Make a workflow, whose jobs start later (JOB-WF-03, JOB-WF-10).

        Args:
            steps: its jobs, checked; none makes one that stays PENDING (JOB-WF-02).
            yaml: the file, if a client sent it.
            files: contents of the files that came with it, by path; None for a file of the
                server's own.
        """
        now = self._clock.now_ns()
        jobs = {step.name: WorkflowJob(step.name, step.requires) for step in steps}
        workflow = Workflow(self._model.new_uuid(), yaml, now, jobs)
        self._workflows[workflow.uuid] = workflow
        run = _Run(workflow, {step.name: step for step in steps}, files)
        for name, job in jobs.items():
            self._owners[name] = workflow
            job.may_start = self._met(job)
            for other in job.requires:
                self._waiting.setdefault(other, {})[run] = None
        self._plan(run)
        self._model.retention.workflow_added()
        return workflow

    # Ticks: only those that would start something are waited for, the others show nothing

    def _plan(self, run: _Run) -> None:
        """Have a workflow look at its jobs at its next tick, if that would start any."""
        if run.tick is not None or run.ready or not self._startable(run):
            return
        now = self._clock.now_ns()
        every = seconds(max(self._pace.workflow_tick, STUCK if run.lost else 0))
        due = run.workflow.created_ns + (self._beat(run, every) + 1) * every if every else now
        # What is started again and again, and never seen, does not keep a clock from being idle.
        run.tick = self._clock.call_at(due, Due(self._tick, run), repeats=run.lost)

    def _beat(self, run: _Run, every: int) -> int:
        """Give how many ticks there have been since the workflow's beginning."""
        return (self._clock.now_ns() - run.workflow.created_ns) // every if every else 0

    def _startable(self, run: _Run) -> list[str]:
        return [key for key in self._ready(run.workflow) if key in run.steps]

    def _tick(self, run: _Run) -> None:
        run.tick = None
        run.lost = False
        run.beat = self._beat(run, seconds(self._pace.workflow_tick))
        run.ready = self._startable(run)
        for key in run.ready:
            run.workflow.jobs[key].may_start = True
        self._launch(run)

    def _launch(self, run: _Run) -> None:
        """Start the jobs of a tick, one after another."""
        while run.ready:
            if not run.breath:
                self._clock.call_later(0, Due(self._breathe, run))
                return
            run.breath -= 1
            outcome = self._begin(run, run.ready[0])
            if outcome is not None and not outcome.done:
                outcome.on_done(Due(self._go_on, run, outcome))
                return
            self._begun(run, outcome)
        if self._beat(run, seconds(self._pace.workflow_tick)) > run.beat and self._startable(run):
            # A tick that came meanwhile has waited.
            run.tick = self._clock.call_later(0, Due(self._tick, run))
        self._plan(run)

    def _breathe(self, run: _Run) -> None:
        """Go on with the next portion on a thread of its own."""
        self._clock.aside(lambda: self._go_on_breathed(run))

    def _go_on_breathed(self, run: _Run) -> None:
        run.breath = PORTION
        if self._model.workflows is self:  # nobody has reset or restored the state meanwhile
            self._launch(run)

    def _go_on(self, run: _Run, outcome: Outcome[Job]) -> None:
        self._begun(run, outcome)
        self._launch(run)

    def _begin(self, run: _Run, name: str) -> Outcome[Job] | None:
        spec = with_files(run.steps[name], run.files)
        if spec is None or not spec.command:
            return None
        try:
            return self._model.lifecycle.run(spec)
        except Refusal:
            return None

    def _begun(self, run: _Run, outcome: Outcome[Job] | None) -> None:
        """Note what came of a job's start; one that did not start has failed (JOB-WF-13)."""
        name = run.ready.pop(0)
        job: Job | None = None
        if outcome is not None:
            # What was no refusal is raised where it came from.
            with suppress(Exception):
                job = outcome.result()
        if job is None:
            self._see(name, words.FAILED)
            return
        self._rename(name, job.uuid)
        self._see(job.uuid, words.RUNNING)
        run.lost = run.lost or self._is_ready(run.workflow, name)
        self._monitors[_Monitor(self, self._model, job)] = None

    def watched(self, job: Job) -> None:
        """Take note of the status of a job that was started for a workflow."""
        self._see(job.uuid, job.status)

    def watch_ended(self, monitor: _Monitor) -> None:
        """Forget what looked at a job."""
        self._monitors.pop(monitor, None)

    def _rename(self, name: str, uuid: str) -> None:
        """Know a job by its id from now on; whose job it is, is asked of its name (JOB-WF-15)."""
        owner = self._owners.get(name)
        if owner is None or name not in owner.jobs:
            return
        del self._owners[name]
        self._owners[uuid] = owner
        others = (each for each in self._workflows.values() if each is not owner)
        namesake = next((each for each in others if name in each.jobs), None)
        for workflow in (owner, namesake):
            if workflow is not None:
                workflow.rename(name, uuid)

    # Statuses

    def _see(self, key: str, status: str) -> None:
        workflow = self._owners.get(key)
        job = None if workflow is None else workflow.jobs.get(key)
        if workflow is None or job is None:
            return
        names = [job.name]
        self._seen[job.name] = status
        for canceled in workflow.see(key, status, self._clock.now_ns()):
            self._seen[canceled.name] = canceled.status
            names.append(canceled.name)
        if status in TERMINAL:
            # What was met once may start, whatever other workflows see of the name later.
            for other in workflow.pending.values():
                other.may_start = other.may_start or self._met(other)
        for name in names:
            for run in tuple(self._waiting.get(name, ())):
                self._plan(run)

    def _ready(self, workflow: Workflow) -> list[str]:
        """Give the keys of the jobs that may start."""
        return [key for key, job in workflow.pending.items() if job.may_start or self._met(job)]

    def _is_ready(self, workflow: Workflow, key: str) -> bool:
        job = workflow.pending.get(key)
        return job is not None and (job.may_start or self._met(job))

    def _met(self, job: WorkflowJob) -> bool:
        return all(self._seen.get(name) == wanted for name, wanted in job.requires.items())


class _Monitor:
    """Sees a started job's status as often as a real server looks (JOB-WF-10)."""

    def __init__(self, workflows: Workflows, model: Model, job: Job) -> None:
        self._workflows = workflows
        self._model = model
        self._clock = model.clock
        self._every = seconds(model.pace.workflow_poll)
        self._job = job
        self._began = model.clock.now_ns()
        self._poll: Timer | None = None
        self._unwatch = job.watch(self._changed)

    def copied(self, copying: Copying) -> _Monitor:
        """Give one that looks at the job's copy as often."""
        made = copying.note(self, copy(self))
        made._workflows = copying.of(self._workflows)  # noqa: SLF001 - its own kind
        made._model, made._clock = copying.model, copying.clock  # noqa: SLF001
        made._job = copying.of(self._job)  # noqa: SLF001
        made._poll = copying.of(self._poll)  # noqa: SLF001
        made._unwatch = made._job.watch(made._changed)  # noqa: SLF001
        return made

    def _changed(self) -> None:
        if self._model.jobs.stored.exact(self._job.uuid) is not self._job:
            # Deleted, and perhaps back later (JOB-DEL-05).
            return
        if not self._every:
            self._look()
        elif self._poll is None:
            # A look between two changes shows nothing new: only the next one is waited for.
            looks = (self._clock.now_ns() - self._began) // self._every
            due = self._began + (looks + 1) * self._every
            self._poll = self._clock.call_at(due, Due(self._look))

    def _look(self) -> None:
        self._poll = None
        job = self._job
        if self._model.jobs.stored.exact(job.uuid) is not job:
            return
        if job.status in (words.COMPLETED, words.FAILED):
            self._unwatch()
            self._workflows.watch_ended(self)
        self._workflows.watched(job)
