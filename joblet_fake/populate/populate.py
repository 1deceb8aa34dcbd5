"""A server's past, present and plans, made from a seed."""

from __future__ import annotations

import dataclasses
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from joblet_fake.clock import NANOS
from joblet_fake.model.job import CANCELED, COMPLETED, FAILED, RUNNING, SCHEDULED, JobSpec
from joblet_fake.model.seeding import Past, add_job
from joblet_fake.model.usage import Metrics
from joblet_fake.populate.kinds import KINDS, Plan, fail
from joblet_fake.programs import Script
from joblet_fake.programs.choice import Choice
from joblet_fake.words import check_number, check_whole

if TYPE_CHECKING:
    from collections.abc import Container

    from faker import Faker

    from joblet_fake.fake import FakeJoblet
    from joblet_fake.model.model import Model

DAY: Final = 86_400
BATCH: Final = 50
"""How many jobs are put there under one hold of the lock: calls are answered in between."""

VOLUMES: Final = ("datasets", "models", "backups", "scratch", "reports", "cache")
RUNTIMES: Final = (
    ("python-3.11-ml", "python", ("numpy", "pandas", "torch")),
    ("node-20", "node", ("express",)),
    ("python-3.12", "python", ()),
    ("java-21", "java", ()),
    ("go-1.22", "go", ()),
)

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
    fake: FakeJoblet,
    *,
    jobs: int,
    networks: int,
    volumes: int,
    runtimes: int,
    days: float,
) -> Populated:
    """Fill a server; `FakeJoblet.populate` documents it."""
    for name, value in (
        ("jobs", jobs), ("networks", networks), ("volumes", volumes), ("runtimes", runtimes),
        ("days", days),
    ):  # fmt: skip
        if name == "days":
            check_number(f"populate(days={value!r})", value, "a number")
        else:
            check_whole(f"populate({name}={value!r})", value)
        if not value >= 0:
            raise ValueError(f"populate({name}={value}): it is 0 or more")
    from faker import Faker  # noqa: PLC0415 - slow to load, and only needed here

    # What is there already is part of the seed: a second call adds other things.
    seed = f"{fake.options.seed} {len(fake.jobs)} {len(fake.networks)} {len(fake.volumes)}"
    faker = Faker()
    faker.seed_instance(seed)
    dice = random.Random(seed)  # noqa: S311 - it must repeat with the seed
    place = Place(
        networks=_networks(fake, networks, faker, dice),
        volumes=_volumes(fake, volumes, dice),
        runtimes=_runtimes(fake, runtimes, dice),
    )
    return Populated(
        jobs=tuple(_jobs(fake.model, jobs, days, faker=faker, dice=dice, place=place)),
        networks=place.networks,
        volumes=place.volumes,
        runtimes=tuple(name for name, _ in place.runtimes),
    )


@dataclass(frozen=True, slots=True)
class Place:
    """What jobs can use: networks and volumes by name, runtimes by name and language."""

    networks: tuple[str, ...]
    volumes: tuple[str, ...]
    runtimes: tuple[tuple[str, str], ...]


def _free(wanted: str, taken: Container[str]) -> str:
    """Give a name that nobody has: this one, or this one with a number."""
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted}-{number}", number + 1
    return name


def _networks(fake: FakeJoblet, many: int, faker: Faker, dice: random.Random) -> tuple[str, ...]:
    made = []
    for _ in range(many):
        name = _free(f"{faker.domain_word()[:20]}-net", fake.networks)
        fake.networks.add(name, f"10.{dice.randint(0, 255)}.{dice.randint(0, 255)}.0/24")
        made.append(name)
    return tuple(made)


def _volumes(fake: FakeJoblet, many: int, dice: random.Random) -> tuple[str, ...]:
    made = []
    for number in range(many):
        name = _free(VOLUMES[number % len(VOLUMES)], fake.volumes)
        fake.volumes.add(name, dice.choice(["500MB", "2GB", "10GB", "50GB"]))
        made.append(name)
    return tuple(made)


def _runtimes(fake: FakeJoblet, many: int, dice: random.Random) -> tuple[tuple[str, str], ...]:
    made = []
    taken = {view.name for view in fake.runtimes.values()}
    for number in range(many):
        wanted, language, packages = RUNTIMES[number % len(RUNTIMES)]
        name = _free(wanted, taken)
        taken.add(name)
        fake.runtimes.add(
            name,
            version=f"1.{dice.randint(0, 9)}.{dice.randint(0, 20)}",
            language=language,
            packages=packages,
            size=dice.randint(80, 2_000) << 20,
        )
        made.append((name, language))
    return tuple(made)


def _jobs(
    model: Model, many: int, days: float, *, faker: Faker, dice: random.Random, place: Place
) -> list[str]:
    now = model.clock.now_ns()
    weights = [weight for _, weight in KINDS]
    ages = sorted((_age(dice, days) for _ in range(many)), reverse=True)
    made: list[str] = []
    for first in range(0, many, BATCH):
        drawn = []
        for age in ages[first : first + BATCH]:
            (make,) = dice.choices([kind for kind, _ in KINDS], weights)
            plan = make(faker, dice)
            drawn.append(
                _drawn(plan, _spec(plan, dice, place), dice, now, now - round(age * NANOS))
            )
        with model.change():
            made += [add_job(model, spec, past).uuid for spec, past in drawn]
    return made


def _age(dice: random.Random, days: float) -> float:
    """Give how many seconds ago a job was submitted; working hours are busier than nights."""
    while True:
        ago = dice.uniform(0, days * DAY)
        hour = (24 - ago % DAY / 3600) % 24
        if dice.random() < (1.0 if 8 <= hour < 18 else 0.35):  # noqa: PLR2004 - of the day
            return ago


def _spec(plan: Plan, dice: random.Random, place: Place) -> JobSpec:
    suitable = [name for name, language in place.runtimes if language == plan.language]
    return JobSpec(
        plan.command,
        plan.args,
        environment=plan.environment,
        secret_environment=plan.secrets,
        network=dice.choice(place.networks) if place.networks and dice.random() < 0.4 else "",  # noqa: PLR2004 - some
        volumes=(dice.choice(place.volumes),) if place.volumes and plan.data else (),
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
            usage=_usage(plan),
        )
    status = FAILED if plan.exit_code else COMPLETED
    return spec, Past(
        status=status,
        exit_code=plan.exit_code,
        start_ns=start,
        end_ns=end,
        output=_output(plan, start, plan.seconds),
        usage=_usage(plan),
    )


def _usage(plan: Plan) -> Metrics:
    return Metrics(cpu_percent=100 * plan.cores, memory_bytes=plan.memory)


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
    return dataclasses.replace(spec, program=Choice(spec, (script,), entry=script))
