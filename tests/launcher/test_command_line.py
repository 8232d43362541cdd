"""The launcher's command line: help, unknown commands, invalid ports."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from launcher import run
from launcher.paths import Paths

ROOT = Path(__file__).resolve().parents[2]


def run_launcher(*arguments, **environment):
    command = [sys.executable, str(ROOT / "launcher"), *arguments]
    return subprocess.run(
        command, env={**os.environ, **environment}, cwd="/", capture_output=True, text=True, timeout=30, check=False
    )


def test_launcher_without_a_command_prints_help():
    process = run_launcher()

    assert process.returncode == 0
    assert "make run" in process.stdout
    assert "make test" in process.stdout


def test_unknown_command_exits_with_2():
    process = run_launcher("fly")

    assert process.returncode == 2
    assert "no command 'fly'" in process.stdout


def test_preparation_logs_no_slow_bulk_inserts(tmp_path):
    paths = Paths(root=tmp_path, var=tmp_path / "var")

    assert run.prepare_command(paths, {}).environment == {"SLOW_QUERY_MS": "10000"}
    assert run.prepare_command(paths, {"SLOW_QUERY_MS": "50"}).environment == {"SLOW_QUERY_MS": "50"}


@pytest.mark.parametrize("port", ["web", "0", "65536", "-1"])
def test_invalid_port_is_rejected(port):
    process = run_launcher("run", PORT=port)

    assert process.returncode == 1
    assert f"PORT must be a number from 1 to 65535, not '{port}'" in process.stderr
    assert "Traceback" not in process.stderr


def test_used_port_is_rejected_with_a_suggestion():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        process = run_launcher("run", PORT=str(port))

    assert process.returncode == 1
    assert f"Port {port} of 127.0.0.1 cannot be used" in process.stderr
    assert f"make run PORT={port + 1}" in process.stderr
