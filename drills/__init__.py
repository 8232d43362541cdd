"""The guarantees as programs: real processes on one machine. `make drill-<name>` runs one and prints its figure."""
