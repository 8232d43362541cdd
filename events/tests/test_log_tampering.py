"""Changes of the event log: refused to the application's role, found when a superuser makes them."""

from __future__ import annotations

import json
import random
import re
import uuid
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

import events
from events import audit
from events.appending import assign_positions
from events.models import Event, LogHead, PersonalData
from events.redaction import redact
from events.tests.factories import EventFactory
from events.tests.tampering import rehash, superuser

USERS = [uuid.UUID(int=number) for number in range(1, 6)]
ERASED = USERS[0]
GRANTS = Path(events.__file__).parent / "application_role.sql"


def build_log(count=60):
    """A log of users' events, with one legitimate erasure in the middle."""
    for number in range(count):
        actor = USERS[number % len(USERS)]
        payload = {"actor": {"id": str(actor), "name": f"user {number}"}, "title": f"title {number}"}
        EventFactory(actor_id=actor, payload=payload)
        if number == count // 2:
            assign_positions({})
            EventFactory(name="user.erased", subject_type="user", subject_id=ERASED, payload={"actor": None})
            redact(ERASED)
    assign_positions({})


@pytest.mark.django_db
def test_random_tampering_is_always_found():
    """Edits, deletions, swaps, forged erasures and cuts; each also with all later hashes computed anew."""
    build_log()
    stored = {head["position"]: head["hash"] for head in [audit.read_head()]}
    last = max(stored)
    head_mismatches = 0
    rng = random.Random(20260301)

    def at(position):
        return Event.objects.filter(position=position)

    def swap(one, other):
        first, second = (at(position).values("pk", "position").get() for position in (one, other))
        Event.objects.filter(pk=first["pk"]).update(position=10_000)
        Event.objects.filter(pk=second["pk"]).update(position=one)
        Event.objects.filter(pk=first["pk"]).update(position=other)

    def cut(position):
        PersonalData.objects.filter(event__position__gte=position).delete()
        Event.objects.filter(position__gte=position).delete()

    def delete(position):
        PersonalData.objects.filter(event__position=position).delete()
        at(position).delete()

    def pretend_erasure(position):
        PersonalData.objects.filter(event__position=position).delete()
        at(position).update(payload={"actor": None}, commitments={str(ERASED): "0" * 64})

    tampers = {
        "edit": lambda position: at(position).update(payload={"actor": None, "title": "never"}),
        "rename": lambda position: at(position).update(name="task.deleted"),
        "blame": lambda position: at(position).update(actor_id=uuid.uuid4()),
        "date": lambda position: at(position).update(occurred_at="2020-01-01T00:00:00Z"),
        "delete": delete,
        "swap": lambda position: swap(position, position % (last - 1) + 1),
        "cut": cut,
        "erase": pretend_erasure,
    }
    assert audit.verify(stored).invalid_position is None
    for name, tamper in tampers.items():
        for _ in range(6):
            position = rng.randint(1, last - 1)
            for recompute in (False, True):
                with superuser():
                    savepoint = connection.savepoint()
                    tamper(position)
                    if recompute:
                        rehash(1)
                    result = audit.verify(stored)
                    connection.savepoint_rollback(savepoint)
                assert result.invalid_position is not None, (name, position, recompute)
                head_mismatches += result.differs_from_stored_head
    assert audit.verify(stored).invalid_position is None
    # Of the logs that were computed anew most are consistent; only the stored head tells.
    assert head_mismatches > 30


@pytest.mark.django_db
def test_audit_command_compares_with_kept_heads(tmp_path):
    build_log(10)
    heads = tmp_path / "heads"

    def run(*arguments):
        out = StringIO()
        call_command("audit", *arguments, stdout=out)
        return out.getvalue()

    heads.write_text(run("head"))
    EventFactory()
    assign_positions({})
    heads.write_text(heads.read_text() + run("head"))
    EventFactory()
    assign_positions({})

    assert "contains the 2 heads" in run("verify", "--head", str(heads))
    assert "No head was given" in run("verify")
    for text, message in {
        "": "holds no head",
        "12 abc": "not a head",
        '{"position": 1}': "not a head",
        json.dumps({"position": 11, "hash": "0" * 64}): "position 11 it differs",
        json.dumps({"position": 99, "hash": "0" * 64}): "position 14 it differs",
    }.items():
        heads.write_text(text)
        with pytest.raises(CommandError, match=message):
            run("verify", "--head", str(heads))
    with pytest.raises(CommandError, match="cannot be used"):
        run("verify", "--head", str(tmp_path / "nowhere"))


@pytest.mark.django_db
def test_triggers_refuse_changes_of_the_log():
    build_log(10)
    changes = [
        "UPDATE events_event SET payload = '{}' WHERE position = 3",
        "UPDATE events_event SET position = NULL, hash = '' WHERE position = 3",
        "UPDATE events_event SET append_error = 'x' WHERE position = 3",
        "DELETE FROM events_event WHERE position = 3",
        "UPDATE events_loghead SET position = position - 1",
        "UPDATE events_loghead SET hash = repeat('1', 64)",
        "DELETE FROM events_loghead",
        "UPDATE events_personaldata SET data = '[]'",
    ]
    for change in changes:
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(change)
    assert audit.verify().invalid_position is None


@pytest.mark.django_db
def test_application_role_can_only_add_to_the_log():
    build_log(10)
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE taskflow_app_test")
        statements = re.sub(r"--.*", "", GRANTS.read_text()).replace(":role", "taskflow_app_test")
        cursor.execute(statements)
        cursor.execute("SET LOCAL ROLE taskflow_app_test")

    refused = [
        "UPDATE events_event SET name = 'x' WHERE position = 3",
        "UPDATE events_event SET payload = '{}' WHERE position = 3",
        "UPDATE events_event SET occurred_at = now() WHERE position IS NULL",
        "DELETE FROM events_event",
        "TRUNCATE events_event CASCADE",
        "UPDATE events_loghead SET position = 1",
        "DELETE FROM events_loghead",
        "UPDATE events_personaldata SET salt = ''",
        "ALTER TABLE events_event DISABLE TRIGGER USER",
        "DROP TRIGGER event_in_the_log_is_final ON events_event",
        "DROP FUNCTION events_refuse_change() CASCADE",
        "SET session_replication_role = replica",
        "DELETE FROM django_migrations",
    ]
    for statement in refused:
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    # What the application does with the log works with these privileges.
    EventFactory(actor_id=USERS[1], payload={"actor": {"id": str(USERS[1]), "name": "new"}})
    assert len(assign_positions({"task.created": ("one",)})) == 1
    assert redact(USERS[1]) > 1
    assert PersonalData.objects.exists()
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
    assert LogHead.objects.get().position == 12
