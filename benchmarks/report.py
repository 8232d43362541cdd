"""RESULTS.md: the tables, the machine they were measured on, and what bounds them."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

TABLE_HEADER = (
    "| what | requests/s | p50 ms | p95 ms | p99 ms | CPU ms/request | failed | of both processors' time |\n"
    "|---|---|---|---|---|---|---|---|"
)
INTRODUCTION = """# Measured

`make bench` writes this page. {when} UTC, {machine}. The load generator (wrk, one thread) shares the machine with all
that it measures; limits, logging and metrics are on. The last column says who used the processors: where it adds up
to nearly 100 %, the processors bound the figure, and "CPU ms/request" says how much one request costs in all parts
together; what is missing to 100 % was idle, or the system's own.

*Hot* lists are answered from the nodes' memory after one question to Valkey for all requests of a turn. *Cold* reads are
sent with `Cache-Control: no-store`, so each is built by Django and PostgreSQL; one node of two workers, without nginx.
The kernel shares connections out between the two workers as it likes: where a row of a node says that Django had little more
than half of the time of a balanced row, most of them had gone to one worker, and the figure is one processor's.
"""


@dataclass(slots=True)
class Table:
    title: str
    rows: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def text(self) -> str:
        figures = f"\n{TABLE_HEADER}\n" + "\n".join(self.rows) + "\n" if self.rows else ""
        remarks = "".join(f"\n{remark}\n" for remark in self.remarks)
        return f"\n## {self.title}\n" + figures + remarks


def write_report(page: Path, tables: list[Table]) -> None:
    introduction = INTRODUCTION.format(when=f"{datetime.now(UTC):%Y-%m-%d %H:%M}", machine=_describe_machine())
    page.write_text(introduction + "".join(table.text() for table in tables))


def _describe_machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return f"{os.cpu_count()} cores ({model or platform.machine()}), Python {platform.python_version()}"
