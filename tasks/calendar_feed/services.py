"""Creating and revoking the calendar feed of a user."""

from __future__ import annotations

import secrets
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from accounts.auth.security_notifications import notify_security_change
from accounts.models import User
from core.security.hashing import sha256_hex
from tasks.calendar_feed.selectors import FeedState
from tasks.models import CalendarFeed

TOKEN_BYTES = 32


@transaction.atomic
def create(*, actor: User, now: datetime) -> FeedState:
    """Create the actor's feed; one that exists is replaced, and its address stops working."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    values = {"token_digest": sha256_hex(token), "created_at": now}
    CalendarFeed.objects.update_or_create(user=actor, defaults=values)
    # To the security log and by email, as for an API key: who has the link needs no password.
    notify_security_change(user=actor, change="calendar_link_created", now=now)
    return FeedState(created_at=now, url=f"{settings.SITE_URL}{reverse('calendar-feed')}?token={token}")


def revoke(*, actor: User) -> None:
    """Revoke the actor's feed: its address stops working at once."""
    CalendarFeed.objects.filter(user=actor).delete()
