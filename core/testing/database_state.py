"""The content of the tables, to prove that a request changed nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from django.apps import apps
from django.db import connection, transaction
from psycopg import Cursor

# The views of PostgreSQL's statistics join all catalogues and take three times as long.
WRITE_COUNT_SQL = """
SELECT coalesce(sum(pg_stat_get_xact_tuples_inserted(oid)
                  + pg_stat_get_xact_tuples_updated(oid)
                  + pg_stat_get_xact_tuples_deleted(oid)), 0)
FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""


@cache
def _digest_sql() -> str:
    tables = sorted({model._meta.db_table for model in apps.get_models(include_auto_created=True)})
    # A sum does not depend on the order of the rows, which thus need no sorting.
    return " UNION ALL ".join(
        f"SELECT '{table}', count(*) || ':' || coalesce(sum(hashtextextended(x::text, 0)), 0) FROM {table} AS x"  # noqa: S608
        for table in tables
    )


def table_digests() -> dict[str, str]:
    """Return {table: digest of all its rows}; equal before and after means that not one row was written."""
    connection.ensure_connection()
    # Thousands of calls: planning a hundred SELECTs takes longer than running them, so the statement is prepared.
    with Cursor(connection.connection) as cursor:
        return dict(cursor.execute(_digest_sql(), prepare=True).fetchall())


def row_write_count() -> int:
    """Return how many rows this transaction has tried to write, rolled back ones included.

    Cheaper than `table_digests`: where the number has not grown, nothing was written.
    """
    with connection.cursor() as cursor:
        cursor.execute(WRITE_COUNT_SQL)
        return int(cursor.fetchone()[0])


class RollbackProbe:
    """Roll blocks back and report which tables each of them changed.

    `with probe.rollback() as changed: ...` fills the set `changed` when the block ends. Sessions of cookies are left
    out: every visit of a page writes its own.
    """

    def __init__(self) -> None:
        self.initial = table_digests()
        self.write_count = row_write_count()

    @contextmanager
    def rollback(self) -> Iterator[set[str]]:
        changed: set[str] = set()
        with transaction.atomic():
            yield changed
            # The number never falls, so the one after the last block is at least as good as one before this.
            self.write_count, before = row_write_count(), self.write_count
            if self.write_count != before:
                changed |= {table for table, digest in table_digests().items() if digest != self.initial[table]}
            transaction.set_rollback(True)
        changed.discard("django_session")
