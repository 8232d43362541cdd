"""The servers under load: the whole stack, a node without remembered answers, and the references."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drills.processes import ROOT, free_port, wait_until
from launcher import postgres, valkey
from launcher.paths import Paths

PASSWORD = "taskflow-demo"


@contextmanager
def run_process(
    command: list[str], *, url: str, log: Path, environment: dict[str, str], seconds: float = 120
) -> Iterator[int]:
    """Run a server until the block ends; yields its process id once `url` answers."""
    with log.open("ab") as output:
        running = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **environment}, stdout=output, stderr=output, start_new_session=True
        )
    try:
        wait_until(lambda: is_ready(url), seconds=seconds, what=log.read_text(errors="replace")[-2000:])
        yield running.pid
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(30)


def is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@contextmanager
def run_stack(var: Path, port: int) -> Iterator[int]:
    """`make stack` with its own data under `var`, logging as in production."""
    command = [sys.executable, "launcher", "stack"]
    settings = {"DATA_DIR": str(var), "PORT": str(port), "LOG_JSON": "true", "LOG_LEVEL": "INFO"}
    with run_process(
        command, url=f"http://127.0.0.1:{port}/readyz", log=var / "stack.log", seconds=240, environment=settings
    ) as pid:
        yield pid


def node_environment(var: Path) -> dict[str, str]:
    """Return what a further process needs to use the stack's servers."""
    paths = Paths(root=ROOT, var=var)
    cache = valkey.persistent_server(paths, paths.sockets)
    return {
        "DJANGO_SETTINGS_MODULE": "config.settings.dev",
        "DATABASE_URL": postgres.persistent_server(paths).url,
        "REDIS_URL": cache.url,
        "DATA_DIR": str(var),
        "LOG_JSON": "true",
        **{name: (var / "secrets" / name).read_text() for name in ("SECRET_KEY", "JWT_SIGNING_KEY")},
    }


@contextmanager
def run_node(var: Path) -> Iterator[tuple[int, str]]:
    """A further node, of two workers and without nginx; yields its process id and address."""
    port = free_port()
    settings = {**node_environment(var), "PORT": str(port), "WORKERS": "2"}
    command = [sys.executable, "-m", "gunicorn", "-c", "config/gunicorn.py", "config.asgi:application"]
    url = f"http://127.0.0.1:{port}"
    with run_process(command, url=f"{url}/readyz", log=var / "cold.log", environment=settings) as pid:
        yield pid, url


@contextmanager
def run_reference(var: Path, name: str) -> Iterator[tuple[int, str]]:
    """`application` (plain DRF) or `hello` of benchmarks.plain_drf under gunicorn's threads, two workers of four."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "gunicorn", "-w", "2", "-k", "gthread", "--threads", "4", "--log-level", "error"]
    command += ["--no-control-socket", "-b", f"127.0.0.1:{port}", f"benchmarks.plain_drf:{name}"]
    settings = node_environment(var)
    ready = url if name == "hello" else f"{url}/tasks/"
    with run_process_until_open(command, port=port, log=var / f"{name}.log", **settings) as pid:
        yield pid, ready


@contextmanager
def run_process_until_open(command: list[str], *, port: int, log: Path, **environment: str) -> Iterator[int]:
    with log.open("ab") as output:
        running = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **environment}, stdout=output, stderr=output, start_new_session=True
        )
    try:
        time.sleep(4)
        yield running.pid
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(30)


def get_access_token(url: str) -> str:
    body = json.dumps({"email": "load@example.com", "password": PASSWORD}).encode()
    request = urllib.request.Request(
        f"{url}/api/v1/auth/login/", data=body, headers={"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return str(json.load(answer)["access"])
