"""Installation, secret keys and folders of the launcher."""

import errno
import json
import shlex
import stat
import sys

import pytest

from launcher import bootstrap, environment
from launcher import paths as paths_module
from launcher.cli import run_with_error_report
from launcher.console import LaunchError
from launcher.paths import Paths, create_private_directory


@pytest.fixture
def paths(checkout, monkeypatch):
    monkeypatch.delenv("DATA_DIR", raising=False)
    (checkout / ".venv").unlink()
    for name in (*bootstrap.DEV_REQUIREMENTS, bootstrap.CONSTRAINTS):
        (checkout / name).write_text(f"# {name}\n")
    paths = Paths.of(checkout)
    paths.prepare()
    return paths


def write_stamp(paths, files):
    (paths.venv / "bin").mkdir(parents=True)
    (paths.venv / "bin" / "python").symlink_to(sys.executable)
    stamp = {**bootstrap.requirement_hashes(paths, files), **bootstrap.venv_python(paths)}
    (paths.venv / bootstrap.STAMP).write_text(json.dumps(stamp))


def replace_python(paths, source):
    """Put a program in the place of the interpreter; it gets the same arguments."""
    script = paths.root / "program.py"
    script.write_text(source)
    paths.python.unlink()
    # A shell starts it: the first line of a script can't name an interpreter whose path has a space.
    paths.python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(script))} "$@"\n')
    paths.python.chmod(0o755)


def is_current(paths, files):
    return bootstrap.is_current(paths, bootstrap.requirement_hashes(paths, files))


def test_installation_is_not_repeated(paths):
    write_stamp(paths, bootstrap.DEV_REQUIREMENTS)

    assert is_current(paths, bootstrap.RUNTIME_REQUIREMENTS)
    assert is_current(paths, bootstrap.DEV_REQUIREMENTS)


def test_dev_requirements_are_installed_after_runtime_ones(paths):
    write_stamp(paths, bootstrap.RUNTIME_REQUIREMENTS)

    assert is_current(paths, bootstrap.RUNTIME_REQUIREMENTS)
    assert not is_current(paths, bootstrap.DEV_REQUIREMENTS)


@pytest.mark.parametrize("changed", [*bootstrap.RUNTIME_REQUIREMENTS, bootstrap.CONSTRAINTS])
def test_requirements_are_installed_again_when_changed(paths, changed):
    write_stamp(paths, bootstrap.RUNTIME_REQUIREMENTS)

    (paths.root / changed).write_text("django==5.2.20\n")

    assert not is_current(paths, bootstrap.RUNTIME_REQUIREMENTS)


def test_venv_is_stale_in_a_moved_checkout(paths):
    write_stamp(paths, bootstrap.RUNTIME_REQUIREMENTS)
    stamp = json.loads((paths.venv / bootstrap.STAMP).read_text())

    (paths.venv / bootstrap.STAMP).write_text(json.dumps({**stamp, "folder": "/elsewhere/.venv"}))

    assert not is_current(paths, bootstrap.RUNTIME_REQUIREMENTS)


def test_installation_is_repeated_after_an_interruption(paths):
    write_stamp(paths, bootstrap.RUNTIME_REQUIREMENTS)

    (paths.venv / bootstrap.STAMP).unlink()

    assert not is_current(paths, bootstrap.RUNTIME_REQUIREMENTS)


def test_secret_keys_are_created_once_and_private(paths, monkeypatch):
    monkeypatch.delenv("SECRET_KEY", raising=False)
    monkeypatch.delenv("JWT_SIGNING_KEY", raising=False)

    first = environment.with_secret_keys(paths, {})
    second = environment.with_secret_keys(paths, {})

    assert first == second
    assert first["SECRET_KEY"] != first["JWT_SIGNING_KEY"]
    assert len(first["JWT_SIGNING_KEY"]) >= 32
    assert stat.S_IMODE((paths.var / "secrets" / "SECRET_KEY").stat().st_mode) == 0o600


def test_secret_key_of_the_environment_takes_precedence(paths, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "from the environment")

    assert "SECRET_KEY" not in environment.with_secret_keys(paths, {})


