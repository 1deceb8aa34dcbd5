"""Time and timers: the one clock that everything in a fake lives on."""

from joblet_fake.clock.clock import CLOCK_MODES, Clock, Timer, seconds

__all__ = ["CLOCK_MODES", "Clock", "Timer", "seconds"]
