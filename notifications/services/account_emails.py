"""Mails about somebody's account: queued in the caller's transaction, sealed, and sent like all others."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings

from core.sealing import seal
from notifications.kinds import AccountMail
from notifications.models import OutgoingEmail
from notifications.rendering import SEALED_FOR

KEPT = timedelta(days=30)


def queue_account_email(*, kind: str, to: str, words: dict[str, Any], key: str, now: datetime) -> UUID:
    """Queue one mail; the same `key` of the same kind queues it once. `words` are what its templates name, plain values."""
    digest = hashlib.blake2b(f"{AccountMail(kind)}.{key}".encode(), digest_size=16).hexdigest()
    email = OutgoingEmail(
        kind=AccountMail(kind),
        to=to,
        sealed=seal(json.dumps(words), purpose=SEALED_FOR),
        message_id=f"<{digest}@{settings.MAIL_DOMAIN}>",
        next_attempt_at=now,
    )
    OutgoingEmail.objects.bulk_create([email], ignore_conflicts=True)
    found: UUID = OutgoingEmail.objects.values_list("pk", flat=True).get(message_id=email.message_id)
    return found


def purge_account_emails(*, now: datetime) -> int:
    """Forget those that were sent or given up long ago; returns how many."""
    ended = OutgoingEmail.objects.filter(notification=None, next_attempt_at__lt=now - KEPT)
    removed, _ = ended.exclude(state__in=[OutgoingEmail.State.QUEUED, OutgoingEmail.State.SENDING]).delete()
    return removed
