"""The embedded PostgreSQL and Valkey: durability, restarts, permissions."""

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
    """Return a function that starts PostgreSQL and Valkey in a launcher process."""

    def start():
        launcher_process = launch(servers=True)
        launcher_process.urls = json.loads(launcher_process.read_until("DATABASE_URL"))
        launcher_process.read_until("ready")
        return launcher_process

    return start


def write_value(launcher_process, text):
    with psycopg.connect(launcher_process.urls["DATABASE_URL"]) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS notes (body text)")
        connection.execute("INSERT INTO notes VALUES (%s)", [text])


def read_values(launcher_process):
    with psycopg.connect(launcher_process.urls["DATABASE_URL"]) as connection:
        return [row[0] for row in connection.execute("SELECT body FROM notes ORDER BY body")]


def test_data_survive_a_restart(servers, leftover_processes):
    first = servers()
    write_value(first, "saved")
    redis.Redis.from_url(first.urls["REDIS_URL"]).set("key", "saved")

    seconds = first.end()
    leftovers = leftover_processes()
    second = servers()

    assert seconds < 5
    assert leftovers == []
    assert read_values(second) == ["saved"]
    assert redis.Redis.from_url(second.urls["REDIS_URL"]).get("key") == b"saved"


def test_data_survive_a_kill(servers, checkout):
    first = servers()
    write_value(first, "saved")
    pid_file = checkout / "var/postgres/postmaster.pid"
    os.kill(int(pid_file.read_text().split()[0]), signal.SIGKILL)
    first.end(signal.SIGKILL)

    second = servers()

    assert read_values(second) == ["saved"]


def test_stale_pid_file_of_another_program_is_ignored(servers, checkout):
    servers().end()
    stale = checkout / "var/postgres/postmaster.pid"
    stale.write_text(f"{os.getpid()}\n{checkout}/var/postgres\n0\n5432\n")

    servers()

    assert stale.read_text().split()[0] != str(os.getpid())


def test_killed_database_is_restarted(servers, checkout, wait_until):
    launcher_process = servers()
    write_value(launcher_process, "saved")

    os.kill(int((checkout / "var/postgres/postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    launcher_process.read_until("postgres  | stopped with signal SIGKILL")

    def has_data():
        try:
            return read_values(launcher_process) == ["saved"]
        except psycopg.OperationalError:
            return False

    wait_until(has_data)


def test_database_is_durable_and_listens_on_a_socket_only(servers):
    launcher_process = servers()

    with psycopg.connect(launcher_process.urls["DATABASE_URL"]) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_sockets_are_closed_to_other_users(servers):
    launcher_process = servers()

    folder = Path(launcher_process.urls["REDIS_URL"].removeprefix("unix://").partition("?")[0]).parent

    assert folder.stat().st_mode & 0o777 == 0o700
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(folder / "valkey.sock"))
