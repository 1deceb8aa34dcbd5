"""The life of a job: submitted, launched, ended, stopped, deleted."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from joblet_fake.clock import NANOS, seconds
from joblet_fake.model import job as words
from joblet_fake.model import system_lines
from joblet_fake.model.copying import Due
from joblet_fake.model.errors import Kind, Refusal
from joblet_fake.model.job import Job, JobSpec, Stop
from joblet_fake.model.launch_environment import check_environment
from joblet_fake.model.limits import HIGHEST_CPU, HIGHEST_SANE_CPU, checked_cpu, kept_cores
from joblet_fake.model.network import DEFAULT_NETWORK, HOST_NETWORK, UNPOOLED, CrashError
from joblet_fake.model.outcome import Outcome, drive
from joblet_fake.model.process import LaunchError
from joblet_fake.model.schedule import Schedule, parse_schedule
from joblet_fake.model.upload_paths import check_scheduled, lay_out
from joblet_fake.model.volume import asked

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from joblet_fake.model.copying import Copying
    from joblet_fake.model.model import Model
    from joblet_fake.model.process import Process

T = TypeVar("T")

JOBS: Final = "/opt/joblet/jobs"
"""Where a real server keeps its jobs' folders; error texts name it."""


class Lifecycle:
    """What moves jobs from status to status; every method runs under the model's lock."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._clock = model.clock
        self._pace = model.pace
        self._quirks = model.quirks
        self._launch_free_at = 0
        self._recorded = 0
        self._promised: dict[Outcome[Any], None] = {}

    def copied(self, copying: Copying) -> Lifecycle:
        """Give one that owes nobody an answer."""
        made = copying.note(self, Lifecycle(copying.model))
        made._launch_free_at, made._recorded = self._launch_free_at, self._recorded  # noqa: SLF001 - its own kind
        return made

    def shift(self, by_ns: int) -> None:
        """Have what takes a while take as long as before, on a clock that shows another time."""
        self._launch_free_at += by_ns

    # Submitting

    def run(self, spec: JobSpec) -> Outcome[Job]:
        """Take a job that passed validation, and run it now or plan it.

        Returns:
            The job, once a real server would answer: RUNNING or SCHEDULED. It fails with a
                Refusal if the job can't be launched (JOB-RUN-81), or planned with its uploads
                (JOB-RUN-45).

        Raises:
            Refusal: the job can't be built (JOB-RUN-30, JOB-RUN-41), or the disk has no room for
                its folder (FAULT-01, FAULT-04); nothing is recorded.
        """
        highest = HIGHEST_SANE_CPU if "cpu-over-100-allowed" in self._quirks else HIGHEST_CPU
        spec = dataclasses.replace(
            spec,
            max_cpu=checked_cpu(spec.max_cpu, highest),
            # Only a job of a workflow gets here with a negative limit: it means unset (JOB-WF-30).
            max_memory=max(spec.max_memory, 0),
            max_io_bps=max(spec.max_io_bps, 0),
            cpu_cores=kept_cores(spec.cpu_cores),
            network=spec.network or DEFAULT_NETWORK,
        )
        if spec.schedule:
            relative = "relative-schedules" in self._quirks
            now = self._clock.now_ns() if relative else None
            return self._plan(spec, parse_schedule(spec.schedule, now))
        self._make_folder("resource setup failed")
        outcome: Outcome[Job] = self._promise()
        # The job is dated when it is recorded, after the settle pause (JOB-RUN-61).
        self._after(self._pace.prepare, Due(self._begin, spec, outcome))
        return outcome

    def _make_folder(self, site: str) -> None:
        """Have room for a new job's folder, before anything else of it is looked at (FAULT-01)."""
        if self._model.disk_full:
            folder = f"{JOBS}/{self._model.new_uuid()}"
            problem = f"failed to create workspace: mkdir {folder}: no space left on device"
            raise Refusal(Kind.INTERNAL, f"{site}: {problem}")

    def _begin(self, spec: JobSpec, outcome: Outcome[Job]) -> None:
        self._execute(self._record(spec), outcome)

    def _record(self, spec: JobSpec, status: str = words.INITIALIZING) -> Job:
        return self._add(self._model.new_uuid(), spec, status, self._clock.now_ns())

    def _add(self, uuid: str, spec: JobSpec, status: str, start_ns: int) -> Job:
        job = Job(uuid, spec, status, start_ns=start_ns, number=self._recorded)
        if "work-dir-honoured" in self._quirks:
            job.work_dir = spec.work_dir
        self._recorded += 1
        job.statuses.append((start_ns, status))
        self._model.jobs.add(job)
        self._model.secrets.note(spec.secret_environment.values())
        self._model.retention.added(job)
        return job

    def _plan(self, spec: JobSpec, schedule: Schedule) -> Outcome[Job]:
        answer: Outcome[Job] = self._promise()
        if spec.uploads:
            self._make_folder("upload preparation failed")
            # They are received first, in as long as a launch's pause, and then judged.
            self._after(self._pace.schedule_uploads, Due(self._uploaded, spec, schedule, answer))
        else:
            job = self._planned(spec, schedule)
            self._after(self._pace.schedule, Due(answer.resolve, job))
        return answer

    def _uploaded(self, spec: JobSpec, schedule: Schedule, answer: Outcome[Job]) -> None:
        try:
            for upload in spec.uploads:
                check_scheduled(upload.path)
        except Refusal as refusal:
            answer.fail(refusal)
        else:
            answer.resolve(self._planned(spec, schedule))

    def _planned(self, spec: JobSpec, schedule: Schedule) -> Job:
        # The uploads of a scheduled job never reach it (JOB-RUN-46), but their folder is there.
        job = self._record(dataclasses.replace(spec, uploads=()), words.SCHEDULED)
        job.has_folder = bool(spec.uploads)
        job.scheduled_time = schedule.echo
        self.wait_for(job, schedule.when_ns)
        return job

    def wait_for(self, job: Job, when_ns: int) -> None:
        """Launch a scheduled job at its time, nanoseconds since 1970."""
        # A time in the past is due now, and what the job does then happens now (JOB-RUN-43).
        due = max(when_ns, self._clock.now_ns())
        job.timer = self._clock.call_at(due, Due(self._due, job))

    def seeded(self, uuid: str, spec: JobSpec, start_ns: int) -> Job:
        """Record a job that was submitted at some moment, without running it."""
        spec = dataclasses.replace(spec, network=spec.network or DEFAULT_NETWORK)
        return self._add(uuid, spec, words.INITIALIZING, start_ns)

    def adopt(self, job: Job) -> None:
        """Have a job that is to be running run, at once.

        Raises:
            LaunchError: its network is not there, or its program can't be started.
        """
        self._attach(job)
        check_environment(job.spec)
        self._start(job)
        job.become(words.RUNNING, self._clock.now_ns())
        self._model.collectors.begin(job)

    def _attach(self, job: Job) -> None:
        """Give a job its address and its files."""
        if not self._unpooled(job):
            job.address = self._model.networks.attach(job.uuid, job.spec.network)
        job.files = lay_out(job.spec.uploads, f"{JOBS}/{job.uuid}/work")

    def _unpooled(self, job: Job) -> bool:
        """Tell whether a job needs no address (NET-20, NET-30)."""
        network = job.spec.network
        return network in UNPOOLED or (
            network == HOST_NETWORK and "host-network-allowed" in self._quirks
        )

    def _due(self, job: Job) -> None:
        # One worker launches what is due, one job after another (JOB-SM-07).
        job.timer = None
        now = self._clock.now_ns()
        start = max(now, self._launch_free_at)
        self._launch_free_at = start + seconds(self._pace.due)
        delay = (start - now) / NANOS
        if delay:
            job.timer = self._clock.call_later(delay, Due(self._launch, job))
        else:
            self._launch(job)

    def _launch(self, job: Job) -> None:
        job.timer = None
        job.become(words.INITIALIZING, self._clock.now_ns())
        if self._model.disk_full and not job.has_folder:
            # It stays so, and nothing ends it (FAULT-03).
            job.explanation = "nothing was run: the disk was full when the job was due (FAULT-03)"
            return
        outcome: Outcome[Job] = Outcome()
        self._after(self._pace.prepare, Due(self._execute, job, outcome))

    # Launching

    def _execute(self, job: Job, outcome: Outcome[Job]) -> None:
        try:
            self._attach(job)
        except LaunchError as error:
            self._failed_to_launch(job, outcome, error)
            return
        unpooled = self._unpooled(job)
        wait = self._pace.launch if unpooled else self._pace.attach
        self._after(wait, Due(self._run, job, outcome))

    def _run(self, job: Job, outcome: Outcome[Job]) -> None:
        try:
            check_environment(job.spec)
            if self._model.disk_full:
                self._fail_to_isolate(
                    job,
                    system_lines.no_room(self._clock.now_ns(), job.uuid),
                    "nothing was run: the disk had no room for the job's own root (FAULT-04)",
                )
            else:
                self._start(job)
        except LaunchError as error:
            self._failed_to_launch(job, outcome, error)
        except Exception as error:
            # A bug of ours or of the test's: it must not leave a client waiting.
            self._failed(job)
            outcome.fail(error)
            raise
        else:
            job.become(words.RUNNING, self._clock.now_ns())
            self._model.collectors.begin(job)
            outcome.resolve(job)

    def _start(self, job: Job) -> None:
        spec = job.spec
        if spec.runtime:
            try:
                job.runtime = self._model.runtimes.find(spec.runtime)
            except Refusal as refusal:
                now = self._clock.now_ns()
                self._fail_to_isolate(
                    job,
                    system_lines.missing_runtime(now, job.uuid, spec.runtime, refusal.text),
                    f"nothing was run: the runtime {spec.runtime!r} is not installed",
                )
                return
        launcher = self._model.launcher
        # Volumes are mounted after RunJob's answer: one removed meanwhile is missing (VOL-22).
        mounting = None
        if launcher.real:
            self._mount(job)
        else:
            mounting = self._clock.call_later(self._pace.start, Due(self._mount, job))
        try:
            job.process = launcher.launch(
                job, partial(self._output, job), partial(self._exited, job), self._pace.start
            )
        except Exception:
            if mounting is not None:
                mounting.cancel()
            raise

    def _fail_to_isolate(self, job: Job, lines: bytes, explanation: str) -> None:
        """Have the process that sets a job's root up fail, after RunJob's answer."""
        self._output(job, lines, "stdout")
        job.explanation = explanation
        self._clock.call_later(self._pace.start, Due(self._exited, job, 1))

    def resume(self, copying: Copying, job: Job, laid: Process) -> Process:
        """Have the process of a copied job go on, which was laid down with it."""
        output, exited = partial(self._output, job), partial(self._exited, job)
        return self._model.launcher.resume(job, output, exited, laid, copying)

    def _mount(self, job: Job) -> None:
        if job.ended_with is not None:
            return
        wanted = asked(job.spec)
        job.roomy = bool(wanted or job.files)
        for volume in wanted:
            found = self._model.volumes.mount(volume)
            if isinstance(found, str):
                # The job runs on without it (JOB-RUN-64).
                now = self._clock.now_ns()
                line = system_lines.missing_volume(now, job.uuid, volume, found)
                self._output(job, line, "stdout")
            else:
                job.mounts.update([found])

    def _failed_to_launch(self, job: Job, outcome: Outcome[Job], error: LaunchError) -> None:
        self._failed(job)
        if isinstance(error, CrashError):
            job.explanation = "nothing was run: a real server crashes as it starts this (NET-33)"
            outcome.fail(Refusal(Kind.UNAVAILABLE, str(error)))
            return
        outcome.fail(Refusal(Kind.INTERNAL, f"execution failed: {error}"))

    def _failed(self, job: Job) -> None:
        self._model.networks.detach(job.uuid)
        job.exit_code = -1
        job.end_ns = self._clock.now_ns()
        job.become(words.FAILED, job.end_ns)

    def _output(self, job: Job, data: bytes, stream: str = "stdout") -> None:
        if job.erased:
            # What outlives its server writes to a pipe that nobody reads (JOB-RST-07).
            return
        start = len(job.log)
        job.log.append(data, self._clock.now_ns(), stream)
        if self._model.disk_full:
            if data:
                self._model.history.lose(job.uuid)
            return
        racing = self._clock.now_ns() if "shuffled-history" in self._quirks else None
        self._model.history.store(job.uuid, job.log, start, len(job.log), racing)

    # Ending

    def _exited(self, job: Job, code: int) -> None:
        job.ended_with = code
        self._after(self._pace.flush, Due(self._finish, job))

    def _finish(self, job: Job) -> None:
        """Write the natural result, over a STOPPED that StopJob wrote before (JOB-STP-07)."""
        if job.erased:
            return
        stop = job.stop or Stop()
        if job.stopping is not None and not stop.natural_first:
            job.stopping.on_done(Due(self._finish, job))
            return
        code = job.ended_with or 0
        self._model.networks.detach(job.uuid)
        job.process = None
        deleted = self._model.jobs.stored.exact(job.uuid) is not job
        if not stop.stays and not (deleted and "deleted-stays-away" in self._quirks):
            job.exit_code = code
            job.end_ns = self._clock.now_ns()
            # A job deleted in between comes back (JOB-DEL-05).
            self._model.jobs.stored.add(job)
            job.become(words.FAILED if code else words.COMPLETED, job.end_ns)
        self._model.collectors.end(job.uuid)
        self._model.retention.settle()

    # Stopping

    def cancel(self, uuid: str) -> Outcome[Job]:
        """Take a scheduled job out of the plan, and no other (JOB-CAN-02).

        Returns:
            The job, once `stop` would be answered.

        Raises:
            Refusal: there is no such job, by its whole id, or it is not scheduled.
        """
        job = self._exact(uuid)
        if job.status != words.SCHEDULED:
            raise Refusal(Kind.CONFLICT, f"job is not scheduled: {uuid} (status: {job.status})")
        return self.stop(uuid)

    def stop(self, uuid: str) -> Outcome[Job]:
        """End a running job, or take a scheduled one out of the plan (JOB-STP-01 to JOB-STP-10).

        Returns:
            The job, once a real server would answer.

        Raises:
            Refusal: there is no such job, by its whole id, or its status allows no stop.
        """
        job = self._exact(uuid)
        if job.status == words.SCHEDULED:
            if job.timer is None:
                raise Refusal(Kind.INTERNAL, "failed to remove scheduled job")
            job.timer.cancel()
            job.timer = None
            job.become(words.CANCELED, self._clock.now_ns())
            canceled: Outcome[Job] = self._promise()
            self._after(self._pace.stop_scheduled, Due(canceled.resolve, job))
            return canceled
        if job.status != words.RUNNING:
            raise Refusal(
                Kind.CONFLICT,
                f"job is not running: {uuid} (status: {job.status})",
            )
        if job.stopping is not None:
            return job.stopping
        answer: Outcome[Job] = self._promise()
        job.stopping = answer
        job.stop = Stop(
            stays="stopped-stays" in self._quirks,
            natural_first="natural-result-first" in self._quirks and job.ended_with is None,
            heard="quick-stop-kills" not in self._quirks,
        )
        self._stop_process(job, job.stop, answer)
        return answer

    def _stop_process(self, job: Job, stop: Stop, answer: Outcome[Job]) -> None:
        if job.ended_with is not None or job.process is None:
            self._after(self._pace.stop_ended, Due(self._stopped, job, stop, answer))
            return
        ended = Due(self._stop_ended, job, stop, answer, self._clock.now_ns())
        job.process.stop(self._pace.stop_grace, ended)

    def _stop_ended(self, job: Job, stop: Stop, answer: Outcome[Job], asked: int) -> None:
        left = self._pace.stop_grace - (self._clock.now_ns() - asked) / NANOS
        delay = left + self._pace.stop_term if left > 0 else self._pace.stop_kill
        # A clean-up that takes longer is overtaken by what else is seen of the process's end.
        delay += self._pace.flush if stop.natural_first else 0
        self._after(delay, Due(self._stopped, job, stop, answer))

    def _stopped(self, job: Job, stop: Stop, answer: Outcome[Job]) -> None:
        if job.erased:
            return
        # The address is taken back by StopJob's clean-up; end time and exit code are not set.
        self._model.networks.detach(job.uuid)
        job.stopping = None
        now = self._clock.now_ns()
        job.end_ns, job.exit_code = (now, -1) if stop.stays else (None, 0)
        job.become(words.STOPPED, now)
        answer.resolve(job)
        self._model.retention.settle()

    # Deleting

    def delete(self, uuid: str) -> Outcome[None]:
        """Remove a job and its history; its buffer stays readable (JOB-DEL-01 to JOB-DEL-06).

        Returns:
            Nothing, once the history is gone, or a real server would give that up (PER-74).

        Raises:
            Refusal: there is no such job, by its whole id, or its status allows no deletion.
        """
        job = self._exact(uuid)
        if job.status in (words.RUNNING, words.SCHEDULED):
            raise Refusal(
                Kind.CONFLICT,
                f"cannot delete job {uuid} (status: {job.status}) - stop the job first",
            )
        return self._remove(job)

    def delete_all(self) -> Outcome[tuple[int, int]]:
        """Remove every job that neither runs nor waits for its time (JOB-DEL-07 to JOB-DEL-09).

        Returns:
            How many were deleted, and how many skipped; a refusal if some job could not be
            deleted, while the others are.
        """
        return drive(self._delete_each())

    def _delete_each(self) -> Generator[Outcome[None], None, tuple[int, int]]:
        deleted, skipped, problems = 0, 0, []
        for job in list(self._model.jobs.stored):
            if job.status in (words.RUNNING, words.SCHEDULED):
                skipped += 1
                continue
            try:
                removed = self._remove(job)
            except Refusal as error:
                problems.append(f"job {job.uuid}: {error.text}")
                continue
            yield removed
            deleted += 1
            job.erased = True
            self._model.jobs.buffered.remove(job.uuid)
            # Once more for its logs, and for its samples: each takes its time (PER-74).
            yield self._model.persist.delete(job.uuid)
            yield self._model.persist.delete(job.uuid)
        if problems:
            raise Refusal(
                Kind.INTERNAL,
                f"failed to delete {len(problems)} jobs: {'; '.join(problems)}",
            )
        return deleted, skipped

    def _remove(self, job: Job) -> Outcome[None]:
        if job.status == words.INITIALIZING:
            raise Refusal(
                Kind.INTERNAL,
                f"job deletion failed: cannot perform operation on running job {job.uuid} "
                f"(status: {job.status}) - stop the job first",
            )
        self._model.jobs.stored.remove(job.uuid)
        self._model.collectors.forget(job.uuid)
        removed = self._model.persist.delete(job.uuid)
        job.touch()
        return removed

    # Answers that come later

    def answer(self, value: T, delay: float) -> Outcome[T]:
        """Give a value after a while; a reset before that ends the call.

        Args:
            value: the answer.
            delay: clock seconds.
        """
        promise: Outcome[T] = self._promise()
        self._after(delay, lambda: promise.resolve(value))
        return promise

    def give_up(self) -> None:
        """Fail every answer that is still owed: the state that it was about is forgotten."""
        while self._promised:
            outcome, _ = self._promised.popitem()
            outcome.fail(Refusal(Kind.UNAVAILABLE, "joblet-fake was reset during this call"))

    def _promise(self) -> Outcome[T]:
        promise: Outcome[T] = Outcome()
        self._promised[promise] = None
        promise.on_done(lambda: self._promised.pop(promise, None))
        return promise

    def _exact(self, uuid: str) -> Job:
        job = self._model.jobs.stored.exact(uuid)
        if job is None:
            raise Refusal(Kind.NOT_FOUND, f"job not found: {uuid}")
        return job

    def _after(self, delay: float, action: Callable[[], None]) -> None:
        self._clock.call_later(delay, action) if delay > 0 else action()
