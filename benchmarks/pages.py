"""Measure the pages at 100,000 tasks, 1,000,000 events and 500 people: `make bench-pages`.

Prints, and writes to docs/page-speed.md, the server time, queries and size of each page against its bounds. Exits with 1
if a page misses one.
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import django

from benchmarks import data, report, servers
from drills.processes import ROOT, free_port

TASK_COUNT = 100_000
PAGES_SQL = Path(__file__).with_name("pages.sql")
RESULTS_PATH = ROOT / "docs" / "page-speed.md"
READER = "bench4"  # sees two hundred of the three hundred projects
MAX_HTML_KB, MAX_VISIT_KB = 15.0, 60.0
COLD_RUNS = 5
# Of a page that a user opens; without the second one, pages of signed-in users are not compressed.
BROWSER_HEADERS = {"Accept-Encoding": "gzip", "Sec-Fetch-Site": "none"}
# Page, path, and the bound of p95 in milliseconds; {project} and {task} are the largest project and a task with comments.
PAGES = (
    ("Overview", "/", 100),
    ("Overview, 90 days of a project", "/?range=90&project={project}", 100),
    ("Task list", "/tasks/", 100),
    ("Task list, filtered", "/tasks/?filter=priority:high+OR+label:customer+assignee:@me", 100),
    ("Task list, searched", "/tasks/?search=invoice+berta", 200),
    ("Task list, grouped", "/tasks/?group=status", 100),
    ("Project", "/projects/{project}/", 100),
    ("Board", "/projects/{project}/board/", 100),
    ("Board, by assignee", "/projects/{project}/board/?swimlanes=assignee", 100),
    ("Calendar, month", "/calendar/?view=month", 100),
    ("Calendar, month of a project", "/projects/{project}/calendar/?view=month", 100),
    ("Timeline", "/projects/{project}/timeline/", 100),
    ("Task", "/tasks/{task}/", 50),
    ("Inbox", "/inbox/", 100),
    ("Projects", "/projects/", 100),
    ("Command palette", "/palette/?q=invoice", 100),
    ("Report: throughput", "/reports/throughput/?range=90", 100),
    ("Report: cycle time", "/reports/cycle-time/?range=90", 100),
    ("Report: cumulative flow", "/reports/cumulative-flow/?range=90", 100),
    ("Report: ageing", "/reports/ageing/", 100),
    ("Report: workload", "/reports/workload/", 100),
    ("Report: forecast", "/reports/forecast/", 100),
    ("Sign-in", "/login/", 100),
)
INTRODUCTION = """# Speed of the pages

`make bench-pages` writes this page. Measured on {when} UTC at commit {commit} with {machine}, {tasks:,} tasks, {events:,} events,
{people} people, at a load average of {load:.1f}. The reader is a member of two hundred of three hundred projects. One request at a time:

- **p50, p95**: time of the server, from the `Server-Timing` header of one node, over {runs} successful requests.
- **cold**: the slowest of {cold} requests whose statistics had to be computed again, in one process.
- **CPU**: processor time of Django and of its PostgreSQL process for one request. Other programs change it less than the times.
- **HTML**: compressed by gzip. **First visit**: HTML, style sheets, scripts and icons, these by brotli where nginx has its module.

Bounds: p95 of 50 ms for a task, 200 ms for a search and 100 ms for the others; {html:.0f} kB of HTML; {visit:.0f} kB for a first
visit. A figure over its bound is bold.

