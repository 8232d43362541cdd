"""`make run`: everything on one machine, on data that stay."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

from launcher import bootstrap, console, environment, servers
from launcher.console import LaunchError
from launcher.lock import only_instance
from launcher.places import Places
from launcher.supervisor import Part, Supervisor

LARGEST_LOG = 10 * 1024 * 1024
# Celery fears pickled messages from strangers; ours are JSON, and the broker's socket is its owner's.
ROOT_IS_FINE_HERE = {"PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges"}
ACCOUNTS = ("lead", "member", "admin", "load")
PASSWORD = "taskflow-demo"  # noqa: S105 - the public demo password


def run(places: Places) -> None:
    started = time.monotonic()
    host, port = address()
    refuse_a_taken_port(host, port)
    bootstrap.ready(places, bootstrap.RUN)
    with only_instance(places.var / "instance.lock", note=f"http://{host}:{port}"):
        common_log = fresh_log(places.logs / "taskflow.log")
        with Supervisor(log=common_log) as supervisor:
            chosen = start_servers(supervisor, places)
            settings = settings_of_parts(places, chosen, host, port)
            supervisor.finish(django(places, settings, "prepare", "prepare", "--demo"), what="Preparing the database")
            console.step("Starting web, then worker, scheduler and relay")
            supervisor.start(web(places, settings))
            # The others wait: together they would take the web's cores while somebody waits for the first page.
            supervisor.wait_for(answers(host, port), seconds=60, what="TaskFlow")
            supervisor.start(*background(places, settings))
            welcome(places, host, port, time.monotonic() - started)
            supervisor.watch()


def address() -> tuple[str, int]:
    port = os.environ.get("PORT") or "8000"
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise LaunchError(f"PORT must be a number from 1 to 65535, not {port!r}.")
    return os.environ.get("HOST") or "127.0.0.1", int(port)


def refuse_a_taken_port(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise LaunchError(
                f"Port {port} of {host} cannot be used: {error.strerror}. "
                f"Choose another one, for example: make run PORT={port + 1}"
            ) from error


def fresh_log(path: Path) -> Path:
    """Keep one older generation, so that logs cannot fill the disk over many starts."""
    if path.exists() and path.stat().st_size > LARGEST_LOG:
        path.replace(path.with_suffix(".log.1"))
    return path


def start_servers(supervisor: Supervisor, places: Places) -> servers.Servers:
    chosen = servers.for_running(places)
    names = " and ".join(part.name for part in chosen.parts)
    console.step(f"Starting {names}" if names else "Using the servers that DATABASE_URL and REDIS_URL name")
    supervisor.start(*chosen.parts)
    supervisor.wait_for_servers()
    return chosen


def settings_of_parts(places: Places, chosen: servers.Servers, host: str, port: int) -> dict[str, str]:
    base = environment.with_keys(places, environment.common(places, settings="config.settings.dev"))
    shown = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - compared, not bound
    return {
        **base,
        **chosen.environment,
        "PORT": str(port),
        "BIND": f"{host}:{port}",
        "SITE_URL": os.environ.get("SITE_URL") or f"http://{shown}:{port}",
    }


def django(places: Places, settings: dict[str, str], name: str, *arguments: str) -> Part:
    return python(places, settings, name, "manage.py", *arguments)


def python(places: Places, settings: dict[str, str], name: str, *arguments: str) -> Part:
    return Part(name=name, command=[str(places.python), *arguments], environment=settings, folder=places.root)


def web(places: Places, settings: dict[str, str], name: str = "web") -> Part:
    """The counters of the node's processes meet in a folder, which must not hold those of an earlier run."""
    metrics = places.var / "metrics" / name
    command = ("-m", "gunicorn", "-c", "config/gunicorn.py", "config.asgi:application")
    return Part(
        name=name,
        command=[str(places.python), *command],
        environment={**settings, "PROMETHEUS_MULTIPROC_DIR": str(metrics)},
        folder=places.root,
        before=_emptied(metrics),
    )


def _emptied(folder: Path) -> Callable[[], None]:
    def empty() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)

    return empty


def background(places: Places, settings: dict[str, str]) -> tuple[Part, ...]:
    """Return the parts of which a deployment needs one (worker: at least one) however many nodes it has."""
    celery = ("-m", "celery", "--quiet", "-A", "config")
    level = ("-l", settings.get("LOG_LEVEL", "INFO"))
    workers = os.environ.get("WORKER_PROCESSES") or str(min(os.cpu_count() or 1, 4))
    work = ("worker", *level, "-c", workers, "--without-mingle", "--without-gossip")
    schedule = ("beat", *level, "-s", str(places.var / "celerybeat-schedule"), "--pidfile=")
    return (
        python(places, {**settings, **ROOT_IS_FINE_HERE}, "worker", *celery, *work),
        python(places, settings, "scheduler", *celery, *schedule),
        django(places, settings, "relay", "relay"),
    )


def answers(host: str, port: int) -> Callable[[], bool]:
    """Return a question that is cheap to repeat: does /readyz say yes?"""
    target = "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104 - compared, not bound

    def ask() -> bool:
        connection = http.client.HTTPConnection(target, port, timeout=2)
        try:
            connection.request("GET", "/readyz", headers={"Host": f"127.0.0.1:{port}"})
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return ask


def welcome(places: Places, host: str, port: int, seconds: float) -> None:
    console.say()
    console.step(f"TaskFlow is ready after {seconds:.1f} s: http://{host}:{port}/")
    console.say(f"    Sign in as {', '.join(f'{name}@example.com' for name in ACCOUNTS)}; password {PASSWORD}")
    console.say(f"    Administration: http://{host}:{port}/admin/   API: http://{host}:{port}/api/v1/docs/")
    console.say(f"    Data, mail and logs: {places.var}   Ctrl-C stops everything.")
    console.say()


def stop_on_signals() -> None:
    """Let kill, and a closed terminal unless nohup says otherwise, unwind like Ctrl-C, also in a shell's background."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, interrupt)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signal.signal(signal.SIGHUP, interrupt)
