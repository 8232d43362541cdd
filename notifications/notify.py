"""Create notifications for an event: at most one per event, recipient and kind."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext

from accounts.models import User
from core.db import database_now
from core.text import truncate
from events.models import Event
from notifications import recipients
from notifications.email import batching
from notifications.kinds import ROLE_ABILITIES, TEMPLATES, UNKNOWN_ACTOR, Channel, Kind
from notifications.models import Notification, NotificationTarget, OutgoingEmail
from notifications.preferences import selectors as preferences_selectors

# A reader of the inbox or an email decides by the first lines; the whole comment is one click away.
MAX_EXCERPT_LENGTH = 500


@transaction.atomic
def notify(*, event: Event, kind: Kind, user_ids: Iterable[str]) -> list[UUID]:
    """Notify these users, by the channels they chose for this kind.

    The actor, users who cannot see the target and users who turned the kind off are left out. Returns the ids of the
    emails to send now. A repeated call for the same event creates nothing and returns those that are still queued.
    """
    candidate_ids = {UUID(user_id) for user_id in user_ids} - {event.actor_id}
    if not candidate_ids:
        return []
    users = recipients.eligible_recipients(candidate_ids, NotificationTarget.from_payload(event.payload))
    channels = preferences_selectors.channels_by_user(kind, [user.pk for user in users])
    now = database_now()
    # The unique constraint on event, recipient and kind makes a repeated delivery harmless.
    Notification.objects.bulk_create(
        [_build_notification(event, kind, user, channels[user.pk], now) for user in users if channels[user.pk]],
        ignore_conflicts=True,
    )
    # Service accounts have no mailbox.
    mailed = [user for user in users if Channel.EMAIL in channels[user.pk] and not user.is_service]
    notifications = Notification.objects.filter(event_id=event.pk, kind=kind, recipient__in=mailed)
    # Also those that an earlier attempt created.
    batching.schedule(list(notifications.select_related("recipient")), kind=kind, sender_id=event.actor_id, now=now)
    # A sweep enqueues those that are due later.
    due = OutgoingEmail.objects.queued().filter(notification__in=notifications, next_attempt_at__lte=now)
    return list(due.values_list("pk", flat=True))


def _build_notification(event: Event, kind: Kind, user: User, channels: set[Channel], now: datetime) -> Notification:
    # Events of the system, such as "due soon", have no actor.
    actor_name = (event.payload.get("actor") or {}).get("name", "")
    excerpt = event.payload.get("excerpt", "")
    if task := event.payload.get("task"):
        target = {
            "task_id": task["id"],
            "task_key": task["key"],
            "task_title": task["title"],
            "project_id": task["project_id"],
            "project_name": task["project_name"],
            "due_date": date.fromisoformat(task["due_date"]) if task.get("due_date") else None,
            "due_at": datetime.fromisoformat(task["due_at"]) if task.get("due_at") else None,
            "url": reverse("task-detail", kwargs={"key": task["key"]}),
        }
    elif project := event.payload.get("project"):
        url = reverse("project-detail", kwargs={"key": project["key"]})
        target = {"project_id": project["id"], "project_name": project["name"], "url": url}
    else:
        # Teams have no page of their own; their members look for the team's projects.
        team = event.payload["team"]
        target = {"team_id": team["id"], "team_name": team["name"], "url": reverse("project-list")}
    with translation.override(user.language):
        title = gettext(TEMPLATES[kind].headline).format(
            actor=actor_name or gettext(UNKNOWN_ACTOR),
            key=target.get("task_key"),
            project=target.get("project_name"),
            team=target.get("team_name"),
            filter=event.payload.get("filter_name"),
            abilities=gettext(ROLE_ABILITIES.get(event.payload.get("role", ""), "")),
        )
    return Notification(
        recipient=user,
        kind=kind,
        title=title,
        body=truncate(excerpt, MAX_EXCERPT_LENGTH),
        actor_name=actor_name,
        event_id=event.pk,
        in_inbox=Channel.INBOX in channels,
        created_at=now,
        **target,
    )
