"""What a failed test's report says about its fakes: who called, and what became of the jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from joblet_fake import FakeJoblet, JobView

SHOWN: Final = 20
"""How many calls and jobs of one fake are shown, the newest."""

WIDTH: Final = 60
"""How many characters of a request are shown."""


def sections(fakes: Sequence[FakeJoblet]) -> Iterator[tuple[str, str]]:
    """Give the titles and texts for a report.

    Args:
        fakes: the fakes that the test could have used; those without calls and jobs are left out.
    """
    used = [(fake, list(fake.calls), list(fake.jobs.values())) for fake in fakes]
    used = [(fake, calls, jobs) for fake, calls, jobs in used if calls or jobs]
    for fake, calls, jobs in used:
        name = f" of {fake.address}" if len(used) > 1 else ""
        if calls:
            yield f"joblet calls{name}", _newest(calls, [_told(call) for call in calls[-SHOWN:]])
        if jobs:
            yield f"joblet jobs{name}", _newest(jobs, [_became(job) for job in jobs[-SHOWN:]])


def _newest(all_of_them: Sequence[object], lines: Iterable[str]) -> str:
    left_out = len(all_of_them) - SHOWN
    return "\n".join([f"({left_out} earlier)"] * (left_out > 0) + list(lines))


def _told(call: Any) -> str:  # noqa: ANN401 - an entry of the journal
    answer = call.code or "open"
    if call.details:
        answer += f" {call.details!r}"
    elif call.sent != (1 if call.code else 0):
        answer += f" {call.sent} messages"
    return f"{call.role:7} {call.method}({_asked(call.request)}) -> {answer}"


def _asked(request: Any) -> str:  # noqa: ANN401 - a run-time message class
    """Give a request's plain fields; secrets and uploads are none of them."""
    if request is None:
        return "?"
    plain = {
        field.name: value if isinstance(value, str | bytes | float | int) else list(value)
        for field, value in request.ListFields()
        if field.message_type is None
    }
    return _short(", ".join(f"{name}={value!r}" for name, value in plain.items()))


def _became(job: JobView) -> str:
    words = _short(" ".join((job.command, *job.args)))
    return f"{job.uuid} {job.status}, exit code {job.exit_code}: {words!r} ({job.explanation})"


def _short(text: str) -> str:
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"
