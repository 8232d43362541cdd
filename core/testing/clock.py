from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from core import clock as process_clock
from core import db

read_real_clock = db.read_database_clock
synchronise = process_clock.synchronise
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def database_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Move the database's clock with the process's, where a test moves that one: one time for the whole test.

    A test of different clocks takes `use_database_clock`.
    """
    # Without an answer of the database, processes take their own clock.
    monkeypatch.setattr(process_clock, "_origin", None)
    monkeypatch.setattr(process_clock, "synchronise", lambda _connection: None)
    monkeypatch.setattr(
        db, "read_database_clock", lambda: timezone.now() if time_machine.traveller_stack else read_real_clock()
    )


@pytest.fixture
def use_database_clock(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the code follow the real clock of the database, whatever the process has."""
    monkeypatch.setattr(process_clock, "_synchronised_at", float("-inf"))
    monkeypatch.setattr("core.db.read_database_clock", read_real_clock)
    connection.ensure_connection()
    synchronise(connection.connection)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Stop the clock at NOW until a test moves it. No code or rate limit window expires in between."""
    # tick=False: a slow machine must not move a test over the end of a window.
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock
