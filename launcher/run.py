"""`make run`: all processes on one machine, with persistent data."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import time
from collections.abc import Callable

from launcher import bootstrap, console, environment, hosts, servers
from launcher.console import LaunchError
from launcher.lock import single_instance_lock
from launcher.paths import Paths
from launcher.supervisor import ProcessSpec, Supervisor

MAIL_THREADS = "4"
# On a machine that does everything, a burst of writes is followed by jobs and events of the same number. At this niceness
# they get about a quarter of a busy processor, and requests the rest: what people wait for is served first, and a
# notification comes a little later. Not more, because the relay must not starve while requests keep the machine busy.
BACKGROUND_NICE = 6
# Celery warns because a worker that runs as root must not unpickle foreign messages. Ours are JSON, and only our user
# can open the broker's socket.
SUPPRESS_ROOT_WARNING = {"PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges"}
DEMO_USERNAMES = ("lead", "member", "admin", "load")
DEMO_PASSWORD = "taskflow-demo"  # noqa: S105 - the public demo password


def run(paths: Paths) -> None:
    """Install, start the servers, prepare the database, start all processes; return on Ctrl-C only."""
    started = time.monotonic()
    host, port = bind_address()
    require_free_port(host, port)
    bootstrap.ensure_installed(paths, bootstrap.RUNTIME_REQUIREMENTS)
    with single_instance_lock(paths.var / "instance.lock", note=f"http://{host}:{port}"):
        with Supervisor(log=paths.logs / "taskflow.log") as supervisor:
            settings = build_environment(paths, start_servers(supervisor, paths), host, port)
            supervisor.run_to_completion(prepare_command(paths, settings), action="Preparing the database")
            console.print_step("Starting web, then worker, scheduler and relay")
            supervisor.start(web_process(paths, settings))
            # The other processes start later, so that they do not slow down the first page.
            supervisor.wait_for(readiness_probe(host, port), seconds=60, name="TaskFlow")
            supervisor.start(*background_processes(paths, settings, default_level="WARNING"))
            print_welcome(paths, host, port, time.monotonic() - started)
            supervisor.run_forever()


def bind_address() -> tuple[str, int]:
    """Return HOST and PORT of the environment. Raises LaunchError for an invalid port."""
    port = os.environ.get("PORT") or "8000"
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise LaunchError(f"PORT must be a number from 1 to 65535, not {port!r}.")
    return os.environ.get("HOST") or "127.0.0.1", int(port)


def require_free_port(host: str, port: int) -> None:
    """Raise LaunchError if the port is in use, and suggest the next one."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        # With it a port whose last connections are in TIME_WAIT counts as free, as it does for the server.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise LaunchError(
                f"Port {port} of {host} cannot be used: {error.strerror}. "
                f"Choose another one, for example: make run PORT={port + 1}"
            ) from error


def start_servers(supervisor: Supervisor, paths: Paths) -> dict[str, str]:
    """Start the embedded servers that are needed; return the environment variables that name them."""
    specs, urls = servers.persistent_servers(paths)
    names = " and ".join(spec.name for spec in specs)
    console.print_step(f"Starting {names}" if names else "Using the servers in DATABASE_URL and REDIS_URL")
    supervisor.start(*specs)
    supervisor.wait_for_servers()
    return urls


def build_environment(
    paths: Paths, server_urls: dict[str, str], host: str, port: int, *, settings: str = "config.settings.dev"
) -> dict[str, str]:
    """Return the environment of all processes of `make run` and `make stack`."""
    base = environment.with_secret_keys(paths, environment.base_environment(paths, settings=settings))
    return {
        **base,
        **server_urls,
        "PORT": str(port),
        "BIND": f"{hosts.in_url(host)}:{port}",
        "SITE_URL": os.environ.get("SITE_URL") or site_url(host, port),
        "ALLOWED_HOSTS": ",".join(hosts.allowed_hosts(host)),
    }


def site_url(host: str, port: int) -> str:
    # The wildcard addresses accept connections but cannot stand in a link.
    return f"http://{'127.0.0.1' if host in hosts.WILDCARDS else hosts.in_url(host)}:{port}"


def management_command(
    paths: Paths, settings: dict[str, str], name: str, *arguments: str, nice: int = 0
) -> ProcessSpec:
    return python_process(paths, settings, name, "manage.py", *arguments, nice=nice)


def prepare_command(paths: Paths, settings: dict[str, str]) -> ProcessSpec:
    # Migrations and the bulk inserts of the demo data are slow by nature; the slow-query log is about requests and jobs.
    return management_command(paths, {"SLOW_QUERY_MS": "10000", **settings}, "prepare", "prepare", "--demo")


