"""`make run`: what it prints, from a start with an empty data folder to an idle half minute."""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.launcher.conftest import ROOT

pytestmark = pytest.mark.processes
IDLE_SECONDS = 30


def test_idle_run_prints_nothing_for_half_a_minute():
    # Always /tmp: PostgreSQL's user must be able to enter it, and the path of a Unix socket must be short.
    folder = Path(tempfile.mkdtemp(prefix="taskflow-idle-", dir="/tmp"))
    folder.chmod(0o755)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    own = {"DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "DJANGO_SETTINGS_MODULE", "LOG_LEVEL"}
    environment = {name: value for name, value in os.environ.items() if name not in own}
    environment |= {"DATA_DIR": str(folder / "var"), "PORT": port, "HOST": "127.0.0.1"}
    process = subprocess.Popen(
        [sys.executable, "launcher", "run"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        lines = read_until(process, "Ctrl-C stops everything")
        assert f"http://127.0.0.1:{port}/" in lines
        assert read_for(process, IDLE_SECONDS).strip() == ""
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        process.stdout.close()
        shutil.rmtree(folder, ignore_errors=True)


def read_until(process: subprocess.Popen[bytes], text: str) -> str:
    lines = ""
    while line := process.stdout.readline():
        lines += line.decode()
        if text in lines:
            return lines
    raise AssertionError(f"ended without {text!r}: {lines}")


def read_for(process: subprocess.Popen[bytes], seconds: float) -> str:
    """Return what the process prints in this time."""
    output, deadline = b"", time.monotonic() + seconds
    os.set_blocking(process.stdout.fileno(), False)
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while (left := deadline - time.monotonic()) > 0:
            if selector.select(left):
                output += os.read(process.stdout.fileno(), 1 << 16)
    return output.decode()
