"""Template tags for a task's state, priority and due date."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django import template
from django.http import QueryDict
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from core.clock import current_time
from core.templatetags.ui import icon, relative_time, short_date, short_date_and_time
from tasks.items.page_queries import TaskTableRow
from tasks.mentions import highlight_mentions
from tasks.models import Task
from tasks.reactions.emoji import SUGGESTED_EMOJI
from tasks.reactions.selectors import ReactionGroup
from tasks.references.selectors import TaskReference, add_titles

register = template.Library()
STATE_ICONS = {"todo": "circle", "in_progress": "circle-dot", "done": "circle-check", "cancelled": "circle-slash"}
PRIORITY_ICONS = {0: "minus", 1: "signal-low", 2: "signal-medium", 3: "signal-high", 4: "flame"}
DUE_SOON_WITHIN = timedelta(days=2)


@register.filter
def duration(minutes: int) -> str:
    """Return minutes in words, such as "1 h 30 min"."""
    hours, rest = divmod(minutes, 60)
    return (
        gettext("%(hours)s h %(rest)s min") % {"hours": hours, "rest": rest}
        if hours and rest
        else f"{hours} h"
        if hours
        else gettext("%(rest)s min") % {"rest": rest}
    )


@register.simple_tag
def state_badge(name: str, category: str) -> SafeString:
    return format_html('<span class="badge {}">{}<bdi>{}</bdi></span>', category, icon(STATE_ICONS[category]), name)


@register.simple_tag
def priority_badge(priority: int, label: str) -> SafeString:
    if not priority:
        return format_html(
            '<span class="muted none"><span class="sr-only">{}</span>{}</span>', gettext("No priority"), "–"
        )
    return format_html(
        '<span class="badge plain priority-{}">{}{}</span>', priority, icon(PRIORITY_ICONS[priority]), label
    )


@register.simple_tag
def due_badge(task: Task) -> SafeString:
    """Return the due date, marked when it is past or near."""
    if not (task.due_date or task.due_at):
        return format_html('<span class="muted none">{}</span>', "–")
    when = short_date_and_time(task.due_at) if task.due_at else short_date(task.due_date)
    now, today = current_time(), timezone.localdate(current_time())
    if task.is_overdue(now, today):
        text = format_html(gettext("Overdue: {date}"), date=when)
        return format_html('<span class="badge bad">{}<span>{}</span></span>', icon("triangle-alert"), text)
    last = timezone.localtime(task.due_at).date() if task.due_at else task.due_date
    if not task.is_closed and last and last - today < DUE_SOON_WITHIN:
        return format_html('<span class="badge warn">{}{}</span>', icon("clock"), when)
    return when


@register.simple_tag
def task_column(row: TaskTableRow, name: str) -> SafeString | str:
    """Return the content of a column that has no form of its own."""
    task = row.task
    if name == "labels":
        return format_html_join(" ", '<span class="label"><bdi>{}</bdi></span>', ((x.name,) for x in task.labels.all()))
    if name in {"created", "closed"}:
        return relative_time(getattr(task, f"{name}_at"))
    if name == "start":
        return short_date(task.start_date)
    if name == "estimate":
        return "" if task.estimate is None else duration(task.estimate)
    texts = {"project": task.project.name, "creator": task.creator.name}
    if name == "section":
        texts["section"] = task.section.name if task.section else ""
    text = texts.get(name, row.fields.get(name, ""))
    # Empty, so that the card on a phone leaves it out.
    return format_html("<bdi>{}</bdi>", text) if text else ""


@register.filter
def for_comment(reactions: Mapping[UUID | None, list[ReactionGroup]], comment_id: UUID | None) -> list[ReactionGroup]:
    """Return the reactions to a comment of a task, or to the task itself."""
    return reactions.get(comment_id, [])


@register.filter
def emoji_choices(groups: list[ReactionGroup]) -> list[str]:
    """Return the suggested emoji that are not among the reactions yet."""
    present = {group.emoji for group in groups}
    return [emoji for emoji in SUGGESTED_EMOJI if emoji not in present]


@register.filter
def with_titles(html: SafeString, references: Mapping[str, TaskReference]) -> SafeString:
    """Add the titles of referenced tasks to rendered Markdown."""
    return add_titles(html, references)


@register.simple_tag(takes_context=True)
def with_mentions(context: Mapping[str, Any], html: SafeString) -> SafeString:
    """Mark the people in a text of a task whom its reader knows."""
    return highlight_mentions(html, context["mentionable"], context["user"].handle)


@register.simple_tag
def board_link(board_url: str, name: str, value: object) -> str:
    """Return the URL of a board with one more value of a parameter; `card` has one value at a time."""
    path, _, query = board_url.partition("?")
    values = QueryDict(query, mutable=True)
    others = [] if name == "card" else [old for old in values.getlist(name) if old != str(value)]
    values.setlist(name, [*others, str(value)])
    return f"{path}?{values.urlencode()}"
