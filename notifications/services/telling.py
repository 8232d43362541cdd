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
from notifications.kinds import MAY, NOBODY, WORDS, Channel, Kind
from notifications.models import Notification, OutgoingEmail
from notifications.subjects import Subject

EXCERPT_LENGTH = 500


@transaction.atomic
def tell(*, event: Event, kind: Kind, user_ids: Iterable[str]) -> list[UUID]:
    """Tell these people, except the actor, those who may not see what it is about, and those who want no news of this kind.

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
    """Active people who can see it where it is now, without the one who acted. Nobody, if it is gone."""
    wanted = {UUID(user_id) for user_id in user_ids} - {event.actor_id}
    return selectors.hearers(wanted, Subject.of(event.payload)) if wanted else []


def _notification(event: Event, kind: Kind, person: User, channels: set[Channel], now: datetime) -> Notification:
    actor = (event.payload.get("actor") or {}).get("name", "")
    about = _about(event.payload)
    return Notification(
        recipient=person,
        kind=kind,
        title=WORDS[kind].headline.format(
            actor=actor or NOBODY,
            key=about.get("task_key"),
            project=about.get("project_name"),
            team=about.get("team_name"),
            may=MAY.get(event.payload.get("role", "")),
        ),
        body=shorten(event.payload.get("excerpt", "")),
        actor_name=actor,
        event_id=event.pk,
        in_inbox=Channel.INBOX in channels,
        created_at=now,
        **about,
    )


def _about(payload: dict[str, Any]) -> dict[str, Any]:
    """The columns that say what a fact is about, and the page where that is seen."""
    if "task" in payload:
        return _about_task(payload["task"])
    if "project" in payload:
        project = payload["project"]
        url = reverse("project-page", kwargs={"key": project["key"]})
        return {"project_id": project["id"], "project_name": project["name"], "url": url}
    # A team has no page of its own: what it is for are the projects that it is in.
    return {"team_id": payload["team"]["id"], "team_name": payload["team"]["name"], "url": reverse("project-list")}


def _about_task(task: dict[str, Any]) -> dict[str, Any]:
    return {
        "task_id": task["id"],
        "task_key": task["key"],
        "task_title": task["title"],
        "project_id": task["project_id"],
        "project_name": task["project_name"],
        "due_date": date.fromisoformat(task["due_date"]) if task.get("due_date") else None,
        "due_at": datetime.fromisoformat(task["due_at"]) if task.get("due_at") else None,
        "url": reverse("task-page", kwargs={"key": task["key"]}),
    }


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
