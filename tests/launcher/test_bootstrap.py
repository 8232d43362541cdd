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
    found = Paths.of(checkout)
    found.prepare()
    return found


def write_stamp(paths, wanted):
    (paths.venv / "bin").mkdir(parents=True)
    (paths.venv / "bin" / "python").symlink_to(sys.executable)
    stamp = {**bootstrap.requirement_hashes(paths, wanted), **bootstrap.venv_python(paths)}
    (paths.venv / bootstrap.STAMP).write_text(json.dumps(stamp))


def is_current(paths, wanted):
    return bootstrap.is_current(paths, bootstrap.requirement_hashes(paths, wanted))


def test_nothing_is_installed_twice(paths):
    write_stamp(paths, bootstrap.DEV_REQUIREMENTS)

    assert is_current(paths, bootstrap.RUNTIME_REQUIREMENTS)
    assert is_current(paths, bootstrap.DEV_REQUIREMENTS)


def test_tests_need_more_than_a_run(paths):
    write_stamp(paths, bootstrap.RUNTIME_REQUIREMENTS)

    assert is_current(paths, bootstrap.RUNTIME_REQUIREMENTS)
    assert not is_current(paths, bootstrap.DEV_REQUIREMENTS)


@pytest.mark.parametrize("changed", [*bootstrap.RUNTIME_REQUIREMENTS, bootstrap.CONSTRAINTS])
def test_a_changed_file_is_installed_again(paths, changed):
    write_stamp(paths, bootstrap.RUNTIME_REQUIREMENTS)

    (paths.root / changed).write_text("django==5.2.20\n")

    assert not is_current(paths, bootstrap.RUNTIME_REQUIREMENTS)


def test_a_moved_checkout_is_installed_again(paths):
    write_stamp(paths, bootstrap.RUNTIME_REQUIREMENTS)
    stamp = json.loads((paths.venv / bootstrap.STAMP).read_text())

    (paths.venv / bootstrap.STAMP).write_text(json.dumps({**stamp, "folder": "/elsewhere/.venv"}))

    assert not is_current(paths, bootstrap.RUNTIME_REQUIREMENTS)


def test_an_interrupted_installation_is_done_again(paths):
    write_stamp(paths, bootstrap.RUNTIME_REQUIREMENTS)

    (paths.venv / bootstrap.STAMP).unlink()

    assert not is_current(paths, bootstrap.RUNTIME_REQUIREMENTS)


def test_keys_are_made_once_and_are_for_their_owner_only(paths, monkeypatch):
    monkeypatch.delenv("SECRET_KEY", raising=False)
    monkeypatch.delenv("JWT_SIGNING_KEY", raising=False)

    first = environment.with_secret_keys(paths, {})
    second = environment.with_secret_keys(paths, {})

    assert first == second
    assert first["SECRET_KEY"] != first["JWT_SIGNING_KEY"]
    assert len(first["JWT_SIGNING_KEY"]) >= 32
    assert stat.S_IMODE((paths.var / "secrets" / "SECRET_KEY").stat().st_mode) == 0o600


def test_a_key_of_ones_own_is_kept(paths, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "mine")

    assert "SECRET_KEY" not in environment.with_secret_keys(paths, {})


def test_a_path_too_long_for_a_socket_is_refused(tmp_path):
    with pytest.raises(LaunchError, match="too long for a Unix socket"):
        create_private_directory(tmp_path / ("x" * 100), owner=0)


def test_a_link_that_somebody_put_in_the_way_is_refused(tmp_path, checkout):
    (checkout / "target").mkdir()
    (checkout / "s").symlink_to(checkout / "target")

    with pytest.raises(LaunchError, match="made by another user"):
        create_private_directory(checkout / "s", owner=0)
