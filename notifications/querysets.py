from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self
from uuid import UUID

from django.db.models import Q, QuerySet

if TYPE_CHECKING:
    from notifications.models import Notification, OutgoingEmail

# A sender that has not answered for this long is taken for dead; longer than EMAIL_TIMEOUT by far.
CLAIM_LASTS = timedelta(seconds=60)
# A job that has not begun for this long is taken for lost with its broker, and is handed over again.
HAND_OVER_LASTS = timedelta(seconds=30)


class NotificationQuerySet(QuerySet["Notification"]):
    def of(self, user_id: UUID) -> Self:
        return self.filter(recipient_id=user_id)

    def in_inbox(self) -> Self:
        return self.filter(in_inbox=True)

    def unread(self) -> Self:
        return self.filter(read_at=None)


class OutgoingEmailQuerySet(QuerySet["OutgoingEmail"]):
    def queued(self) -> Self:
        return self.filter(state="queued")

    def abandoned(self, now: datetime) -> Self:
        """Claimed so long ago that the sender must have died between claiming and saying what became of it."""
        return self.filter(state="sending", claimed_at__lt=now - CLAIM_LASTS)

    def claimable(self, now: datetime) -> Self:
        return self.queued() | self.abandoned(now)

    def waiting_for_a_job(self, now: datetime) -> Self:
        """Due or abandoned, and not handed to a worker lately."""
        not_handed_over = Q(handed_over_at=None) | Q(handed_over_at__lt=now - HAND_OVER_LASTS)
        due = self.queued().filter(next_attempt_at__lte=now)
        return (due | self.abandoned(now)).filter(not_handed_over)
