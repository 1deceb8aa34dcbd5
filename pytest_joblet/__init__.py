"""The pytest plugin of joblet_fake: fixtures that start a fake Joblet for a test."""
