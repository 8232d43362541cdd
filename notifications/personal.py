"""What a person was told, and what others were told of them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Concat, Length, Substr

from accounts.models import User
from core.personal import Keeper, Part, Row, in_batches
from events.models import Event
from notifications.models import Notification, OutgoingEmail, Preference

FORMER = "Former member"
TOLD = ("kind", "title", "body", "task_key", "task_title", "project_name", "team_name", "created_at", "read_at")


def told(person_id: uuid.UUID) -> Iterator[Row]:
    return in_batches(Notification.objects.filter(recipient=person_id).values("pk", *TOLD))


def emails_to(person_id: uuid.UUID) -> Iterator[Row]:
    about = F("notification__kind")
    rows = _emails(person_id).values("pk", "to", "kind", "state", "sent_at", of_notification=about)
    return in_batches(rows)


def forget(person_id: uuid.UUID, _now: datetime) -> None:
    _emails(person_id).delete()
    Notification.objects.filter(recipient=person_id).delete()
    Preference.objects.filter(user=person_id).delete()
    by_them = Event.objects.filter(pk=OuterRef("event_id"), actor_id=person_id)
    told_by_name = Notification.objects.filter(~Q(actor_name=""), Exists(by_them))
    # A headline that names who acted begins with them.
    rest = Substr("title", Length("actor_name") + 1)
    told_by_name.filter(title__startswith=F("actor_name")).update(title=Concat(Value(FORMER), rest))
    told_by_name.update(actor_name=FORMER)


def _emails(person_id: uuid.UUID) -> QuerySet[OutgoingEmail]:
    address = User.objects.filter(pk=person_id).values("email")
    return OutgoingEmail.objects.filter(Q(notification__recipient=person_id) | Q(to__in=address))


KEEPER = Keeper(
    parts=(
        Part("notifications", "What you were told.", told, ("notifications.Notification",)),
        Part("emails", "What was mailed to you.", emails_to, ("notifications.OutgoingEmail",)),
        Part(
            "preferences",
            "What you want to be told, where you said so.",
            lambda person: Preference.objects.filter(user=person).values("kind", "channel", "enabled"),
            ("notifications.Preference",),
        ),
    ),
    forget=forget,
)
