"""RESULTS.md: tables of measurements, and the machine that they were made on."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

TABLE_HEADER = (
    "| load | successes/s | p50 ms | p95 ms | p99 ms | CPU ms/request | failed | share of the machine's CPU time |\n"
    "|---|---|---|---|---|---|---|---|"
)
INTRODUCTION = """# Benchmark results

`make bench` writes this page. Measured on {when} UTC with {machine}. The load generator (wrk, one thread) runs on the
same machine as the servers; rate limits, logging and metrics are enabled. The last column names the processes that used
the CPU. Where it adds up to nearly 100 %, the CPU is the bottleneck, and "CPU ms/request" is the cost of one request in
all processes together; the rest was idle or used by the kernel.

*Hot* reads are served from the nodes' memory, after one round trip to Valkey for all requests of one event loop turn.
*Cold* reads are sent with `Cache-Control: no-store`, so each is built by Django and PostgreSQL; they are sent to one node
with two workers, without nginx. The kernel distributes the connections between the two workers. Where Django's share is
little more than half of that in another row, most connections went to one worker, and the figure is that of one core.
"""


@dataclass(slots=True)
class Table:
    """A table of RESULTS.md; `rows` are Markdown."""

    title: str
    rows: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def text(self) -> str:
        figures = f"\n{TABLE_HEADER}\n" + "\n".join(self.rows) + "\n" if self.rows else ""
        remarks = "".join(f"\n{remark}\n" for remark in self.remarks)
        return f"\n## {self.title}\n" + figures + remarks


def write_report(page: Path, tables: list[Table]) -> None:
    introduction = INTRODUCTION.format(when=f"{datetime.now(UTC):%Y-%m-%d %H:%M}", machine=describe_machine())
    page.write_text(introduction + "".join(table.text() for table in tables))


def describe_machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return f"{os.cpu_count()} cores ({model or platform.machine()}), Python {platform.python_version()}"
