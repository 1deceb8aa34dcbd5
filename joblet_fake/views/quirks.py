"""`joblet.quirks`: single behaviours of a server, to be switched on and off."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

from joblet_fake.model.quirks import QUIRKS
from joblet_fake.words import Named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from joblet_fake.model.model import Model


class QuirksView(Named, AbstractSet[str]):
    """The names of the quirks that are on; docs/quirks.md says what each does.

    With `behavior="server"` a fake starts with none, with `"documented"` with those that make it do
    what the documentation says (DOC-01). A change counts from the next call on; `joblet.reset()`
    goes back to what it started with.

    >>> from joblet_fake import FakeJoblet
    >>> with FakeJoblet(clock="frozen") as joblet:
    ...     joblet.quirks.enable("cancel-works")
    ...     job_id = joblet.rpc("RunJob", command="true", schedule="2027-01-01T00:00:00Z").job_uuid
    ...     print(joblet.quirks, joblet.rpc("CancelJob", uuid=job_id).status)
    <quirks cancel-works> CANCELED
    """

    _called = "joblet.quirks"

    def __init__(self, model: Model, check: Callable[[], None]) -> None:
        self._model = model
        self._check = check

    def __repr__(self) -> str:
        return f"<quirks {', '.join(self) or 'none'}>"

    def __contains__(self, name: object) -> bool:
        """Tell whether a quirk is on; a name that is none's is refused, as when it is enabled."""
        return str(name) in self._model.quirks

    def __iter__(self) -> Iterator[str]:
        return iter(self._model.quirks)

    def __len__(self) -> int:
        return len(self._model.quirks)

    @property
    def known(self) -> Mapping[str, str]:
        """Every quirk there is, by name, each with a sentence on it.

        >>> from joblet_fake import FakeJoblet
        >>> FakeJoblet().quirks.known["logs-once"]
        'A late reader of a job that runs gets the early output once.'
        """
        return {name: quirk.says for name, quirk in QUIRKS.items()}

    def enable(self, *names: str) -> None:
        """Switch quirks on, from the next call on.

        Args:
            *names: quirks' names, as in `known`.

        Raises:
            ValueError: there is no such quirk; the message says what is near.
        """
        self._set(names, on=True)

    def disable(self, *names: str) -> None:
        """Switch quirks off, from the next call on; one that is off stays so.

        Args:
            *names: quirks' names, as in `known`.

        Raises:
            ValueError: there is no such quirk; the message says what is near.
        """
        self._set(names, on=False)

    def _set(self, names: tuple[str, ...], *, on: bool) -> None:
        self._check()
        with self._model.change():
            self._model.quirks.switch(names, on=on)
