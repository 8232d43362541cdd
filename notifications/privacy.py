"""What a person was told, and what others were told of them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Concat, Length, Substr

from accounts.models import User
from core.privacy import ExportSection, PersonalDataProvider, Row, in_batches
from events.models import Event
from notifications.models import Notification, OutgoingEmail, Preference

ERASED_USER_NAME = "Former member"
NOTIFICATION_FIELDS = (
    "kind",
    "title",
    "body",
    "task_key",
    "task_title",
    "project_name",
    "team_name",
    "created_at",
    "read_at",
)


def export_notifications(user_id: uuid.UUID) -> Iterator[Row]:
    return in_batches(Notification.objects.filter(recipient=user_id).values("pk", *NOTIFICATION_FIELDS))


def export_emails(user_id: uuid.UUID) -> Iterator[Row]:
    about = F("notification__kind")
    rows = _emails(user_id).values("pk", "to", "kind", "state", "sent_at", of_notification=about)
    return in_batches(rows)


def erase(user_id: uuid.UUID, _now: datetime) -> None:
    _emails(user_id).delete()
    Notification.objects.filter(recipient=user_id).delete()
    Preference.objects.filter(user=user_id).delete()
    by_them = Event.objects.filter(pk=OuterRef("event_id"), actor_id=user_id)
    told_by_name = Notification.objects.filter(~Q(actor_name=""), Exists(by_them))
    # A headline that names who acted begins with them.
    rest = Substr("title", Length("actor_name") + 1)
    told_by_name.filter(title__startswith=F("actor_name")).update(title=Concat(Value(ERASED_USER_NAME), rest))
    told_by_name.update(actor_name=ERASED_USER_NAME)


def _emails(user_id: uuid.UUID) -> QuerySet[OutgoingEmail]:
    address = User.objects.filter(pk=user_id).values("email")
    return OutgoingEmail.objects.filter(Q(notification__recipient=user_id) | Q(to__in=address))


PROVIDER = PersonalDataProvider(
    parts=(
        ExportSection("notifications", "What you were told.", export_notifications, ("notifications.Notification",)),
        ExportSection("emails", "What was mailed to you.", export_emails, ("notifications.OutgoingEmail",)),
        ExportSection(
            "preferences",
            "What you want to be told, where you said so.",
            lambda user: Preference.objects.filter(user=user).values("kind", "channel", "enabled"),
            ("notifications.Preference",),
        ),
    ),
    erase=erase,
)
