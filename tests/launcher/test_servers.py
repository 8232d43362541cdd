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
        launcher_process = launch(servers=True)
        launcher_process.addresses = json.loads(launcher_process.read_until("DATABASE_URL"))
        launcher_process.read_until("ready")
        return launcher_process

    return start


def write_value(launcher_process, text):
    with psycopg.connect(launcher_process.addresses["DATABASE_URL"]) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS notes (words text)")
        connection.execute("INSERT INTO notes VALUES (%s)", [text])


def read_values(launcher_process):
    with psycopg.connect(launcher_process.addresses["DATABASE_URL"]) as connection:
        return [row[0] for row in connection.execute("SELECT words FROM notes ORDER BY words")]


def test_keep_what_was_committed_over_a_restart(servers, leftover_processes):
    first = servers()
    write_value(first, "kept")
    redis.Redis.from_url(first.addresses["REDIS_URL"]).set("key", "kept")

    seconds = first.end()
    gone = leftover_processes()
    second = servers()

    assert seconds < 5
    assert gone == []
    assert read_values(second) == ["kept"]
    assert redis.Redis.from_url(second.addresses["REDIS_URL"]).get("key") == b"kept"


def test_keep_what_was_committed_when_everything_is_killed(servers, checkout):
    first = servers()
    write_value(first, "kept")
    pid_file = checkout / "var/postgres/postmaster.pid"
    os.kill(int(pid_file.read_text().split()[0]), signal.SIGKILL)
    first.end(signal.SIGKILL)

    second = servers()

    assert read_values(second) == ["kept"]


def test_start_although_the_pid_of_the_last_run_is_now_another_program(servers, checkout):
    servers().end()
    stale = checkout / "var/postgres/postmaster.pid"
    stale.write_text(f"{os.getpid()}\n{checkout}/var/postgres\n0\n5432\n")

    servers()

    assert stale.read_text().split()[0] != str(os.getpid())


def test_are_started_again_when_the_database_is_killed(servers, checkout, wait_until):
    launcher_process = servers()
    write_value(launcher_process, "kept")

    os.kill(int((checkout / "var/postgres/postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    launcher_process.read_until("postgres  | stopped with signal SIGKILL")

    def answers():
        try:
            return read_values(launcher_process) == ["kept"]
        except psycopg.OperationalError:
            return False

    wait_until(answers)


def test_write_commits_to_the_disk(servers):
    launcher_process = servers()

    with psycopg.connect(launcher_process.addresses["DATABASE_URL"]) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_are_closed_to_other_users(servers):
    launcher_process = servers()

    folder = Path(launcher_process.addresses["REDIS_URL"].removeprefix("unix://").partition("?")[0]).parent

    assert folder.stat().st_mode & 0o777 == 0o700
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(folder / "valkey.sock"))
