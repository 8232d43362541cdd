"""Installation, secret keys and folders of the launcher."""

import json
import stat
import sys

import pytest

from launcher import bootstrap, environment
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
