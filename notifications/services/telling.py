"""Telling people of a fact: rows in the consumer's own transaction, at most one per fact, person and kind."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from events.models import Event
from notifications import selectors
from notifications.kinds import NOBODY, WORDS, Channel, Kind
from notifications.models import Notification, OutgoingEmail
from tasks.selectors import readers_among

EXCERPT_LENGTH = 500


@transaction.atomic
def tell(*, event: Event, kind: Kind, user_ids: Iterable[str]) -> list[UUID]:
    """Tell these people, except the actor, those who may not see the task, and those who want no news of this kind.

    Returns the e-mails that wait to be sent. Telling of the same fact again adds nothing and returns them again.
    """
    people = _audience(event, user_ids)
    channels = selectors.channels(kind, [person.pk for person in people])
    now = timezone.now()
    Notification.objects.bulk_create(
        [_notification(event, kind, person, channels[person.pk], now) for person in people if channels[person.pk]],
        ignore_conflicts=True,
    )
    mailed = [person for person in people if Channel.EMAIL in channels[person.pk] and not person.is_service]
    return _queue_emails(mailed, event, kind, now)


def _audience(event: Event, user_ids: Iterable[str]) -> list[User]:
    """Active people who can see the task where it is now, without the one who acted. Nobody, if it is gone."""
    wanted = {UUID(user_id) for user_id in user_ids} - {event.actor_id}
    return readers_among(UUID(event.payload["task"]["id"]), wanted) if wanted else []


def _notification(event: Event, kind: Kind, person: User, channels: set[Channel], now: datetime) -> Notification:
    task: dict[str, Any] = event.payload["task"]
    actor = (event.payload.get("actor") or {}).get("name", "")
    return Notification(
        recipient=person,
        kind=kind,
        title=WORDS[kind].headline.format(actor=actor or NOBODY, key=task["key"]),
        body=shorten(event.payload.get("excerpt", "")),
        url=reverse("task-page", kwargs={"key": task["key"]}),
        actor_name=actor,
        task_id=task["id"],
        task_key=task["key"],
        task_title=task["title"],
        project_id=task["project_id"],
        project_name=task["project_name"],
        due_date=date.fromisoformat(task["due_date"]) if task.get("due_date") else None,
        due_at=datetime.fromisoformat(task["due_at"]) if task.get("due_at") else None,
        event_id=event.pk,
        in_inbox=Channel.INBOX in channels,
        created_at=now,
    )


def shorten(text: str) -> str:
    return text if len(text) <= EXCERPT_LENGTH else f"{text[: EXCERPT_LENGTH - 1].rstrip()}…"


def _queue_emails(people: list[User], event: Event, kind: Kind, now: datetime) -> list[UUID]:
    """Queue one e-mail per notification of these people, also of those who were told by an earlier attempt."""
    told = Notification.objects.filter(event_id=event.pk, kind=kind, recipient__in=people).select_related("recipient")
    emails = [
        OutgoingEmail(
            notification=notification,
            to=notification.recipient.email,
            message_id=message_id(notification),
            next_attempt_at=now,
        )
        for notification in told
    ]
    OutgoingEmail.objects.bulk_create(emails, ignore_conflicts=True)
    waiting = OutgoingEmail.objects.queued().filter(notification__in=told)
    return list(waiting.values_list("pk", flat=True))


def message_id(notification: Notification) -> str:
    """The same fact told to the same person always has the same id, so that a repeated message can be recognised."""
    told = f"{notification.event_id}.{notification.kind}.{notification.recipient_id}"
    # Short, so that no mail program folds the header's line.
    return f"<{hashlib.blake2b(told.encode(), digest_size=16).hexdigest()}@{settings.MAIL_DOMAIN}>"
