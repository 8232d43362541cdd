"""A token that was good: what it is told once its time is over."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings

from accounts.auth.tokens import issue_tokens
from accounts.models import Session
from accounts.tests.factories import SessionFactory
from accounts.tests.fixtures import ApiClient
from core.testing.clock import NOW

pytestmark = pytest.mark.django_db
ME = "/api/v1/me/"


def test_a_token_whose_time_is_over_is_told_so_by_the_code_that_programs_refresh_on(alice, clock):
    pair = issue_tokens(SessionFactory(user=alice, last_seen_at=NOW, expires_at=NOW + timedelta(days=7)))
    client = ApiClient(HTTP_AUTHORIZATION=f"Bearer {pair.access}")
    good = client.get(ME)
    clock.move_to(NOW + settings.SIMPLE_JWT["ACCESS_TOKEN_LIFETIME"])

    over = client.get(ME)
    fresh = ApiClient().post("/api/v1/auth/refresh/", {"refresh": pair.refresh}).json()["access"]

    assert (good.status_code, over.status_code, over.json()["code"]) == (200, 401, "token_not_valid")
    assert over["WWW-Authenticate"].startswith("Bearer")
    assert ApiClient(HTTP_AUTHORIZATION=f"Bearer {fresh}").get(ME).status_code == 200
    assert Session.objects.get().revoked_at is None
