"""The content of the tables, to prove that a request changed nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from django.apps import apps
from django.db import connection, transaction


@cache
def _digest_sql() -> str:
    tables = sorted({model._meta.db_table for model in apps.get_models(include_auto_created=True)})
    return " UNION ALL ".join(
        f"SELECT '{table}', md5(coalesce(string_agg(x::text, '|' ORDER BY x::text), '')) FROM {table} AS x"  # noqa: S608
        for table in tables
    )


def table_digests() -> dict[str, str]:
    """Return {table: digest of all its rows}; equal before and after means that not one row was written."""
    with connection.cursor() as cursor:
        cursor.execute(_digest_sql())
        return dict(cursor.fetchall())


def row_write_count() -> int:
    """Return how many rows this transaction has tried to write, rolled back ones included.

    Ten times cheaper than `table_digests`: where the number has not grown, nothing was written.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) FROM pg_stat_xact_user_tables")
        return int(cursor.fetchone()[0])


class RollbackProbe:
    """Roll blocks back and report which tables each of them changed.

    `with probe.rollback() as changed: ...` fills the set `changed` when the block ends. Sessions of cookies are left
    out: every visit of a page writes its own.
    """

    def __init__(self) -> None:
        self.initial = table_digests()

    @contextmanager
    def rollback(self) -> Iterator[set[str]]:
        changed: set[str] = set()
        before = row_write_count()
        with transaction.atomic():
            yield changed
            if row_write_count() != before:
                changed |= {table for table, digest in table_digests().items() if digest != self.initial[table]}
            transaction.set_rollback(True)
        changed.discard("django_session")
