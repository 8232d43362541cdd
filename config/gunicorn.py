"""gunicorn configuration of a node.

BIND is `host:port` or `unix:/path`, or several separated by commas; WORKERS defaults to one per core, at most four.
"""

import os
import shutil
from pathlib import Path
from typing import Any

from config import env
from core.logging import configure

bind = os.environ.get("BIND", f"127.0.0.1:{os.environ.get('PORT', '8000')}").split(",")
workers = int(os.environ.get("WORKERS", str(min(4, os.cpu_count() or 1))))
worker_class = "config.worker.Worker"
# Seconds: a worker without a heartbeat is killed; on shutdown, one that has not ended by then is killed too. It lets idle
# connections run out, and gives requests in progress 30 s (config.worker).
timeout = 60
graceful_timeout = 35
# Longer than nginx's keepalive of 60 s, so that nginx never sends a request on a connection being closed.
keepalive = 75
# 0: workers are never restarted. A number is a stopgap for a memory leak.
max_requests = int(os.environ.get("MAX_REQUESTS", "0"))
max_requests_jitter = max_requests // 10
control_socket_disable = True
# core.logging writes one line for each request, with the user and the duration.
accesslog = None
loglevel = "warning"

# Log lines of gunicorn and uvicorn have the format of all others.
_json = env.boolean("LOG_JSON", os.environ.get("DJANGO_SETTINGS_MODULE", "").endswith(("production", "stack")))
logconfig_dict = configure(json=_json, level=env.text("LOG_LEVEL", "INFO"))
for _name in ("gunicorn.error", "uvicorn.error"):
    logconfig_dict["loggers"][_name] = {"handlers": ["stderr"], "level": "WARNING", "propagate": False}


# Limits web requests only: commands migrate and rebuild, which may take longer.
os.environ.setdefault("STATEMENT_TIMEOUT_MS", "15000")
# Waiting for a row or a connection holds a thread that others need.
os.environ.setdefault("LOCK_TIMEOUT_MS", "2000")
os.environ.setdefault("POOL_TIMEOUT", "1")
# A read is answered after twice as long at most, before nginx takes the node for one that hangs (2.5 s).
os.environ.setdefault("DATABASE_PROBE_AFTER_MS", "900")

if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
    os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)  # prometheus_client takes an empty path for the current folder


def on_starting(server: Any) -> None:
    """Clear the metrics of an earlier run; they would be added to the new ones."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if folder:
        shutil.rmtree(folder, ignore_errors=True)
        Path(folder).mkdir(parents=True, exist_ok=True)


def child_exit(server: Any, worker: Any) -> None:
    # Not at the top: importing it decides, once for the process, whether metrics are shared.
    from prometheus_client import multiprocess

    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        # Gauges of a dead worker would be added to those of the living for ever.
        multiprocess.mark_process_dead(worker.pid)
