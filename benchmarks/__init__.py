"""What the fake costs beside a bare gRPC server: `python -m benchmarks` prints it."""
