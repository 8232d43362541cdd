"""Benchmarks: `make bench` prints tables of measurements and writes RESULTS.md."""
