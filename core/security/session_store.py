"""Django's sessions, stored under a hash of their key. A copy of the database or of Redis opens none."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.backends.cached_db import SessionStore as CachedStore
from django.db import DatabaseError

from core.clock import current_time

KEY_LENGTH = 40  # of the column; 240 bits


def hash_session_key(key: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest())[:KEY_LENGTH].decode()


class SessionStore(CachedStore):
    cache_key_prefix = "taskflow.sessions."

    @property
    def cache_key(self) -> str:
        return self.cache_key_prefix + hash_session_key(self._get_or_create_session_key())  # type: ignore[attr-defined]

    def create_model_instance(self, data: Any) -> Any:
        row = super().create_model_instance(data)
        row.session_key = hash_session_key(row.session_key)
        return row

    def get_expiry_date(self, **options: Any) -> Any:
        return super().get_expiry_date(**{"modification": current_time(), **options})

    def exists(self, session_key: str) -> bool:
        return bool(session_key) and bool(self.model.objects.filter(session_key=hash_session_key(session_key)).exists())

    def save(self, must_create: bool = False) -> None:
        try:
            super().save(must_create)
        except UpdateError as error:
            # Django takes any error for a row that is gone, which it answers with 400. Only this class means that.
            if type(error.__context__) is DatabaseError or error.__context__ is None:
                raise
            raise error.__context__ from None

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key:
            self.model.objects.filter(session_key=hash_session_key(key)).delete()
            self._cache.delete(self.cache_key_prefix + hash_session_key(key))  # type: ignore[attr-defined]

    def _get_session_from_db(self) -> Any:
        rows = self.model.objects.filter(
            session_key=hash_session_key(self.session_key or ""), expire_date__gt=current_time()
        )
        session = rows.first()
        if session is None:
            # As in Django: a session saved later must not get the key that the client sent (session fixation).
            self._session_key = None
        return session
