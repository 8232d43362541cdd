"""Fixtures for settings and outages that several login tests share."""

from __future__ import annotations

import pytest
from django.conf import settings as live_settings
from django.core.cache import caches

from core import rate_limits, redis


@pytest.fixture
def verified_email_required(settings):
    settings.REQUIRE_VERIFIED_EMAIL = True


@pytest.fixture
def no_window_limits(settings):
    """Raise the limits per window, so that the growing backoff alone applies."""
    settings.LOGIN_RATE_PER_ADDRESS = settings.LOGIN_RATE_PER_ACCOUNT = settings.MFA_RATE = "1000/m"


@pytest.fixture
def unreachable_redis(settings, monkeypatch):
    """Let every connection to Redis fail, with empty process-local rate limits."""
    url = "redis://127.0.0.1:1/0"
    settings.CACHES = {**live_settings.CACHES, "default": {**live_settings.CACHES["default"], "LOCATION": url}}
    settings.REDIS_URL = url
    redis.client.cache_clear()
    monkeypatch.setattr(rate_limits, "_local_limiter", rate_limits._LocalLimiter())
    yield
    caches.close_all()
    redis.client.cache_clear()
