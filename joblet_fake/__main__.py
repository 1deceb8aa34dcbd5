"""`python -m joblet_fake` is `joblet-fake`."""

from joblet_fake.cli import main

if __name__ == "__main__":
    main(prog_name="joblet-fake")