def test_socket_folder_with_a_long_path_is_rejected(tmp_path):
    with pytest.raises(LaunchError, match="too long for a Unix socket"):
        create_private_directory(tmp_path / ("x" * 100), owner=0)


def test_socket_folder_that_is_a_symlink_is_rejected(tmp_path, checkout):
    (checkout / "target").mkdir()
    (checkout / "s").symlink_to(checkout / "target")

    with pytest.raises(LaunchError, match="created by another user"):
        create_private_directory(checkout / "s", owner=0)


def test_linked_venv_of_another_checkout_is_left_alone(paths, tmp_path, monkeypatch):
    (tmp_path / "package").mkdir()
    paths.venv.symlink_to(tmp_path)
    monkeypatch.setattr(bootstrap, "_install", lambda paths, files: None)

    bootstrap.ensure_installed(paths, bootstrap.RUNTIME_REQUIREMENTS)

    assert (tmp_path / "package").exists()
    assert paths.python.exists()
    assert not paths.venv.is_symlink()


FAKE_PIP = """import subprocess, sys, time
if sys.argv[1] == "-c" or "venv" in sys.argv:
    sys.exit(0)
print("Collecting django", flush=True)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", {marker!r}])
time.sleep(600)
"""


def test_interrupted_installation_leaves_no_process(paths, leftover_processes, wait_until, monkeypatch):
    write_stamp(paths, bootstrap.RUNTIME_REQUIREMENTS)
    (paths.root / "requirements.txt").write_text("django==5.2.20\n")
    replace_python(paths, FAKE_PIP.format(marker=str(paths.root)))

    class Interrupted:
        def show(self, _line):
            wait_until(lambda: [line for line in leftover_processes() if "time.sleep(600)" in line])
            raise KeyboardInterrupt

        def end(self):
            pass

    monkeypatch.setattr(bootstrap, "_Progress", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        bootstrap.ensure_installed(paths, bootstrap.RUNTIME_REQUIREMENTS)

    wait_until(lambda: not leftover_processes())
    # The next start does not trust what is half installed.
    assert not is_current(paths, bootstrap.RUNTIME_REQUIREMENTS)
    assert not (paths.venv / bootstrap.STAMP).exists()


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (
            "WARNING: Retrying after connection broken by 'NewConnectionError'\nERROR: ResolutionImpossible: for help",
            "The package index can't be reached",
        ),
        ("ERROR: No matching distribution found for django==99", "pip says: ERROR: No matching distribution found"),
        ("killed", "pip says: nothing"),
    ],
)
def test_failed_installation_names_its_cause(paths, output, message):
    write_stamp(paths, bootstrap.RUNTIME_REQUIREMENTS)
    (paths.root / "requirements.txt").write_text("django==5.2.20\n")
    replace_python(paths, f"print({output!r}); raise SystemExit(1)\n")

    with pytest.raises(LaunchError) as error:
        bootstrap.ensure_installed(paths, bootstrap.RUNTIME_REQUIREMENTS)

    assert message in str(error.value)
    assert ("ResolutionImpossible" in str(error.value)) is False


def test_read_only_folder_is_named_in_one_line(paths, monkeypatch):
    monkeypatch.setattr(paths_module, "is_read_only", lambda _path: True)
    (paths.var / "secrets").rmdir()
    monkeypatch.setattr(
        "pathlib.Path.mkdir", lambda self, **_: raise_error(OSError(errno.EROFS, "Read-only file system", str(self)))
    )

    with pytest.raises(LaunchError) as error:
        paths.prepare()

    assert str(error.value) == (
        f"{paths.var} is on a read-only file system. Set DATA_DIR to a folder that can be written."
    )


def test_error_of_the_system_is_one_line(capsys):
    error = OSError(errno.ENOSPC, "No space left on device", "/srv/var/log")

    assert run_with_error_report(lambda: raise_error(error)) == 1
    assert capsys.readouterr().err == "\nTaskFlow: /srv/var/log: No space left on device.\n"


def raise_error(error):
    raise error
