"""Tear-down of the test database, which cannot be dropped while somebody is connected."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

TERMINATE_CONNECTIONS_SQL = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Close the connections that threads of an application under test may still hold."""
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(TERMINATE_CONNECTIONS_SQL)
