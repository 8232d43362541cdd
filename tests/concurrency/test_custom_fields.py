"""Custom fields and timers changed by several users at once, on real transactions."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone

from core.db import translate_db_error
from core.errors import Conflict
from core.testing.concurrency import errors_of_type, run_concurrently
from tasks.custom_fields import definitions, options
from tasks.custom_fields import selectors as custom_fields_selectors
from tasks.custom_fields import services as custom_fields
from tasks.models import CustomFieldValue, TimeEntry
from tasks.tests.factories import FieldFactory, OptionFactory, TaskFactory
from tasks.time_tracking import services as time_tracking

pytestmark = pytest.mark.django_db(transaction=True)


def set_values(actor, task, **fields):
    return custom_fields.update_values(actor=actor, ref=task.key, fields=fields, now=timezone.now())


def test_writers_of_different_fields_keep_each_others_values(alice, project, task, outbox):
    keys = [FieldFactory(project=project, kind="number").key for _ in range(8)]

    outcomes = run_concurrently(lambda n=n, key=key: set_values(alice, task, **{key: n}) for n, key in enumerate(keys))

    assert errors_of_type(outcomes) == []
    assert custom_fields_selectors.get_task_values(alice, task.key).fields == {key: n for n, key in enumerate(keys)}
    task.refresh_from_db()
    assert task.version == 9


def test_values_follow_a_kind_that_changes_meanwhile(alice, project):
    tasks = TaskFactory.create_batch(6, project=project)
    field = FieldFactory(project=project, kind="select", key="size")
    OptionFactory(field=field, slug="low")

    def change_kind():
        changes = {"kind": "multi_select"}
        definitions.update(actor=alice, field_id=field.pk, changes=changes, now=timezone.now())

    writes = [lambda task=task: set_values(alice, task, size="low") for task in tasks]
    outcomes = run_concurrently([*writes[:3], change_kind, *writes[3:]])

    # A write by the former kind is refused, or its rows have the kind of now.
    for outcome in outcomes:
        error = translate_db_error(outcome) if isinstance(outcome, IntegrityError) else outcome
        assert not isinstance(error, Exception) or type(error).__name__ in {"Conflict", "Invalid"}, error
    assert set(CustomFieldValue.objects.values_list("kind", flat=True)) <= {"multi_select"}
    connection.check_constraints()


def test_option_deleted_meanwhile_leaves_no_value_behind(alice, project):
    tasks = TaskFactory.create_batch(6, project=project)
    field = FieldFactory(project=project, kind="select", key="size")
    low = OptionFactory(field=field, slug="low")

    def delete_option():
        options.delete(actor=alice, field_id=field.pk, option_id=low.pk, remove=True, now=timezone.now())

    writes = [lambda task=task: set_values(alice, task, size="low") for task in tasks]
    outcomes = run_concurrently([*writes[:3], delete_option, *writes[3:]])

    for outcome in outcomes:
        error = translate_db_error(outcome) if isinstance(outcome, IntegrityError) else outcome
        assert not isinstance(error, Exception) or type(error).__name__ in {"Conflict", "Invalid"}, error
    # Either the option went with all its values, or a value came first and it is still there.
    assert CustomFieldValue.objects.exclude(option__in=field.options.all()).count() == 0


def test_timers_started_at_once_leave_one_running(alice, project):
    tasks = TaskFactory.create_batch(6, project=project)

    outcomes = run_concurrently(
        lambda task=task: time_tracking.start(actor=alice, ref=task.key, now=timezone.now()) for task in tasks
    )

    assert [type(error) for error in errors_of_type(outcomes) if not isinstance(error, Conflict)] == []
    assert TimeEntry.objects.filter(user=alice, ended_at=None).count() == 1


def test_timer_stopped_at_once_is_logged_once(alice, task, outbox):
    time_tracking.start(actor=alice, ref=task.key, now=timezone.now())

    outcomes = run_concurrently(
        lambda: time_tracking.stop(actor=alice, ref=task.key, now=timezone.now()) for _ in range(5)
    )

    assert len(errors_of_type(outcomes, Conflict)) == 4
    assert len(outbox.payloads("task.time_logged")) == 1
