import json
import os
import signal
import socket
from pathlib import Path

import psycopg
import pytest
import redis

pytestmark = pytest.mark.processes


@pytest.fixture
def servers(launch):
    """Start PostgreSQL and Valkey and return the trial with their addresses."""

    def start():
        trial = launch(servers=True)
        trial.addresses = json.loads(trial.read_until("DATABASE_URL"))
        trial.read_until("ready")
        return trial

    return start


def note(trial, text):
    with psycopg.connect(trial.addresses["DATABASE_URL"]) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS notes (words text)")
        connection.execute("INSERT INTO notes VALUES (%s)", [text])


def notes(trial):
    with psycopg.connect(trial.addresses["DATABASE_URL"]) as connection:
        return [row[0] for row in connection.execute("SELECT words FROM notes ORDER BY words")]


def test_keep_what_was_committed_over_a_restart(servers, left_behind):
    first = servers()
    note(first, "kept")
    redis.Redis.from_url(first.addresses["REDIS_URL"]).set("key", "kept")

    seconds = first.end()
    gone = left_behind()
    second = servers()

    assert seconds < 5
    assert gone == []
    assert notes(second) == ["kept"]
    assert redis.Redis.from_url(second.addresses["REDIS_URL"]).get("key") == b"kept"


def test_keep_what_was_committed_when_everything_is_killed(servers, checkout):
    first = servers()
    note(first, "kept")
    pid_file = checkout / "var/postgres/postmaster.pid"
    os.kill(int(pid_file.read_text().split()[0]), signal.SIGKILL)
    first.end(signal.SIGKILL)

    second = servers()

    assert notes(second) == ["kept"]


def test_start_although_the_pid_of_the_last_run_is_now_another_program(servers, checkout):
    servers().end()
    stale = checkout / "var/postgres/postmaster.pid"
    stale.write_text(f"{os.getpid()}\n{checkout}/var/postgres\n0\n5432\n")

    servers()

    assert stale.read_text().split()[0] != str(os.getpid())


def test_are_started_again_when_the_database_is_killed(servers, checkout, eventually):
    trial = servers()
    note(trial, "kept")

    os.kill(int((checkout / "var/postgres/postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    trial.read_until("postgres  | stopped with signal SIGKILL")

    def answers():
        try:
            return notes(trial) == ["kept"]
        except psycopg.OperationalError:
            return False

    eventually(answers)


def test_write_commits_to_the_disk(servers):
    trial = servers()

    with psycopg.connect(trial.addresses["DATABASE_URL"]) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_are_closed_to_other_users(servers):
    trial = servers()

    folder = Path(trial.addresses["REDIS_URL"].removeprefix("unix://").partition("?")[0]).parent

    assert folder.stat().st_mode & 0o777 == 0o700
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(folder / "valkey.sock"))
