"""Guarantees tested with real processes on one machine; `make drill-<name>` runs one."""
