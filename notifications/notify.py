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
from notifications import recipients
from notifications.kinds import ROLE_ABILITIES, TEMPLATES, UNKNOWN_ACTOR, Channel, Kind
from notifications.models import Notification, NotificationTarget, OutgoingEmail
from notifications.preferences import selectors as preferences_selectors

MAX_EXCERPT_LENGTH = 500


@transaction.atomic
def notify(*, event: Event, kind: Kind, user_ids: Iterable[str]) -> list[UUID]:
    """Tell these people, except the actor, those who may not see what it is about, and those who want no news of this kind.

    Returns the e-mails that wait to be sent. Telling of the same fact again adds nothing and returns them again.
    """
    people = _recipients(event, user_ids)
    channels = preferences_selectors.channels_by_user(kind, [user.pk for user in people])
    now = timezone.now()
    Notification.objects.bulk_create(
        [_build_notification(event, kind, user, channels[user.pk], now) for user in people if channels[user.pk]],
        ignore_conflicts=True,
    )
    mailed = [user for user in people if Channel.EMAIL in channels[user.pk] and not user.is_service]
    return _enqueue_emails(mailed, event, kind, now)


def _recipients(event: Event, user_ids: Iterable[str]) -> list[User]:
    """Active people who can see it where it is now, without the one who acted. Nobody, if it is gone."""
    wanted = {UUID(user_id) for user_id in user_ids} - {event.actor_id}
    return recipients.eligible_recipients(wanted, NotificationTarget.from_payload(event.payload)) if wanted else []


def _build_notification(event: Event, kind: Kind, user: User, channels: set[Channel], now: datetime) -> Notification:
    actor = (event.payload.get("actor") or {}).get("name", "")
    about = _target_fields(event.payload)
    return Notification(
        recipient=user,
        kind=kind,
        title=TEMPLATES[kind].headline.format(
            actor=actor or UNKNOWN_ACTOR,
            key=about.get("task_key"),
            project=about.get("project_name"),
            team=about.get("team_name"),
            abilities=ROLE_ABILITIES.get(event.payload.get("role", "")),
        ),
        body=truncate(event.payload.get("excerpt", "")),
        actor_name=actor,
        event_id=event.pk,
        in_inbox=Channel.INBOX in channels,
        created_at=now,
        **about,
    )


def _target_fields(payload: dict[str, Any]) -> dict[str, Any]:
    """The columns that say what a fact is about, and the page where that is seen."""
    if "task" in payload:
        return _task_fields(payload["task"])
    if "project" in payload:
        project = payload["project"]
        url = reverse("project-detail", kwargs={"key": project["key"]})
        return {"project_id": project["id"], "project_name": project["name"], "url": url}
    # A team has no page of its own: what it is for are the projects that it is in.
    return {"team_id": payload["team"]["id"], "team_name": payload["team"]["name"], "url": reverse("project-list")}


def _task_fields(task: dict[str, Any]) -> dict[str, Any]:
    return {
        "task_id": task["id"],
        "task_key": task["key"],
        "task_title": task["title"],
        "project_id": task["project_id"],
        "project_name": task["project_name"],
        "due_date": date.fromisoformat(task["due_date"]) if task.get("due_date") else None,
        "due_at": datetime.fromisoformat(task["due_at"]) if task.get("due_at") else None,
        "url": reverse("task-detail", kwargs={"key": task["key"]}),
    }


def truncate(text: str) -> str:
    return text if len(text) <= MAX_EXCERPT_LENGTH else f"{text[: MAX_EXCERPT_LENGTH - 1].rstrip()}…"


def _enqueue_emails(people: list[User], event: Event, kind: Kind, now: datetime) -> list[UUID]:
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
