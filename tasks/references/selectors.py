"""References to tasks in rendered Markdown, with the titles that a reader may see.

The stored HTML names keys alone, since it is the same for all readers. A key that a reader may not see looks like one
that no task has.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from django.db.models import Q
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from accounts.models import User
from tasks.models import Task

# Keys of one page that get titles; later ones stay links.
MAX_REFERENCES = 200
# A key that `core.markdown` turned into a link, as it writes it. Authors write such links too, of any length.
_REFERENCE_PATTERN = re.compile(
    r'<a href="/tasks/(?P<key>[A-Z][A-Z0-9]{1,9}-[1-9][0-9]{0,8})/"(?P<attributes>[^>]*)>(?P=key)</a>'
)


class TaskReference(NamedTuple):
    """Title of a task that a text names, and whether it is closed."""

    title: str
    is_closed: bool


def find_references(reader: User, texts: Iterable[str]) -> Mapping[str, TaskReference]:
    """Return the visible tasks that rendered texts name, by key: one query for all, and none without a key."""
    keys: dict[str, None] = {}
    for text in texts:
        if len(keys) < MAX_REFERENCES and '<a href="/tasks/' in text:
            keys |= dict.fromkeys(match["key"] for match in _REFERENCE_PATTERN.finditer(text))
    numbers = defaultdict(list)
    for key in list(keys)[:MAX_REFERENCES]:
        project_key, _, number = key.partition("-")
        numbers[project_key].append(int(number))
    if not numbers:
        return {}
    condition = Q()
    for project_key, values in numbers.items():
        condition |= Q(project__key=project_key, number__in=values)
    rows = Task.objects.visible_to(reader).filter(condition).values_list("project__key", "number", "title", "closed_at")
    return {f"{key}-{number}": TaskReference(title, closed_at is not None) for key, number, title, closed_at in rows}


def add_titles(html: str, references: Mapping[str, TaskReference]) -> SafeString:
    """Return rendered Markdown whose references show titles, closed ones struck through."""

    def link(match: re.Match[str]) -> str:
        reference = references.get(match["key"])
        if reference is None:
            return match[0]
        attributes = mark_safe(match["attributes"])  # noqa: S308 -- of the sanitised HTML
        template = '<a href="/tasks/{}/"{} class="task-reference">{} <bdi>{}</bdi></a>'
        if reference.is_closed:
            template = (
                '<a href="/tasks/{}/"{} class="task-reference"><s>{} <bdi>{}</bdi></s>'
                '<span class="sr-only"> (closed)</span></a>'
            )
        return format_html(template, match["key"], attributes, match["key"], reference.title)

    return mark_safe(_REFERENCE_PATTERN.sub(link, html) if references else html)  # noqa: S308 -- titles are escaped
