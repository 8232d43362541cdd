"""Concurrent rotation, revocation and use of one API key, on real transactions."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts.api_keys import services as api_keys
from accounts.api_keys.services import KeySpec
from accounts.models import ApiKey
from accounts.tests.api_keys import api_key_client, create_api_key
from core.errors import Conflict, NotFound
from core.testing.concurrency import errors_of_type, run_concurrently

pytestmark = pytest.mark.django_db(transaction=True)


def test_key_rotated_by_many_has_one_successor(alice, outbox):
    old = create_api_key(alice)

    outcomes = run_concurrently([lambda: api_keys.rotate_key(actor=alice, key_id=old.key.pk, now=timezone.now())] * 8)

    assert [type(error) for error in errors_of_type(outcomes)] == [Conflict] * 7
    assert ApiKey.objects.count() == 2
    assert outbox.names().count("api_key.rotated") == 1


def test_key_revoked_by_many_is_revoked_once(alice, outbox):
    key = create_api_key(alice)

    outcomes = run_concurrently([lambda: api_keys.revoke_key(actor=alice, key_id=key.key.pk, now=timezone.now())] * 8)

    assert [type(error) for error in errors_of_type(outcomes)] == [NotFound] * 7
    assert outbox.names().count("api_key.revoked") == 1


def test_key_rotated_during_revocation_has_no_orphan_successor(alice):
    key = create_api_key(alice)

    rotated, _ = run_concurrently(
        [
            lambda: api_keys.rotate_key(actor=alice, key_id=key.key.pk, now=timezone.now()),
            lambda: api_keys.revoke_key(actor=alice, key_id=key.key.pk, now=timezone.now()),
        ]
    )

    assert api_key_client(key.text).get("/api/v1/me/").status_code == 401
    successors = ApiKey.objects.filter(replaces=key.key).count()
    assert successors == (0 if isinstance(rotated, NotFound) else 1)


def test_key_use_recorded_by_many_is_published_once(alice, outbox):
    key = create_api_key(alice)
    now = timezone.now()

    run_concurrently([lambda: api_keys.record_key_use(key_id=key.key.pk, address="192.0.2.1", now=now)] * 8)

    assert outbox.names().count("api_key.used") == 1
    assert ApiKey.objects.get().last_used_at == now


def test_active_key_limit_holds_for_concurrent_creates(alice, monkeypatch):
    monkeypatch.setattr("accounts.api_keys.services.MAX_ACTIVE", 3)
    spec = KeySpec(name="Importer", scopes=["tasks:read"])

    outcomes = run_concurrently([lambda: api_keys.create_key(actor=alice, spec=spec, now=timezone.now())] * 8)

    assert [type(error) for error in errors_of_type(outcomes)] == [Conflict] * 5
    assert ApiKey.objects.count() == 3
