"""Archive of old events: one chain across files and table, erasure within it, and the way back."""

from __future__ import annotations

import uuid
from datetime import timedelta
from io import StringIO

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from events import archive, audit, privacy, redaction
from events.appending import assign_positions
from events.models import ArchivedEvents, Delivery, Event, PersonalData
from events.tests.factories import DeliveryFactory, EventFactory

pytestmark = pytest.mark.django_db
NOW = timezone.now()
OLD = NOW - timedelta(days=400)
USER_ID = uuid.uuid4()


@pytest.fixture
def log(settings, tmp_path, monkeypatch):
    """Create seven old events, two of them with a name, and two new ones."""
    monkeypatch.setattr(archive, "SEGMENT_SIZE", 3)
    backend = "django.core.files.storage.FileSystemStorage"
    settings.STORAGES = settings.STORAGES | {"event_archive": {"BACKEND": backend, "OPTIONS": {"location": tmp_path}}}
    actor = {"actor": {"id": str(USER_ID), "name": "Ann"}, "title": "ä", "numbers": [1, 2.5, None, True]}
    EventFactory.create_batch(5, occurred_at=OLD)
    EventFactory.create_batch(2, occurred_at=OLD, actor_id=USER_ID, payload=actor)
    EventFactory.create_batch(2, occurred_at=NOW)
    assign_positions({})
    return tmp_path


def run(*arguments):
    out = StringIO()
    call_command("event_archive", *arguments, stdout=out)
    return out.getvalue()


def log_rows():
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(e)::text FROM events_event e ORDER BY position")
        return cursor.fetchall()


def test_archived_events_stay_in_the_chain_and_come_back(log):
    before, head = log_rows(), audit.verify().head
    DeliveryFactory(event=Event.objects.get(position=1), state=Delivery.State.DONE, finished_at=NOW)
    archived = run("run", "--days", "365")
    rows = Event.objects.count(), Delivery.objects.count(), ArchivedEvents.objects.count(), len(list(log.iterdir()))
    verified = audit.verify()
    exported = [row["name"] for row in privacy.events_by(USER_ID)]
    texts = str(list(archive.read_rows()))
    again, status = run("run", "--days", "365"), run("status")
    partly = run("restore", "--files", "1")
    verified_partly = audit.verify()
    restored = run("restore")

    assert "7 events archived; 3 files." in archived
    assert rows == (2, 0, 3, 3)
    assert (verified.invalid_position, verified.events, verified.head) == (None, 9, head)
    assert exported == ["task.created"] * 2
    assert "0 events archived; 3 files." in again
    assert status.count("events-") == 3
    assert "Ann" not in texts
    assert "1 events restored; 2 files." in partly
    assert verified_partly.invalid_position is None
    assert "6 events restored; 0 files." in restored
    assert log_rows() == before
    assert list(log.iterdir()) == []


def test_erasure_reaches_archived_events(log):
    run("run", "--days", "365")
    EventFactory(name=redaction.USER_ERASED, subject_type="user", subject_id=USER_ID)
    redaction.redact(USER_ID)
    assign_positions({})
    verified = audit.verify()
    run("restore")

    assert not PersonalData.objects.exists()
    assert (verified.invalid_position, verified.erased) == (None, 2)
    assert audit.verify().invalid_position is None


def test_archiving_stops_before_waiting_events_and_broken_logs(log):
    waiting = DeliveryFactory(event=Event.objects.get(position=3))
    stopped = run("run", "--days", "365")
    waiting.delete()
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        Event.objects.filter(position=5).update(name="forged")
        cursor.execute("SET session_replication_role = DEFAULT")
    before = log_rows()
    with pytest.raises(CommandError, match="position 5"):
        run("run", "--days", "365")
    with pytest.raises(CommandError, match="30 days"):
        run("run", "--days", "1")
    with pytest.raises(DatabaseError), transaction.atomic():
        Event.objects.filter(position=4).delete()

    assert "2 events archived; 1 files." in stopped
    assert log_rows() == before


def test_changed_and_missing_files_are_found(log):
    run("run", "--days", "365")
    storage, [first, second, _] = storages["event_archive"], ArchivedEvents.objects.order_by("first_position")
    with storage.open(second.file_name) as file:
        content = file.read()
    positions = []
    for changed in (content[:-9], content[:20] + b"x" + content[21:], None):
        storage.delete(second.file_name)
        if changed is not None:
            storage.save(second.file_name, ContentFile(changed))
        positions.append(audit.verify().invalid_position)
        with pytest.raises(CommandError):
            run("restore")

    # A file whose end is missing may be read up to its last event.
    assert all(first.last_position < position <= second.last_position + 1 for position in positions)
    assert Event.objects.count() == 3  # of the newest file, which holds
    storage.delete(second.file_name)
    storage.save(second.file_name, ContentFile(content))
    run("restore")
    assert audit.verify().invalid_position is None
    assert Event.objects.count() == 9
