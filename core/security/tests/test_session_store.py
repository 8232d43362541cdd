"""A browser's session: its key is in the cookie and nowhere else."""

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


def test_is_found_again_by_its_key_with_and_without_the_cache(store):
    again = SessionStore(store.session_key)["word"]
    cache.clear()

    assert (again, SessionStore(store.session_key)["word"]) == ("kept", "kept")
    assert store.exists(store.session_key)


def test_neither_the_database_nor_redis_holds_the_key(store):
    keys = redis.client().keys()

    assert Session.objects.get().session_key == hash_session_key(store.session_key)
    assert not [key for key in keys if store.session_key in key]
    assert [key for key in keys if hash_session_key(store.session_key) in key]


def test_what_is_kept_opens_nothing(store):
    stolen = SessionStore(hash_session_key(store.session_key))

    assert stolen.get("word") is None
    assert stolen.session_key is None


def test_changes_and_a_new_key_go_along(store):
    before = store.session_key
    store["word"] = "changed"
    store.save()
    store.cycle_key()

    assert SessionStore(store.session_key)["word"] == "changed"
    assert SessionStore(before).get("word") is None
    assert Session.objects.count() == 1


def test_nothing_is_left_after_its_end(store):
    key = store.session_key
    store.flush()

    assert SessionStore(key).get("word") is None
    assert not Session.objects.exists()
    assert not store.exists(key)
