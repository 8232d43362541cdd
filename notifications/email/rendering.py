"""Render a stored email as a message with text and HTML parts.

Everything comes from the row, its notifications and the recipient; no other table is read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.defaultfilters import date as format_date
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext

from core import markdown
from core.security.encryption import decrypt
from core.text import single_line, truncate
from notifications.kinds import TEMPLATES, AccountEmailKind, Kind
from notifications.models import Notification, OutgoingEmail

# Longer ones are cut by mail programs anyway; a header line may have 998 characters (RFC 5322, section 2.1.1).
MAX_SUBJECT_LENGTH = 180
# All but line breaks and tabs: a terminal that shows the text part would obey them.
CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# Changing it makes all queued account emails unreadable.
ENCRYPTION_PURPOSE = "mails"


def compose(
    email: OutgoingEmail, notifications: Sequence[Notification] = (), *, more: int = 0
) -> EmailMultiAlternatives:
    """Return the message of this row, with its stored Message-ID.

    `notifications` are those it lists, by default the first alone; there are `more` that it does not list.
    """
    if not notifications and email.notification:
        notifications = [email.notification]
    payload = {} if notifications else json.loads(decrypt(email.encrypted_payload, purpose=ENCRYPTION_PURPOSE))
    language = notifications[0].recipient.language if notifications else payload.get("language", settings.LANGUAGE_CODE)
    with translation.override(language):
        return _compose(email, notifications, payload, more=more)


def _compose(
    email: OutgoingEmail, notifications: Sequence[Notification], payload: dict[str, Any], *, more: int
) -> EmailMultiAlternatives:
    """Return the message in the active language, that of its recipient."""
    notification = notifications[0] if notifications else None
    kind = notification.kind if notification else email.kind
    if len(notifications) > 1:
        kind = "batch"
        context = _batch_context(notifications, more)
    elif notification:
        context = _notification_context(notification)
    else:
        context = {
            "site": settings.SITE_URL,
            **payload,
        }
        # The services give paths and instants; `*_path` becomes a `*_link`, and `*_at` a local time.
        for name, value in list(context.items()):
            if name.endswith("_path"):
                context[f"{name.removesuffix('_path')}_link"] = f"{settings.SITE_URL}{value}"
            elif name.endswith("_at"):
                context[name] = _format_datetime(datetime.fromisoformat(value), context.get("time_zone", "UTC"))
    context["LANGUAGE_CODE"] = translation.get_language()
    if kind == AccountEmailKind.SECURITY_CHANGED:
        context["headline"] = gettext(context["headline"])
    subject: str = render_to_string(f"emails/{kind}/subject.txt", context)
    # A header must not hold line breaks, and the subject contains text that users wrote.
    context["subject"] = subject = truncate(single_line(subject), MAX_SUBJECT_LENGTH)
    headers = {
        "Message-ID": email.message_id,
        # Auto-responders do not answer these (RFC 3834; the second header is Exchange's own).
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
    }
    if notification and len({one.target for one in notifications}) == 1:
        # All messages about a target refer to the same id, so mail programs show them as one thread, although no
        # message has that id.
        thread_id = f"project.{notification.project_id}" if notification.project_id else f"team.{notification.team_id}"
        if notification.task_id:
            thread_id = f"task.{notification.task_id}"
        headers["References"] = f"<{thread_id}@{settings.MAIL_DOMAIN}>"
    if notification:
        headers["List-Unsubscribe"] = f"<{context['settings_link']}>"
    text = CONTROL_CHARACTERS.sub("", render_to_string(f"emails/{kind}/body.txt", context)).strip()
    message = EmailMultiAlternatives(
        subject=subject,
        body=f"{text}\n",
        to=[email.to],
        headers=headers,
    )
    message.attach_alternative(render_to_string(f"emails/{kind}/body.html", context), "text/html")
    return message


def _notification_context(notification: Notification) -> dict[str, Any]:
    is_due_soon = notification.kind == Kind.DUE_SOON
    due = format_date(notification.due_date, "D j M Y") if notification.due_date else ""
    if notification.due_at:
        due = _format_datetime(notification.due_at, notification.recipient.time_zone)
    action_label = gettext("View projects") if notification.team_id else gettext("Open project")
    if notification.task_id:
        action_label = gettext("Open %(task_key)s") % {"task_key": notification.task_key}
    return {
        "headline": notification.title,
        "preview": markdown.render_text(notification.body) or notification.subject,
        "actor_name": notification.actor_name,
        "task_key": notification.task_key,
        "task_title": notification.task_title,
        "project_name": notification.project_name,
        "target_name": notification.subject,
        "target_kind": gettext("Team") if notification.team_id else gettext("Project"),
        "action_label": action_label,
        "excerpt": markdown.render_text(notification.body),
        "excerpt_html": markdown.render_without_links(notification.body),
        "due": due,
        "due_class": "late" if is_due_soon else "",
        "task_class": "task-due-soon" if is_due_soon else "",
        "link": f"{settings.SITE_URL}{notification.url}",
        "settings_link": f"{settings.SITE_URL}{reverse('settings-notifications')}",
        "reason": gettext(TEMPLATES[Kind(notification.kind)].reason),
    }


def _batch_context(notifications: Sequence[Notification], more: int) -> dict[str, Any]:
    """Return the context of an email about several notifications, grouped by task, project or team."""
    groups: dict[Any, list[dict[str, Any]]] = {}
    for notification in notifications:
        groups.setdefault(notification.target, []).append(_notification_context(notification))
    count = len(notifications) + more
    subjects = [str(group[0]["task_key"] or group[0]["target_name"]) for group in groups.values()]
    first = next(iter(groups.values()))[0]
    return {
        "count": count,
        "more": more,
        "groups": list(groups.values()),
        # One task: the subject begins as that of a single notification, so that mail programs and filters agree.
        "task": first if len(groups) == 1 and first["task_key"] else None,
        "summary": _summarize(subjects),
        "preview": _summarize(subjects),
        "inbox_link": f"{settings.SITE_URL}{reverse('inbox')}",
        "settings_link": first["settings_link"],
        "reason": gettext("You're receiving this because several things concerned you within a short time."),
    }


def _summarize(names: Sequence[str]) -> str:
    """Return the first three names, and how many more there are."""
    rest = len(names) - 3
    return ", ".join(names[:3]) + (gettext(" and %(rest)s more") % {"rest": rest} if rest > 0 else "")


def _format_datetime(instant: datetime, time_zone: str) -> str:
    # A time zone that this machine's database does not know must not keep an email from being sent.
    try:
        local = instant.astimezone(ZoneInfo(time_zone))
    except (ZoneInfoNotFoundError, ValueError):
        local = instant
    return format_date(local, "D j M Y, H:i T")
