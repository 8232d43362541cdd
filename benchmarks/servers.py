"""The servers under load: the stack, one more node for cold reads, and the references."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError

from drills.processes import ROOT, free_port, wait_until
from launcher import postgres, valkey
from launcher.paths import Paths

PASSWORD = "taskflow-demo"


@contextmanager
def run_process(
    command: list[str], *, url: str, log: Path, environment: dict[str, str], seconds: float = 120
) -> Iterator[int]:
    """Run a server until the block ends. Yields its process id once `url` answers 200."""
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
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except HTTPError as error:
        return error.code == 401  # the reference's list needs a token
    except OSError:
        return False


@contextmanager
def run_stack(var: Path, port: int) -> Iterator[int]:
    """Run `make stack` with its data in `var` and JSON logs; yields its process id."""
    command = [sys.executable, "launcher", "stack"]
    settings = {"DATA_DIR": str(var), "PORT": str(port), "LOG_JSON": "true", "LOG_LEVEL": "INFO"}
    with run_process(
        command, url=f"http://127.0.0.1:{port}/readyz", log=var / "stack.log", seconds=240, environment=settings
    ) as pid:
        yield pid


def node_environment(var: Path) -> dict[str, str]:
    """Return the environment of another process that uses the stack's database and cache."""
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
    """Run another node with two workers; yields its process id and URL."""
    port = free_port()
    settings = {**node_environment(var), "PORT": str(port), "WORKERS": "2"}
    command = [sys.executable, "-m", "gunicorn", "-c", "config/gunicorn.py", "config.asgi:application"]
    url = f"http://127.0.0.1:{port}"
    with run_process(command, url=f"{url}/readyz", log=var / "cold.log", environment=settings) as pid:
        yield pid, url


@contextmanager
def run_reference(var: Path, name: str) -> Iterator[tuple[int, str]]:
    """Run an application of benchmarks.plain_drf: `application` or `hello_app`. Yields its process id and URL.

    gunicorn runs it with two workers of four threads each.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}" if name == "hello_app" else f"http://127.0.0.1:{port}/tasks/"
    command = [sys.executable, "-m", "gunicorn", "-w", "2", "-k", "gthread", "--threads", "4", "--log-level", "error"]
    command += ["--no-control-socket", "-b", f"127.0.0.1:{port}", f"benchmarks.plain_drf:{name}"]
    with run_process(command, url=url, log=var / f"{name}.log", environment=node_environment(var)) as pid:
        yield pid, url


def get_access_token(url: str) -> str:
    body = json.dumps({"email": "load@example.com", "password": PASSWORD}).encode()
    request = urllib.request.Request(
        f"{url}/api/v1/auth/login/", data=body, headers={"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return str(json.load(response)["access"])
