"""Access and refresh tokens of a session."""

from __future__ import annotations

from datetime import timedelta

import jwt
import pytest
from django.conf import settings

from accounts.auth.sessions.services import issue_tokens, read_refresh
from accounts.tests.factories import SessionFactory
from core.errors import NotAuthenticated
from core.security.tokens import read_access_token
from core.testing.clock import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def claims_of(token):
    return jwt.decode(token, options={"verify_signature": False, "verify_exp": False})


def session(**columns):
    return SessionFactory(**{"last_seen_at": NOW, "expires_at": NOW + timedelta(days=30)} | columns)


def test_refresh_token_is_derived_from_the_session_row(clock):
    row = session()
    first = issue_tokens(row).refresh
    clock.move_to(NOW + timedelta(hours=1))

    assert issue_tokens(row).refresh == first
    assert claims_of(first) == {
        "token_type": "refresh",
        "sub": str(row.user_id),
        "sid": str(row.pk),
        "jti": row.refresh_jti,
        "iat": NOW.timestamp(),
        "exp": (NOW + settings.SESSION_IDLE_TIMEOUT).timestamp(),
        "aud": settings.SIMPLE_JWT["AUDIENCE"],
        "iss": settings.SIMPLE_JWT["ISSUER"],
    }


def test_refresh_token_expires_with_its_session():
    row = session(expires_at=NOW + timedelta(hours=2))

    assert claims_of(issue_tokens(row).refresh)["exp"] == (NOW + timedelta(hours=2)).timestamp()


def test_access_token_expires_even_if_read_before(clock):
    row = session()
    token = issue_tokens(row).access
    claims = read_access_token(token.encode())
    clock.move_to(NOW + settings.SIMPLE_JWT["ACCESS_TOKEN_LIFETIME"] - timedelta(seconds=1))
    again = read_access_token(token.encode())
    clock.move_to(NOW + settings.SIMPLE_JWT["ACCESS_TOKEN_LIFETIME"])

    assert (claims.session_id, claims.user_id) == (str(row.pk), str(row.user_id))
    assert (again, read_access_token(token.encode())) == (claims, None)


def test_access_and_refresh_tokens_are_not_interchangeable():
    pair = issue_tokens(session())

    assert read_access_token(pair.refresh.encode()) is None
    with pytest.raises(NotAuthenticated) as error:
        read_refresh(pair.access)
    assert error.value.code == "token_not_valid"
