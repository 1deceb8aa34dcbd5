"""What signals ask of a command that runs until one comes."""

from __future__ import annotations

import select
import signal
import socket
from collections import deque
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from types import TracebackType

PATIENCE: Final = 1.0
"""Real seconds between two looks where a system does not wake a wait for signals."""


class Asked:
    """Notes signals, and lets the main thread wait for them.

    A handler can interrupt another one, and the wait itself: it takes no lock.

    Args:
        *signals: which ones.
    """

    def __init__(self, *signals: signal.Signals) -> None:
        self._came: deque[int] = deque()
        for number in signals:
            signal.signal(number, lambda came, _frame: self._came.append(came))

    def __enter__(self) -> Self:
        self._wakes, self._woken = socket.socketpair()
        for end in (self._wakes, self._woken):
            end.settimeout(0)
        self._before = signal.set_wakeup_fd(self._wakes.fileno(), warn_on_full_buffer=False)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        signal.set_wakeup_fd(self._before)
        self._wakes.close()
        self._woken.close()

    def wait(self) -> int:
        """Wait for the next signal, and give its number."""
        while not self._came:
            if select.select([self._woken], [], [], PATIENCE)[0]:
                self._woken.recv(4096)
        return self._came.popleft()
