"""The kinds of jobs that a team runs: what they are called with, write, take and come to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from faker import Faker

Line = tuple[float, str, str]
"""Seconds after the start, the text without its newline, `"stdout"` or `"stderr"`."""


@dataclass(slots=True)
class Plan:
    """One job as it is going to be.

    Attributes:
        command: the command.
        args: its arguments.
        seconds: how long it runs.
        lines: what it writes, in order.
        environment: its variables.
        secrets: its secret variables.
        language: the language whose runtime it uses; empty for none.
        data: whether it uses a volume.
        cores: how many cores it keeps busy.
        memory: the bytes that it holds.
        exit_code: what it ends with.
    """

    command: str
    args: tuple[str, ...]
    seconds: float
    lines: list[Line]
    environment: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    language: str = ""
    data: bool = False
    cores: float = 0.5
    memory: int = 64 << 20
    exit_code: int = 0


def train(fake: Faker, dice: random.Random) -> Plan:
    """A model is trained, epoch by epoch."""
    epochs = dice.randint(3, 20)
    each = dice.uniform(20, 240)
    model = dice.choice(["resnet18", "resnet50", "bert-base", "lstm", "xgboost", "unet"])
    loss = dice.uniform(0.9, 2.5)
    lines: list[Line] = [(0.4, f"loading {model} for {fake.user_name()}", "stdout")]
    for epoch in range(1, epochs + 1):
        loss *= dice.uniform(0.82, 0.99)
        took = each * dice.uniform(0.95, 1.1)
        at = each * epoch
        lines.append((at, f"epoch {epoch}/{epochs} loss={loss:.4f} time={took:.1f}s", "stdout"))
        if dice.random() < 0.05:  # noqa: PLR2004 - one in twenty
            lines.append((at, f"warning: learning rate reduced to {loss / 1000:.2e}", "stderr"))
    lines.append((each * epochs + 1, f"saved /work/{model}.pt", "stdout"))
    return Plan(
        "python",
        ("train.py", "--model", model, "--epochs", str(epochs), "--seed", str(dice.randint(0, 99))),
        each * epochs + 2,
        lines,
        environment={"EPOCHS": str(epochs), "OWNER": fake.user_name()},
        secrets={"WANDB_TOKEN": fake.sha1()},
        language="python",
        data=True,
        cores=dice.uniform(0.9, 1.0),
        memory=dice.randint(1, 8) << 30,
    )


def etl(fake: Faker, dice: random.Random) -> Plan:
    """Rows are taken from one place to another."""
    table = dice.choice(["orders", "customers", "invoices", "clicks", "shipments"])
    rows = dice.randint(1_000, 900_000)
    day = fake.date()
    seconds = rows / dice.uniform(4_000, 9_000)
    lines: list[Line] = [(0.2, f"connecting to {fake.hostname()}", "stdout")]
    parts = dice.randint(2, 8)
    lines += [
        (seconds * part / parts, f"{table}: {rows * part // parts} rows read", "stdout")
        for part in range(1, parts + 1)
    ]
    lines.append((seconds + 0.5, f"{table} {day}: {rows} rows loaded", "stdout"))
    return Plan(
        "python",
        ("etl.py", "--table", table, "--date", day),
        seconds + 1,
        lines,
        environment={"TABLE": table},
        secrets={"DATABASE_PASSWORD": fake.password(16)},
        language="python",
        cores=dice.uniform(0.2, 0.7),
        memory=dice.randint(128, 900) << 20,
    )


def backup(fake: Faker, dice: random.Random) -> Plan:
    """A database is dumped into a volume."""
    name = fake.domain_word()
    size = dice.randint(20, 4_000)
    seconds = size / dice.uniform(8, 40)
    lines: list[Line] = [
        (0.1, f"pg_dump: dumping database {name}", "stderr"),
        (seconds, f"{name}.dump {size} MB", "stdout"),
    ]
    return Plan(
        "pg_dump",
        ("--format=custom", f"--file=/volumes/backups/{name}.dump", name),
        seconds + 0.2,
        lines,
        secrets={"PGPASSWORD": fake.password(12)},
        data=True,
        cores=dice.uniform(0.1, 0.4),
        memory=48 << 20,
    )


def report(fake: Faker, dice: random.Random) -> Plan:
    """A report is made and sent."""
    company = fake.company()
    pages = dice.randint(2, 40)
    lines: list[Line] = [(0.3, f"report for {company}", "stdout")]
    lines += [(0.3 + page * 0.8, f"page {page} of {pages}", "stdout") for page in range(1, pages)]
    lines.append((pages * 0.8 + 1, f"sent to {fake.company_email()}", "stdout"))
    return Plan(
        "node",
        ("report.js", "--customer", fake.uuid4()[:8]),
        pages * 0.8 + 1.2,
        lines,
        environment={"LANG": dice.choice(["en_GB", "de_DE", "fr_FR"]), "CUSTOMER": company},
        language="node",
        cores=dice.uniform(0.3, 0.9),
        memory=dice.randint(80, 300) << 20,
    )


def tests(_fake: Faker, dice: random.Random) -> Plan:
    """A test suite runs."""
    count = dice.randint(40, 900)
    seconds = count * dice.uniform(0.02, 0.2)
    rows = dice.randint(3, 12)
    lines: list[Line] = [
        (seconds * row / rows, f"{'.' * 60} [{100 * row // rows:3d}%]", "stdout")
        for row in range(1, rows + 1)
    ]
    lines.append((seconds + 0.1, f"{count} passed in {seconds:.2f}s", "stdout"))
    return Plan(
        "pytest",
        ("-q", "tests"),
        seconds + 0.3,
        lines,
        environment={"CI": "true"},
        language="python",
        cores=dice.uniform(0.8, 1.0),
        memory=dice.randint(100, 500) << 20,
    )


def cleanup(fake: Faker, dice: random.Random) -> Plan:
    """Old files are removed."""
    files = dice.randint(0, 40)
    lines: list[Line] = [
        (0.05 * number, f"removed '/volumes/scratch/{fake.file_name()}'", "stdout")
        for number in range(files)
    ]
    return Plan(
        "sh",
        ("-c", "find /volumes/scratch -mtime +7 -print -delete"),
        0.1 + 0.05 * files,
        lines,
        data=True,
        cores=0.1,
        memory=4 << 20,
    )


KINDS: Final[tuple[tuple[Callable[[Faker, random.Random], Plan], int], ...]] = (
    (train, 25),
    (etl, 30),
    (backup, 10),
    (report, 15),
    (tests, 12),
    (cleanup, 8),
)
"""The kinds, each with how often it comes up in a hundred."""

FAILURES: Final = (
    (1, "Traceback (most recent call last):\n  ...\nMemoryError"),
    (1, "Error: connection refused"),
    (2, "error: unrecognized arguments"),
    (28, "write error: No space left on device"),
    (137, "Killed"),
    (-1, ""),
)
"""How jobs fail: the exit code, and the last words on stderr; -1 is death by signal."""


def fail(plan: Plan, dice: random.Random) -> Plan:
    """Have a job fail somewhere on its way."""
    code, words = dice.choice(FAILURES)
    end = plan.seconds * dice.uniform(0.05, 0.95)
    plan.lines = [line for line in plan.lines if line[0] <= end]
    if words:
        plan.lines.append((end, words, "stderr"))
    plan.seconds = end
    plan.exit_code = code
    return plan
