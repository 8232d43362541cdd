"""What is measured, how, and beside what. `make bench` prints one table and writes RESULTS.md."""
