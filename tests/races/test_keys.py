"""One key rotated, revoked and noted by many at once, on real transactions."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts import services
from accounts.models import ApiKey
from accounts.services import KeyDraft
from accounts.tests.keys import by_key, minted
from core.errors import Conflict, NotFound
from core.testing.together import refusals, together

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_key_rotated_by_many_has_one_successor(alice, outbox):
    old = minted(alice)

    outcomes = together([lambda: services.rotate_key(actor=alice, key_id=old.key.pk, now=timezone.now())] * 8)

    assert [type(one) for one in refusals(outcomes)] == [Conflict] * 7
    assert ApiKey.objects.count() == 2
    assert outbox.names().count("key.rotated") == 1


def test_a_key_revoked_by_many_ends_once(alice, outbox):
    key = minted(alice)

    outcomes = together([lambda: services.revoke_key(actor=alice, key_id=key.key.pk, now=timezone.now())] * 8)

    assert [type(one) for one in refusals(outcomes)] == [NotFound] * 7
    assert outbox.names().count("key.revoked") == 1


def test_a_key_that_is_rotated_while_it_is_revoked_leaves_nothing_that_nobody_knows_of(alice):
    key = minted(alice)

    rotated, _ = together(
        [
            lambda: services.rotate_key(actor=alice, key_id=key.key.pk, now=timezone.now()),
            lambda: services.revoke_key(actor=alice, key_id=key.key.pk, now=timezone.now()),
        ]
    )

    assert by_key(key.text).get("/api/v1/me/").status_code == 401
    successors = ApiKey.objects.filter(replaces=key.key).count()
    assert successors == (0 if isinstance(rotated, NotFound) else 1)


def test_its_use_noted_by_many_is_noted_and_told_once(alice, outbox):
    key = minted(alice)
    now = timezone.now()

    together([lambda: services.note_key_use(key_id=key.key.pk, address="192.0.2.1", now=now)] * 8)

    assert outbox.names().count("key.used") == 1
    assert ApiKey.objects.get().last_used_at == now


def test_the_most_keys_are_no_more_when_many_are_made_at_once(alice, monkeypatch):
    monkeypatch.setattr("accounts.services.keys.MOST_OPEN", 3)
    draft = KeyDraft(name="Importer", scopes=["tasks:read"])

    outcomes = together([lambda: services.create_key(actor=alice, draft=draft, now=timezone.now())] * 8)

    assert [type(one) for one in refusals(outcomes)] == [Conflict] * 5
    assert ApiKey.objects.count() == 3