| page | p50 ms | p95 ms | cold ms | CPU ms (Django + PostgreSQL) | queries | HTML kB | first visit kB |
|---|---|---|---|---|---|---|---|
"""


@dataclass(slots=True)
class Figures:
    """The figures of one page. Times are in milliseconds, sizes in bytes."""

    name: str
    bound: float
    times: list[float]
    cold: float
    cpu: float
    database_cpu: float
    queries: int
    html: int
    visit: int
    failures: list[str] = field(default_factory=list)

    def row(self) -> str:
        p50, p95 = _percentile(self.times, 0.5), _percentile(self.times, 0.95)
        columns = [
            f"{p50:.0f}",
            self._bounded("p95", p95, self.bound, ".0f"),
            f"{self.cold:.0f}",
            f"{self.cpu:.0f} + {self.database_cpu:.0f}",
            str(self.queries),
            self._bounded("HTML", self.html / 1000, MAX_HTML_KB, ".1f"),
            self._bounded("first visit", self.visit / 1000, MAX_VISIT_KB, ".1f"),
        ]
        return f"| {self.name} | {' | '.join(columns)} |"

    def _bounded(self, name: str, value: float, bound: float, digits: str) -> str:
        if value <= bound:
            return f"{value:{digits}}"
        self.failures.append(f"{self.name}: {name} is {value:{digits}}, over {bound:.0f}")
        return f"**{value:{digits}}**"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.pages", description="Measure the pages at 100,000 tasks.")
    parser.add_argument("--load", action="store_true", help="add the data to the database")
    parser.add_argument("--measure", metavar="URL", help="measure the pages of a server with this database")
    parser.add_argument("--runs", type=int, default=40, help="requests to each page")
    parser.add_argument("--only", default="", help="measure the pages whose name contains this")
    parser.add_argument("--reader", default=READER, help="handle of the user")
    parser.add_argument("--assets", default="", help="URL of nginx, which serves the static files")
    options = parser.parse_args(arguments)
    if options.load or options.measure:
        django.setup()
        return _load() if options.load else _measure(options)
    with tempfile.TemporaryDirectory(prefix="taskflow-bench-") as folder:
        var = Path(folder)
        var.chmod(0o711)  # PostgreSQL's user must be able to enter it
        port = free_port()
        os.environ["COMPRESS_STATIC"] = "true"  # as in production
        with servers.run_stack(var, port):
            if code := _run(var, "--load"):
                return code
            with servers.run_node(var) as (_, url):
                return _run(var, "--measure", url, "--assets", f"http://127.0.0.1:{port}", *arguments)


def _run(var: Path, *arguments: str) -> int:
    command = [sys.executable, "-m", "benchmarks.pages", *arguments]
    environment = {**os.environ, **servers.node_environment(var)}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def _load() -> int:
    """Insert the data of benchmarks.data, what surrounds them, and the statistics."""
    from django.db import connection, transaction

    from analytics.models import DailyStat, TaskSnapshot
    from analytics.rollups.rollup import add_up, contributions

    started = time.monotonic()
    # The newest tasks are from today, and some are due in the next weeks.
    start = datetime.now(UTC) - timedelta(days=730)
    data.load(TASK_COUNT, start=start.isoformat(), scripts=(data.SQL_STATEMENTS, PAGES_SQL))
    with transaction.atomic():
        DailyStat.objects.all().delete()
        DailyStat.objects.add(add_up(map(contributions, TaskSnapshot.objects.task_states())))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (FREEZE, ANALYZE)")
    print(f"{TASK_COUNT:,} tasks in {time.monotonic() - started:.0f} s", file=sys.stderr)
    return 0


def _measure(options: argparse.Namespace) -> int:
    from django.conf import settings
    from django.db import connection
    from django.test import Client
    from django.test.utils import override_settings

    from accounts.models import User
    from core.testing.page_client import log_in

    client = Client(headers=BROWSER_HEADERS)
    log_in(client, User.objects.get(handle=options.reader))
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    places = _places()
    rows, failures = [], []
    with override_settings(ALLOWED_HOSTS=["*"]):
        for name, template, bound in PAGES:
            if options.only and options.only.lower() not in name.lower():
                continue
            path = template.format(**places)
            reader = Client() if template == "/login/" else client
            if (response := reader.get(path)).status_code != 200:
                failures.append(f"{name}: {path} answers {response.status_code}")
                print(failures[-1], flush=True)
                continue
            page_cookie = f"{settings.SESSION_COOKIE_NAME}={cookie}" if reader is client else ""
            figures = _figures(reader, name, path, bound, page_cookie, options)
            rows.append(figures.row())
            failures += figures.failures
            print(rows[-1], flush=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM events_event")
        events = cursor.fetchone()[0]
    if not options.only:
        RESULTS_PATH.write_text(_introduction(options.runs, events) + "\n".join(rows) + "\n")
    print("\n".join(failures) or "Every page is within its bounds.")
    return 1 if failures else 0


def _figures(client: Any, name: str, path: str, bound: float, cookie: str, options: argparse.Namespace) -> Figures:
    from django.db import connection

    from analytics import cache as statistics_cache
    from benchmarks.filters import cpu_seconds

    statements = []

    def record(execute: Any, sql: str, *arguments: Any) -> Any:
        statements.append(sql)
        return execute(sql, *arguments)

    with connection.execute_wrapper(record):
        client.get(path)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = cursor.fetchone()[0]
    cold = []
    database_cpu, cpu = cpu_seconds(backend), time.process_time()
    for _ in range(options.runs):
        client.get(path)
    cpu, database_cpu = time.process_time() - cpu, cpu_seconds(backend) - database_cpu
    for _ in range(COLD_RUNS):
        statistics_cache.invalidate()
        began = time.perf_counter()
        client.get(path)
        cold.append((time.perf_counter() - began) * 1000)
    times = list(_server_times(options.measure, path, cookie, options.runs))
    html = _fetch(options.measure, path, cookie)
    return Figures(
        name,
        bound,
        times,
        max(cold),
        cpu * 1000 / options.runs,
        database_cpu * 1000 / options.runs,
        len(statements),
        len(html),
        len(html) + _asset_bytes(options.assets or options.measure, path, html),
    )


def _server_times(url: str, path: str, cookie: str, runs: int) -> Iterator[float]:
    """Yield the time of each successful request, without the first two of a connection."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    for number in range(runs + 2):
        connection.request("GET", path, headers={**BROWSER_HEADERS, "Cookie": cookie})
        response = connection.getresponse()
        response.read()
        if response.status == 200 and number >= 2:
            yield float(response.headers["Server-Timing"].partition("dur=")[2])
    connection.close()


