"""What `joblet-fake serve` shows while it serves: calls, and what becomes of jobs."""

from __future__ import annotations

import json
import sys
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Final

import click

from joblet_fake.exchange import telling

if TYPE_CHECKING:
    from collections.abc import Callable

    from joblet_fake.exchange import Call
    from joblet_fake.fake import FakeJoblet
    from joblet_fake.model.job import Job

LINES_KEPT: Final = 10_000
"""How many lines wait for a slow reader at most; the server never waits for one."""

LEVELS: Final = ("debug", "info", "warning", "error")
"""What is shown: requests in full, calls and jobs, or failures of the fake alone."""

COLOURS: Final = {
    "OK": "green",
    "RUNNING": "cyan",
    "COMPLETED": "green",
    "FAILED": "red",
    "STOPPED": "yellow",
    "CANCELED": "yellow",
    "SCHEDULED": "blue",
}
SHORT_ID: Final = 8

Event = dict[str, Any]


class Watch:
    """Writes what happens, a line at a time, on a thread of its own.

    Args:
        level: one of `LEVELS`.
        as_json: JSON lines on stdout instead of text on stderr.
    """

    def __init__(self, level: str, *, as_json: bool) -> None:
        self._level = LEVELS.index(level)
        self._json = as_json
        self._lines: deque[str] = deque()
        self._dropped = 0
        self._seen: dict[str, str] = {}
        self._news = threading.Condition()
        self._over = False
        self._thread = threading.Thread(target=self._write, name="joblet-fake-watch", daemon=True)
        self._thread.start()

    def follow(self, fake: FakeJoblet) -> None:
        """Begin to show what happens on a fake."""
        if self._level <= LEVELS.index("info"):
            fake.calls.on_end = self.call
            fake.calls.on_follow = self.follows
            fake.model.retention.listener = lambda job, size: self.forgets(fake, job, size)
            fake.model.jobs.listener = lambda job: self.job(fake, job)

    def tell(self, event: str, text: str, **more: object) -> None:
        """Show something of the server's own, whatever the level."""
        self._add({"event": event, **more}, text)

    def call(self, call: Call) -> None:
        """Show a call that was answered."""
        at = f"{call.ended:%H:%M:%S}"
        code = call.code or "open"
        event: Event = {
            "event": "call",
            "at": None if call.ended is None else call.ended.isoformat(),
            "method": call.method,
            "role": call.role,
            "peer": call.peer,
            "code": code,
            "details": call.details,
            "sent": call.sent,
            "seconds": call.duration,
        }
        if self._level == 0:
            request = call.request
            event["request"] = None if request is None else _jsonable(telling.fields(request))
            whole = "\n".join(map(telling.printable, call.whole().split("\n")))
            self._add(event, f"{at} {whole}")
            return
        line = telling.printable(str(call))
        head, _, tail = line.rpartition(" -> ")
        coloured = click.style(tail, fg=COLOURS.get(code, "red"))
        self._add(event, f"{at} {head} -> {coloured}")

    def follows(self, call: Call) -> None:
        """Show that a client begins to wait for what is to come; its end is shown as a call's."""
        event = {
            "event": "follows",
            "at": call.started.isoformat(),
            "method": call.method,
            "role": call.role,
            "peer": call.peer,
        }
        head, _, _ = telling.printable(str(call)).rpartition(" -> ")
        coloured = click.style("follows", fg=COLOURS["RUNNING"])
        self._add(event, f"{call.started:%H:%M:%S} {head} -> {coloured}")

    def forgets(self, fake: FakeJoblet, job: Job, size: int) -> None:
        """Show that a job that is over is forgotten, since there are too many or they are big."""
        at = fake.clock.now()
        event = {"event": "forgotten", "at": at.isoformat(), "job": job.uuid, "bytes": size}
        self._add(
            event,
            f"{at:%H:%M:%S} job     {job.uuid[:SHORT_ID]} forgotten, with {size} bytes of output "
            "and uploads (--keep-jobs, --keep-mib)",
        )

    def job(self, fake: FakeJoblet, job: Job) -> None:
        """Show a job's new status."""
        if self._seen.get(job.uuid) == job.status:
            return
        self._seen[job.uuid] = job.status
        if len(self._seen) > LINES_KEPT:
            self._seen.pop(next(iter(self._seen)))
        at = fake.clock.now()
        event = {
            "event": "job",
            "at": at.isoformat(),
            "job": job.uuid,
            "status": job.status,
            "exit_code": job.exit_code,
            "command": job.spec.command,
            "args": list(job.spec.args),
            "explanation": job.explanation,
        }
        words = telling.short(" ".join((job.spec.command, *job.spec.args)))
        status = click.style(job.status, fg=COLOURS.get(job.status))
        words = telling.printable(words)
        ended = "" if job.end_ns is None else f", exit code {job.exit_code} ({job.explanation})"
        ended = telling.printable(ended)
        self._add(event, f"{at:%H:%M:%S} job     {job.uuid[:SHORT_ID]} {status}{ended}: {words}")

    def close(self) -> None:
        """Write what is left, and end."""
        with self._news:
            self._over = True
            self._news.notify()
        self._thread.join(1)

    def _add(self, event: Event, text: str) -> None:
        line = json.dumps(event) if self._json else text
        with self._news:
            if len(self._lines) >= LINES_KEPT:
                # Whoever reads is too slow: the server goes on, and says how much is missing.
                self._lines.popleft()
                self._dropped += 1
            self._lines.append(line)
            self._news.notify()

    def _write(self) -> None:
        while True:
            with self._news:
                self._news.wait_for(lambda: self._lines or self._over)
                lines, self._lines = self._lines, deque()
                dropped, self._dropped = self._dropped, 0
                over = self._over
            try:
                if dropped:
                    self._echo(self._gap(dropped))
                for line in lines:
                    self._echo(line)
            except OSError:
                return  # nobody reads any more
            if over:
                return

    def _gap(self, dropped: int) -> str:
        if self._json:
            return json.dumps({"event": "dropped", "lines": dropped})
        return f"({dropped} lines were dropped: the reader is too slow)"

    @property
    def _echo(self) -> Callable[[str], None]:
        stream = sys.stdout if self._json else sys.stderr
        return lambda line: click.echo(line, file=stream)


def _jsonable(value: Any) -> Any:  # noqa: ANN401 - plain data
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    if isinstance(value, dict):
        return {str(key): _jsonable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_jsonable(each) for each in value]
    return value
