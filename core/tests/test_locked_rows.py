"""Rows that are locked for long: one statement of the process waits for them."""

from __future__ import annotations

import threading

import pytest
from django.db import OperationalError, connection, transaction
from psycopg.errors import LockNotAvailable

from core.postgresql import statements
from core.testing.concurrency import has_lock_waiters, run_concurrently, wait_until
from tasks.models import Project

pytestmark = pytest.mark.django_db(transaction=True)


def rename(project, timeout="500ms", name="Renamed"):
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{timeout}'")
        return Project.objects.filter(pk=project.pk).update(name=name)


@pytest.fixture
def hold(project):
    """Hold the row of the project until the returned event is set."""
    release, is_locked = threading.Event(), threading.Event()

    def run():
        try:
            with transaction.atomic():
                Project.objects.select_for_update().get(pk=project.pk)
                is_locked.set()
                release.wait(20)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    is_locked.wait(20)
    yield release
    release.set()
    thread.join()
    statements._locked_until.clear()


def test_second_statement_is_refused_after_a_wait_in_vain(project, hold):
    with pytest.raises(OperationalError) as first:
        rename(project)
    assert isinstance(first.value.__cause__, LockNotAvailable)

    outcomes = []
    prober = threading.Thread(target=lambda: outcomes.extend(run_concurrently([lambda: rename(project, "20s")])))
    prober.start()
    wait_until(has_lock_waiters)
    with pytest.raises(OperationalError) as second:
        rename(project, "20s")
    hold.set()
    prober.join()

    assert "Another request waits" in str(second.value)
    assert outcomes == [1]
    assert rename(project) == 1
    assert (statements._running, statements._locked_until) == ({}, {})


def test_writers_that_take_turns_are_not_refused(project):
    assert run_concurrently([lambda: rename(project, "20s")] * 8) == [1] * 8
    assert statements._running == {}


def test_statement_that_skips_locked_rows_is_never_refused(project, hold):
    claim = Project.objects.select_for_update(skip_locked=True).filter(pk=project.pk)
    seen = []

    def run_during(execute, sql, params, many, context):
        seen.append(dict(statements._running))
        return execute(sql, params, many, context)

    with transaction.atomic(), connection.execute_wrapper(run_during):
        claimed = list(claim)

    assert claimed == []
    assert seen == [{}]


def test_memory_of_locked_rows_is_bounded(project, hold, monkeypatch):
    monkeypatch.setattr(statements, "MAX_LOCKED_ROWS", 2)
    for name in range(5):
        with pytest.raises(OperationalError):
            rename(project, "10ms", str(name))

    assert len(statements._locked_until) <= 2
