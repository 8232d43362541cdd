"""Faults of PostgreSQL during a request: a 503 to repeat, and nothing changed."""

from __future__ import annotations

import time
from contextlib import contextmanager

import psycopg
import pytest
from django.db import connection
from django.test import Client

from accounts.tests.factories import PASSWORD
from accounts.tests.fixtures import signed_in
from core.postgresql import availability
from core.testing.concurrency import wait_until
from core.testing.database_state import table_digests
from core.testing.page_client import logged_in_client

pytestmark = pytest.mark.django_db(transaction=True)
UNAVAILABLE = "database_unavailable"
# A sign-in that fails at its end leaves a session, of which no browser has the cookie.
UNUSED_SESSION = {"django_session", "accounts_user", "accounts_session", "events_event"}
STATES = {
    "55P03": "busy",
    "57014": "timeout",
    "40P01": "transient_conflict",
    **dict.fromkeys(
        ["08006", "25006", "25P03", "53200", "53300", "53400", "57P01", "57P02", "57P03", "58030"], UNAVAILABLE
    ),
}


class Fault:
    """Fails one statement of a request: its connection is terminated, or the server reports this SQLSTATE."""

    def __init__(self, state, number):
        self.state, self.number, self.statements = state, number, 0

    def __call__(self, execute, sql, params, many, context):
        # A disk that is full stops transactions; a read outside of one needs no space.
        if self.state == "53100" and not context["connection"].in_atomic_block:
            return execute(sql, params, many, context)
        self.statements += 1
        if self.statements != self.number:
            return execute(sql, params, many, context)
        if self.state == "terminated":
            terminate(context["connection"].connection.info.backend_pid)
            return execute(sql, params, many, context)
        return execute(
            f"DO $$ BEGIN RAISE EXCEPTION 'injected' USING ERRCODE = '{self.state}'; END $$", None, False, context
        )


def terminate(pid):
    with psycopg.connect(**superuser()) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


def superuser():
    database = connection.settings_dict
    return {"dbname": database["NAME"], "host": database["HOST"], "user": database["USER"], "autocommit": True}


@contextmanager
def failing(state, number):
    fault = Fault(state, number)
    # A request gets its connection, and nothing else may use it.
    connection.close()
    with connection.execute_wrapper(fault):
        yield fault
    connection.close()


@pytest.fixture
def requests(alice, project, task, settings):
    """Return requests by name: each a function that sends one and returns the response."""
    settings.LOGIN_RATE_PER_ACCOUNT = "1000/m"
    pages = logged_in_client(alice)
    pages.raise_request_exception = False
    api = signed_in(alice)
    api.raise_request_exception = False
    anonymous = Client(raise_request_exception=False)
    credentials = {"email": alice.email, "password": PASSWORD}
    return {
        "API read": lambda: api.get("/api/v1/tasks/"),
        "API write": lambda: api.post("/api/v1/tasks/", {"title": "New", "project": project.key}),
        "page": lambda: pages.get("/tasks/"),
        "page write": lambda: pages.post("/tasks/new/", {"title": "New", "project": str(project.pk)}),
        "API sign-in": lambda: anonymous.post("/api/v1/auth/login/", credentials, content_type="application/json"),
        "sign-in": lambda: Client(raise_request_exception=False).post("/login/", credentials),
    }


@pytest.mark.parametrize("name", ["API read", "API write", "page", "page write", "API sign-in", "sign-in"])
@pytest.mark.parametrize("state", ["terminated", "53100"])
def test_fault_of_any_statement_is_a_503(requests, name, state):
    before, statuses = table_digests(), []
    # The last number is beyond the last statement, so that request succeeds.
    for number in range(1, 100):
        with failing(state, number) as fault:
            response = requests[name]()
        statuses.append(response.status_code)
        if fault.statements == number - 1:
            break
        if response.status_code == 503:
            assert_unavailable(response, name, UNAVAILABLE)
            assert changed_tables(before) <= (UNUSED_SESSION if name == "sign-in" else set()), number
        else:
            # The fault did not matter: a read was repeated, or the statement came after the commit.
            assert response.status_code < 400, number
            before = table_digests()
    assert statuses[-1] < 400
    assert 503 in statuses or "write" not in name


def changed_tables(before):
    return {name for name, digest in table_digests().items() if digest != before[name]}


def assert_unavailable(response, name, code):
    assert response.status_code == 503
    assert int(response["Retry-After"]) >= 1
    if name.startswith("API"):
        assert response["Content-Type"] == "application/problem+json"
        assert response.json()["code"] == code
    else:
        assert b"Please try again" in response.content


@pytest.mark.parametrize(("state", "code"), STATES.items())
def test_refusal_of_the_server_has_a_code(requests, state, code):
    before = table_digests()
    for name, send in requests.items():
        with failing(state, 2):
            response = send()
        assert_unavailable(response, name, code)
    assert changed_tables(before) == set()


def test_commit_that_fails_is_a_503(requests, transactional_trigger):
    before = table_digests()
    for action in (
        "RAISE EXCEPTION 'injected' USING ERRCODE = '53100'",
        "PERFORM pg_terminate_backend(pg_backend_pid())",
    ):
        with transactional_trigger(action):
            for name in ("API write", "page write"):
                assert_unavailable(requests[name](), name, UNAVAILABLE)
    assert changed_tables(before) == set()
    assert requests["API write"]().status_code == 201


@pytest.fixture
def transactional_trigger():
    """Return a context manager that runs a PL/pgSQL statement at the commit of new tasks."""

    @contextmanager
    def trigger(action):
        with psycopg.connect(**superuser()) as other:
            other.execute(
                "CREATE FUNCTION fail_at_commit() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN {action}; RETURN NULL; END $$"
            )
            other.execute(
                "CREATE CONSTRAINT TRIGGER fail_at_commit AFTER INSERT ON tasks_task DEFERRABLE INITIALLY DEFERRED "
                "FOR EACH ROW EXECUTE FUNCTION fail_at_commit()"
            )
            try:
                yield
            finally:
                other.execute("DROP FUNCTION fail_at_commit() CASCADE")

    return trigger


def test_read_after_all_connections_died_succeeds(requests):
    assert requests["API read"]().status_code == 200
    connection.close()
    with psycopg.connect(**superuser()) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    assert requests["API write"]().status_code == 201


def test_database_that_refuses_connections_is_a_503(requests, monkeypatch):
    before = table_digests()
    connection.close()
    pool = connection.pool
    with psycopg.connect(**superuser() | {"dbname": "postgres"}) as other:
        name = connection.settings_dict["NAME"]
        monkeypatch.setattr(pool, "timeout", 2)
        try:
            other.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
            other.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [name])
            for request_name, send in [*requests.items(), *requests.items()]:
                started_at = time.monotonic()
                assert_unavailable(send(), request_name, UNAVAILABLE)
            seconds = time.monotonic() - started_at
        finally:
            other.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    # Known to be away: nobody waits for a connection.
    assert seconds < 2
    wait_until(lambda: not availability._is_away.is_set(), seconds=2)
    assert changed_tables(before) == set()
    assert requests["API write"]().status_code == 201
