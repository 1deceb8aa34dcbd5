"""What a failed test's report says about its fakes: what was said, and what became of the jobs."""

from __future__ import annotations

import functools
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from joblet_fake import Call, Calls, Clock, names_near

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from joblet_fake import FakeJoblet, Faults, JobView, Programs

REPORTS: Final = ("short", "full", "none")
"""What `--joblet-report` takes."""

SHOWN: Final = 20
"""How many calls and jobs of one fake a short report shows, the newest."""

WIDTH: Final = 60
"""How many characters of a request, or of a line of output, a short report shows."""

TAIL: Final = 5
"""How many lines of a job's output a short report shows, the last ones."""


def note_near(error: AttributeError) -> None:
    """Note the names that are near a wrong one, where the fake's own error does not tell them."""
    if error.name is not None and isinstance(error.obj, Call | Calls | Clock):
        error.add_note(names_near(error.obj, error.name))


def sections(
    fakes: Sequence[FakeJoblet],
    report: str = "short",
    seed: int = 0,
) -> Iterator[tuple[str, str]]:
    """Give the titles and texts for a report; secrets are masked in all of them.

    Args:
        fakes: the fakes that the test could have used; those that were not used are left out.
        report: one of `REPORTS`.
        seed: the run's; a fake's own can be another.
    """
    if report == "none":
        return
    full = report == "full"
    used = [
        (
            fake,
            list(fake.calls),
            list(fake.jobs.values()),
            _programs(fake.programs),
            _faults(fake.faults, seed),
        )
        for fake in fakes
    ]
    used = [one for one in used if any(one[1:])]
    hide = _all_masks([one[0] for one in used])
    for fake, calls, jobs, programs, faults in used:
        name = f" of {fake.address}" if len(used) > 1 else ""
        if calls:
            newest = _newest(calls, full=full)
            told = [call.whole(hide) if full else call.line(hide) for call in newest]
            left_out = len(calls) - len(told) + fake.calls.dropped
            yield f"joblet calls{name}", _listed(left_out, told)
        if jobs:
            became = [_became(job, hide, full=full) for job in _newest(jobs, full=full)]
            yield f"joblet jobs{name}", _listed(len(jobs) - len(became), became)
        if programs:
            yield f"joblet programs{name}", hide("\n".join(programs))
        if faults:
            yield f"joblet faults{name}", hide("\n".join(faults))
        if fake.clock.mode != "flowing" or full:
            yield f"joblet clock{name}", _time(fake)


def _all_masks(fakes: Sequence[FakeJoblet]) -> Callable[[str], str]:
    """Give what hides the secrets of all fakes: code sends the same ones to several servers."""
    masks = [fake.masks() for fake in fakes]
    return lambda text: functools.reduce(lambda told, hide: hide(told), masks, text)


def _newest(things: Sequence[Any], *, full: bool) -> Sequence[Any]:
    return things if full else things[-SHOWN:]


def _listed(left_out: int, lines: Iterable[str]) -> str:
    return "\n".join([f"({left_out} earlier)"] * (left_out > 0) + list(lines))


# Jobs


def _became(job: JobView, hide: Callable[[str], str], *, full: bool) -> str:
    """Tell what became of a job; what is secret is hidden before anything is cut."""
    words = hide(" ".join((job.command, *job.args)))
    ended = "" if job.ended is None else f", exit code {job.exit_code}"
    shown = words if full else _short(words)
    line = hide(f"{job.uuid} {job.status}{ended}: {shown!r} ({job.explanation})")
    output = hide(job.output_bytes.decode(errors="replace")).splitlines()
    tail = output if full else [_short(each) for each in output[-TAIL:]]
    left_out = len(output) - len(tail)
    head = [f"    ({left_out} earlier lines)"] if left_out else []
    return "\n".join([line, *head, *(f"    | {each}" for each in tail)])


def _programs(programs: Programs) -> list[str]:
    """Tell which scripts no job has run, as one for a command that nobody sends."""
    return [f"no job has run: {program!r} ({program.where})" for program in programs.unused]


def _faults(faults: Faults, seed: int) -> list[str]:
    """Tell which faults happened, which did not, and what repeats those that chance has chosen."""
    fired = Counter(one.rule for one in faults.fired)
    lines = []
    for rule, count in fired.items():
        half = not rule.used
        told = f"{rule.fired} of {rule.wanted}" if half else f"{count}"
        lines.append(f"hit {told} call{'s' * (half or count > 1)}: {rule!r}")
    lines += [f"not used: {rule!r}" for rule in faults.unused if rule not in fired]
    if faults.drawn:
        own = "" if faults.seed == seed else f" (the seed of this fake is {faults.seed})"
        lines.append(f"chance has a part: --joblet-seed={seed} repeats it{own}")
    restarts = faults.server.restarts
    if restarts:
        lines.append(f"of the server: restarted {restarts} time{'s' * (restarts > 1)}")
    if faults.server.lasting:
        lines.append(f"of the server: {', '.join(faults.server.lasting)}")
    return lines


def _time(fake: FakeJoblet) -> str:
    clock = fake.clock
    line = f"{clock.mode}, at {clock.now().isoformat()}"
    due = clock.next_due()
    if due is None:
        return f"{line}, nothing is due"
    return f"{line}, next event in {(due - clock.now_ns()) / 1e9:g} s"


def _short(text: str) -> str:
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"
