"""The error that makes API clients refresh their access token."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings

from accounts.auth.sessions.services import issue_tokens
from accounts.models import Session
from accounts.tests.factories import SessionFactory
from accounts.tests.fixtures import ApiClient
from core.testing.clock import NOW

pytestmark = pytest.mark.django_db
ME = "/api/v1/me/"


def test_expired_access_token_is_rejected_until_refreshed(alice, clock):
    pair = issue_tokens(SessionFactory(user=alice, last_seen_at=NOW, expires_at=NOW + timedelta(days=7)))
    client = ApiClient(HTTP_AUTHORIZATION=f"Bearer {pair.access}")
    valid = client.get(ME)
    clock.move_to(NOW + settings.SIMPLE_JWT["ACCESS_TOKEN_LIFETIME"])

    expired = client.get(ME)
    fresh = ApiClient().post("/api/v1/auth/refresh/", {"refresh": pair.refresh}).json()["access"]

    assert (valid.status_code, expired.status_code, expired.json()["code"]) == (200, 401, "token_not_valid")
    assert expired["WWW-Authenticate"].startswith("Bearer")
    assert ApiClient(HTTP_AUTHORIZATION=f"Bearer {fresh}").get(ME).status_code == 200
    assert Session.objects.get().revoked_at is None
