import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def launcher(*arguments, **environment):
    command = [sys.executable, str(ROOT / "launcher"), *arguments]
    return subprocess.run(
        command, env={**os.environ, **environment}, cwd="/", capture_output=True, text=True, timeout=30, check=False
    )


def test_without_a_command_lists_the_commands():
    done = launcher()

    assert done.returncode == 0
    assert "make run" in done.stdout
    assert "make test" in done.stdout


def test_an_unknown_command_is_refused():
    done = launcher("fly")

    assert done.returncode == 2
    assert "no command 'fly'" in done.stdout


@pytest.mark.parametrize("port", ["web", "0", "65536", "-1"])
def test_a_port_that_is_none_is_refused(port):
    done = launcher("run", PORT=port)

    assert done.returncode == 1
    assert f"PORT must be a number from 1 to 65535, not '{port}'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_taken_port_is_refused_with_a_proposal():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        done = launcher("run", PORT=str(port))

    assert done.returncode == 1
    assert f"Port {port} of 127.0.0.1 cannot be used" in done.stderr
    assert f"make run PORT={port + 1}" in done.stderr