def python_process(paths: Paths, settings: dict[str, str], name: str, *arguments: str, nice: int = 0) -> ProcessSpec:
    command = [str(paths.python), *arguments]
    return ProcessSpec(name=name, command=command, environment=settings, folder=paths.root, nice=nice)


def web_process(paths: Paths, settings: dict[str, str], name: str = "web") -> ProcessSpec:
    """Return gunicorn with the application, one node of a deployment."""
    metrics = paths.var / "metrics" / name

    def empty_metrics_folder() -> None:
        # gunicorn's workers share their counters in these files; those of an earlier run must not be added.
        shutil.rmtree(metrics, ignore_errors=True)
        metrics.mkdir(parents=True)

    command = ("-m", "gunicorn", "-c", "config/gunicorn.py", "config.asgi:application")
    return ProcessSpec(
        name=name,
        command=[str(paths.python), *command],
        environment={**settings, "PROMETHEUS_MULTIPROC_DIR": str(metrics)},
        folder=paths.root,
        before_start=empty_metrics_folder,
    )


def background_processes(
    paths: Paths, settings: dict[str, str], *, default_level: str = "INFO"
) -> tuple[ProcessSpec, ...]:
    """Return workers by purpose, scheduler, relay and its standby: once each, however many nodes there are.

    A hanging mail server occupies the threads of the mail worker only, and long jobs the bulk worker (config.queues).

    `default_level` is the log level where LOG_LEVEL is not set; at INFO Celery prints lines for every job.
    """
    celery = ("-m", "celery", "--quiet", "-A", "config")
    level = ("-l", settings.get("LOG_LEVEL", default_level))
    concurrency = os.environ.get("WORKER_PROCESSES") or str(min(os.cpu_count() or 1, 4))
    # They have nothing to exchange with each other, at the start or later.
    alone = ("--without-mingle", "--without-gossip")
    workers = {
        "worker": ("-Q", "default", "-c", concurrency),
        # Threads: sending mails is waiting, and one process holds the circuit breaker of the mail server.
        "mail": ("-Q", "mail", "-P", "threads", "-c", MAIL_THREADS),
        "bulk": ("-Q", "statistics,bulk", "-c", "1"),
    }
    relay = ("relay", "--nice", str(BACKGROUND_NICE))
    # No pid file: one that a crash left behind would keep the scheduler from starting.
    schedule = ("beat", *level, "-s", str(paths.var / "celerybeat-schedule"), "--pidfile=")
    return (
        *(
            python_process(
                paths,
                {**settings, **SUPPRESS_ROOT_WARNING},
                name,
                *celery,
                *("worker", "-n", f"{name}@%h", *level, *queues, *alone),
                nice=BACKGROUND_NICE,
            )
            for name, queues in workers.items()
        ),
        python_process(paths, settings, "scheduler", *celery, *schedule, nice=BACKGROUND_NICE),
        # They lower their priority themselves after the start: until a killed one has started again, all events wait.
        management_command(paths, {**settings, "LOG_LEVEL": level[1]}, "relay", *relay),
        # Leads within a second when the other is killed; until a new process has started, seconds pass.
        management_command(paths, {**settings, "LOG_LEVEL": level[1]}, "standby", *relay),
    )


def readiness_probe(host: str, port: int) -> Callable[[], bool]:
    """Return a function that tells whether /readyz answers 200."""
    target = hosts.WILDCARDS.get(host, host)

    def is_ready() -> bool:
        connection = http.client.HTTPConnection(target, port, timeout=2)
        try:
            # The Host of this machine, which development settings allow; HOST may be a wildcard address.
            connection.request("GET", "/readyz", headers={"Host": f"127.0.0.1:{port}"})
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return is_ready


def print_welcome(paths: Paths, host: str, port: int, seconds: float) -> None:
    """Print the address and the demo accounts; `seconds` is how long the start took."""
    console.print_line()
    address = site_url(host, port)
    console.print_step(f"TaskFlow is ready after {seconds:.1f} s: {address}/")
    console.print_line(
        f"    Sign in as {', '.join(f'{name}@example.com' for name in DEMO_USERNAMES)} (password: {DEMO_PASSWORD})"
    )
    console.print_line(f"    Administration: {address}/admin/   API: {address}/api/v1/docs/")
    if host in hosts.WILDCARDS:
        others = [name for name in hosts.allowed_hosts(host) if name not in hosts.LOCAL_HOSTS]
        console.print_line(f"    From other machines: {', '.join(f'http://{name}:{port}/' for name in others)}")
    console.print_line(f"    Data, emails and logs: {paths.var}   Ctrl-C stops everything.")
    console.print_line()


def install_signal_handlers() -> None:
    """Handle SIGTERM and SIGHUP like Ctrl-C; under nohup SIGHUP stays ignored.

    SIGINT is set too, because shells ignore it for background jobs.
    """

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, interrupt)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signal.signal(signal.SIGHUP, interrupt)
