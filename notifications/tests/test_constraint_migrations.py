"""Checks come into tables with many rows while inbox and mail go on."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.migrations.loader import MigrationLoader

from notifications.tests.factories import make_notification

APP = "notifications"
STEPS = ["0002_account_emails", "0003_told_of_access", "0004_told_of_access_checks"]
VALID = """
SELECT conname, convalidated FROM pg_constraint
WHERE contype = 'c' AND conrelid::regclass::text LIKE 'notifications_%%' ORDER BY conname
"""

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def loader():
    return MigrationLoader(None)


def statements(loader: MigrationLoader, name: str) -> list[str]:
    migration, before = loader.get_migration(APP, name), loader.project_state((APP, name), at_end=False)
    with connection.schema_editor(collect_sql=True, atomic=migration.atomic) as editor:
        migration.apply(before, editor, collect_sql=True)
    return [line for line in editor.collected_sql if not line.startswith("--")]


def checks() -> dict[str, bool]:
    with connection.cursor() as cursor:
        cursor.execute(VALID)
        return dict(cursor.fetchall())


def run(loader: MigrationLoader, name: str, *, steps: int) -> None:
    """Run so many operations of a migration as it is run, and be interrupted."""
    migration, state = loader.get_migration(APP, name), loader.project_state((APP, name), at_end=False)
    with connection.schema_editor(atomic=False) as editor:
        for operation in migration.operations[:steps]:
            before = state.clone()
            operation.state_forwards(APP, state)
            operation.database_forwards(APP, editor, before, state)


@pytest.mark.parametrize("name", STEPS)
def test_no_rows_are_looked_at_while_a_table_is_closed_to_others(name, loader):
    adding = [line for line in statements(loader, name) if "ADD CONSTRAINT" in line]

    assert [line for line in adding if not line.endswith("NOT VALID;")] == []


def test_every_check_that_comes_is_held_against_the_rows_that_are_there_outside_a_transaction(loader):
    lines = [line for name in STEPS for line in statements(loader, name)]

    added = {line.split('"')[3] for line in lines if "ADD CONSTRAINT" in line}
    looked = {line.split('"')[3] for line in lines if "VALIDATE CONSTRAINT" in line}
    assert (len(added), looked) == (5, added)
    # Every VALIDATE is in the last step, and that one has no transaction around it.
    assert loader.get_migration(APP, STEPS[-1]).atomic is False
    assert [line for name in STEPS[:-1] for line in statements(loader, name) if "VALIDATE" in line] == []


@pytest.mark.parametrize("steps", range(10))
def test_the_checks_can_be_added_again_after_an_interruption(steps, loader, bob):
    with transaction.atomic():
        before = checks()
        run(loader, STEPS[-1], steps=steps)

        run(loader, STEPS[-1], steps=9)

        assert checks() == before == dict.fromkeys(before, True)
    with pytest.raises(IntegrityError, match="notification_kind_is_known"), transaction.atomic():
        make_notification(bob, kind="praised")
