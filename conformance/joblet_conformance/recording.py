"""Recordings: what a real server answered, raw, a file for each case."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from joblet_conformance.plain import Plain

FORMAT: Final = 1
RUNS: Final = 3


class RecordingError(Exception):
    """A recording can't be read; the message says which and why."""


@dataclass(slots=True)
class Recording:
    """What a real server answered in some runs of a case.

    Attributes:
        case: the case's id.
        api: the server's API version.
        server: the server's version, as its operator or it itself tells.
        date: the day, as `YYYY-MM-DD`.
        environment: what the machine could not do.
        runs: the raw steps of each run.
        skipped: why there is no run, where there is none.
    """

    case: str
    api: str
    server: str
    date: str
    environment: list[str] = field(default_factory=list)
    runs: list[list[dict[str, Plain]]] = field(default_factory=list)
    skipped: str = ""


def recordings_folder() -> Path:
    """Give the folder of the recordings: beside the package in a clone, within it if installed."""
    here = Path(__file__).parent
    inside = here / "recordings"
    return inside if inside.is_dir() else here.parent / "recordings"


def write_recording(recording: Recording, folder: Path) -> Path:
    """Write a recording to `<folder>/<api>/<case>.json`."""
    path = folder / recording.api / f"{recording.case}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {"format": FORMAT} | {
        name: getattr(recording, name) for name in Recording.__dataclass_fields__
    }
    # One step a line: a person can read a difference of two recordings.
    runs = ",\n".join(
        "  [\n" + ",\n".join(f"   {_line(step)}" for step in run) + "\n  ]" for run in told["runs"]
    )
    head = {name: value for name, value in told.items() if name != "runs"}
    lines = ",\n".join(f" {_line(name)}: {_line(value)}" for name, value in head.items())
    body = f"[\n{runs}\n ]" if runs else "[]"
    path.write_text(f'{{\n{lines},\n "runs": {body}\n}}\n')
    return path


def _line(data: Plain) -> str:
    return json.dumps(data, ensure_ascii=True)


def read_recording(path: Path) -> Recording:
    """Read a recording.

    Raises:
        RecordingError: the file is none, or of another format.
    """
    try:
        told: dict[str, Any] = json.loads(path.read_text())
        version = told.pop("format")
        if version != FORMAT:
            raise RecordingError(f"{path}: format {version}, and this reads {FORMAT}")
        return Recording(**told)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RecordingError(f"{path}: {error}") from None


def read_recordings(api: str, folder: Path | None = None) -> dict[str, Recording]:
    """Give all recordings of an API version, by case.

    Raises:
        RecordingError: a file is none, or of another format.
    """
    files = sorted(((folder or recordings_folder()) / api).rglob("*.json"))
    return {each.case: each for each in map(read_recording, files)}
