"""Time and timers: the one clock that everything in a fake lives on."""

from joblet_fake.clock.clock import CLOCK_MODES, EPOCH, NANOS, Clock, Timer, seconds

__all__ = ["CLOCK_MODES", "EPOCH", "NANOS", "Clock", "Timer", "seconds"]
