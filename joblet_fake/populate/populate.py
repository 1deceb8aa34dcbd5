"""A server's past, present and plans, made from a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from joblet_fake.clock import NANOS
from joblet_fake.model.job import CANCELED, COMPLETED, FAILED, RUNNING, SCHEDULED, JobSpec
from joblet_fake.model.seeding import Past, add_job
from joblet_fake.populate.kinds import KINDS, Plan, fail
from joblet_fake.programs import Script

if TYPE_CHECKING:
    from collections.abc import Sequence

    from joblet_fake.model.model import Model

DAY: Final = 86_400
BATCH: Final = 50
"""How many jobs are put there under one hold of the lock: calls are answered in between."""

FAILING: Final = 0.12
PLANNED: Final = 0.03
CALLED_OFF: Final = 0.03
PRESENT: Final = 0.01
"""Which parts of the jobs fail, wait for their time, were cancelled, and run now."""


@dataclass(frozen=True, slots=True)
class Populated:
    """What was put on a server, by id and by name.

    Attributes:
        jobs: the jobs' ids, oldest first.
        networks: the networks' names.
        volumes: the volumes' names.
        runtimes: the runtimes' names.
    """

    jobs: tuple[str, ...]
    networks: tuple[str, ...]
    volumes: tuple[str, ...]
    runtimes: tuple[str, ...]


def populate(
    model: Model,
    *,
    jobs: int,
    days: float,
    seed: int,
    networks: Sequence[str] = (),
    volumes: Sequence[str] = (),
    runtimes: Sequence[tuple[str, str]] = (),
) -> list[str]:
    """Put a history of jobs on a server.

    Args:
        model: the server.
        jobs: how many.
        days: how far back the first one lies.
        seed: where all of it comes from.
        networks: networks that jobs can be on.
        volumes: volumes that jobs can use.
        runtimes: runtimes that jobs can use, as name and language.

    Returns:
        The jobs' ids, oldest first.
    """
    from faker import Faker  # noqa: PLC0415 - slow to load, and only needed here

    faker = Faker()
    faker.seed_instance(seed)
    dice = random.Random(f"populate {seed}")  # noqa: S311 - it must repeat with the seed
    now = model.clock.now_ns()
    weights = [weight for _, weight in KINDS]
    submitted = sorted(_moment(dice, days) for _ in range(jobs))
    made: list[str] = []
    for first in range(0, jobs, BATCH):
        drawn = []
        for ago in submitted[first : first + BATCH]:
            (make,) = dice.choices([kind for kind, _ in KINDS], weights)
            plan = make(faker, dice)
            spec = _spec(plan, dice, networks, volumes, runtimes)
            drawn.append(_drawn(plan, spec, dice, now, now - round(-ago * NANOS)))
        with model.change():
            made += [add_job(model, spec, past).uuid for spec, past in drawn]
    return made


def _moment(dice: random.Random, days: float) -> float:
    """Give seconds before now, as a negative number; working hours are busier than nights."""
    while True:
        ago = dice.uniform(0, days * DAY)
        hour = (24 - ago % DAY / 3600) % 24
        if dice.random() < (1.0 if 8 <= hour < 18 else 0.35):  # noqa: PLR2004 - of the day
            return -ago


def _spec(
    plan: Plan,
    dice: random.Random,
    networks: Sequence[str],
    volumes: Sequence[str],
    runtimes: Sequence[tuple[str, str]],
) -> JobSpec:
    suitable = [name for name, language in runtimes if language and language == plan.language]
    return JobSpec(
        plan.command,
        plan.args,
        environment=plan.environment,
        secret_environment=plan.secrets,
        network=dice.choice(networks) if networks and dice.random() < 0.4 else "",  # noqa: PLR2004 - some
        volumes=(dice.choice(volumes),) if volumes and plan.data else (),
        runtime=dice.choice(suitable) if suitable else "",
    )


def _drawn(
    plan: Plan, spec: JobSpec, dice: random.Random, now: int, start: int
) -> tuple[JobSpec, Past]:
    """Decide what has become of a job."""
    fate = dice.random()
    if fate < PLANNED:
        due = now + round(dice.uniform(60, 2 * DAY)) * NANOS
        spec = _with_program(spec, plan, 0)
        return spec, Past(status=SCHEDULED, start_ns=start, due_ns=due)
    if fate < PLANNED + CALLED_OFF:
        due = start + round(dice.uniform(60, DAY)) * NANOS
        return spec, Past(status=CANCELED, start_ns=start, due_ns=due)
    if fate < PLANNED + CALLED_OFF + FAILING:
        plan = fail(plan, dice)
    end = start + round(plan.seconds * NANOS)
    if fate > 1 - PRESENT or end > now:
        lasts = max(plan.seconds, 60.0)
        start = now - round(lasts * dice.uniform(0.1, 0.9) * NANOS)
        plan.seconds = lasts
        done = (now - start) / NANOS
        return _with_program(spec, plan, done), Past(
            status=RUNNING,
            start_ns=start,
            output=_output(plan, start, done),
        )
    status = FAILED if plan.exit_code else COMPLETED
    return spec, Past(
        status=status,
        exit_code=plan.exit_code,
        start_ns=start,
        end_ns=end,
        output=_output(plan, start, plan.seconds),
    )


def _output(plan: Plan, start: int, until: float) -> tuple[tuple[int, bytes, str], ...]:
    return tuple(
        (start + round(at * NANOS), f"{text}\n".encode(), stream)
        for at, text, stream in plan.lines
        if at <= until
    )


def _with_program(spec: JobSpec, plan: Plan, done: float) -> JobSpec:
    """Give a job what is left for it to do."""
    script = Script()
    at = done
    for when, text, stream in plan.lines:
        if when > done:
            script.sleeps(max(0.0, when - at)).prints(f"{text}\n", stream=stream)
            at = max(at, when)
    script.sleeps(max(0.0, plan.seconds - at))
    if plan.exit_code < 0:
        script.dies("SIGKILL")
    else:
        script.exits(plan.exit_code)
    return JobSpec(
        **{name: getattr(spec, name) for name in spec.__dataclass_fields__ if name != "program"},
        program=script,
    )
