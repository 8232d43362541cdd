"""Redaction of an erased user: no personal data is left, the chain stays valid, and abuse is found."""

from __future__ import annotations

import uuid

import pytest
from django.db import connection

from events import audit
from events.appending import assign_positions
from events.models import Event, PersonalData
from events.redaction import redact
from events.tests.factories import EventFactory
from events.tests.tampering import superuser

pytestmark = pytest.mark.django_db
USER, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)


def create_event(*, subject_id=None, **columns):
    about_user = {"subject_type": "user", "subject_id": subject_id} if subject_id else {"subject_type": "task"}
    return EventFactory(**{"name": "task.updated", "payload": {}, **about_user, **columns})


def user(key, name):
    return {"id": str(key), "name": name, "email": f"{name}@example.com", "handle": name}


@pytest.fixture
def log():
    """Events by and about two users.

    By Zoe about a task, by Zoe about Zoe, by Ann about Zoe, by Zoe about Ann, by Ann about Ann.
    """
    zoe, ann = {"id": str(USER), "name": "zoe"}, {"id": str(OTHER), "name": "ann"}
    create_event(actor_id=USER, payload={"actor": zoe, "task": {"id": "t", "title": "Ask ann", "name": "printer"}})
    changes = {"name": ["zoe", "zoe b"], "email": ["zoe@a", "zoe@b"], "theme": ["dark", "light"]}
    create_event(subject_id=USER, actor_id=USER, payload={"actor": zoe, "user": user(USER, "zoe"), "changes": changes})
    session = {"id": "s", "device": "Firefox of zoe", "address": "192.0.2.1"}
    payload = {"actor": ann, "user": user(USER, "zoe"), "session": session, "address": "192.0.2.2"}
    create_event(subject_id=USER, actor_id=OTHER, payload=payload)
    create_event(subject_id=OTHER, actor_id=USER, payload={"actor": zoe, "user": user(OTHER, "ann")})
    create_event(subject_id=OTHER, actor_id=OTHER, payload={"actor": ann, "user": user(OTHER, "ann")})
    assign_positions({})


def erase():
    create_event(name="user.erased", subject_id=USER, payload={"user": {"id": str(USER)}, "actor": None})
    assign_positions({})
    return redact(USER)


def stored_text():
    """All that the log's tables say, as text."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT events_event::text FROM events_event UNION ALL SELECT data::text FROM events_personaldata"
        )
        return "\n".join(row[0] for row in cursor.fetchall())


def test_appended_event_is_read_with_personal_values(log):
    by, own, about, *_ = Event.objects.order_by("pk")

    assert by.payload == {
        "actor": {"id": str(USER), "name": "zoe"},
        "task": {"id": "t", "title": "Ask ann", "name": "printer"},
    }
    assert own.payload["changes"] == {"name": ["zoe", "zoe b"], "email": ["zoe@a", "zoe@b"], "theme": ["dark", "light"]}
    assert (about.payload["address"], about.payload["session"]["device"]) == ("192.0.2.2", "Firefox of zoe")
    public = list(Event.objects.order_by("pk").values_list("payload", flat=True))
    assert "zoe" not in str(public[:3])
    assert "192.0.2" not in str(public)
    by.refresh_from_db()
    assert by.payload["actor"]["name"] == "zoe"


def test_redaction_blanks_personal_fields_only(log):
    unrelated = Event.objects.order_by("pk").last()

    count = erase()

    by, own, about, of_other, foreign = Event.objects.exclude(name="user.erased").order_by("pk")
    assert count == 4
    assert by.payload["actor"] == {"id": str(USER), "name": ""}
    assert by.payload["task"] == {"id": "t", "title": "Ask ann", "name": "printer"}
    assert own.payload["changes"] == {"name": ["", ""], "email": ["", ""], "theme": ["dark", "light"]}
    assert (about.payload["actor"]["name"], about.payload["address"]) == ("ann", "")
    assert about.payload["session"] == {"id": "s", "device": "", "address": ""}
    assert of_other.payload["user"] == user(OTHER, "ann")
    assert (foreign, foreign.payload) == (unrelated, unrelated.payload)
    assert "zoe" not in stored_text()
    assert "192.0.2" not in stored_text()


def test_chain_stays_valid_after_redaction(log):
    hashes = list(Event.objects.order_by("position").values_list("hash", flat=True))
    erase()
    create_event()
    assign_positions({})

    result = audit.verify()

    assert (result.invalid_position, result.erased, result.events) == (None, 4, 7)
    assert list(Event.objects.order_by("position").values_list("hash", flat=True))[:5] == hashes


def test_unsequenced_event_is_hashed_after_redaction(log):
    create_event(actor_id=USER, payload={"actor": {"id": str(USER), "name": "zoe"}})
    create_event(subject_id=OTHER, actor_id=USER, payload={"actor": {"id": str(USER), "name": "zoe"}, "address": "::1"})

    count = redact(USER)
    create_event(name="user.erased", subject_id=USER, payload={"user": {"id": str(USER)}})
    assign_positions({})

    assert (count, audit.verify().invalid_position) == (6, None)
    assert "zoe" not in stored_text()
    assert Event.objects.get(position=7).payload["address"] == "::1"


def test_tampering_with_personal_data_is_found(log):
    erase()
    part = PersonalData.objects.filter(user_id=OTHER).latest("event_id")
    changes = {
        "deletion": lambda: PersonalData.objects.filter(pk=part.pk).delete(),
        "other values": lambda: PersonalData.objects.filter(pk=part.pk).update(data=[[["user", "name"], "eve"]]),
        "other salt": lambda: PersonalData.objects.filter(pk=part.pk).update(salt=b"0" * 16),
        "other event": lambda: PersonalData.objects.filter(pk=part.pk).update(event=Event.objects.get(position=1)),
        "other user": lambda: PersonalData.objects.filter(pk=part.pk).update(user_id=USER),
        "new part": lambda: PersonalData.objects.create(event=part.event, user_id=USER, salt=b"1", data=[]),
        "no commitments": lambda: Event.objects.filter(pk=part.event_id).update(commitments={}),
    }
    for name, change in changes.items():
        with superuser():
            savepoint = connection.savepoint()
            change()
            invalid = audit.verify().invalid_position
            connection.savepoint_rollback(savepoint)
        assert invalid in {1, 5}, name
    assert audit.verify().invalid_position is None


def test_erased_event_cannot_be_changed_unnoticed(log):
    erase()
    changes = [
        (1, {"payload": {"actor": None, "task": {"title": "Never asked"}}}),
        (2, {"name": "task.deleted"}),
        (3, {"actor_id": None}),
        (4, {"hash": "0" * 64}),
        (2, {"position": 99}),
        (5, {"payload": {"actor": None}, "commitments": {str(USER): "0" * 64}}),
    ]
    for position, change in changes:
        with superuser():
            savepoint = connection.savepoint()
            Event.objects.filter(position=position).update(**change)
            invalid = audit.verify().invalid_position
            connection.savepoint_rollback(savepoint)
        assert invalid == position, change
    with superuser():
        Event.objects.filter(position=2).delete()
    assert audit.verify().invalid_position == 2


def test_forged_erasure_is_found(log):
    with superuser():
        PersonalData.objects.filter(user_id=OTHER).delete()
        Event.objects.filter(position=4).update(name="user.erased", subject_id=OTHER)

    assert audit.verify().invalid_position == 4
