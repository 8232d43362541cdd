import json
import stat
import sys

import pytest

from launcher import bootstrap, environment
from launcher.console import LaunchError
from launcher.places import Places, private_folder


@pytest.fixture
def places(checkout, monkeypatch):
    monkeypatch.delenv("TASKFLOW_VAR", raising=False)
    (checkout / ".venv").unlink()
    for name in (*bootstrap.DEVELOP, bootstrap.CONSTRAINTS):
        (checkout / name).write_text(f"# {name}\n")
    found = Places.of(checkout)
    found.prepare()
    return found


def pretend_installed(places, wanted):
    (places.venv / "bin").mkdir(parents=True)
    (places.venv / "bin" / "python").symlink_to(sys.executable)
    stamp = {**bootstrap.hashes_of(places, wanted), **bootstrap.interpreter(places)}
    (places.venv / bootstrap.STAMP).write_text(json.dumps(stamp))


def is_current(places, wanted):
    return bootstrap.is_current(places, bootstrap.hashes_of(places, wanted))


def test_nothing_is_installed_twice(places):
    pretend_installed(places, bootstrap.DEVELOP)

    assert is_current(places, bootstrap.RUN)
    assert is_current(places, bootstrap.DEVELOP)


def test_tests_need_more_than_a_run(places):
    pretend_installed(places, bootstrap.RUN)

    assert is_current(places, bootstrap.RUN)
    assert not is_current(places, bootstrap.DEVELOP)


@pytest.mark.parametrize("changed", [*bootstrap.RUN, bootstrap.CONSTRAINTS])
def test_a_changed_file_is_installed_again(places, changed):
    pretend_installed(places, bootstrap.RUN)

    (places.root / changed).write_text("django==5.2.20\n")

    assert not is_current(places, bootstrap.RUN)


def test_a_moved_checkout_is_installed_again(places):
    pretend_installed(places, bootstrap.RUN)
    stamp = json.loads((places.venv / bootstrap.STAMP).read_text())

    (places.venv / bootstrap.STAMP).write_text(json.dumps({**stamp, "folder": "/elsewhere/.venv"}))

    assert not is_current(places, bootstrap.RUN)


def test_an_interrupted_installation_is_done_again(places):
    pretend_installed(places, bootstrap.RUN)

    (places.venv / bootstrap.STAMP).unlink()

    assert not is_current(places, bootstrap.RUN)


def test_keys_are_made_once_and_are_for_their_owner_only(places, monkeypatch):
    monkeypatch.delenv("SECRET_KEY", raising=False)
    monkeypatch.delenv("JWT_SIGNING_KEY", raising=False)

    first = environment.with_keys(places, {})
    second = environment.with_keys(places, {})

    assert first == second
    assert first["SECRET_KEY"] != first["JWT_SIGNING_KEY"]
    assert len(first["JWT_SIGNING_KEY"]) >= 32
    assert stat.S_IMODE((places.var / "secrets" / "SECRET_KEY").stat().st_mode) == 0o600


def test_a_key_of_ones_own_is_kept(places, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "mine")

    assert "SECRET_KEY" not in environment.with_keys(places, {})


def test_a_path_too_long_for_a_socket_is_refused(tmp_path):
    with pytest.raises(LaunchError, match="too long for a Unix socket"):
        private_folder(tmp_path / ("x" * 100), owner=0)


def test_a_link_that_somebody_put_in_the_way_is_refused(tmp_path, checkout):
    (checkout / "target").mkdir()
    (checkout / "s").symlink_to(checkout / "target")

    with pytest.raises(LaunchError, match="made by another user"):
        private_folder(checkout / "s", owner=0)