def _fetch(url: str, path: str, cookie: str = "", *, encodings: str = "gzip") -> bytes:
    """Return the body as it is sent, compressed."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    headers = {**BROWSER_HEADERS, "Accept-Encoding": encodings, "Cookie": cookie}
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    if response.status != 200:
        raise RuntimeError(f"{path} answers {response.status}")
    return body


def _asset_bytes(url: str, path: str, html: bytes) -> int:
    """Return the size of the style sheets, scripts and icons that a page refers to."""
    text = gzip.decompress(html).decode() if html[:2] == b"\x1f\x8b" else html.decode()
    tags = re.findall(r"<(?:script|use|img|link)\b[^>]*>", text)
    links = [
        match[1]
        for tag in tags
        if not re.search(r'rel="(?:manifest|canonical|apple-touch-icon)"', tag)
        and (match := re.search(r'(?:href|src)="([^"#]+)', tag))
    ]
    paths = sorted({urljoin(path, link) for link in links if link.startswith("/")})
    files = [_fetch(url, path, encodings="br, gzip") for path in paths]
    # Without COMPRESS_STATIC they are sent as they are.
    return sum(min(len(file), len(gzip.compress(file, 6))) for file in files)


def _places() -> dict[str, str]:
    """Return the project with the most tasks, and an open task with comments in it."""
    from django.db.models import Count

    from tasks.models import Project, Task

    project = Project.objects.filter(members__handle=READER).annotate(n=Count("tasks")).order_by("-n", "key").first()
    assert project
    tasks = Task.objects.filter(project=project, closed_at=None).annotate(n=Count("comments")).order_by("-n", "number")
    return {"project": project.key, "task": tasks[0].key}


def _percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[max(0, round(len(ordered) * share) - 1)] if ordered else float("inf")


def _introduction(runs: int, events: int) -> str:
    commit = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    return INTRODUCTION.format(
        when=f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
        commit=commit or "unknown",
        machine=report.describe_machine(),
        tasks=TASK_COUNT,
        events=events,
        people=data.USER_COUNT,
        load=os.getloadavg()[1],
        runs=runs,
        cold=COLD_RUNS,
        html=MAX_HTML_KB,
        visit=MAX_VISIT_KB,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
