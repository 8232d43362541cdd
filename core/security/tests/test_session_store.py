"""The session store: the key is in the cookie only."""

from __future__ import annotations

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache

from core import redis
from core.security.session_store import SessionStore, hash_session_key

pytestmark = pytest.mark.django_db


@pytest.fixture
def store():
    made = SessionStore()
    made["word"] = "kept"
    made.save()
    return made


def test_session_is_loaded_with_and_without_the_cache(store):
    again = SessionStore(store.session_key)["word"]
    cache.clear()

    assert (again, SessionStore(store.session_key)["word"]) == ("kept", "kept")
    assert store.exists(store.session_key)


def test_session_key_is_stored_nowhere(store):
    keys = redis.client().keys()

    assert Session.objects.get().session_key == hash_session_key(store.session_key)
    assert not [key for key in keys if store.session_key in key]
    assert [key for key in keys if hash_session_key(store.session_key) in key]


def test_stored_hash_opens_no_session(store):
    stolen = SessionStore(hash_session_key(store.session_key))

    assert stolen.get("word") is None
    assert stolen.session_key is None


def test_changes_survive_a_new_session_key(store):
    before = store.session_key
    store["word"] = "changed"
    store.save()
    store.cycle_key()

    assert SessionStore(store.session_key)["word"] == "changed"
    assert SessionStore(before).get("word") is None
    assert Session.objects.count() == 1


def test_deleted_session_leaves_nothing(store):
    key = store.session_key
    store.flush()

    assert SessionStore(key).get("word") is None
    assert not Session.objects.exists()
    assert not store.exists(key)
