"""A fake Joblet server: real gRPC on loopback, in memory, on a clock that a test owns."""
