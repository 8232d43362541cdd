"""Redaction of an erased user: no personal data is left, the chain stays valid, and abuse is found."""

from __future__ import annotations

import uuid

import pytest
from django.utils import timezone

from events import selectors
from events.models import Event
from events.redaction import redact
from events.relay import assign_positions
from events.tests.factories import EventFactory

pytestmark = pytest.mark.django_db
USER, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)
NOW = timezone.now()


def create_event(**columns):
    fields = {"name": "task.updated", "subject_type": "task", "payload": {}, **columns}
    return EventFactory(**fields)


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
    create_event(subject_id=USER, actor_id=OTHER, payload={"actor": ann, "user": user(USER, "zoe"), "session": session})
    create_event(subject_id=OTHER, actor_id=USER, payload={"actor": zoe, "user": user(OTHER, "ann")})
    create_event(subject_id=OTHER, actor_id=OTHER, payload={"actor": ann, "user": user(OTHER, "ann")})
    assign_positions({})


def erase():
    create_event(
        name="user.erased", subject_type="user", subject_id=USER, payload={"user": {"id": str(USER)}, "actor": None}
    )
    assign_positions({})
    return redact(USER, now=NOW)


def test_redaction_blanks_personal_fields_only(log):
    unrelated = Event.objects.order_by("pk").last()

    count = erase()

    by, own, about, of_other, foreign = Event.objects.exclude(name="user.erased").order_by("pk")
    assert count == 4
    assert by.payload["actor"] == {"id": str(USER), "name": ""}
    assert by.payload["task"] == {"id": "t", "title": "Ask ann", "name": "printer"}
    assert own.payload["changes"] == {"name": ["", ""], "email": ["", ""], "theme": ["dark", "light"]}
    assert about.payload["actor"]["name"] == "ann"
    assert about.payload["session"] == {"id": "s", "device": "", "address": ""}
    assert of_other.payload["user"] == user(OTHER, "ann")
    assert (foreign, foreign.payload) == (unrelated, unrelated.payload)
    assert not Event.objects.filter(payload__icontains="zoe").exists()


def test_chain_stays_valid_after_redaction(log):
    erase()
    create_event()
    assign_positions({})

    assert selectors.first_invalid_position() is None


def test_unsequenced_event_is_hashed_after_redaction(log):
    create_event(actor_id=USER, payload={"actor": {"id": str(USER), "name": "zoe"}})

    redact(USER, now=NOW)
    create_event(name="user.erased", subject_type="user", subject_id=USER, payload={"user": {"id": str(USER)}})
    assign_positions({})

    assert selectors.first_invalid_position() is None
    assert Event.objects.filter(redacted_at=None, actor_id=USER, position=6).exists()


def test_redaction_without_erasure_is_found(log):
    erase()

    Event.objects.filter(position=5).update(payload={"actor": None}, redacted_at=NOW)

    assert selectors.first_invalid_position() == 5


@pytest.mark.parametrize(("position", "change", "expected"), [(4, {"hash": "0" * 64}, 5), (2, {"position": 99}, 2)])
def test_position_of_a_redacted_event_is_verified(position, change, expected, log):
    erase()

    Event.objects.filter(position=position).update(**change)

    assert selectors.first_invalid_position() == expected


def test_removal_of_a_redacted_event_is_found(log):
    erase()

    Event.objects.filter(position=2).delete()

    assert selectors.first_invalid_position() == 2


def test_forged_erasure_is_found(log):
    Event.objects.filter(position=5).update(payload={"actor": None}, redacted_at=NOW)
    victim = Event.objects.get(position=5)

    Event.objects.filter(position=4).update(name="user.erased", subject_id=victim.actor_id)

    assert selectors.first_invalid_position() == 4
