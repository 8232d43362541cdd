"""Personal data: notifications and emails of a user, and the user's name in those of others."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Concat, Length, Substr

from accounts.models import User
from accounts.models.users import ERASED_USER_NAME
from core.privacy import ExportSection, PersonalDataProvider, Row, in_batches
from events.models import Event
from notifications.models import Notification, OutgoingEmail, Preference

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
    columns = ("pk", "to", "kind", "state", "sent_at")
    return in_batches(_emails_of(user_id).values(*columns, of_notification=F("notification__kind")))


def erase(user_id: uuid.UUID, _now: datetime) -> None:
    """Delete the user's own rows, and replace their name in the notifications of others."""
    # Emails first: they are found by the address and the notifications, which are deleted below or by accounts.
    _emails_of(user_id).delete()
    OutgoingEmail.objects.filter(sender_id=user_id).update(sender_id=None)
    Notification.objects.filter(recipient=user_id).delete()
    Preference.objects.filter(user=user_id).delete()
    own_events = Event.objects.filter(pk=OuterRef("event_id"), actor_id=user_id)
    caused = Notification.objects.filter(~Q(actor_name=""), Exists(own_events))
    # A title that names the actor begins with the name (see kinds.TEMPLATES).
    rest = Substr("title", Length("actor_name") + 1)
    caused.filter(title__startswith=F("actor_name")).update(title=Concat(Value(ERASED_USER_NAME), rest))
    caused.update(actor_name=ERASED_USER_NAME)


def _emails_of(user_id: uuid.UUID) -> QuerySet[OutgoingEmail]:
    own_address = User.objects.filter(pk=user_id).values("email")
    return OutgoingEmail.objects.filter(Q(notification__recipient=user_id) | Q(to__in=own_address))


PROVIDER = PersonalDataProvider(
    parts=(
        ExportSection("notifications", "Your notifications.", export_notifications, ("notifications.Notification",)),
        ExportSection("emails", "Emails sent to you.", export_emails, ("notifications.OutgoingEmail",)),
        ExportSection(
            "preferences",
            "Your notification preferences, where they differ from the defaults.",
            lambda user_id: Preference.objects.filter(user=user_id).values("kind", "channel", "enabled"),
            ("notifications.Preference",),
        ),
    ),
    erase=erase,
)
