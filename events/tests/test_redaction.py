"""A forgotten person: the log names them no more, is whole, and cannot be rewritten under that excuse."""

from __future__ import annotations

import uuid

import pytest
from django.utils import timezone

from events import selectors
from events.models import Event
from events.redaction import redact
from events.relay import append
from events.tests.factories import EventFactory

pytestmark = pytest.mark.django_db
PERSON, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)
NOW = timezone.now()


def fact(**columns):
    words = {"name": "task.updated", "subject_type": "task", "payload": {}, **columns}
    return EventFactory(**words)


def user(key, name):
    return {"id": str(key), "name": name, "email": f"{name}@example.com", "handle": name}


@pytest.fixture
def log():
    """By Zoe about a task, by Zoe about Zoe, by Ann about Zoe, by Zoe about Ann, by Ann about Ann."""
    zoe, ann = {"id": str(PERSON), "name": "zoe"}, {"id": str(OTHER), "name": "ann"}
    fact(actor_id=PERSON, payload={"actor": zoe, "task": {"id": "t", "title": "Ask ann", "name": "kept"}})
    changes = {"name": ["zoe", "zoe b"], "email": ["zoe@a", "zoe@b"], "theme": ["dark", "light"]}
    fact(subject_id=PERSON, actor_id=PERSON, payload={"actor": zoe, "user": user(PERSON, "zoe"), "changes": changes})
    session = {"id": "s", "device": "Firefox of zoe", "address": "192.0.2.1"}
    fact(subject_id=PERSON, actor_id=OTHER, payload={"actor": ann, "user": user(PERSON, "zoe"), "session": session})
    fact(subject_id=OTHER, actor_id=PERSON, payload={"actor": zoe, "user": user(OTHER, "ann")})
    fact(subject_id=OTHER, actor_id=OTHER, payload={"actor": ann, "user": user(OTHER, "ann")})
    append({})


def erase():
    fact(
        name="user.erased", subject_type="user", subject_id=PERSON, payload={"user": {"id": str(PERSON)}, "actor": None}
    )
    append({})
    return redact(PERSON, now=NOW)


def test_what_named_the_person_is_blank_and_all_else_as_it_was(log):
    kept = Event.objects.order_by("pk").last()

    count = erase()

    by, own, about, of_other, foreign = Event.objects.exclude(name="user.erased").order_by("pk")
    assert count == 4
    assert by.payload["actor"] == {"id": str(PERSON), "name": ""}
    assert by.payload["task"] == {"id": "t", "title": "Ask ann", "name": "kept"}
    assert own.payload["changes"] == {"name": ["", ""], "email": ["", ""], "theme": ["dark", "light"]}
    assert about.payload["actor"]["name"] == "ann"
    assert about.payload["session"] == {"id": "s", "device": "", "address": ""}
    assert of_other.payload["user"] == user(OTHER, "ann")
    assert (foreign, foreign.payload) == (kept, kept.payload)
    assert not Event.objects.filter(payload__icontains="zoe").exists()


def test_the_chain_stays_whole(log):
    erase()
    fact()
    append({})

    assert selectors.first_invalid_position() is None


def test_a_fact_that_waits_for_its_place_is_hashed_as_it_is_then(log):
    fact(actor_id=PERSON, payload={"actor": {"id": str(PERSON), "name": "zoe"}})

    redact(PERSON, now=NOW)
    fact(name="user.erased", subject_type="user", subject_id=PERSON, payload={"user": {"id": str(PERSON)}})
    append({})

    assert selectors.first_invalid_position() is None
    assert Event.objects.filter(redacted_at=None, actor_id=PERSON, position=6).exists()


def test_nobody_who_was_not_erased_can_be_redacted_unnoticed(log):
    erase()

    Event.objects.filter(position=5).update(payload={"actor": None}, redacted_at=NOW)

    assert selectors.first_invalid_position() == 5


@pytest.mark.parametrize(("place", "change", "found"), [(4, {"hash": "0" * 64}, 5), (2, {"position": 99}, 2)])
def test_the_place_of_a_redacted_fact_is_still_checked(place, change, found, log):
    erase()

    Event.objects.filter(position=place).update(**change)

    assert selectors.first_invalid_position() == found


def test_a_redacted_fact_cannot_be_taken_out(log):
    erase()

    Event.objects.filter(position=2).delete()

    assert selectors.first_invalid_position() == 2


def test_an_erasure_that_was_slipped_in_is_found(log):
    Event.objects.filter(position=5).update(payload={"actor": None}, redacted_at=NOW)
    victim = Event.objects.get(position=5)

    Event.objects.filter(position=4).update(name="user.erased", subject_id=victim.actor_id)

    assert selectors.first_invalid_position() == 4
