"""The outbox: an event is stored in the transaction of its change, or neither is."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime

import pytest
from django.db import connection, transaction
from django.utils import timezone

from core import redis
from core.errors import Invalid
from core.sql_templates import BULK_INSERT_THRESHOLD
from events import outbox as events_outbox
from events.models import Event
from tasks.events import TaskCreated
from tasks.items import services as items
from tasks.items.drafts import TaskDraft
from tasks.models import Project, Task

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@pytest.mark.django_db(transaction=True)
def test_publish_outside_a_transaction_is_an_error():
    with pytest.raises(RuntimeError):
        events_outbox.publish(TaskCreated(task={"id": "01a200dc-9b1e-751c-8fa2-6e159714ad44"}), actor=None)

    assert not Event.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_failed_transaction_leaves_neither_change_nor_event(alice, project):
    def change_and_fail():
        with transaction.atomic():
            items.create(actor=alice, draft=TaskDraft(title="x"), now=NOW, project_ref="OPS")
            assert Event.objects.exists()
            raise ConnectionError

    with pytest.raises(ConnectionError):
        change_and_fail()

    assert (Event.objects.count(), Task.objects.count(), Project.objects.get().next_number) == (0, 0, 1)


@pytest.mark.django_db(transaction=True)
def test_change_is_rolled_back_if_its_event_cannot_be_stored(alice, project):
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE events_event ADD CONSTRAINT no_facts_today CHECK (name <> 'task.created') NOT VALID"
        )
    try:
        with pytest.raises(Exception, match="no_facts_today"):
            items.create(actor=alice, draft=TaskDraft(title="x"), now=NOW, project_ref="OPS")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE events_event DROP CONSTRAINT no_facts_today")

    assert (Task.objects.count(), Project.objects.get().next_number) == (0, 1)


@pytest.mark.django_db
def test_invalid_last_task_rolls_back_all(alice, project):
    drafts = [TaskDraft(title="a", labels=["new"]), TaskDraft(title="b"), TaskDraft(title="c", status="nonsense")]

    with pytest.raises(Invalid), transaction.atomic():
        items.create_many(actor=alice, project_ref="OPS", drafts=drafts, now=NOW)

    assert (Event.objects.count(), Task.objects.count(), project.labels.count()) == (0, 0, 0)


@pytest.mark.django_db
def test_event_records_name_time_actor_and_subject(alice, project, outbox):
    task = items.create(actor=alice, draft=TaskDraft(title="x"), now=NOW, project_ref="OPS")

    event = Event.objects.get()
    assert (event.name, event.version, event.actor_id, event.occurred_at) == ("task.created", 1, alice.pk, NOW)
    assert (event.subject_type, event.subject_id) == ("task", task.pk)
    assert event.payload["actor"] == {"id": str(alice.pk), "name": "Alice"}
    assert (event.position, event.hash) == (None, "")


@pytest.mark.django_db
def test_publish_all_is_one_insert(alice, project, queries):
    def create(count):
        items.create_many(
            actor=alice, project_ref="OPS", drafts=[TaskDraft(title=f"t{n}") for n in range(count)], now=timezone.now()
        )

    with queries() as small:
        create(BULK_INSERT_THRESHOLD + 1)

    with queries(equal_to=small):
        create(40)


@pytest.mark.django_db(transaction=True)
def test_write_succeeds_quickly_without_redis(clients, project, settings):
    client = clients["alice"]
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    settings.CACHES = {**settings.CACHES, "default": {**settings.CACHES["default"], "LOCATION": settings.REDIS_URL}}
    redis.client.cache_clear()
    started = time.monotonic()
    try:
        answer = client.post("/api/v1/tasks/", {"title": "x", "project": "OPS"})
    finally:
        redis.client.cache_clear()

    assert answer.status_code == 201
    assert Event.objects.get().name == "task.created"
    assert time.monotonic() - started < 5


SAMPLE_THING = {"id": str(uuid.UUID(int=7))}


class SampleEvent(events_outbox.DomainEvent, name="thing.told", version=2, subject_type="thing"):
    """An event whose second version is published."""

    thing: dict[str, str]
    words: str


@pytest.mark.django_db
def test_event_keeps_its_version_and_time(alice):
    with transaction.atomic():
        events_outbox.publish(SampleEvent(thing=SAMPLE_THING, words="one"), actor=alice, at=NOW)
        events_outbox.publish(SampleEvent(thing=SAMPLE_THING, words="two"), actor=None)

    first, second = Event.objects.order_by("id")
    assert (first.name, first.version, first.subject_id, first.occurred_at) == ("thing.told", 2, uuid.UUID(int=7), NOW)
    assert first.payload == {"thing": SAMPLE_THING, "words": "one", "actor": {"id": str(alice.pk), "name": "Alice"}}
    assert (second.actor_id, second.payload) == (None, {"thing": SAMPLE_THING, "words": "two", "actor": None})
    assert second.occurred_at > NOW


@pytest.mark.django_db
def test_relay_is_notified_after_the_commit(django_capture_on_commit_callbacks):
    listener = redis.client().pubsub(ignore_subscribe_messages=True)
    listener.subscribe("taskflow:events:notify")
    listener.get_message(timeout=1)

    with django_capture_on_commit_callbacks(execute=True):
        events_outbox.publish_all([], actor=None)
        events_outbox.publish(SampleEvent(thing=SAMPLE_THING, words="one"), actor=None)
        before = listener.get_message(timeout=0)
    after = [listener.get_message(timeout=1), listener.get_message(timeout=0)]

    listener.close()
    assert before is None
    assert after[0] is not None
    assert (after[0]["channel"], after[0]["data"], after[1]) == ("taskflow:events:notify", "1", None)
