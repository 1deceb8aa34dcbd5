"""Many things made at once that stay: the garbage collector need not look for garbage in them."""

from __future__ import annotations

import gc
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

FEW: Final = 20_000
"""So many objects more are left to the collector: it goes through them in some milliseconds."""
MOST: Final = 1_000_000
"""So many are taken for old before the collector has gone through all of them once."""


class Tenure:
    """Who makes many things now, and how much was taken for old; there is one in a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._makers = 0
        self._paused = False
        self._taken = 0
        self._collections = 0

    @contextmanager
    def laying_down(self) -> Iterator[None]:
        """Make a state without garbage collections, and have it taken for old at the end.

        Otherwise the collector goes through the whole process's objects while the state is made,
        and through all the new ones just afterwards, with every thread stopped. That they are old
        is brought about by freezing and thawing, which moves objects and looks at none; and not
        for ever, since states that were left are garbage there. A process whose code has frozen
        objects itself, or does without the collector, is left as it is.
        """
        with self._lock:
            self._makers += 1
            if self._makers == 1:
                self._paused = gc.isenabled()
                if self._paused:
                    gc.disable()
        try:
            yield
        finally:
            with self._lock:
                self._makers -= 1
                if not self._makers and self._paused:
                    self._paused = False
                    self._take()
                    gc.enable()

    def _take(self) -> None:
        collections = gc.get_stats()[-1]["collections"]
        if collections != self._collections:
            self._collections, self._taken = collections, 0
        young = gc.get_count()[0]
        if young > FEW and self._taken + young <= MOST and not gc.get_freeze_count():
            self._taken += young
            gc.freeze()
            gc.unfreeze()


laying_down: Final = Tenure().laying_down
