"""From a stored row to a message: nothing here asks another table than the recipient's own."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.defaultfilters import date as format_date
from django.template.loader import render_to_string
from django.urls import reverse

from core.security.encryption import decrypt
from notifications.kinds import TEMPLATES, Kind
from notifications.models import Notification, OutgoingEmail

MAX_SUBJECT_LENGTH = 180
ENCRYPTION_PURPOSE = "mails"


def compose(email: OutgoingEmail) -> EmailMultiAlternatives:
    """Return the message of this row: text and HTML, with the Message-ID the row has had from its beginning."""
    if email.notification is None:
        return _message(email, email.kind, _account_context(email), {})
    context = _notification_context(email.notification)
    headers = {
        # The thread has no first message; naming one all the same keeps a task's mails together.
        "References": f"<{_thread_id(email.notification)}@{settings.MAIL_DOMAIN}>",
        "List-Unsubscribe": f"<{context['settings_link']}>",
    }
    return _message(email, email.notification.kind, context, headers)


def _message(
    email: OutgoingEmail, kind: str, context: dict[str, Any], headers: dict[str, str]
) -> EmailMultiAlternatives:
    context["subject"] = _to_single_line(_render_part(kind, "subject.txt", context))
    message = EmailMultiAlternatives(
        subject=context["subject"],
        body=f"{_render_part(kind, 'body.txt', context).strip()}\n",
        to=[email.to],
        headers={
            "Message-ID": email.message_id,
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
            **headers,
        },
    )
    message.attach_alternative(_render_part(kind, "body.html", context), "text/html")
    return message


def _thread_id(notification: Notification) -> str:
    if notification.task_id:
        return f"task.{notification.task_id}"
    return f"project.{notification.project_id}" if notification.project_id else f"team.{notification.team_id}"


def _render_part(kind: str, name: str, context: dict[str, Any]) -> str:
    return render_to_string(f"emails/{kind}/{name}", context)


def _to_single_line(subject: str) -> str:
    """Fold any white space or control character to one space: a subject is a header, and a header is one line."""
    line = re.sub(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", subject).strip()
    return line if len(line) <= MAX_SUBJECT_LENGTH else f"{line[: MAX_SUBJECT_LENGTH - 1]}…"


def _account_context(email: OutgoingEmail) -> dict[str, Any]:
    """What was sealed; a value that ends in `_path` becomes a link, one that ends in `_at` an instant in words."""
    context: dict[str, Any] = json.loads(decrypt(email.encrypted_payload, purpose=ENCRYPTION_PURPOSE))
    for name, value in list(context.items()):
        if name.endswith("_path"):
            context[f"{name.removesuffix('_path')}_link"] = f"{settings.SITE_URL}{value}"
        elif name.endswith("_at"):
            context[name] = _format_datetime(datetime.fromisoformat(value), context.get("time_zone", "UTC"))
    return {"site": settings.SITE_URL, **context}


def _notification_context(notification: Notification) -> dict[str, Any]:
    kind = Kind(notification.kind)
    return {
        "headline": notification.title,
        "preview": notification.body or notification.subject,
        "actor_name": notification.actor_name,
        "task_key": notification.task_key,
        "task_title": notification.task_title,
        "project_name": notification.project_name,
        "target_name": notification.subject,
        "target_kind": "Team" if notification.team_id else "Project",
        "action_label": _action_label(notification),
        "excerpt": notification.body,
        "due": format_due(notification),
        "due_class": "late" if kind == Kind.DUE_SOON else "",
        "task_class": "task-due-soon" if kind == Kind.DUE_SOON else "",
        "link": f"{settings.SITE_URL}{notification.url}",
        "settings_link": f"{settings.SITE_URL}{reverse('settings-notifications')}",
        "reason": TEMPLATES[kind].reason,
    }


def _action_label(notification: Notification) -> str:
    if notification.task_id:
        return f"Open {notification.task_key}"
    return "View projects" if notification.team_id else "Open project"


def format_due(notification: Notification) -> str:
    """Return the due day, or the due instant on the recipient's own clock."""
    if notification.due_at is not None:
        return _format_datetime(notification.due_at, notification.recipient.time_zone)
    return format_date(notification.due_date, "D j M Y") if notification.due_date else ""


def _format_datetime(instant: datetime, time_zone: str) -> str:
    try:
        local = instant.astimezone(ZoneInfo(time_zone))
    except (ZoneInfoNotFoundError, ValueError):
        local = instant
    return format_date(local, "D j M Y, H:i T")
