"""The pytest plugin of joblet_fake."""
