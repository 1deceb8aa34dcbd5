"""The command line, `joblet-fake`."""

from joblet_fake.cli.main import main

__all__ = ["main"]
