"""Add a company with a given number of tasks to the database: `python -m benchmarks.data 1000000`.

It has 500 users and 300 projects of very different sizes; nine of ten tasks are closed; load@example.com is a member of
twenty projects. The data are the same each time. PostgreSQL generates them, and builds the indexes afterwards, since that
is much faster.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django

SQL_STATEMENTS = Path(__file__).with_name("data.sql")
USER_COUNT, PROJECT_COUNT = 500, 300
TABLES = ("tasks_task", "tasks_taskassignee", "tasks_task_labels")
INDEXES = """
SELECT pg_get_indexdef(i.indexrelid), i.indexrelid::regclass::text FROM pg_index i
LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid
WHERE i.indrelid = ANY (%s::regclass[]) AND c.oid IS NULL AND NOT i.indisunique
"""


def load(tasks: int, *, start: str = "2024-02-01 00:00Z", scripts: Sequence[Path] = (SQL_STATEMENTS,)) -> None:
    """Insert the data in one transaction. The tasks are from the 730 days after `start`."""
    from django.db import connection, transaction

    with connection.cursor() as cursor:
        with transaction.atomic(), _without_indexes_and_triggers(cursor):
            for statement in ";\n\n".join(script.read_text() for script in scripts).split(";\n\n"):
                parameters: dict[str, int | str] = {
                    "people": USER_COUNT,
                    "projects": PROJECT_COUNT,
                    "tasks": tasks,
                    "start": start,
                }
                cursor.execute(statement, parameters)
        cursor.execute("ANALYZE")


@contextmanager
def _without_indexes_and_triggers(cursor: Any) -> Iterator[None]:
    """Drop the indexes and create them again at the end; switch off triggers and foreign key checks."""
    cursor.execute(INDEXES, [list(TABLES)])
    indexes = cursor.fetchall()
    for _, name in indexes:
        cursor.execute(f"DROP INDEX {name}")
    cursor.execute("SET LOCAL session_replication_role = replica; SET LOCAL maintenance_work_mem = '256MB'")
    yield
    for definition, _ in indexes:
        cursor.execute(definition)


def main(arguments: list[str]) -> int:
    from django.db import connection

    started = time.monotonic()
    django.setup()
    load(int(arguments[0]))
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM (FREEZE) {', '.join(TABLES)}, tasks_project, tasks_projectmember")
    print(f"{int(arguments[0]):,} tasks in {time.monotonic() - started:.0f} s", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
